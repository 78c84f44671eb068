/** What was measured so far, told apart by size: a histogram whose numbers are raised in place. */
export class Distribution {
  /** The upper bounds of the sizes told apart, growing; what is greater is counted in `count` alone. */
  readonly bounds: readonly number[]
  /** How many were no greater than the bound of the same place, and greater than the one before it. */
  readonly counts: number[]
  count = 0
  sum = 0

  constructor(bounds: readonly number[]) {
    this.bounds = bounds
    this.counts = bounds.map(() => 0)
  }

  add(value: number): void {
    this.count++
    this.sum += value
    const place = this.bounds.findIndex((bound) => value <= bound)
    if (place >= 0) this.counts[place]!++
  }

  /** Takes in what another one of the same bounds has. */
  include(other: Distribution): void {
    this.count += other.count
    this.sum += other.sum
    for (const [place, count] of other.counts.entries()) this.counts[place]! += count
  }
}
