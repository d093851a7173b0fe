// Child processes: output goes to the setup log, and a failure carries the last lines of it.
import { spawn } from 'node:child_process';
import { accessSync, appendFileSync, constants, existsSync, mkdirSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { logFile } from './paths.mjs';

const KEPT_OUTPUT = 1 << 20;

/** Runs a program and returns its standard output; throws with its last lines when it fails. */
export function exec(command, args, { cwd, env } = {}) {
  mkdirSync(dirname(logFile), { recursive: true });
  appendFileSync(logFile, `\n$ ${command} ${args.join(' ')}\n`);
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stdout = '';
    let all = '';
    const keep = (chunk) => {
      appendFileSync(logFile, chunk);
      all = (all + chunk).slice(-KEPT_OUTPUT);
    };
    child.stdout.on('data', (chunk) => {
      stdout += chunk;
      keep(chunk);
    });
    child.stderr.on('data', keep);
    child.on('error', (error) => reject(new Error(`cannot run ${command}: ${error.message}`)));
    child.on('close', (code) => {
      if (code === 0) resolve(stdout);
      else reject(new Error(`${command} failed (${code}): ${lastLines(all)}`));
    });
  });
}

/** The full path of a command on PATH, or undefined. */
export function which(command) {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const path = join(folder, command);
    if (!folder || !existsSync(path)) continue;
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      continue;
    }
  }
  return undefined;
}

function lastLines(text) {
  const lines = text.trim().split('\n');
  const errors = lines.filter((line) => /^(E:|npm error|.*\berror\b)/i.test(line));
  return (errors.length > 0 ? errors : lines).slice(-2).join(' / ').slice(0, 400);
}
