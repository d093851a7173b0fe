// Small JSON values that outlive the page; in memory where there is no storage, or it is full.
import { isNode } from './features.js';

const memory = new Map<string, string>();

// Undefined for what is not there or is no JSON. Others may have written it: not trusted.
export function readValue(key: string): unknown {
  try {
    return JSON.parse(memory.get(key) ?? storage()!.getItem(key)!) as unknown;
  } catch {
    return undefined;
  }
}

export function writeValue(key: string, value: unknown): void {
  const text = JSON.stringify(value);
  try {
    storage()!.setItem(key, text);
    memory.delete(key);
  } catch {
    memory.set(key, text);
  }
}

// Workers have none, Node's warns when it is looked at, a sandboxed frame's throws.
function storage(): Storage | undefined {
  return isNode ? undefined : globalThis.localStorage;
}
