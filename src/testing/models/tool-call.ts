/** The model of a call: its session, the app's function, the app itself, and its deadline. */
import type { AnyEventObject } from 'xstate';
import { type ToolAnswer, type ToolCallInput, toolCallMachine } from '../../../machines/live/tool-call.js';
import type { EventCase, Model } from '../model/model.js';
import type { Run } from '../model/run.js';

type Call = Run<typeof toolCallMachine>;
type Case = EventCase<typeof toolCallMachine, never>;

const input: ToolCallInput = { key: 7, id: 'a', name: 'weather', args: { city: 'Bern' }, blocking: true, deadlineMs: 300 };

/** What it has told its session, oldest first: without a parent XState brings it back to the call. */
function news({ notes }: Call): AnyEventObject[] {
  return (notes['news'] ??= []) as AnyEventObject[];
}

/** Hears what it tells. */
function listen(call: Call): void {
  const { actor, notes } = call;
  if (notes['heard'] === actor) return;
  notes['heard'] = actor;
  actor.system.inspect((event) => {
    if (event.type === '@xstate.event' && event.sourceRef === actor && event.actorRef === actor && 'key' in event.event) news(call).push(event.event);
  });
}

/** Where it leads, by the state that it meets, and what the session is told of it. */
function leads(to: Readonly<Record<string, string>>, told: (met: string) => readonly object[] = () => []) {
  return (call: Call): string | undefined => {
    const met = call.before.value;
    const wanted = to[met] ?? met;
    if (call.snapshot.value !== wanted) return `it was ${met}, it is ${call.snapshot.value}, not ${wanted}`;
    const now = news(call).slice(Number(call.notes['newsBefore'] ?? 0));
    const expected = told(met).map((one) => ({ ...one }));
    return JSON.stringify(now) === JSON.stringify(expected) ? undefined : `told ${JSON.stringify(now)}, not ${JSON.stringify(expected)}`;
  };
}

const answer = (given: ToolAnswer): object => ({ type: 'call.answer', key: 7, ...given });
const { response, scheduling }: ToolAnswer = { response: { output: 'sun' }, scheduling: 'SILENT' };

/** The first final answer ends it, whoever gives it. */
const settles = (given: ToolAnswer): Case => ({
  payload: given as never,
  owes: leads({ pending: 'answering', running: 'answering' }, (met) => (met === 'answering' ? [] : [answer(given)])),
});

const progresses = (given: Omit<ToolAnswer, 'willContinue'>): Case => {
  const { response: part, ...rest } = given;
  return { payload: given as never, owes: leads({}, (met) => (met === 'running' ? [answer({ response: part, ...rest, willContinue: true })] : [])) };
};

const everywhere = (state: string): Readonly<Record<string, string>> => ({ pending: state, running: state, answering: state });

export const toolCallModel: Model<typeof toolCallMachine> = {
  machine: toolCallMachine,
  inputs: { 'a call': input },
  events: {
    'call.run': { 'session: run': { owes: leads({ pending: 'running' }) } },
    'call.settled': { 'app: answers': settles({ response }), 'app: answers, silently': settles({ response, scheduling: 'SILENT' }) },
    'call.progressed': { 'app: answers in part': progresses({ response }) },
    'call.written': { 'session: written': { owes: leads({ answering: 'answered' }) } },
    'call.cancel': { 'session: cancelled': { weight: 0.5, owes: leads(everywhere('cancelled')) } },
    'call.abandon': {
      'session: abandoned': {
        weight: 0.5,
        payload: { reason: 'closed' },
        owes: (call) => leads(everywhere('abandoned'))(call) ?? (call.snapshot.context.reason === 'closed' ? undefined : 'it does not know why'),
      },
    },
  },
  outcomes: {
    execute: {
      reports: {
        'call.settled': { 'the function returns': settles({ response }) },
        'call.progressed': { 'the function yields': progresses({ response, ...(scheduling === undefined ? {} : { scheduling }) }) },
        'call.listenerThrew': {
          'an abort listener throws': {
            payload: { reason: 'oops' },
            owes: leads({}, () => [{ type: 'call.listenerFailed', key: 7, reason: 'oops' }]),
          },
        },
      },
      error: {
        'the function crashes': {
          error: new Error('no more'),
          owes: leads({ running: 'answering' }, () => [answer({ response: { error: 'no more' } })]),
        },
      },
    },
  },
  delays: {
    '100 ms pass': {
      ms: 100,
      owes: (call) => {
        const isUp = call.before.value === 'running' && call.clock.now() - Number(call.notes['ranAt']) >= input.deadlineMs;
        const timedOut = answer({ response: { error: "tool 'weather' did not end within 300 ms" } });
        return leads(isUp ? { running: 'answering' } : {}, () => (isUp ? [timedOut] : []))(call);
      },
    },
  },
  key: ({ snapshot, clock }) => [snapshot.context.reason, (clock.nextAt() ?? 0) - clock.now()],
  invariants: {
    'its function runs exactly while it runs, and knows the call': (call) => {
      const { key: _, ...known } = input;
      const [first] = call.of('execute');
      if ((first !== undefined) !== (call.snapshot.value === 'running')) return `it is ${call.snapshot.value}`;
      if (call.fakes.length > 1) return `it ran ${call.fakes.length} times`;
      return first === undefined || JSON.stringify(first.input) === JSON.stringify(known) ? undefined : JSON.stringify(first.input);
    },
    'its session hears one last answer': (call) => {
      const last = news(call).filter(({ type, willContinue }) => type === 'call.answer' && willContinue !== true).length;
      const isAnswered = ['answering', 'answered'].includes(call.snapshot.value);
      return last > 1 || (isAnswered && last === 0) ? `${last}` : undefined;
    },
    'it has a deadline exactly while it runs': ({ snapshot, clock }) =>
      clock.pending() === (snapshot.value === 'running' ? 1 : 0) ? undefined : `${clock.pending()}`,
    'it emits nothing': ({ emitted }) => emitted[0]?.type,
  },
  observe: (call) => {
    listen(call);
    const { notes, snapshot, clock } = call;
    Object.assign(notes, { newsBefore: notes['newsNow'] ?? 0, newsNow: news(call).length });
    if (snapshot.value === 'running') notes['ranAt'] ??= clock.now();
  },
  finish: (call) => call.send({ type: 'call.abandon', reason: 'closed' }),
};
