/** A backend as simply as it can be written, and steps that it is asked beside a real one. */
import fc from 'fast-check';
import { expect } from 'vitest';
import type { OpenBackend } from '../../src/backend/port.js';
import type { VirtualClock } from '../../src/testing/virtual-clock.js';

interface Cell {
  readonly value: number;
  readonly revision: number;
  readonly created: number;
  readonly lease: string | null;
}

/** One map, one counter, one list of leases; each end of a lease is looked for before each step. */
export class Model {
  readonly cells = new Map<string, Cell>();
  readonly leases = new Map<string, { readonly ttlMs: number; endsAt: number }>();
  revision = 0;

  expire(at: number): void {
    for (;;) {
      const [first] = [...this.leases].filter(([, { endsAt }]) => endsAt <= at).sort(([, a], [, b]) => a.endsAt - b.endsAt);
      if (first === undefined) return;
      this.end(first[0]);
    }
  }

  end(lease: string): void {
    for (const [key, cell] of this.cells) if (cell.lease === lease && this.cells.delete(key)) this.revision++;
    this.leases.delete(lease);
    this.revision++;
  }
}

const key = fc.constantFrom('a', 'a/1', 'b');

export type Step =
  | { readonly type: 'set'; readonly key: string; readonly named: 'right' | 'none' | 'wrong'; readonly lease: number | null }
  | { readonly type: 'delete'; readonly key: string; readonly named: 'right' | 'wrong' }
  | { readonly type: 'grant'; readonly ttlMs: number }
  | { readonly type: 'renew' | 'revoke'; readonly lease: number }
  | { readonly type: 'pass'; readonly ms: number }
  | { readonly type: 'list'; readonly prefix: string };

export const steps = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        type: fc.constant('set' as const),
        key,
        named: fc.constantFrom('right' as const, 'right' as const, 'none' as const, 'wrong' as const),
        lease: fc.option(fc.nat(3)),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        type: fc.constant('delete' as const),
        key,
        named: fc.constantFrom('right' as const, 'right' as const, 'wrong' as const),
      }),
    },
    { weight: 2, arbitrary: fc.record({ type: fc.constant('grant' as const), ttlMs: fc.integer({ min: 1, max: 50 }) }) },
    { weight: 2, arbitrary: fc.record({ type: fc.constantFrom('renew' as const, 'revoke' as const), lease: fc.nat(3) }) },
    { weight: 2, arbitrary: fc.record({ type: fc.constant('pass' as const), ms: fc.integer({ min: 0, max: 30 }) }) },
    { weight: 1, arbitrary: fc.record({ type: fc.constant('list' as const), prefix: fc.constantFrom('', 'a', 'a/') }) },
  ),
  { maxLength: 60 },
);

/** Asks both, and compares what they say and what stands then. */
export async function stepOf(step: Step, backend: OpenBackend, model: Model, clock: VirtualClock): Promise<void> {
  const leaseAt = (index: number): string => [...model.leases.keys()][index] ?? 'never';
  if (step.type === 'pass') await clock.advanceByAsync(step.ms);
  model.expire(clock.now());
  switch (step.type) {
    case 'pass':
      break;
    case 'set': {
      const there = model.cells.get(step.key);
      const expected = step.named === 'none' ? 0 : (there?.revision ?? 0) + (step.named === 'wrong' ? 1_000 : 0);
      const lease = step.lease === null ? null : leaseAt(step.lease);
      const outcome = await backend.compareAndSet(step.key, expected, expected, lease === null ? {} : { lease });
      if (lease !== null && !model.leases.has(lease)) expect(outcome).toEqual({ outcome: 'gone' });
      else if (expected !== (there?.revision ?? 0))
        expect(outcome).toEqual({ outcome: 'conflict', entry: there === undefined ? null : { key: step.key, ...there } });
      else {
        const revision = ++model.revision;
        expect(outcome).toEqual({ outcome: 'ok', revision });
        model.cells.set(step.key, { value: expected, revision, created: there?.created ?? revision, lease });
      }
      break;
    }
    case 'delete': {
      const there = model.cells.get(step.key);
      const expected = (there?.revision ?? 1) + (step.named === 'wrong' ? 1_000 : 0);
      const outcome = await backend.delete(step.key, expected);
      if (there?.revision === expected) {
        expect(outcome).toEqual({ outcome: 'ok', revision: ++model.revision });
        model.cells.delete(step.key);
      } else expect(outcome).toEqual({ outcome: 'conflict', entry: there === undefined ? null : { key: step.key, ...there } });
      break;
    }
    case 'grant': {
      const outcome = await backend.grant(step.ttlMs);
      model.revision++;
      if (outcome.outcome === 'ok') model.leases.set(outcome.lease, { ttlMs: step.ttlMs, endsAt: clock.now() + step.ttlMs });
      expect(outcome).toMatchObject({ outcome: 'ok', ttlMs: step.ttlMs });
      break;
    }
    case 'renew': {
      const lease = model.leases.get(leaseAt(step.lease));
      const outcome = await backend.renew(leaseAt(step.lease));
      if (lease !== undefined) lease.endsAt = clock.now() + lease.ttlMs;
      expect(outcome.outcome).toBe(lease === undefined ? 'gone' : 'ok');
      break;
    }
    case 'revoke': {
      const lease = leaseAt(step.lease);
      const wasThere = model.leases.has(lease);
      expect(await backend.revoke(lease)).toEqual({ outcome: 'ok', wasThere });
      if (wasThere) model.end(lease);
      break;
    }
    case 'list': {
      const entries = [...model.cells].filter(([name]) => name.startsWith(step.prefix)).sort(([a], [b]) => (a < b ? -1 : 1));
      expect(await backend.list(step.prefix)).toEqual({
        outcome: 'ok',
        entries: entries.map(([name, cell]) => ({ key: name, ...cell })),
        next: null,
        revision: model.revision,
      });
      break;
    }
  }
  expect(await backend.status()).toMatchObject({ outcome: 'ok', revision: model.revision, keys: model.cells.size, leases: model.leases.size });
}
