/** Durations as the wire writes them. */

/**
 * A protobuf duration in ms: `'50s'` → 50 000, `'0.250s'` → 250. Rounded to whole ms, never below 0.
 * @returns null for what is no duration (absent included), so that the caller chooses its own default
 * @throws  never
 * @see https://protobuf.dev/reference/protobuf/google.protobuf/#duration — seconds with up to nine decimals, ending in `s`
 */
export function durationMs(duration: unknown): number | null {
  const match = /^(-?\d{1,12}(?:\.\d{1,9})?)s$/.exec(typeof duration === 'string' ? duration : '');
  return match ? Math.max(0, Math.round(Number(match[1]) * 1000)) : null;
}
