// A browser with a profile of its own in a process group of its own.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Running {
  /** What the browser has printed, for the message of a test that fails. */
  log(): string;
  close(): Promise<void>;
}

/** A folder that a browser may take for its home. */
export const makeHome = (name: string): string => mkdtempSync(join(tmpdir(), `sardonyx-${name}-`));

const homeVariables = (home: string): Record<string, string> => ({
  HOME: home,
  XDG_CACHE_HOME: join(home, 'cache'),
  XDG_CONFIG_HOME: join(home, 'config'),
  XDG_DATA_HOME: join(home, 'data'),
  XDG_RUNTIME_DIR: home,
});

/** Starts `command`; close() ends its whole process group and removes `home`. */
export function start(
  command: string,
  args: readonly string[],
  home: string,
  variables: Readonly<Record<string, string>> = {},
): Running {
  const logFile = join(home, 'output.log');
  const output = openSync(logFile, 'w');
  const child = spawn(command, args, {
    detached: true,
    stdio: ['ignore', output, output],
    env: { ...process.env, ...homeVariables(home), ...variables },
  });
  closeSync(output);
  const ended = once(child, 'exit').catch(() => undefined);
  const { pid } = child;
  if (pid === undefined) throw new Error(`cannot start ${command}. Type: npm run setup`);
  const kill = (): void => {
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      // The group has ended by itself.
    }
  };
  process.once('exit', kill);
  return {
    log: () => readFileSync(logFile, 'utf8').split('\n').slice(-20).join('\n'),
    close: async () => {
      process.off('exit', kill);
      kill();
      await ended;
      rmSync(home, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
    },
  };
}
