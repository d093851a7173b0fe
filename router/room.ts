// What memory the engines of a page have, and whether two have room at the same time.
import type { Route } from './route.js';
import type { Serving } from './supervisor.js';
import type { Target } from './target.js';

// What engines may have of the machine's memory: the browser, the page and everything else need the rest.
const SHARE = 0.5;

// Of all that this page has started.
const engines = new Set<Route>();

export function holds(route: Route): void {
  for (const other of engines) if (other.closed) engines.delete(other);
  engines.add(route);
}

// What all engines of the page have.
export function heldBytes(): number {
  return [...engines].reduce((sum, { closed, memoryBytes }) => sum + (closed ? 0 : memoryBytes), 0);
}

// `held`: what all engines of the page have. `memoryBytes`: of the machine; undefined where nobody says.
export function fitsBeside(
  target: Target,
  { target: { variant: served }, route }: Pick<Serving, 'target' | 'route'>,
  held: number,
  memoryBytes: number | undefined,
): boolean {
  if (memoryBytes === undefined || target.device === 'remote') return true;
  const { variant } = target;
  // The same model takes as much again.
  const same = variant?.sha256 === served?.sha256 ? route.memoryBytes : 0;
  const wanted = Math.max(needOf(variant), same);
  const more = Math.max(0, needOf(served) - route.memoryBytes);
  return held + more + wanted <= SHARE * memoryBytes;
}

const needOf = (variant: Target['variant']) =>
  Math.max(variant?.needs?.memoryBytes ?? 0, variant?.bytes ?? 0);
