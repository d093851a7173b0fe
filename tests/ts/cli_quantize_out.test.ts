// Where sardonyx quantize writes, and that nothing half-written is ever there.
import { execFileSync, spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  watch,
  writeFileSync,
} from 'node:fs';
import { resolve } from 'node:path';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { cli, sardonyx } from './command_line.js';
import { layersModel } from './models.js';

vi.setConfig({ testTimeout: 60_000 });

const folder = resolve('build/cli_quantize_out_test');
const at = (name: string) => resolve(folder, name);
const files = () => readdirSync(folder).sort();
const model = layersModel();
const feed = new Float32Array(64);
const OLD = 'an earlier result';

beforeEach(() => {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(at('samples'), { recursive: true });
  writeFileSync(at('m.onnx'), model);
  writeFileSync(at('x.bin'), feed);
  // A TensorProto [1, 64] of zeros.
  const head = [0x0a, 2, 1, 64, 0x10, 1, 0x4a, 0x80, 2];
  writeFileSync(at('samples/x.pb'), Uint8Array.from([...head, ...new Uint8Array(feed.buffer)]));
  execFileSync('mkfifo', [at('pipe')]);
});

describe('sardonyx quantize refuses to write to', () => {
  it.each([
    ['what is no plain file', ['-o', 'pipe'], 'is no plain file'],
    ['a file that it reads', ['-o', 'x.bin', '--input', 'x=x.bin'], 'is read by this command'],
    ['a weight file', ['-o', 'x.bin', '--external', 'w=x.bin'], 'is read by this command'],
    ['a sample', ['-o', 'samples/x.pb', '--calibrate', 'samples'], 'lies among the samples'],
  ])('%s', async (_, args, message) => {
    const before = files();
    const { status, stdout, stderr } = await sardonyx(
      folder,
      'quantize',
      'm.onnx',
      '--int8',
      ...args,
    );
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain(message);
    expect(files()).toEqual(before);
    expect(readFileSync(at('x.bin')).byteLength).toBe(feed.byteLength);
  });

  it('a folder that takes no files, before it does any work', async () => {
    rmSync(at('m.onnx'));
    const args = ['m.onnx', '--int8', '-o', '/proc/m.onnx', '--json'];
    const { status, stdout } = await sardonyx(folder, 'quantize', ...args);
    expect(status).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      error: {
        code: 'INVALID_ARGUMENT',
        where: { field: 'out' },
        message: expect.stringContaining('can not write /proc/m.onnx') as string,
      },
    });
  });
});

describe('sardonyx quantize leaves an earlier result as it was', () => {
  it('when there is no room', async () => {
    writeFileSync(at('m_int8.onnx'), OLD);
    const before = files();
    // Files of 2 blocks at most: what a full disk says, too, comes from write().
    const limited = ['-c', 'ulimit -f 2; exec "$@"', 'sh', process.execPath, cli];
    const child = spawn('sh', [...limited, 'quantize', 'm.onnx', '--int8'], { cwd: folder });
    let told = '';
    child.stderr.on('data', (chunk: Buffer) => (told += chunk.toString()));
    const status = await new Promise((done) => child.once('close', done));
    expect(status).toBe(1);
    expect(told).toMatch(
      /^INVALID_ARGUMENT: can not write .*m_int8\.onnx: Error: EFBIG[^]*field: out/,
    );
    expect(files()).toEqual(before);
    expect(readFileSync(at('m_int8.onnx'), 'utf8')).toBe(OLD);
  });

  it.each(['SIGTERM', 'SIGKILL'] as const)('when %s ends it while it writes', async (signal) => {
    writeFileSync(at('m_int8.onnx'), OLD);
    const child = spawn(process.execPath, [cli, 'quantize', 'm.onnx', '--int8'], { cwd: folder });
    // The first file is there for a moment only, to see whether the folder takes any.
    const drafts = new Set<string>();
    const watcher = watch(folder, (_, name) => {
      if (name?.endsWith('.tmp')) drafts.add(name);
      if (drafts.size > 1) child.kill(signal);
    });
    const [status, ended] = await new Promise<[number | null, string | null]>((done) =>
      child.once('close', (...how) => done(how)),
    );
    watcher.close();
    // The signal may come when the file is in its place.
    expect(status === 0 || ended === signal).toBe(true);
    const written = readFileSync(at('m_int8.onnx'));
    if (written.toString('latin1') !== OLD) {
      expect((await sardonyx(folder, 'run', 'm_int8.onnx')).status).toBe(0);
    }
    // Nothing can be done about a draft after SIGKILL.
    if (signal === 'SIGTERM') expect(files().filter((name) => name.endsWith('.tmp'))).toEqual([]);
    expect(existsSync(at('m.onnx'))).toBe(true);
  });
});
