// What each command of the command line is, and how its arguments are read.
import { parseArgs, type ParseArgsConfig } from 'node:util';

export type Options = NonNullable<ParseArgsConfig['options']>;
export type Values = Readonly<Record<string, string | boolean | (string | boolean)[] | undefined>>;

export interface Arguments {
  readonly values: Values;
  readonly positionals: readonly string[];
}

export interface Command {
  /** After `sardonyx `. */
  readonly usage: string;
  readonly summary: string;
  readonly help: string;
  readonly options: Options;
  /** Resolves with what to print as text or, with --json, as JSON. */
  run(given: Arguments): Promise<Report>;
}

export interface Report {
  readonly json: unknown;
  readonly text: string;
  /** The command did its work, and what it found is bad. */
  readonly failed?: boolean;
}

/** The arguments are wrong: exit status 2. */
export class UsageError extends Error {}

const COMMON: Options = { json: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } };

export function readArguments(command: Command, args: readonly string[]): Arguments {
  try {
    const options = { ...COMMON, ...command.options };
    const read = parseArgs({ args: [...args], options, allowPositionals: true, tokens: true });
    refuseTwice(options, read.tokens);
    return read;
  } catch (thrown) {
    throw new UsageError(thrown instanceof Error ? thrown.message : String(thrown));
  }
}

interface Token {
  readonly kind: string;
  readonly name?: string;
  readonly value?: string | boolean | undefined;
}

/** Of two values one would go unheard. */
function refuseTwice(options: Options, tokens: readonly Token[]): void {
  const seen = new Set<string>();
  for (const { kind, name, value } of tokens) {
    if (kind !== 'option' || name === undefined || value === undefined) continue;
    if (options[name]?.multiple) continue;
    if (seen.has(name)) throw new UsageError(`--${name} is given twice`);
    seen.add(name);
  }
}

export function onePath({ positionals }: Arguments, what: string): string {
  const [path, ...others] = positionals;
  if (!path) throw new UsageError(`the ${what} is missing`);
  if (others.length > 0) throw new UsageError(`one ${what} at a time, not ${others.join(' ')}`);
  return path;
}

export function optionalText({ values }: Arguments, name: string): string | undefined {
  const value = values[name];
  return typeof value === 'string' ? value : undefined;
}

export function texts({ values }: Arguments, name: string): string[] {
  const value = values[name];
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}

export function wholeNumber({ values }: Arguments, name: string): number | undefined {
  const value = values[name];
  if (typeof value !== 'string') return undefined;
  const number = Number(value);
  if (!/^\d+$/.test(value) || number < 1 || number > 1e9) {
    throw new UsageError(`--${name} takes a whole number from 1, not ${value}`);
  }
  return number;
}

/** `name=value` arguments; names may hold `=` signs, values of this program do not. */
export function assignments(given: Arguments, option: string): Map<string, string> {
  const result = new Map<string, string>();
  for (const text of texts(given, option)) {
    const split = text.lastIndexOf('=');
    if (split < 1 || split === text.length - 1) {
      throw new UsageError(`--${option} takes name=value, not ${text}`);
    }
    const name = text.slice(0, split);
    if (result.has(name)) throw new UsageError(`--${option} names ${name} twice`);
    result.set(name, text.slice(split + 1));
  }
  return result;
}
