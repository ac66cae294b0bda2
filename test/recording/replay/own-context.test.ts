/** A replay changes nothing of the actors that live, however unclean their machines are. */
import { assign, createActor, createMachine, enqueueActions, raise, spawnChild, type AnyActorRef, type AnyStateMachine } from 'xstate';
import { describe, expect, it, onTestFinished } from 'vitest';
import { replayOfActor } from '../../../src/recording/replay/actor-replay.js';
import { withoutChildren } from '../../../src/recording/replay/fold.js';
import { copyOf, sharedBy } from '../../../src/recording/replay/own-context.js';
import type { ReplayOutcome } from '../../../src/wire/recording/replay-outcome.js';
import { recording, watch } from '../../inspector/watching.js';

class Cart {
  items: unknown[] = [];
}

const store = { items: [] as unknown[] };
const carts = [new Cart(), new Cart()];
const beneath = Object.assign(Object.create(null) as object, { items: [] });
let turn = 0;

/** Made anew each time, and yet the same store. */
class View {
  readonly #of: typeof store;
  constructor(of: typeof store) {
    this.#of = of;
  }
  get items(): unknown[] {
    return this.#of.items;
  }
}
class Stack extends Array<unknown> {}
class OwnError extends Error {}

const pushToError = ({ context }: { context: { error: { items: unknown[] } } }): object => {
  context.error.items.push(1);
  return { error: context.error };
};

/** A machine whose assign changes, in place, what it was given. */
const unclean = (context: unknown): AnyStateMachine =>
  createMachine({
    id: 'unclean',
    context,
    on: {
      ADD: {
        actions: assign({
          items: ({ context: { items }, event }: { context: { items: unknown[] }; event: { type: string; v?: unknown } }) => {
            items.push(event.v);
            return items;
          },
        }),
      },
      FILL: {
        actions: assign(({ context: given }: { context: { cart: Cart } }) => {
          given.cart.items.push(1);
          return {};
        }) as never,
      },
    },
  } as never);

/** What an event would bring to a machine that lives, and the actor. */
function supposed(
  machine: AnyStateMachine,
  event: { type: string; v?: unknown },
  { input, before = [] }: { readonly input?: unknown; readonly before?: readonly { type: string }[] } = {},
): { readonly outcome: ReplayOutcome; readonly actor: AnyActorRef } {
  const { live } = recording();
  const actor = createActor(machine, { id: 'unclean', input }) as AnyActorRef;
  onTestFinished(() => {
    actor.stop();
  });
  live.attach(actor);
  const { lines } = watch(live);
  actor.start();
  for (const one of before) actor.send(one);
  const makings = { machineOf: () => withoutChildren(machine, true), redaction: { secret: null } };
  const run = replayOfActor(lines, { actor: 'unclean', event }, makings);
  for (;;) {
    const next = run.next();
    if (next.done === true) return { outcome: next.value, actor };
  }
}

const event = { type: 'ADD', v: 'never sent' };

describe('what if an event came', () => {
  it('leaves a static context as it is, and says what would change', () => {
    const { outcome, actor } = supposed(unclean({ items: [] }), event);
    expect(actor.getSnapshot()).toMatchObject({ context: { items: [] } });
    expect(outcome).toMatchObject({ outcome: 'same', next: { handled: true, changed: ['items[0]'] } });
  });

  it('leaves what a factory takes from outside as it is', () => {
    const outside = { items: ['a'] };
    const { outcome, actor } = supposed(
      unclean(() => outside),
      event,
    );
    expect([outside, (actor.getSnapshot() as { context: unknown }).context]).toEqual([{ items: ['a'] }, { items: ['a'] }]);
    expect(outcome).toMatchObject({ next: { changed: ['items[1]'] } });
  });

  it('is not known where a static context holds what cannot be copied', () => {
    const context = { cart: new Cart() };
    const { outcome } = supposed(unclean(context), { type: 'FILL' });
    expect(outcome).toMatchObject({ outcome: 'unknown', code: 'shared', words: expect.stringContaining('an instance of Cart at cart') });
    expect(context.cart.items).toEqual([]);
  });

  it.each([
    ['an instance', new Cart()],
    ['a frozen instance, which holds what is not', Object.freeze(new Cart())],
  ])('is not known where a factory gives every actor the same: %s', (_, cart) => {
    const { outcome } = supposed(
      unclean(() => ({ cart })),
      { type: 'FILL' },
    );
    expect(outcome).toMatchObject({ outcome: 'unknown', code: 'shared', words: expect.stringContaining('an instance of Cart at cart') });
    expect(cart.items).toEqual([]);
  });

  it('is not known where a factory gives what cannot be read', () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    const machine = createMachine({ id: 'unclean', context: () => ({ proxy }) } as never);
    revoke();
    expect(supposed(machine, event).outcome).toMatchObject({ outcome: 'unknown', code: 'shared' });
  });

  it('asks a factory once', () => {
    let asked = 0;
    const { outcome } = supposed(
      unclean(() => ({ items: ++asked > 0 ? [] : [1] })),
      event,
    );
    // For the actor that lives, and for the replay.
    expect([asked, outcome]).toMatchObject([2, { outcome: 'same' }]);
  });

  it('asks each guard once', () => {
    let asked = 0;
    const guard = (): boolean => ++asked > 0;
    const { outcome } = supposed(createMachine({ id: 'unclean', context: {}, on: { ADD: { guard } } } as never), event);
    expect([outcome, asked]).toMatchObject([{ next: { handled: true } }, 1]);
  });

  it.each<[string, () => object, string]>([
    ['an instance that it has made, which may look at another’s', () => ({ cart: new View(store) }), 'an instance of View at cart'],
    ['one of several instances, in turn', () => ({ cart: carts[turn++ % carts.length] }), 'an instance of Cart at cart'],
    ['a list of a class of its own', () => ({ cart: new Stack() }), 'an instance of Stack at cart'],
    ['data beneath other data', () => ({ cart: Object.create(beneath) as object }), 'an instance of'],
    ['an accessor', () => Object.defineProperty({}, 'cart', { get: () => store, enumerable: true }), 'an accessor at cart'],
    ['bytes that are shared', () => ({ bytes: new Uint8Array(new SharedArrayBuffer(8)) }), 'an instance of Uint8Array at bytes'],
    ['an error of a class of its own', () => ({ error: new OwnError() }), 'an instance of OwnError at error'],
    ['the snapshot of another', () => ({ other: createActor(createMachine({})).getSnapshot() }), 'a snapshot at other'],
  ])('is not known where a factory gives %s', (_, context, words) => {
    const machine = createMachine({ id: 'unclean', context, on: { ADD: {} } } as never);
    expect(supposed(machine, event).outcome).toMatchObject({ outcome: 'unknown', code: 'shared', words: expect.stringContaining(words) });
  });

  it('is not known where a static context has an accessor', () => {
    const context = {
      get cart() {
        return store;
      },
    };
    expect(supposed(unclean(context), { type: 'FILL' }).outcome).toMatchObject({ outcome: 'unknown', code: 'shared' });
    expect(store.items).toEqual([]);
  });

  it('is known where what was given to an actor is an instance: its replay is given what stands for it', () => {
    const machine = createMachine({
      id: 'unclean',
      context: ({ input }: { input: { cart: Cart } }) => ({ cart: input.cart }),
      on: { FILL: { guard: ({ context }: { context: { cart: Cart } }) => context.cart.items.length > 0 } },
    } as never);
    const cart = new Cart();
    const { outcome } = supposed(machine, { type: 'FILL' }, { input: { cart } });
    const notes = [
      expect.stringContaining('its context holds an instance of Cart at cart'),
      expect.stringMatching(/^what decided here is not in the recording: /),
    ];
    expect(outcome).toMatchObject({ outcome: 'same', notes, next: { handled: false } });
  });

  it('leaves the own properties of an error as they are', () => {
    const error = Object.assign(new TypeError('odd', { cause: new Error('beneath') }), { items: [] });
    const machine = createMachine({ id: 'unclean', context: { error }, on: { ADD: { actions: assign(pushToError as never) } } } as never);
    const { outcome } = supposed(machine, event);
    expect(error.items).toEqual([]);
    expect(outcome).toMatchObject({ next: { changed: ['error.$error.rest.items[0]'] } });
  });

  it('makes no inline child, whose first assign would change what its machine begins with', () => {
    const log: number[] = [];
    const kid = createMachine({
      context: { log },
      entry: assign(({ context }: { context: { log: number[] } }) => {
        context.log.push(1);
        return {};
      }) as never,
    } as never);
    const machine = createMachine({
      id: 'unclean',
      context: {},
      initial: 'a',
      states: { a: { on: { ADD: 'b' } }, b: { invoke: { src: kid }, entry: [assign({ kid: ({ spawn }) => spawn(kid) }), spawnChild(kid)] } },
    } as never);
    expect(supposed(machine, event).outcome).toMatchObject({ outcome: 'same', next: { state: { value: 'b' } } });
    expect(log).toEqual([]);
  });
});

describe('a difference', () => {
  it('has a note where the context was made of what is outside, or of a session id', () => {
    let starts = 0;
    const { outcome } = supposed(
      createMachine({
        id: 'unclean',
        context: ({ self }: { self: { sessionId: string } }) => ({ start: ++starts, by: self.sessionId.replace('x:', 'x:of ') }),
      } as never),
      event,
    );
    const notes = [
      expect.stringContaining('what its context is made of beside it may have changed'),
      'it keeps a session id, which is another in each run',
    ];
    expect(outcome).toMatchObject({ outcome: 'differs', event: 'xstate.init', notes: expect.arrayContaining(notes) });
  });
});

describe('a copy of a context', () => {
  it('is of plain data, maps, sets, dates, bytes, and what is in a circle; what nothing changes stays what it is', () => {
    const actor = createActor(createMachine({}));
    const call = (): number => 1;
    const round: { self?: unknown } = {};
    round.self = round;
    const value = {
      list: [1, { a: 1 }],
      map: new Map([['k', { b: 2 }]]),
      set: new Set([1]),
      at: new Date(5),
      bytes: new Uint8Array([1, 2]),
      buffer: Buffer.from('text'),
      none: Object.create(null) as object,
      error: Object.assign(new RangeError('far', { cause: new Error('beneath') }), { code: 'E_FAR', at: [1] }),
      // Keys by which XState knows a snapshot.
      almost: { machine: 'lathe', value: 1, list: [1] },
    };
    const { copy, shared } = copyOf({ value, round, actor, call, list: Object.freeze([1]) });
    expect(shared).toBeNull();
    expect(copy.value).toEqual(value);
    for (const key of ['list', 'map', 'set', 'at', 'bytes', 'buffer', 'none'] as const) expect(copy.value[key]).not.toBe(value[key]);
    expect(copy.value.map.get('k')).not.toBe(value.map.get('k'));
    expect([copy.value.error.stack, copy.value.error.constructor]).toEqual([value.error.stack, RangeError]);
    expect(copy.value.error.at).not.toBe(value.error.at);
    expect(copy.round).not.toBe(round);
    expect(copy.round.self).toBe(copy.round);
    expect([copy.actor, copy.call]).toEqual([actor, call]);
    expect(Object.isFrozen(copy.list)).toBe(true);
  });

  it('says what it shares: instances, what is too deep, what cannot be read', () => {
    expect(copyOf({ a: [new Cart()] }).shared).toBe('an instance of Cart at a.0');
    expect(copyOf({ a: Object.freeze(new Cart()) }).shared).toBe('an instance of Cart at a');
    let deep: unknown = 1;
    for (let depth = 0; depth < 10_000; depth++) deep = { deep };
    expect(copyOf(deep).shared).toMatch(/^more than a replay copies at deep/);
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    expect(copyOf({ proxy }).shared).toBe('what cannot be read');
    expect(sharedBy(createMachine({ context: { cart: new Cart() } }) as AnyStateMachine)).toBeNull();
    expect(sharedBy(withoutChildren(createMachine({ context: { cart: new Cart() } }) as AnyStateMachine))).toBe('an instance of Cart at cart');
  });
});

describe('what stands in an action as a value', () => {
  const push = assign(({ context: { items } }: { context: { items: unknown[] } }) => {
    items.push('what if');
    return {};
  });
  const set = assign((_: unknown, { items }: { items: unknown[] }) => ({ items }));
  const fill = { actions: assign(({ event: { items } }: { event: { items: unknown[] } }) => ({ items })) };
  const firsts = {
    'an assign': [assign({ items: [] })],
    params: [{ type: 'set', params: { items: [] } }],
    'an event that is raised': [raise({ type: 'fill', items: [] } as { type: string })],
    'what is enqueued': [enqueueActions(({ enqueue }) => enqueue.assign({ items: [] }))],
  };

  it.each(Object.entries(firsts))('is not changed for the actors that live, by %s', (_, first) => {
    const both = { actions: [...first, 'push', raise({ type: 'add' })] };
    const states = { a: { on: { go: { actions: first }, fill, add: { actions: 'push' }, both } } };
    const machine = createMachine({ id: 'unclean', context: { items: ['old'] }, initial: 'a', states } as never, { actions: { push, set } } as never);
    for (const type of ['add', 'both']) {
      const { outcome, actor } = supposed(machine, { type }, { before: [{ type: 'go' }] });
      expect(outcome).toMatchObject({ outcome: 'same' });
      expect(actor.getSnapshot()).toMatchObject({ context: { items: [] } });
    }
  });

  it('is not known where it is an instance, which cannot be copied', () => {
    const cart = new Cart();
    const machine = createMachine({ id: 'unclean', context: { items: [] }, on: { go: { actions: assign({ items: cart }) } } } as never);
    expect(supposed(machine, { type: 'go' }, { before: [{ type: 'go' }] }).outcome).toMatchObject({ outcome: 'unknown', code: 'shared' });
  });
});
