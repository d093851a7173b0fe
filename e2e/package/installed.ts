// The package as npm would publish it, installed from its tarball into a project of its own.
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const root = join(import.meta.dirname, '../..');
const exec = promisify(execFile);

export interface Installed {
  readonly tarball: string;
  /** Bytes of the tarball. */
  readonly bytes: number;
  /** The paths in it. */
  readonly files: readonly string[];
  /** A copy of e2e/package/project that has the package in node_modules, and the model. */
  readonly project: string;
  remove(): void;
}

interface Packed {
  readonly filename: string;
  readonly size: number;
  readonly files: readonly { readonly path: string }[];
}

export async function installPackage(): Promise<Installed> {
  const folder = mkdtempSync(join(tmpdir(), 'sardonyx-package-'));
  const project = join(folder, 'project');
  const pack = ['pack', '--json', '--ignore-scripts', '--pack-destination', folder];
  const { stdout } = await exec('npm', pack, { cwd: root });
  const [packed] = JSON.parse(stdout) as [Packed];
  const tarball = join(folder, packed.filename);
  cpSync(join(root, 'e2e/package/project'), project, { recursive: true });
  cpSync(join(root, 'models/glyphs'), join(project, 'public/glyphs'), { recursive: true });
  const quiet = ['--offline', '--no-audit', '--no-fund', '--ignore-scripts'];
  await exec('npm', ['install', ...quiet, tarball], { cwd: project });
  linkTool(project, 'vite');
  return {
    tarball,
    bytes: packed.size,
    files: packed.files.map(({ path }) => path),
    project,
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** A development dependency of the project: the repository's own copy. */
function linkTool(project: string, name: string): void {
  mkdirSync(join(project, 'node_modules'), { recursive: true });
  symlinkSync(join(root, 'node_modules', name), join(project, 'node_modules', name));
}

/** A user's environment: without Playwright's variables and npm's, and without colours in the output. */
export const environment = {
  PATH: process.env.PATH ?? '',
  HOME: process.env.HOME ?? '',
  NO_COLOR: '1',
};

/** Runs a program in the project; rejects when it fails, with what it printed. */
export async function runIn(
  project: string,
  command: string,
  args: readonly string[],
): Promise<{ stdout: string; stderr: string }> {
  return exec(command, args, { cwd: project, env: environment }).catch((error: unknown) => {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    throw new Error(`${command} ${args.join(' ')} failed\n${stdout}${stderr}`);
  });
}

export const repositoryTool = (path: string): string => join(root, 'node_modules', path);
