/** Suggests the known word that was probably meant by an unknown one. */

/** A hint: the known word that was probably meant, or all of them, introduced by `what`. */
export const suggest = (word: string, known: ReadonlyArray<string>, what: string): string => {
  const close = findClosest(word, known)
  return close === undefined ? `${what}: ${known.join(", ") || "none"}` : `did you mean ${close}?`
}

export const findClosest = (word: string, known: ReadonlyArray<string>): string | undefined => {
  const [best] = known
    .map((candidate) => ({ candidate, distance: countEdits(word.toLowerCase(), candidate.toLowerCase()) }))
    .filter(({ distance }) => distance <= Math.max(1, Math.floor(word.length / 3)))
    .sort((a, b) => a.distance - b.distance)
  return best?.candidate
}

/** How many letters must be added, removed, changed or swapped with the next one to turn one word into the other. */
const countEdits = (a: string, b: string): number => {
  const [from, to] = [[...a], [...b]]
  let [before, row]: [Array<number>, Array<number>] = [
    [],
    Array.from({ length: to.length + 1 }, (_, index) => index),
  ]
  for (const [i, letter] of from.entries()) {
    const next = [i + 1]
    for (const [j, other] of to.entries()) {
      const isSwapped = i > 0 && j > 0 && letter === to[j - 1] && other === from[i - 1]
      next.push(
        Math.min(
          (row[j + 1] ?? 0) + 1,
          (next[j] ?? 0) + 1,
          (row[j] ?? 0) + (letter === other ? 0 : 1),
          isSwapped ? (before[j - 1] ?? 0) + 1 : Infinity,
        ),
      )
    }
    ;[before, row] = [row, next]
  }
  return row[to.length] ?? 0
}
