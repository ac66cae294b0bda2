/** The subjects that the health bench measures do what they are measured for: every check, again and again, and nothing after the end. */
import { describe, expect, it } from 'vitest';
import { bareSubject, espalierSubject } from '../../bench/health/espalier.js';
import { lateness } from '../../bench/health/measure.js';

describe.each([espalierSubject, bareSubject])('checks of $name', (subject) => {
  it('begin at their intervals, and end', async () => {
    const seen = new Map<number, number>();
    const { checks, p50, p99, max } = await lateness(
      {
        name: subject.name,
        begin: (count, everyMs, onCheck) => subject.begin(count, everyMs, (id, dueAt) => (seen.set(id, (seen.get(id) ?? 0) + 1), onCheck(id, dueAt))),
      },
      5,
      20,
      2,
    );
    expect([checks, seen.size]).toEqual([10, 5]);
    // A timer of Node may be early by less than a millisecond.
    expect(p50 > -1 && p50 <= p99 && p99 <= max).toBe(true);
  });
});
