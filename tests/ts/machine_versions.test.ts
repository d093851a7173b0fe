// Leaving a candidate version.
import { describe, expect, it } from 'vitest';
import { begin, type Happening, wakeTime } from '../../router/machine.js';
import { asked, failed, lost, moved, play, rivals, tick, trap, window } from './machine_player.js';

describe('routes of a version that was rolled back', () => {
  const condemned: Happening = { type: 'condemned', ids: ['fp32', 'gpu'] };

  it('are left for the best of the others, beside them, at once', () => {
    const { machine, moves } = play([[0, condemned]]);
    expect(moves).toEqual(['better int8']);
    expect(machine).toMatchObject({ state: 'swapping', active: 'fp32', homes: ['int8'] });
  });

  it('are never gone to again: not after traps, not for speed, not when it is asked for', () => {
    const { machine, moves } = play([
      [0, condemned],
      [1, moved],
      [2, trap],
      [3, moved],
      [4, trap],
      [5, moved],
      [40, window(500)],
      [41, asked('gpu')],
      [42, moved],
      [43, tick],
    ]);
    expect(moves).toEqual([
      'better int8',
      'respawn int8',
      'failover simd',
      'slow int8',
      'asked gpu',
      'better int8',
    ]);
    expect(machine.homes).toEqual(['int8']);
  });

  it('do not start anew after a trap while the other one starts, which replaces them', () => {
    const { moves } = play([
      [0, condemned],
      [1, trap],
      [2, failed('ENGINE_START')],
      [3, lost],
    ]);
    expect(moves).toEqual(['better int8', 'failover simd']);
  });

  it('go on while no other starts, and are left when one does', () => {
    const { machine, moves } = play([
      [0, condemned],
      [1, failed('NETWORK_FAILED')],
      [2, tick],
      [7, tick],
      [8, moved],
    ]);
    expect(moves).toEqual(['better int8', 'better int8']);
    expect(machine).toMatchObject({ state: 'serving', active: 'int8' });
  });

  it('are left after the move that is under way', () => {
    const { machine, moves } = play([
      [0, asked('gpu')],
      [1, condemned],
      [2, moved],
    ]);
    expect(moves).toEqual(['asked gpu']);
    expect(wakeTime(machine, rivals)).toBe(0);
    expect(play([[3, tick]], machine).moves).toEqual(['better int8']);
  });

  it('do not start anew when a move without room for both has failed', () => {
    const { moves } = play([
      [0, asked('gpu')],
      [1, { type: 'alone' }],
      [2, condemned],
      [3, failed('ENGINE_START')],
    ]);
    expect(moves).toEqual(['asked gpu', 'failover int8']);
  });

  it('that do not serve any more change where the session is at home', () => {
    const { machine, moves } = play([[0, condemned]], { ...begin('int8'), homes: ['gpu'] });
    expect(moves).toEqual([]);
    expect(machine).toMatchObject({ state: 'serving', active: 'int8', homes: ['int8'] });
  });
});
