/** Candidates that are looked at; a suggestion is a courtesy, not a search. */
const CANDIDATES_MAX = 2000;

/**
 * Finds the name that somebody probably meant.
 *
 * @param name What was written.
 * @param candidates The names there are; of many, the first 2,000 are looked at.
 * @param options `ignoreCase`: capitals are as good as small letters.
 * @returns The closest one as it stands in `candidates`, if at most a third of the name's letters differ.
 */
export function nearest(
  name: string,
  candidates: Iterable<string>,
  { ignoreCase = false }: { readonly ignoreCase?: boolean } = {},
): string | undefined {
  const folded = (text: string) => ignoreCase ? text.toLowerCase() : text;
  const wanted = folded(name);
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(name.length / 3)) + 1;
  const looked = new Set<string>();
  for (const candidate of candidates) {
    if (looked.has(candidate)) continue;
    if (looked.size === CANDIDATES_MAX) break;
    looked.add(candidate);
    if (Math.abs(candidate.length - name.length) >= bestDistance) continue;
    const distance = editDistance(wanted, folded(candidate));
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

/** How many letters have to be added, left out or replaced. @see {@link https://en.wikipedia.org/wiki/Levenshtein_distance} */
function editDistance(a: string, b: string): number {
  let above = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (above[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(replaced, (above[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1));
    }
    above = row;
  }
  return above[b.length] ?? 0;
}
