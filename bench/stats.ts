/** Order statistics of measured samples. */

/** A median with its quartiles. */
export interface Summary {
  readonly median: number;
  readonly p25: number;
  readonly p75: number;
}

/**
 * The value below which the fraction `q` of the samples lies, linearly interpolated between neighbours (the "type 7" of R and NumPy).
 * @param sorted  samples in ascending order
 * @param q  0 … 1
 * @returns the sample itself where `q` falls on one; NaN of no samples
 */
export function quantile(sorted: ArrayLike<number>, q: number): number {
  if (sorted.length === 0) return Number.NaN;
  const position = q * (sorted.length - 1);
  const below = Math.floor(position);
  const low = sorted[below] ?? Number.NaN;
  const high = sorted[Math.min(below + 1, sorted.length - 1)] ?? Number.NaN;
  return low + (high - low) * (position - below);
}

/** The samples in ascending numerical order; the argument is left as it was. */
export function sorted(samples: ArrayLike<number>): Float64Array {
  return Float64Array.from(samples).sort();
}

/**
 * Between which of the samples the median of all that could have been measured lies, 95 times of a hundred, however they are distributed: by the binomial of
 * their ranks. Of fewer than six that cannot be said: it is between the least and the greatest, and less sure.
 */
export function medianBounds(samples: ArrayLike<number>): { readonly low: number; readonly high: number } {
  const inOrder = sorted(samples);
  const rank = Math.max(1, Math.floor((inOrder.length - 1.96 * Math.sqrt(inOrder.length)) / 2));
  return { low: inOrder[rank - 1] ?? Number.NaN, high: inOrder[inOrder.length - rank] ?? Number.NaN };
}

/** Median and quartiles of samples in any order. */
export function summarise(samples: ArrayLike<number>): Summary {
  const inOrder = sorted(samples);
  return { median: quantile(inOrder, 0.5), p25: quantile(inOrder, 0.25), p75: quantile(inOrder, 0.75) };
}
