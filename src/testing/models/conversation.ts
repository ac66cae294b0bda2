/** The model of a conversation: its model's part, its round's, its subscriber's, the app's, a supervisor's, and time. */
import type { ModelCall } from '../../../machines/tools/calls.js';
import { conversationMachine } from '../../../machines/tools/conversation.js';
import type { ConversationInput, TurnAnswer } from '../../../machines/tools/conversation-events.js';
import type { ConversationFailure } from '../../../machines/tools/outcome.js';
import type { EventCase, Model } from '../model/model.js';
import type { Run } from '../model/run.js';
import { claims, phaseOf } from './conversation-claims.js';

type Conversation = Run<typeof conversationMachine>;
type Case = EventCase<typeof conversationMachine, never>;
type Phases = Readonly<Record<string, string>>;

const input: ConversationInput = {
  ...{ history: [{ type: 'items', items: [{ role: 'user', parts: [{ text: 'hello' }] }] }] },
  ...{ maxTurns: 2, turnMs: 300, totalMs: 800, maxParallel: 2, maxCalls: 4 },
};

const answering = ['asking', 'collecting'];
const phases = [...answering, 'runningTools'];
const fromAll = (phase: string, among = phases): Phases => Object.fromEntries(among.map((from) => [from, phase]));

/** Where it leads, by the phase that it meets; what it tells, where it leads anywhere. */
function leads(to: Phases, tells: (conversation: Conversation) => readonly object[]) {
  return (conversation: Conversation): string | undefined => {
    const met = phaseOf(conversation.before);
    const wanted = to[met] ?? met;
    const now = phaseOf(conversation.snapshot);
    if (now !== wanted) return `it was ${met}, it is ${now}, not ${wanted}`;
    const expected = JSON.stringify(to[met] === undefined ? [] : tells(conversation));
    return JSON.stringify(conversation.emittedNow) === expected ? undefined : `told ${JSON.stringify(conversation.emittedNow)}, not ${expected}`;
  };
}

const turnOf = ({ before }: Conversation): number => before.context.turn;
const failed = (failure: object) => (conversation: Conversation) => [{ type: 'conversation.failed', failure, turns: turnOf(conversation) }];
const failure = (kind: ConversationFailure['kind'], code: string, message: string): ConversationFailure => ({ kind, code, status: '', message });

/** Ends it wherever it is. */
function cancels(payload: object, cancellation: object): Case {
  return {
    weight: 0.25,
    payload: payload as never,
    owes: leads(fromAll('cancelled'), (it) => [{ type: 'conversation.cancelled', cancellation, turns: turnOf(it) }]),
  };
}

const call = (index: number): ModelCall => ({ index, id: `id-${index}`, name: index === 0 ? 'weather' : 'time', args: {}, deadlineMs: 100 });
const results = [0, 1].map((index) => ({ index, id: `id-${index}`, name: call(index).name, response: { output: index }, fault: null }));
const said: TurnAnswer = { items: [{ role: 'model', parts: [{ text: 'hi' }] }], text: 'hi', calls: [], next: 'nothing', answer: { text: 'hi' } };
const items = [{ role: 'model', parts: [{ functionCall: { name: 'weather' } }, { functionCall: { name: 'time' } }] }];
const calling: TurnAnswer = { ...said, items, calls: [call(0), call(1)], next: 'calls' };
const more: TurnAnswer = { ...said, next: 'continue' };
const limit = {
  calls: failure('turnLimit', 'maxTurns', "after 2 turns the model wants to call 'weather', 'time'"),
  continue: failure('turnLimit', 'maxTurns', 'after 2 turns the model wants to go on'),
};

/** The model's turn ends: with an answer, or with a wish that is granted while there are turns. */
function ends(answer: TurnAnswer, to: 'answered' | 'runningTools' | 'asking'): Case {
  return {
    payload: { answer } as never,
    owes: (it) => {
      const turn = turnOf(it);
      const { next, text } = answer;
      if (next !== 'nothing' && turn === input.maxTurns) return leads(fromAll('failed', answering), failed(limit[next]))(it);
      const ended = { type: 'turn.ended', turn, next };
      const after = {
        nothing: { type: 'conversation.answered', text: it.before.context.text + text, answer: answer.answer, turns: turn },
        calls: [0, 1].map((index) => ({ type: 'tool.called', turn, call: call(index) })),
        continue: { type: 'turn.started', turn: turn + 1 },
      };
      return leads(fromAll(to, answering), () => [ended, ...[after[next]].flat()])(it);
    },
  };
}

const crash = (among = phases) => ({
  error: new Error('no more'),
  owes: leads(fromAll('failed', among), failed(failure('crashed', 'crash', 'no more'))),
});
const refused: ConversationFailure = { kind: 'refused', code: 503, status: 'UNAVAILABLE', message: 'busy' };

export const conversationModel: Model<typeof conversationMachine> = {
  machine: conversationMachine,
  inputs: { 'a conversation': input },
  events: {
    'conversation.cancel': { 'app: cancels': cancels({ by: 'app', reason: 'enough' }, { by: 'app', reason: 'enough' }) },
    'supervisor.shutdown': {
      'supervisor: shutdown': cancels({ reason: ['shutdown', 'deploy'] }, { by: 'supervisor', reason: 'shutdown' }),
      'supervisor: shutdown without a word': cancels({}, { by: 'supervisor', reason: 'shutdown' }),
    },
    'call.cancel': {
      'app: cancels a call': {
        payload: { index: 1, reason: 'enough' },
        owes: (it) => {
          const told = it.of('round').at(-1)?.received.at(-1);
          const wanted = phaseOf(it.before) === 'runningTools' ? { type: 'call.cancel', index: 1, reason: 'enough' } : undefined;
          return (
            leads({}, () => [])(it) ??
            (wanted === undefined || JSON.stringify(told) === JSON.stringify(wanted) ? undefined : 'its round was not told')
          );
        },
      },
    },
    'worker.lost': {
      'somebody kills its turn': {
        weight: 0.25,
        payload: { worker: 'turn', reason: 'killed' },
        owes: leads(fromAll('failed'), failed(failure('killed', 'killed', "its actor 'turn' was ended from outside"))),
      },
    },
  },
  outcomes: {
    tools: {
      reports: {
        'tools.began': {
          'its tools are there': {
            owes: (it) => {
              const isRestored = it.before.context.hasBegun;
              const interrupted = failed(failure('interrupted', 'restored', 'restored from a snapshot: what it did is gone'));
              return (
                leads(isRestored ? fromAll('failed') : {}, interrupted)(it) ??
                (it.snapshot.context.hasBegun ? undefined : 'it does not know that it has begun')
              );
            },
          },
        },
        'tools.failed': {
          'what its tools run on ends': {
            weight: 0.25,
            payload: { reason: 'killed' },
            owes: leads(fromAll('failed'), failed(failure('tools', 'ended', 'what the tools run on has ended: killed'))),
          },
        },
      },
      error: { 'its tools crash': crash() },
    },
    subscriber: {
      reports: {
        'conversation.cancel': { 'its subscriber dies': cancels({ by: 'subscriber', reason: 'gone' }, { by: 'subscriber', reason: 'gone' }) },
      },
      error: { 'its subscriber crashes': crash() },
    },
    turn: {
      reports: {
        'turn.began': { 'the answer begins': { owes: leads({ asking: 'collecting' }, () => []) } },
        'turn.ended': {
          'the model answers': ends(said, 'answered'),
          'the model calls two tools': ends(calling, 'runningTools'),
          'the model wants to go on': ends(more, 'asking'),
        },
        'turn.failed': { 'the model is refused': { payload: { failure: refused }, owes: leads(fromAll('failed', answering), failed(refused)) } },
      },
      error: { 'its turn crashes': crash(answering) },
    },
    round: {
      reports: {
        'call.answered': {
          'a call is answered': {
            payload: { result: results[0] as never },
            owes: leads({ runningTools: 'runningTools' }, (it) => [{ type: 'tool.answered', turn: turnOf(it), result: results[0] }]),
          },
        },
      },
      done: {
        'all calls are answered': {
          output: { results },
          owes: leads({ runningTools: 'asking' }, (it) => [{ type: 'turn.started', turn: turnOf(it) + 1 }]),
        },
      },
      error: { 'its round crashes': crash(['runningTools']) },
    },
  },
  delays: { '100 ms pass': 100 },
  key: ({ clock, notes, snapshot, fakes }) => {
    const { turn, hasBegun, history, text } = snapshot.context;
    const expired = fakes.findLast(({ src }) => src === 'round')?.received.some(({ type }) => type === 'round.expire');
    return [turn, hasBegun, history.length, text, expired, clock.now() - Number(notes['since']), clock.now()];
  },
  invariants: claims(input),
  observe: (it) => {
    const { clock, notes, snapshot } = it;
    if (notes['turn'] !== snapshot.context.turn) Object.assign(notes, { turn: snapshot.context.turn, since: clock.now() });
  },
  finish: (it) => it.send({ type: 'conversation.cancel', by: 'app', reason: '' }),
};
