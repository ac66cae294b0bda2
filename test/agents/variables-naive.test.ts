/** Whatever is done to shared variables, they are as a naive shelf would have them; and what is broken in them is found. */
import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Outbox } from '../../src/agents/outbox.js';
import { Shelf, type VariableNews, type VariableOutcome } from '../../src/agents/shelf.js';
import { planVariables, type VariableOptions } from '../../src/agents/variables-options.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';

const seed = 20_251_123;

afterEach(() => {
  vi.restoreAllMocks();
});

type Step = readonly [what: 'define' | 'set' | 'update' | 'delete', name: number, given: number, versionBack: number, policy: number];
const steps = fc.array(fc.tuple(fc.constantFrom('define', 'set', 'set', 'set', 'update', 'delete'), fc.nat(2), fc.nat(9), fc.nat(3), fc.nat(2)), {
  maxLength: 60,
});

interface Naive {
  readonly conflict: NonNullable<VariableOptions['conflict']>;
  value: number;
  version: number;
}

const policies = ['lastWrite', 'refuse', 'merge'] as const;
const sum = (now: unknown, given: unknown): number => Number(now) + Number(given);

/** @throws where the two differ, or somebody who listens has heard something else */
function happen(all: readonly Step[]): void {
  const shelf = new Shelf(planVariables({ maxVariables: 2, history: 4 }), { clock: new VirtualClock(), emit: () => {} });
  const naive = new Map<string, Naive>();
  const written: unknown[] = [];
  const heard: VariableNews[] = [];
  let highest = 0;
  for (const name of ['v0', 'v1', 'v2']) shelf.subscribe(name, (news) => heard.push(news));
  for (const [what, index, given, back, policy] of all) {
    const name = `v${index}`;
    const found = naive.get(name);
    // Back by 3: the writer names no version.
    const version = found === undefined ? 1 : found.version - back;
    const named = back === 3 || version < 1 ? {} : { version };
    const isLast = found !== undefined && 'version' in named && version === found.version;
    let outcome: VariableOutcome;
    let expected: number | string = 'unknown';
    const conflict = policies[policy] ?? 'lastWrite';
    if (what === 'define') {
      outcome = shelf.define(name, { value: given, conflict, ...(conflict === 'merge' ? { merge: sum } : {}) }, given);
      expected = found !== undefined ? 'taken' : naive.size >= 2 ? 'full' : given;
      if (typeof expected === 'number') naive.set(name, { conflict, value: given, version: highest });
    } else if (what === 'delete') {
      outcome = shelf.delete(name, named.version);
      if (found !== undefined) {
        const must = found.conflict === 'refuse' || 'version' in named;
        expected = must && !isLast ? 'conflict' : found.value;
        if (typeof expected === 'number') {
          naive.delete(name);
          highest = Math.max(highest, found.version);
          written.push([name, 'deleted']);
        }
      }
    } else {
      outcome = what === 'set' ? shelf.set(name, given, named) : shelf.update(name, (value) => sum(value, given), named);
      if (found !== undefined) {
        if (what === 'update') expected = 'version' in named && !isLast ? 'conflict' : found.value + given;
        else if (isLast || found.conflict === 'lastWrite') expected = given;
        else expected = found.conflict === 'refuse' ? 'conflict' : found.value + given;
      }
    }
    expect([what, outcome.ok ? outcome.value : outcome.reason]).toEqual([what, expected]);
    const now = naive.get(name);
    if (what !== 'delete' && now !== undefined && typeof expected === 'number') {
      Object.assign(now, { value: expected, version: now.version + 1 });
      written.push([name, now.version]);
    }
    for (const [each, { value, version: last }] of naive) {
      expect(shelf.get(each)).toEqual({ ok: true, value, version: last });
      const past = shelf.history(each);
      expect(past.length).toBeLessThanOrEqual(4);
      expect(past.map((one) => one.version)).toEqual(past.map((__, place) => last - past.length + 1 + place));
    }
    expect(heard.map((news) => [news.name, news.type === 'variable.deleted' ? 'deleted' : news.version])).toEqual(written);
  }
}

describe('shared variables beside naive ones', () => {
  it('are the same', () => {
    fc.assert(fc.property(steps, happen), { numRuns: 300, seed });
  });
});

const defects: Readonly<Record<string, () => void>> = {
  'no version is refused': () => {
    const { set } = Shelf.prototype;
    vi.spyOn(Shelf.prototype, 'set').mockImplementation(function blind(this: Shelf, name, value, options) {
      const now = this.get(name);
      return set.call(this, name, value, now.ok ? { ...options, version: now.version } : options);
    });
  },
  'an update does not look at its version': () => {
    const { update } = Shelf.prototype;
    vi.spyOn(Shelf.prototype, 'update').mockImplementation(function blind(this: Shelf, name, fn) {
      return update.call(this, name, fn, {});
    });
  },
  'somebody is not told': () => {
    const { add } = Outbox.prototype;
    let told = 0;
    vi.spyOn(Outbox.prototype, 'add').mockImplementation(function mostly(this: Outbox, tell) {
      if (++told % 7 > 0) add.call(this, tell);
    });
  },
  'the past grows': () => {
    const { history } = Shelf.prototype;
    const all = new Map<string, ReturnType<typeof history>>();
    vi.spyOn(Shelf.prototype, 'history').mockImplementation(function grown(this: Shelf, name) {
      all.set(name, [...(all.get(name) ?? []), ...history.call(this, name)]);
      return all.get(name) ?? [];
    });
  },
};

describe('a planted defect', () => {
  it.each(Object.entries(defects))('is found: %s', (_, plant) => {
    plant();
    expect(fc.check(fc.property(steps, happen), { numRuns: 300, seed, endOnFailure: true }).failed).toBe(true);
  });
});
