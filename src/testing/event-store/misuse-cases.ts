/** Misuse: refused by name, before anything happens. */
import { equal, rejects } from 'node:assert/strict';
import type { EventStore } from '../../events/port.js';
import type { WrittenCase } from './contract.js';
import { allOf } from './looks.js';

const circle: Record<string, unknown> = {};
circle['self'] = circle;

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

export const misuseCases: readonly WrittenCase[] = Object.entries(wrong).map(([what, call]) => ({
  title: `${what} is misuse, and nothing is stored`,
  check: async ({ store }) => {
    await rejects(call(store), { name: 'EspalierError', code: /^events\/invalid-(?:options|event)$/ });
    equal((await allOf(store)).length, 0);
  },
}));
