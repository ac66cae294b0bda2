/** Pruning: what the policy names goes, and no place is ever given twice. */
import { deepEqual, equal } from 'node:assert/strict';
import type { EventStore, PrunePolicy } from '../../events/port.js';
import type { WrittenCase } from './contract.js';
import { allOf, events, good, typesOf } from './looks.js';

async function filled(store: EventStore, wall: { now: number }): Promise<void> {
  for (const [stream, type] of [
    ['a-1', 'a'],
    ['b', 'b'],
    ['$own', 'c'],
    ['a-2', 'd'],
    ['a-1', 'e'],
    ['b', 'f'],
  ] as const) {
    await good(store.append(stream, [{ type, correlation: 'all', id: `id-${type}` }]));
    wall.now += 1_000;
  }
}

function policyCase(policy: PrunePolicy, left: string, pruned: number, through: number): WrittenCase {
  return {
    title: `pruned by ${JSON.stringify(policy)}, '${left}' is left of 'a b c d e f'`,
    check: async ({ store, wall }) => {
      await filled(store, wall);
      deepEqual(await store.prune(policy), { ok: true, pruned, through });
      equal(await typesOf(store), left);
      equal(await typesOf(store, { correlation: 'all' }), left);
      equal((await good(store.status())).events, 6 - pruned);
      equal((await good(store.read())).prunedThrough, through);
      deepEqual(await store.prune(policy), { ok: true, pruned: 0, through: 0 });
    },
  };
}

export const pruneCases: readonly WrittenCase[] = [
  policyCase({ below: 5 }, 'c e f', 3, 4),
  policyCase({ stream: 'a-1', below: 5 }, 'b c d e f', 1, 1),
  policyCase({ prefix: 'a-', keep: 1 }, 'b c e f', 2, 4),
  policyCase({ prefix: '$', keep: 0 }, 'a b d e f', 1, 3),
  policyCase({ keep: 2 }, 'c e f', 3, 4),
  policyCase({ keep: 50 }, 'a b c d e f', 0, 0),
  policyCase({ stream: '$own', keep: 0 }, 'a b d e f', 1, 3),
  {
    title: 'a prefix means all streams that begin with it, up to the highest code point',
    check: async ({ store }) => {
      for (const stream of ['p', 'p\u{10ffff}z', 'q', '\u{10ffff}a']) await good(store.append(stream, events('t')));
      deepEqual(await store.prune({ prefix: 'p', keep: 0 }), { ok: true, pruned: 2, through: 2 });
      deepEqual(await store.prune({ prefix: '\u{10ffff}', keep: 0 }), { ok: true, pruned: 1, through: 4 });
    },
  },
  {
    title: 'what is older than the policy says goes, and what is as old stays',
    check: async ({ store, wall }) => {
      await filled(store, wall);
      await good(store.prune({ olderThanMs: 4_000 }));
      equal(await typesOf(store), 'c d e f');
      deepEqual(await good(store.prune({ olderThanMs: 0 })), { ok: true, pruned: 3, through: 6 });
    },
  },
  {
    title: 'after all of a stream is gone its version goes on, and so do positions; its ids are free',
    check: async ({ store, wall }) => {
      await filled(store, wall);
      await good(store.prune({ stream: 'b', keep: 0 }));
      const next = await good(store.append('b', [{ type: 'g', id: 'id-f' }], { expected: 2 }));
      deepEqual([next.version, next.position], [3, 7]);
      await good(store.prune({ keep: 0 }));
      equal((await good(store.append('new', events('h')))).position, 8);
    },
  },
  {
    title: 'times never fall, though the newest events are pruned and the clock goes back',
    check: async ({ store, wall }) => {
      const from = wall.now;
      const at = async (ms: number, type: string): Promise<void> => {
        wall.now = from + ms;
        await good(store.append('s', [{ type }]));
      };
      const times = async (): Promise<number[]> => (await allOf(store)).map(({ wallAt }) => wallAt - from);
      await at(10, 'a');
      await at(20, 'b');
      await good(store.prune({ keep: 0 }));
      await at(5, 'c');
      deepEqual(await times(), [20]);
      await at(30, 'd');
      await good(store.prune({ below: 4 }));
      await at(25, 'e');
      deepEqual(await times(), [30, 30]);
    },
  },
  {
    title: 'thousands are pruned in parts, and others have their turn between them',
    check: async ({ store }) => {
      for (let n = 0; n < 5; n++)
        await good(
          store.append(
            's',
            Array.from({ length: 1_000 }, () => ({ type: 't' })),
          ),
        );
      const pruned = store.prune({ keep: 10 });
      const seen: string[] = [];
      const append = store.append('s', events('t')).then(() => seen.push('append'));
      deepEqual(await pruned.then((outcome) => (seen.push('prune'), outcome)), { ok: true, pruned: 4_990, through: 4_990 });
      await append;
      deepEqual(seen, ['append', 'prune']);
      equal((await good(store.status())).events, 11);
    },
  },
  {
    title: 'thousands with a prefix are pruned in parts, whatever order their streams are in, and what comes meanwhile stays',
    check: async ({ store }) => {
      const many = (type: string) => Array.from({ length: 1_000 }, () => ({ type }));
      for (const stream of ['p-c', 'p-a', 'q', 'p-b', 'p-a', 'p-c']) await good(store.append(stream, many(stream)));
      const pruned = store.prune({ prefix: 'p-', below: 1_000_000 });
      const meanwhile = [store.append('p-a', events('new')), store.append('p-c', events('new'))];
      deepEqual(await pruned, { ok: true, pruned: 5_000, through: 6_000 });
      for (const outcome of meanwhile) await good(outcome);
      deepEqual([(await good(store.status())).events, await typesOf(store, { after: 6_000 })], [1_002, 'new new']);
      for (const stream of ['p-a', 'p-b', 'p-c']) await good(store.append(stream, many('late')));
      deepEqual(await store.prune({ prefix: 'p-', keep: 1_500 }), { ok: true, pruned: 1_502, through: 7_502 });
      equal((await good(store.status())).events, 2_500);
    },
  },
];
