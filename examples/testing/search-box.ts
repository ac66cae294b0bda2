/**
 * A search box that asks while one types: debounced, over one connection whose answers may come in any order. Tested in
 * test/testing/examples/search-box.test.ts.
 */
import { assign, enqueueActions, fromCallback, sendTo, setup } from 'xstate';
import type { EventCase, Model, Run } from 'espalier/testing';

type Question = { readonly type: 'search.ask'; readonly number: number; readonly text: string };
type Answer = { readonly type: 'search.answered'; readonly number: number; readonly hits: readonly string[] };

const searchBox = setup({
  types: {
    context: {} as { text: string; number: number; hits: readonly string[] },
    events: {} as { type: 'box.changed'; text: string } | Answer,
  },
  actors: {
    /** The connection: hears questions, answers each when it can. */
    index: fromCallback<Question, { readonly url: string }>(({ input, receive, sendBack }) => {
      const socket = new WebSocket(input.url);
      receive((question) => socket.send(JSON.stringify(question)));
      socket.addEventListener('message', ({ data }) => sendBack(JSON.parse(String(data)) as Answer));
      return () => socket.close();
    }),
  },
  guards: {
    isBlank: ({ event }) => event.type === 'box.changed' && event.text.trim() === '',
    isLatest: ({ context, event }) => event.type === 'search.answered' && event.number === context.number,
  },
  delays: { pause: 300, patience: 5_000 },
  actions: {
    /** For the app to provide: what a screen reader says. */
    announce: (_args, _params: { readonly hits: number }) => {},
    keepText: assign({ text: ({ event, context }) => (event.type === 'box.changed' ? event.text : context.text), hits: [] }),
    ask: enqueueActions(({ enqueue }) => {
      enqueue.assign({ number: ({ context }) => context.number + 1 });
      enqueue(sendTo('index', ({ context: { number, text } }): Question => ({ type: 'search.ask', number, text })));
    }),
    keepHits: assign({ hits: ({ event, context }) => (event.type === 'search.answered' ? event.hits : context.hits) }),
  },
});

export const searchBoxMachine = searchBox.createMachine({
  id: 'searchBox',
  context: { text: '', number: 0, hits: [] },
  invoke: { id: 'index', src: 'index', input: { url: 'wss://example.org/search' } },
  on: {
    'box.changed': [
      { guard: 'isBlank', target: '.empty', actions: 'keepText' },
      { target: '.typing', actions: 'keepText' },
    ],
  },
  initial: 'empty',
  states: {
    empty: {},
    typing: { after: { pause: 'asking' } },
    asking: {
      entry: 'ask',
      on: { 'search.answered': { guard: 'isLatest', target: 'showing', actions: 'keepHits' } },
      after: { patience: 'unavailable' },
    },
    showing: { entry: { type: 'announce', params: ({ context }) => ({ hits: context.hits.length }) } },
    unavailable: {},
  },
});

/** The same with a fault: any answer is taken for the one that is awaited. */
export const hastySearchBox = searchBoxMachine.provide({ guards: { isLatest: () => true } });

type BoxRun = Run<typeof searchBoxMachine>;

/** Questions that the index has heard and not answered, oldest first. */
function open({ fakes: [index], notes }: BoxRun): readonly Question[] {
  const questions = (index?.received ?? []) as unknown as readonly Question[];
  return questions.filter(({ number }) => !answered(notes).includes(number));
}

function answered(notes: BoxRun['notes']): readonly number[] {
  return (notes['answered'] ?? []) as readonly number[];
}

/** The answer to an open question: what is found is named after its text. */
function answerTo(question: Question | undefined, { notes }: BoxRun): Omit<Answer, 'type'> {
  if (question === undefined) throw new Error('no question is open');
  notes['answered'] = [...answered(notes), question.number];
  return { number: question.number, hits: [`${question.text} 1`, `${question.text} 2`] };
}

/** Typing; with three questions open, nobody goes on. */
function typing(text: string): EventCase<typeof searchBoxMachine, { text: string }> {
  return {
    payload: { text },
    when: (run) => open(run).length < 3,
    owes: ({ snapshot }) => (snapshot.matches('typing') && snapshot.context.text === text ? undefined : `in ${snapshot.value}`),
  };
}

/** What may happen to it, and what must hold. */
export const searchBoxModel = {
  machine: searchBoxMachine,
  events: {
    'box.changed': {
      'types "oak"': typing('oak'),
      'types "elm"': typing('elm'),
      'clears the box': { payload: { text: ' ' }, owes: ({ snapshot }) => (snapshot.matches('empty') ? undefined : `in ${snapshot.value}`) },
    },
  },
  outcomes: {
    index: {
      reports: {
        'search.answered': {
          'the oldest question is answered': { when: (run) => open(run).length > 0, payload: (run) => answerTo(open(run)[0], run) },
          'the newest question is answered': { when: (run) => open(run).length > 1, payload: (run) => answerTo(open(run).at(-1), run) },
        },
      },
    },
  },
  key: (run) => [run.snapshot.context.text, run.snapshot.context.hits, open(run).map(({ text }) => text)],
  invariants: {
    'the hits are for the text in the box': ({ snapshot: { context } }) =>
      context.hits.every((hit) => hit.includes(context.text)) ? undefined : `'${context.text}' is in the box, and shown: ${context.hits.join(', ')}`,
    'there are hits when they are shown, and only then': ({ snapshot }) =>
      snapshot.matches('showing') === snapshot.context.hits.length > 0 ? undefined : `in ${snapshot.value} with ${snapshot.context.hits.length} hits`,
  },
} satisfies Model<typeof searchBoxMachine>;
