/** A Map of numbers, as an app writes one: unbounded, without labels, units or buckets. */
import type { Subject } from './subject.js';

export const mapSubject: Subject = {
  name: 'map',
  open: () => {
    const counts = new Map<string, number>();
    const times = new Map<string, { sum: number; count: number }>();
    return {
      count: (outcome) => void counts.set(outcome, (counts.get(outcome) ?? 0) + 1),
      time: (outcome, seconds) => {
        const known = times.get(outcome);
        if (known === undefined) times.set(outcome, { sum: seconds, count: 1 });
        else {
          known.sum += seconds;
          known.count++;
        }
      },
      counted: (outcome) => counts.get(outcome) ?? 0,
      timed: (outcome) => times.get(outcome)?.count ?? 0,
      close: () => counts.clear(),
    };
  },
};
