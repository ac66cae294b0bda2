/** The model of a round: three calls of which two may run at once, a fourth that is too many; its conversation's part, and its calls'. */
import type { CallAnswer, ModelCall } from '../../../machines/tools/calls.js';
import { type RoundInput, roundMachine } from '../../../machines/tools/round.js';
import type { EventCase, Model } from '../model/model.js';
import type { Run } from '../model/run.js';

type Round = Run<typeof roundMachine>;
type Case = EventCase<typeof roundMachine, never>;

const call = (index: number): ModelCall => ({ index, id: index === 1 ? null : `id-${index}`, name: 'weather', args: { index }, deadlineMs: 300 });
const input: RoundInput = { calls: [call(0), call(1), call(2), call(3)], maxParallel: 2, maxCalls: 3 };

interface Told {
  readonly type: string;
  readonly result?: { readonly index: number; readonly fault: unknown };
}

/** What its conversation was told, oldest first: without a parent XState brings it back to the round. */
function news({ actor, notes }: Round): Told[] {
  const told = (notes['news'] ??= []) as Told[];
  if (notes['heard'] !== actor) {
    notes['heard'] = actor;
    actor.system.inspect((event) => {
      const isOwn = event.type === '@xstate.event' && event.sourceRef === actor && event.actorRef === actor;
      if (isOwn && 'result' in event.event) told.push(event.event);
    });
  }
  return told;
}

/** These are answered now and were not before, with this answer; no other is. */
function answers(picks: (round: Round) => (index: number) => boolean, answer: CallAnswer) {
  return (round: Round): string | undefined => {
    const before = round.before.context.rows;
    const wanted = before.filter((row) => row.status !== 'answered' && picks(round)(row.index)).map(({ index }) => index);
    const rows = round.snapshot.context.rows;
    const now = rows.filter((row, place) => row.status === 'answered' && before[place]?.status !== 'answered');
    if (JSON.stringify(now.map(({ index }) => index)) !== JSON.stringify(wanted)) return `answered ${now.length}, not ${wanted.length}`;
    const other = now.find((row) => JSON.stringify(row.answer) !== JSON.stringify(answer));
    return other === undefined ? undefined : `call ${other.index}: ${JSON.stringify(other.answer)}`;
  };
}

const good: CallAnswer = { response: { output: 'sun' }, fault: null };
const bad: CallAnswer = { response: { error: 'no more' }, fault: 'threw' };
const lost: CallAnswer = { response: { error: 'the call was ended from outside: killed' }, fault: 'lost' };
/** The app cancels a call. */
function cancels(index: number, reason: string): Case {
  const error = reason === '' ? 'the call was cancelled' : `the call was cancelled: ${reason}`;
  return {
    weight: 0.5,
    payload: { index, reason } as never,
    owes: answers(() => (one) => one === index, { response: { error }, fault: 'cancelled' }),
  };
}

/** It runs, or has: what comes late touches nothing. */
const hasRun =
  (index: number) =>
  ({ snapshot }: Round): boolean =>
    (snapshot.context.rows[index]?.status ?? 'waiting') !== 'waiting';

const reports = (index: number, answer: CallAnswer): Case => ({
  when: hasRun(index),
  payload: { index, ...answer } as never,
  owes: answers(() => (one) => one === index, answer),
});

export const roundModel: Model<typeof roundMachine> = {
  machine: roundMachine,
  inputs: { 'four calls': input, 'a call': { ...input, calls: [call(0)] }, 'nothing but too many': { ...input, calls: [call(0)], maxCalls: 0 } },
  events: {
    'call.cancel': { 'app: cancels the first': cancels(0, 'enough'), 'app: cancels the last that runs': cancels(2, '') },
    'round.expire': {
      'the turn is up': {
        weight: 0.25,
        payload: { afterMs: 500 },
        owes: answers(() => () => true, { response: { error: 'the turn did not end within 500 ms' }, fault: 'turnTimedOut' }),
      },
    },
  },
  outcomes: {
    execution: {
      reports: {
        'call.answered': {
          'the first call succeeds': reports(0, good),
          'the first call fails': reports(0, bad),
          'the second call succeeds': reports(1, good),
          'the third call succeeds': reports(2, good),
        },
        'call.lost': {
          'the second call is killed': {
            when: hasRun(1),
            payload: { index: 1, reason: 'killed' },
            owes: answers(() => (one) => one === 1, lost),
          },
        },
      },
    },
  },
  key: ({ fakes, snapshot }) => [
    snapshot.context.rows.map(({ status, answer }) => [status, answer?.fault ?? null]),
    fakes.map(({ id, status }) => [id, status]),
  ],
  invariants: {
    'as many run as may, in the order of the calls': ({ snapshot: { context, value } }) => {
      const running = context.rows.filter(({ status }) => status === 'running').length;
      const waiting = context.rows.findIndex(({ status }) => status === 'waiting');
      if (running > context.maxParallel) return `${running} run`;
      if (waiting >= 0 && running < context.maxParallel) return `call ${waiting} waits, and ${running} run`;
      const late = context.rows.findLastIndex(({ status }) => status === 'running');
      return value === 'running' && waiting >= 0 && late > waiting ? `call ${late} runs, and ${waiting} waits` : undefined;
    },
    'a call that runs has its actor, which knows it; no call has two': (round) => {
      const ids = round.fakes.map(({ id }) => id);
      if (new Set(ids).size !== ids.length) return ids.join();
      for (const { status, answer: _, ...row } of round.snapshot.context.rows) {
        const fake = round.find(`execution.${row.index}`);
        if (status === 'running' && fake === undefined) return `call ${row.index} has none`;
        if (status === 'waiting' && fake !== undefined) return `call ${row.index} waits, and runs`;
        if (fake !== undefined && JSON.stringify(fake.input) !== JSON.stringify(row)) return JSON.stringify(fake.input);
      }
      return undefined;
    },
    'a call that is answered does not run on': (round) =>
      round.snapshot.context.rows
        .filter(({ status }) => status === 'answered')
        .map(({ index }) => round.find(`execution.${index}`)?.id)
        .find((id) => id !== undefined),
    'its conversation hears of each answer once': (round) => {
      const told = news(round)
        .map(({ result }) => Number(result?.index))
        .sort((a, b) => a - b);
      // Those that are too many are told as it starts, before anybody can listen.
      const { rows } = round.snapshot.context;
      const answered = rows.filter(({ answer }) => answer !== null && answer.fault !== 'tooMany').map(({ index }) => index);
      return JSON.stringify(told) === JSON.stringify(answered) ? undefined : `told of ${told.join()}, answered ${answered.join()}`;
    },
    'it is done exactly when all are answered, and its results are in the order of the calls': ({ snapshot }) => {
      const { rows } = snapshot.context;
      const isAnswered = rows.every(({ status }) => status === 'answered');
      if (isAnswered !== (snapshot.status === 'done')) return `it is ${snapshot.status}`;
      const results = snapshot.output?.results.map(({ index, id, name }) => [index, id, name]);
      const wanted = isAnswered ? rows.map(({ index, id, name }) => [index, id, name]) : undefined;
      return JSON.stringify(results) === JSON.stringify(wanted) ? undefined : JSON.stringify(results);
    },
    'a call that is too many is answered so, and never run': ({ snapshot: { context }, start, fakes }) => {
      const wanted = start === 'four calls' ? [3] : start === 'a call' ? [] : [0];
      const many = context.rows.filter(({ answer }) => answer?.fault === 'tooMany').map(({ index }) => index);
      if (JSON.stringify(many) !== JSON.stringify(wanted)) return many.join();
      return fakes.find(({ id }) => many.some((index) => id === `execution.${index}`))?.id;
    },
    'it emits nothing': ({ emitted }) => emitted[0]?.type,
  },
  observe: (round) => void news(round),
  finish: (round) => round.send({ type: 'round.expire', afterMs: 1 }),
};
