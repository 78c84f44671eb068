/** The candidate that `word` was probably meant to be, or undefined when none is near. */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  const sought = fold(word)
  let best: string | undefined
  let bestDistance = Math.max(1, Math.floor(sought.length / 3)) + 1
  for (const candidate of candidates) {
    const distance = editDistance(sought, fold(candidate))
    if (distance < bestDistance) {
      best = candidate
      bestDistance = distance
    }
  }
  return best
}

/** The cure for a misspelt word: the nearest candidate, or else what `otherwise` says. */
export function suggest(word: string, candidates: Iterable<string>, otherwise: string): string {
  const guess = nearest(word, candidates)
  return guess === undefined ? otherwise : `Change it to ${guess} if that is what you meant.`
}

/** Spellings that differ only in case or separators count as the same word. */
function fold(word: string): string {
  return word.toLowerCase().replace(/[-_ ]/g, '')
}

/** Insertions, deletions, substitutions and swaps of neighbours between two words. */
function editDistance(a: string, b: string): number {
  let previous: number[] = []
  let row = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const substitute = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      let cost = Math.min(row[j]! + 1, next[j - 1]! + 1, substitute)
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      if (swapped) cost = Math.min(cost, previous[j - 2]! + 1)
      next.push(cost)
    }
    previous = row
    row = next
  }
  return row[b.length]!
}
