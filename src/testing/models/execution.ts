/** The model of one call of a tool: its function's part, and its deadline. */
import type { AnyEventObject } from 'xstate';
import type { CallAnswer, ModelCall } from '../../../machines/tools/calls.js';
import { executionMachine } from '../../../machines/tools/execution.js';
import type { Model } from '../model/model.js';
import type { Run } from '../model/run.js';

type Call = Run<typeof executionMachine>;

const input: ModelCall = { index: 3, id: 'a', name: 'weather', args: { city: 'Bern' }, deadlineMs: 300 };

/** What is told to its round, oldest first: without a parent XState brings it back to the call itself. */
function news({ actor, notes }: Call, type: string): AnyEventObject[] {
  const told = (notes['news'] ??= []) as AnyEventObject[];
  if (notes['heard'] !== actor) {
    notes['heard'] = actor;
    actor.system.inspect((event) => {
      const isOwn = event.type === '@xstate.event' && event.sourceRef === actor && event.actorRef === actor;
      if (isOwn && event.event.type === type) told.push(event.event);
    });
  }
  return told;
}

/** What it does: `checking`, `running`, `answered` or `timedOut`. */
function phaseOf({ value }: Call['snapshot']): string {
  return typeof value === 'string' ? value : value.active;
}

/** Has it no answer yet? */
const isOpen = ({ snapshot }: Call): boolean => typeof snapshot.value !== 'string';

/** Where it leads, by the phase that it meets, and what its round is told. */
function leads(to: Readonly<Record<string, string>>, told: CallAnswer | null = null) {
  return (call: Call): string | undefined => {
    const met = phaseOf(call.before);
    const wanted = to[met] ?? met;
    if (phaseOf(call.snapshot) !== wanted) return `it was ${met}, it is ${phaseOf(call.snapshot)}, not ${wanted}`;
    const now = news(call, 'call.answered').slice(Number(call.notes['newsBefore'] ?? 0));
    const expected = told === null || to[met] === undefined ? [] : [{ type: 'call.answered', index: 3, ...told }];
    return JSON.stringify(now) === JSON.stringify(expected) ? undefined : `told ${JSON.stringify(now)}, not ${JSON.stringify(expected)}`;
  };
}

const good: CallAnswer = { response: { output: 'sun' }, fault: null };
const bad: CallAnswer = { response: { error: 'invalid arguments: city' }, fault: 'invalidArguments' };
const ends = { checking: 'answered', running: 'answered' };

export const executionModel: Model<typeof executionMachine> = {
  machine: executionMachine,
  inputs: { 'a call': input },
  outcomes: {
    execute: {
      reports: {
        'execution.began': { 'its arguments fit': { owes: leads({ checking: 'running' }) } },
        'execution.settled': {
          'the function returns': { payload: good, owes: leads(ends, good) },
          'its arguments do not fit': { payload: bad, owes: leads(ends, bad) },
        },
      },
      error: {
        'it crashes': { error: new Error('no more'), owes: leads(ends, { response: { error: 'no more' }, fault: 'threw' }) },
      },
    },
  },
  delays: {
    '100 ms pass': {
      ms: 100,
      owes: (call) => {
        const isUp = ['checking', 'running'].includes(phaseOf(call.before)) && call.clock.now() >= input.deadlineMs;
        const late: CallAnswer = { response: { error: "tool 'weather' did not end within 300 ms" }, fault: 'timedOut' };
        return leads(isUp ? { checking: 'timedOut', running: 'timedOut' } : {}, late)(call);
      },
    },
  },
  key: ({ snapshot, clock }) => [snapshot.context.answer, (clock.nextAt() ?? 0) - clock.now()],
  invariants: {
    'its function runs exactly while it is open, once, and knows the call': (call) => {
      const [first] = call.of('execute');
      if ((first !== undefined) !== isOpen(call)) return `it is ${phaseOf(call.snapshot)}`;
      if (call.fakes.length > 1) return `it ran ${call.fakes.length} times`;
      return first === undefined || JSON.stringify(first.input) === JSON.stringify(input) ? undefined : JSON.stringify(first.input);
    },
    'its round hears one answer, by which it is closed': (call) => {
      const told = news(call, 'call.answered').length;
      return told === (isOpen(call) ? 0 : 1) ? undefined : `${told}`;
    },
    'it has a deadline exactly while it is open': (call) => (call.clock.pending() === (isOpen(call) ? 1 : 0) ? undefined : `${call.clock.pending()}`),
    'it emits nothing': ({ emitted }) => emitted[0]?.type,
  },
  observe: (call) => {
    const { notes } = call;
    Object.assign(notes, { newsBefore: notes['newsNow'] ?? 0, newsNow: news(call, 'call.answered').length });
  },
};
