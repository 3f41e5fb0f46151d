/** Statistics of measurements. */

export type Summary = {
  readonly median: number
  readonly p99: number
  readonly min: number
  readonly samples: number
}

const quantile = (sorted: ReadonlyArray<number>, q: number): number =>
  sorted[Math.min(sorted.length - 1, Math.ceil(q * sorted.length) - 1)] ?? Number.NaN

export const summarise = (samples: ReadonlyArray<number>): Summary => {
  const sorted = samples.toSorted((a, b) => a - b)
  return {
    median: quantile(sorted, 0.5),
    p99: quantile(sorted, 0.99),
    min: sorted[0] ?? Number.NaN,
    samples: sorted.length,
  }
}

/** The machine is busy if the 99th percentile of an empty process is more than this many times its minimum. */
export const busyFactor = 2.5

/** Whether the samples of an empty process show a busy machine, whose numbers say nothing about mill. */
export const isFloorBusy = (emptyProcess: Summary | undefined): boolean =>
  emptyProcess !== undefined && emptyProcess.p99 > busyFactor * emptyProcess.min
