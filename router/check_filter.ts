// What callers pass as `force` and in `exclude`: without TypeScript it may be anything.
import { Failure } from '../worker/failure.js';
import type { RouteFilter } from './choose.js';

export const MAX_THREADS = 32;

type Unchecked = { readonly [key in keyof RouteFilter]?: unknown };

const rules: Readonly<Record<keyof RouteFilter, (value: unknown) => boolean>> = {
  device: (value) => value === 'cpu' || value === 'webgpu',
  precision: (value) => ['fp32', 'fp16', 'int8', 'int4'].includes(value as string),
  variant: (value) => typeof value === 'string',
  version: (value) => typeof value === 'string',
  module: (value) => value === 'relaxed' || value === 'simd',
  threads: (value) => Number.isInteger(value) && Number(value) >= 1 && Number(value) <= MAX_THREADS,
};

// INVALID_ARGUMENT. `name` is what the caller knows the filter by.
export function checkFilter(filter: Unchecked, name: string): void {
  for (const [field, holds] of Object.entries(rules)) {
    const value = filter[field as keyof RouteFilter];
    if (value === undefined || holds(value)) continue;
    throw new Failure('INVALID_ARGUMENT', `${name}.${field} is ${show(value)}`, {
      field: `${name}.${field}`,
    });
  }
}

const show = (value: unknown) =>
  typeof value === 'string' || typeof value === 'number' ? `${value}` : typeof value;
