/** How ties are broken: by the seed, so that the same answers give the same result, and over all seeds no name is first more often than another. */
import { mixedHash } from '../hash.js';

/**
 * The names in an order that the seed draws: the first one has won the tie.
 * @param seed   of the session
 * @param about  what the tie is about: another tie of the same session is drawn anew
 */
export function drawnOrder(seed: number, about: string, names: readonly string[]): string[] {
  const drawn = new Map(names.map((name) => [name, mixedHash(`${seed} ${about} ${name}`)]));
  return [...names].sort((a, b) => (drawn.get(a) ?? 0) - (drawn.get(b) ?? 0) || (a < b ? -1 : 1));
}
