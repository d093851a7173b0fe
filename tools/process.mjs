// Child processes of the drivers: their output goes straight to the terminal.
import { spawn } from 'node:child_process';
import { root } from './setup/paths.mjs';

/** Runs a program in the repository; resolves with its exit status (128 + signal when killed). */
export function run(command, args, { env, cwd = root } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    child.on('error', (error) => reject(new Error(`cannot run ${command}: ${error.message}`)));
    child.on('close', (code, signal) => resolve(signal ? 128 : code));
  });
}

/** Runs a program and throws when it fails. */
export async function must(command, args, options) {
  const status = await run(command, args, options);
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} failed with status ${status}`);
}

/** The standard output of a program that is expected to succeed. */
export function output(command, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
    let text = '';
    child.stdout.on('data', (chunk) => (text += chunk));
    child.on('error', reject);
    child.on('close', (code) =>
      code === 0 ? resolve(text) : reject(new Error(`${command} failed with status ${code}`)),
    );
  });
}

/** A program of an npm package, run by this Node. */
export const npmBin = (name) => `${root}/node_modules/.bin/${name}`;

export const seconds = (since) => `${((Date.now() - since) / 1000).toFixed(1)} s`;

/** Runs a driver's main function: one clear line and status 1 when it fails. */
export async function main(name, work) {
  try {
    await work();
  } catch (error) {
    console.error(`${name} failed: ${error.message}`);
    process.exitCode = 1;
  }
}
