import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ProgressLine } from '../../cli/quantize/progress_line.js';

const news = (done: number) => ({ phase: 'quantize', done, total: 4, node: 'conv' }) as const;

function shown(terminal: { isTTY: boolean; columns?: number }, use: (line: ProgressLine) => void) {
  const written: string[] = [];
  use(new ProgressLine({ ...terminal, write: (text) => written.push(text) }));
  return written;
}

describe('progress', () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => vi.useRealTimers());

  it('is a bar on a terminal, as wide as that at most, which goes at the end', () => {
    const written = shown({ isTTY: true, columns: 60 }, (line) => {
      line.show(news(1));
      line.show(news(4));
      line.end();
      line.end();
    });
    expect(written).toEqual([
      `\r\x1b[K${'█'.repeat(8)}${'░'.repeat(22)} quantize 1 of 4  conv`,
      `\r\x1b[K${'█'.repeat(30)} quantize 4 of 4  conv`,
      '\r\x1b[K',
    ]);
    const [narrow] = shown({ isTTY: true, columns: 10 }, (line) => line.show(news(4)));
    expect(narrow).toHaveLength(10);
  });

  it('is a line now and then elsewhere', () => {
    const written = shown({ isTTY: false }, (line) => {
      line.show(news(0));
      vi.advanceTimersByTime(3000);
      line.show(news(1));
      line.show(news(2));
      line.end();
    });
    expect(written).toEqual(['quantize 1 of 4  conv\n']);
  });
});
