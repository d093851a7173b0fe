// `sardonyx serve` as a child process on a free port.
import { spawn, type ChildProcess } from 'node:child_process';
import { cli } from './command_line.js';

export interface ModelServer {
  readonly url: string;
  /** Resolves with the exit status and what was printed. */
  stop(): Promise<{ status: number | null; stdout: string }>;
}

export async function startServer(folder: string, ...args: string[]): Promise<ModelServer> {
  const child = spawn(process.execPath, [
    ...[cli, 'serve', '--models', folder, '--port', '0'],
    ...args,
  ]);
  let stdout = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  return {
    url: await announced(child),
    stop: async () => {
      child.kill('SIGTERM');
      return { status: await ended, stdout };
    },
  };
}

function announced(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    child.stderr!.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      const url = /at (http:\S+)\n/.exec(text)?.[1];
      if (url) resolve(url);
    });
    child.on('close', () => reject(new Error(`the server ended: ${text}`)));
  });
}
