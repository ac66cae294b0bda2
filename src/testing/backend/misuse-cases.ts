/** Misuse: refused by name, before anything happens. */
import { equal, rejects } from 'node:assert/strict';
import type { Backend } from '../../backend/port.js';
import type { WrittenBackendCase } from './contract.js';
import { deep, headOf } from './looks.js';

const circle: Record<string, unknown> = {};
circle['self'] = circle;

type Call = (backend: Backend) => Promise<unknown>;

const wrong: Readonly<Record<string, Call>> = {
  'an empty key': (backend) => backend.get(''),
  'a key of 513 characters': (backend) => backend.compareAndSet('k'.repeat(513), 0, 1),
  'a key with a control character': (backend) => backend.compareAndSet('a\u0000b', 0, 1),
  'a key with half a character': (backend) => backend.delete('a\ud800', 1),
  'a key that is no text': (backend) => backend.get(7 as never),
  'a prefix that is no text': (backend) => backend.list(null as never),
  'an expected revision below 0': (backend) => backend.compareAndSet('a', -1, 1),
  'an expected revision that is none': (backend) => backend.compareAndSet('a', undefined as never, 1),
  'a deletion of what is not there': (backend) => backend.delete('a', 0),
  'a value that is no JSON': (backend) => backend.compareAndSet('a', 0, () => 1),
  'no value': (backend) => backend.compareAndSet('a', 0, undefined),
  'a BigInt': (backend) => backend.compareAndSet('a', 0, 1n),
  'a value that is 1 001 deep': (backend) => backend.compareAndSet('a', 0, deep(1_001)),
  'a value in a circle': (backend) => backend.compareAndSet('a', 0, circle),
  'a misspelt option': (backend) => backend.compareAndSet('a', 0, 1, { leese: 'x' } as object),
  'a lease that is no text': (backend) => backend.compareAndSet('a', 0, 1, { lease: 7 as never }),
  'a lease of no time': (backend) => backend.grant(0),
  'a lease of less than no time': (backend) => backend.grant(-1),
  'a lease for ever': (backend) => backend.grant(Infinity),
  'a lease that is longer than may be': (backend) => backend.grant(3_600_001),
  'a renewal of nothing': (backend) => backend.renew(''),
  'a revocation of nothing': (backend) => backend.revoke(undefined as never),
  'a limit of 0': (backend) => backend.list('', { limit: 0 }),
  'a limit of 1 001': (backend) => backend.list('', { limit: 1_001 }),
  'a watch from revision 0': (backend) => backend.watch('', { from: 0 }),
  'a watch from half a revision': (backend) => backend.watch('', { from: 1.5 }),
  'a signal that is none': (backend) => backend.get('a', { signal: {} as never }),
  'a deadline of 0': (backend) => backend.get('a', { withinMs: 0 }),
  'a deadline that is no number': (backend) => backend.status({ withinMs: '1' as never }),
  'options that are none': (backend) => backend.get('a', null as never),
};

export const misuseCases: readonly WrittenBackendCase[] = Object.entries(wrong).map(([what, call]) => ({
  title: `${what} is misuse, and nothing happens`,
  check: async ({ backend }) => {
    const before = await headOf(backend);
    await rejects(call(backend), { name: 'EspalierError', code: /^backend\/invalid-(?:options|value)$/ });
    equal(await headOf(backend), before);
  },
}));
