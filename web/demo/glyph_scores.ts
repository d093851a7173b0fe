export interface GlyphScore {
  /** Each is as likely meant as the others; the most probable first. */
  readonly characters: readonly string[];
  /** 0…1 */
  readonly probability: number;
}

/** The `count` best, look-alikes as one with their probabilities added. */
export function bestGlyphs(
  probabilities: ArrayLike<number>,
  labels: readonly string[],
  lookAlikes: readonly (readonly string[])[],
  count: number,
): GlyphScore[] {
  const of = (character: string): number => probabilities[labels.indexOf(character)] ?? 0;
  const alike = lookAlikes.filter((group) => group.every((c) => labels.includes(c)));
  const merged = new Set(alike.flat());
  const alone = labels.filter((character) => !merged.has(character)).map((c) => [c]);
  return [...alike, ...alone]
    .map((group) => ({
      characters: [...group].sort((a, b) => of(b) - of(a)),
      probability: group.reduce((sum, character) => sum + of(character), 0),
    }))
    .sort((a, b) => b.probability - a.probability)
    .slice(0, count);
}
