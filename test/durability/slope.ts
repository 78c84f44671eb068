/** Resident memory at a moment. */
export interface Sample {
  readonly minute: number
  readonly mb: number
}

/** How fast memory grows after the first third of the time, in MB a minute, by least squares; NaN of fewer than two samples. */
export function megabytesAMinute(samples: readonly Sample[]): number {
  const late = samples.slice(Math.floor(samples.length / 3))
  const mean = (of: (sample: Sample) => number) => late.reduce((sum, sample) => sum + of(sample), 0) / late.length
  const [minute, mb] = [mean((sample) => sample.minute), mean((sample) => sample.mb)]
  const spread = mean((sample) => (sample.minute - minute) ** 2)
  return mean((sample) => (sample.minute - minute) * (sample.mb - mb)) / spread
}
