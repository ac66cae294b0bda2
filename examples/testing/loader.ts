/** Loads a page, and tries again before it gives up: what the kit makes of a fetch with retries. Tested in test/testing/examples/loader.test.ts. */
import { assign, emit, fromPromise, setup } from 'xstate';
import type { Model } from 'espalier/testing';

type Attempts = { readonly attempt: number; readonly maxAttempts: number };

const loader = setup({
  types: {
    input: {} as { maxAttempts: number },
    context: {} as Attempts & { url: string | null; text: string | null; reason: string | null },
    events: {} as { type: 'load'; url: string } | { type: 'cancel' },
    tags: {} as 'busy',
    emitted: {} as { type: 'loader.began' } | ({ type: 'loader.trying' } & Attempts) | { type: 'loader.gaveUp'; reason: string },
  },
  actors: {
    request: fromPromise<string, { url: string }>(async ({ input, signal }) => {
      const response = await fetch(input.url, { signal });
      if (!response.ok) throw new Error(`HTTP ${response.status}`);
      return await response.text();
    }),
  },
  guards: {
    attemptsSpent: ({ context }) => context.attempt >= context.maxAttempts,
  },
  delays: {
    backoff: ({ context }) => 500 * 2 ** context.attempt,
  },
  actions: {
    /** For the app to provide: a place to write down what was loaded. */
    store: (_args, _params: { readonly text: string }) => {},
    begin: assign({ url: (_, params: { readonly url: string }) => params.url, text: null, reason: null }),
    countAnew: assign({ attempt: 0 }),
    countAttempt: assign({ attempt: ({ context }) => context.attempt + 1 }),
    keepText: assign({ text: (_, params: { readonly text: string }) => params.text }),
    keepReason: assign({ reason: (_, params: { readonly reason: string }) => params.reason }),
    tellBegin: emit({ type: 'loader.began' }),
    tellAttempt: emit(({ context: { attempt, maxAttempts } }) => ({ type: 'loader.trying' as const, attempt, maxAttempts })),
    tellEnd: emit(({ context }) => ({ type: 'loader.gaveUp' as const, reason: context.reason ?? 'nobody knows' })),
  },
});

export const loaderMachine = loader.createMachine({
  id: 'loader',
  context: ({ input }) => ({ ...input, url: null, attempt: 0, text: null, reason: null }),
  on: {
    load: {
      target: '.loading',
      actions: [{ type: 'begin', params: ({ event }) => ({ url: event.url }) }, 'countAnew', 'tellBegin'],
    },
  },
  initial: 'idle',
  states: {
    idle: {},
    loading: {
      tags: 'busy',
      entry: ['countAttempt', 'tellAttempt'],
      invoke: {
        id: 'request',
        src: 'request',
        input: ({ context }) => ({ url: context.url ?? '' }),
        onDone: {
          target: 'loaded',
          actions: [
            { type: 'keepText', params: ({ event }) => ({ text: event.output }) },
            { type: 'store', params: ({ event }) => ({ text: event.output }) },
          ],
        },
        onError: { target: 'deciding', actions: { type: 'keepReason', params: ({ event }) => ({ reason: String(event.error) }) } },
      },
      on: { cancel: 'idle' },
    },
    deciding: {
      always: [{ guard: 'attemptsSpent', target: 'failed' }, { target: 'waiting' }],
    },
    waiting: {
      tags: 'busy',
      after: { backoff: 'loading' },
      on: { cancel: 'idle' },
    },
    loaded: {},
    failed: { entry: 'tellEnd' },
  },
});

/** The same with a fault: who loads again goes on counting where the last load has stopped. */
export const forgetfulLoader = loaderMachine.provide({ actions: { countAnew: () => {} } });

/** What may happen to it, and what must hold. */
export const loaderModel = {
  machine: loaderMachine,
  inputs: { 'one retry': { maxAttempts: 2 }, 'two retries': { maxAttempts: 3 } },
  events: {
    load: {
      load: {
        payload: { url: 'https://example.org/' },
        owes: ({ snapshot }) => (snapshot.matches('loading') ? undefined : `in ${snapshot.value}`),
      },
    },
    cancel: {
      cancel: { owes: ({ before, snapshot }) => (before.hasTag('busy') && !snapshot.matches('idle') ? `in ${snapshot.value}` : undefined) },
    },
  },
  outcomes: { request: { done: ['a page'], error: [new Error('no net')] } },
  invariants: {
    'a load has all its attempts, and no more': ({ emitted, snapshot }) => {
      const types = emitted.map(({ type }) => type);
      const since = types.slice(types.lastIndexOf('loader.began'));
      const attempts = since.filter((type) => type === 'loader.trying').length;
      const { maxAttempts } = snapshot.context;
      const isWrong = since.includes('loader.gaveUp') ? attempts !== maxAttempts : attempts > maxAttempts;
      return isWrong ? `it has had ${attempts} of ${maxAttempts} attempts` : undefined;
    },
    'an end without a page is told, with its reason': ({ emitted, snapshot }) => {
      if (!snapshot.matches('failed')) return undefined;
      const last = emitted.at(-1);
      return last?.type === 'loader.gaveUp' && last['reason'] === 'Error: no net' ? undefined : `told last: ${JSON.stringify(last)}`;
    },
    'there is a page when it is loaded, and only then': ({ snapshot }) =>
      snapshot.matches('loaded') === (snapshot.context.text !== null) ? undefined : `in ${snapshot.value} with ${snapshot.context.text}`,
  },
} satisfies Model<typeof loaderMachine>;
