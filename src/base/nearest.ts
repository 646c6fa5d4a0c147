/** Names of more letters are written by programs: nobody misspells them, and comparing them takes their square. */
const mostLetters = 128;

/** Edit distance (insert, delete, replace, swap of neighbours), given up above `limit`. */
export function editDistance(a: string, b: string, limit: number): number {
  const tooFar = limit + 1;
  if (Math.abs(a.length - b.length) > limit) return tooFar;
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    // What lies farther from the diagonal than the limit is above it in any case.
    const from = Math.max(1, i - limit);
    const to = Math.min(b.length, i + limit);
    const row: number[] = new Array(b.length + 1).fill(tooFar);
    if (from === 1) row[0] = i;
    let least = row[0]!;
    for (let j = from; j <= to; j++) {
      const same = a.charCodeAt(i - 1) === b.charCodeAt(j - 1);
      let best = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        best = Math.min(best, beforeLast[j - 2]! + 1);
      row[j] = best;
      if (best < least) least = best;
    }
    if (least > limit) return tooFar;
    beforeLast = last;
    last = row;
  }
  return last[b.length]!;
}

/**
 * Up to `most` names closest to what was typed, best first, for a "did you mean". Empty when none is near.
 * @param limit letters that may differ
 */
export function nearest(
  typed: string,
  names: Iterable<string>,
  most = 3,
  limit = Math.max(2, Math.floor(typed.length / 3)),
): string[] {
  if (typed.length > mostLetters) return [];
  const wanted = typed.toLowerCase();
  const found: { name: string; score: number }[] = [];
  for (const name of names) {
    if (name.length > mostLetters) continue;
    const candidate = name.toLowerCase();
    const score = candidate.startsWith(wanted) && wanted.length > 2 ? 1 : editDistance(wanted, candidate, limit);
    if (score <= limit) found.push({ name, score });
  }
  found.sort((a, b) => a.score - b.score || (a.name < b.name ? -1 : 1));
  return found.slice(0, most).map((entry) => entry.name);
}

/** What a fault says of an unknown name: the names nearest to it, or `otherwise` where none is near. */
export function nearestHint(typed: string, names: Iterable<string>, otherwise?: string): { readonly hint?: string } {
  const near = nearest(typed, names);
  if (near.length > 0) return { hint: `did you mean ${near.join(' or ')}?` };
  return otherwise === undefined ? {} : { hint: otherwise };
}

/** Of a table that can be told whole: the names nearest to an unknown one, or all where none is near. */
export function nearestOrAll(
  typed: string,
  names: readonly string[],
): { readonly hint?: string; readonly expected?: string } {
  const near = nearestHint(typed, names);
  return near.hint === undefined ? { expected: names.join(', ') } : near;
}
