// Whether two engines have room at the same time.
import type { Serving } from './supervisor.js';
import type { Target } from './target.js';

// What engines may have of the machine's memory: the browser, the page and everything else need the rest.
const SHARE = 0.5;

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
