/** Ties: over all seeds each name is drawn as often as any other, however names end. */
import { describe, expect, it } from 'vitest';
import { fingerprint } from '../../machines/hash.js';
import { drawnOrder } from '../../machines/coordination/tie.js';

describe('a tie', () => {
  it.each([
    ['names that differ at their end', ['agent-1', 'agent-2', 'agent-3', 'agent-4']],
    ['names of one letter', ['a', 'b', 'c', 'd']],
    ['words', ['ann', 'bob', 'eve', 'joe']],
  ])('between %s is won by each of four in a quarter of all seeds, and lost in as many', (_, names) => {
    const [wins, losses] = [new Map<string, number>(), new Map<string, number>()];
    for (let seed = 0; seed < 4_000; seed++) {
      const order = drawnOrder(seed, 'price 30', names);
      const [first, last] = [order[0] as string, order.at(-1) as string];
      wins.set(first, (wins.get(first) ?? 0) + 1);
      losses.set(last, (losses.get(last) ?? 0) + 1);
    }
    // Of 4 000 draws a fair share is 1 000; five standard deviations are 137.
    for (const name of names) for (const counts of [wins, losses]) expect(Math.abs((counts.get(name) ?? 0) - 1_000)).toBeLessThan(137);
  });

  it('is drawn anew by another matter of the same seed', () => {
    const names = ['agent-1', 'agent-2', 'agent-3', 'agent-4'];
    const first = (price: number): string => drawnOrder(7, `price ${price}`, names)[0] as string;
    const counts = new Map<string, number>();
    for (let price = 0; price < 4_000; price++) counts.set(first(price), (counts.get(first(price)) ?? 0) + 1);
    for (const name of names) expect(Math.abs((counts.get(name) ?? 0) - 1_000)).toBeLessThan(137);
  });

  it('has one order for the same seed and matter, however names are listed', () => {
    expect(drawnOrder(3, 'vote', ['eve', 'ann', 'bob'])).toEqual(drawnOrder(3, 'vote', ['bob', 'eve', 'ann']));
  });
});

describe('a fingerprint', () => {
  it('tells texts apart, however little they differ', () => {
    const texts = new Set<string>(['']);
    for (let index = 0; index < 20_000; index++) texts.add(`{"offer":${index}}`).add(`${index}{"offer":1}`);
    expect(new Set([...texts].map(fingerprint)).size).toBe(texts.size);
    expect(fingerprint('the same')).toBe(fingerprint('the same'));
    expect(fingerprint('')).toMatch(/^[0-9a-f]{16}$/u);
  });
});
