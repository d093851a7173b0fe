/** A reader waits this long for a picture, not longer. */
const BUDGET_MS = 10_000;
const sides = [2048, 1536, 1024, 768, 512];
/** Before anything was measured. */
const cautious = 1024;

/** The longer side of a picture that takes this device about ten seconds at most, at 4 : 3. */
export function sideLimit(msPerPixel: number | undefined): number {
  if (msPerPixel === undefined) return cautious;
  return sides.find((side) => 0.75 * side * side * msPerPixel <= BUDGET_MS) ?? 512;
}
