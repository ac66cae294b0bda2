/** Misuse: refused by name, before anything happens. */
import { deepEqual, equal, rejects } from 'node:assert/strict';
import type { EventStore } from '../../events/port.js';
import type { WrittenCase } from './contract.js';
import { allOf, events, good, typesOf } from './looks.js';

const circle: Record<string, unknown> = {};
circle['self'] = circle;

/** Says one thing where it is looked at, and another where it is used. */
const turning = (first: unknown, then: unknown): (() => unknown) => {
  let count = 0;
  return () => (count++ === 0 ? first : then);
};

const fails = (): never => {
  throw new Error('cannot be read');
};

/** Of two, the first is not there. */
const holes: { type: string }[] = [];
holes[1] = { type: 't' };

type Call = (store: EventStore) => Promise<unknown>;

const wrong: Readonly<Record<string, Call>> = {
  'a stream without a name': (store) => store.append('', [{ type: 't' }]),
  'a name with a control character': (store) => store.append('a\u0000b', [{ type: 't' }]),
  'a name with half a character': (store) => store.append('a\ud800', [{ type: 't' }]),
  'a name of 513 characters': (store) => store.append('s'.repeat(513), [{ type: 't' }]),
  'no events': (store) => store.append('s', []),
  'more than 1 000 events': (store) =>
    store.append(
      's',
      Array.from({ length: 1_001 }, () => ({ type: 't' })),
    ),
  'an event without a type, behind a good one': (store) => store.append('s', [{ type: 't' }, {} as { type: string }]),
  'a list with holes': (store) => store.append('s', holes),
  'an event that cannot be read': (store) => store.append('s', [new Proxy({ type: 't' }, { ownKeys: fails })]),
  'a type that cannot be read': (store) => store.append('s', [Object.defineProperty({ type: 't' }, 'type', { get: fails })]),
  'data that cannot be read': (store) => store.append('s', [{ type: 't', data: { toJSON: fails } }]),
  'options that cannot be read': (store) =>
    store.append('s', [{ type: 't' }], Object.defineProperty({}, 'expected', { get: fails, enumerable: true })),
  'a fence that cannot be read': (store) => store.fence(new Proxy({ name: 'f', token: 1 }, { get: fails })),
  'a question that cannot be read': (store) => store.read(new Proxy({}, { ownKeys: fails })),
  'an event that is none': (store) => store.append('s', [null as never]),
  'a misspelt key of an event': (store) => store.append('s', [{ type: 't', corelation: 'c' } as { type: string }]),
  'one id twice': (store) =>
    store.append('s', [
      { type: 't', id: 'x' },
      { type: 't', id: 'x' },
    ]),
  'data that is no JSON': (store) => store.append('s', [{ type: 't', data: () => 1 }]),
  'data in a circle': (store) => store.append('s', [{ type: 't', data: circle }]),
  'an expected version below 0': (store) => store.append('s', [{ type: 't' }], { expected: -1 }),
  'a misspelt option': (store) => store.append('s', [{ type: 't' }], { expect: 1 } as object),
  'a fence without a token': (store) => store.append('s', [{ type: 't' }], { fence: { name: 'f' } as never }),
  'a token that is no whole number': (store) => store.fence({ name: 'f', token: 1.5 }),
  'a limit of 0': (store) => store.read({ limit: 0 }),
  'an order of its own': (store) => store.read({ order: 'up' as 'forward' }),
  'a misspelt question': (store) => store.read({ streams: 's' } as object),
  'a policy without a bound': (store) => store.prune({ stream: 's' }),
  'a policy with two': (store) => store.prune({ keep: 1, below: 1 }),
  'a policy with a stream and a prefix': (store) => store.prune({ keep: 1, stream: 's', prefix: 's' }),
  'a document without a key': (store) => store.save('', 1),
  'a document that is no JSON': (store) => store.save('k', 1n),
};

const refused = Object.entries(wrong).map(
  ([what, call]): WrittenCase => ({
    title: `${what} is misuse, and nothing is stored`,
    check: async ({ store }) => {
      await rejects(call(store), { name: 'EspalierError', code: /^events\/invalid-(?:options|event)$/ });
      equal((await allOf(store)).length, 0);
    },
  }),
);

const kept: readonly WrittenCase[] = [
  {
    title: 'who misuses it harms nobody who asks at the same time',
    check: async ({ store }) => {
      const asked = [store.append('good', events('a')), store.append('s', holes), store.append('good', events('b'))];
      const settled = await Promise.allSettled(asked);
      deepEqual(
        settled.map((one) => (one.status === 'fulfilled' ? one.value.ok : 'misuse')),
        [true, 'misuse', true],
      );
      await good(store.append('good', events('c'), { expected: 2 }));
      equal(await typesOf(store), 'a b c');
    },
  },
  {
    title: 'a fence, a policy and a version are kept as they were when it was asked',
    check: async ({ store }) => {
      const fence = { name: 'f', token: 1 };
      const asked = [store.append('s', events('a'), { fence }), store.fence(fence), store.save('k', 1, { fence }), store.remove('k', { fence })];
      Object.assign(fence, { token: 99, name: 'g' });
      for (const outcome of asked) await good<{ readonly ok: boolean }>(outcome);
      deepEqual(await store.fence({ name: 'f', token: 0 }), { ok: false, reason: 'fenced', name: 'f', token: 0, highest: 1 });
      deepEqual(await store.fence({ name: 'g', token: 0 }), { ok: true, highest: 0 });
      const policy = { keep: 1 };
      const pruned = store.prune(policy);
      policy.keep = 0;
      equal((await good(pruned)).pruned, 0);
    },
  },
  {
    title: 'what changes from look to look is taken as it was when it was checked',
    check: async ({ store }) => {
      const get = (first: unknown, then: unknown): PropertyDescriptor => ({ get: turning(first, then), enumerable: true });
      await good(store.append('s', [Object.defineProperty({ type: '' }, 'type', get('a', 5))]));
      const options = Object.defineProperty({}, 'expected', get(1, 'bad'));
      deepEqual([(await good(store.append('s', events('b'), options))).version, await typesOf(store)], [2, 'a b']);
      await good(store.fence(Object.defineProperty({ name: 'f', token: 0 }, 'token', get(3, 'zzz'))));
      deepEqual(await store.fence({ name: 'f', token: 2 }), { ok: false, reason: 'fenced', name: 'f', token: 2, highest: 3 });
      equal((await good(store.read(Object.defineProperty({}, 'limit', get(1, 'many'))))).events.length, 1);
      equal((await good(store.prune(Object.defineProperty({}, 'keep', get(2, -1))))).pruned, 0);
    },
  },
];

export const misuseCases: readonly WrittenCase[] = [...refused, ...kept];
