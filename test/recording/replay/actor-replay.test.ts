/** One actor of a live recording, replayed: what came out as it was, the first thing that did not, and what cannot be known. */
import { assign, createActor, emit, fromCallback, setup, type AnyActorRef, type AnyStateMachine } from 'xstate';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { RecorderOptions } from '../../../src/inspector/options.js';
import { mostSteps, replayOfActor, type ReplayRequest } from '../../../src/recording/replay/actor-replay.js';
import { withoutChildren } from '../../../src/recording/replay/fold.js';
import { secretKeys } from '../../../src/recording/portable.js';
import { replayOutcome, type ReplayOutcome } from '../../../src/wire/recording/replay-outcome.js';
import type { RecordedLine } from '../../../src/wire/recording/lines.js';
import { recording, watch } from '../../inspector/watching.js';

/** What was executed: nothing of it by a replay. */
const done: string[] = [];

interface Till {
  readonly sum: number;
  readonly names: readonly string[];
  readonly apiKey: string;
}
type TillEvent =
  | { type: 'scan'; price: number; name?: string }
  | { type: 'pay'; password?: string }
  | { type: 'note'; text: string }
  | { type: 'stamp' }
  | { type: 'break' };

/** @param limit  of a sum that may be paid; another one is another machine */
const till = (limit = 100, more: { readonly price?: number } = {}) =>
  setup({
    types: { context: {} as Till, events: {} as TillEvent },
    actors: { bell: fromCallback(() => void done.push('bell')) },
    actions: {
      print: () => void done.push('print'),
      explode: () => {
        throw new Error('jammed');
      },
    },
    guards: { mayPay: ({ context }) => context.sum <= limit },
  }).createMachine({
    id: 'till',
    context: { sum: 0, names: [], apiKey: 'sk-do-not-show' },
    initial: 'open',
    on: { break: { actions: 'explode' } },
    states: {
      open: {
        on: {
          scan: {
            actions: [
              assign(({ context, event }) => ({
                sum: context.sum + event.price + (more.price ?? 0),
                names: event.name === undefined ? context.names : [...context.names, event.name],
              })),
              'print',
            ],
          },
          pay: { guard: 'mayPay', target: 'paid' },
          note: { actions: assign({ names: ({ event }) => [event.text] }) },
          stamp: { actions: assign({ sum: () => Math.random() }) },
        },
      },
      paid: { invoke: { src: 'bell' }, entry: emit({ type: 'till.paid' }) },
    },
  });

/** What an actor did, as a recorder has it that redacts by default. */
function recorded(
  events: readonly TillEvent[],
  { early = [], options = {} }: { early?: readonly TillEvent[]; options?: RecorderOptions } = {},
): {
  readonly lines: RecordedLine[];
  readonly actor: AnyActorRef;
} {
  const { live } = recording(options);
  const actor = createActor(till(), { id: 'till' }) as AnyActorRef;
  onTestFinished(() => {
    actor.stop();
  });
  actor.subscribe({ error: () => undefined });
  if (early.length > 0) actor.start();
  for (const event of early) actor.send(event);
  live.attach(actor);
  const { lines } = watch(live);
  if (early.length === 0) actor.start();
  for (const event of events) actor.send(event);
  return { lines, actor };
}

function replayed(lines: readonly RecordedLine[], machine: AnyStateMachine | null = till(), request: Partial<ReplayRequest> = {}): ReplayOutcome {
  const makings = { machineOf: () => (machine === null ? null : withoutChildren(machine)), redaction: { secret: secretKeys } };
  const run = replayOfActor(lines, { actor: 'till', ...request }, makings);
  for (;;) {
    const next = run.next();
    if (next.done !== true) continue;
    // What it says is what may be told.
    expect(replayOutcome.parse(JSON.parse(JSON.stringify(next.value)))).toEqual(next.value);
    expect(JSON.stringify(next.value)).not.toContain('sk-do-not-show');
    return next.value;
  }
}

const scan = (price: number): TillEvent => ({ type: 'scan', price });
const seqOf = (lines: readonly RecordedLine[], type: string, nth = 0): number =>
  lines.filter((line) => line.type === '@xstate.event' && (line.event as { type: string }).type === type)[nth]?.seq ?? -1;

describe('the replay of an actor', () => {
  it('finds every step as it was, and executes nothing', () => {
    const { lines } = recorded([scan(3), scan(4), { type: 'pay' }]);
    done.length = 0;
    expect(replayed(lines)).toMatchObject({ outcome: 'same', steps: 3, notes: [] });
    expect(done).toEqual([]);
  });

  it('goes up to the line that is asked for', () => {
    const { lines } = recorded([scan(3), scan(4), { type: 'pay' }]);
    expect(replayed(lines, till(), { to: seqOf(lines, 'scan', 1) })).toMatchObject({ outcome: 'same', steps: 1 });
  });

  it('names the first step that comes out otherwise, by its line', () => {
    const { lines } = recorded([scan(3), { type: 'pay' }]);
    const differs = replayed(lines, till(2));
    expect(differs).toMatchObject({
      outcome: 'differs',
      ...{ steps: 1, event: 'pay', expected: { status: 'active', value: 'paid' }, replayed: { status: 'active', value: 'open' } },
      changes: [{ path: 'value', expected: 'paid', replayed: 'open' }],
    });
    const { seq } = differs as Extract<ReplayOutcome, { outcome: 'differs' }>;
    expect(lines.find((line) => line.seq === seq && line.type === '@xstate.transition')).toMatchObject({ event: seqOf(lines, 'pay') });
  });

  it('compares the context as well', () => {
    const { lines } = recorded([scan(3)]);
    const changes = [{ path: 'context.sum', expected: 3, replayed: 4 }];
    expect(replayed(lines, till(100, { price: 1 }))).toMatchObject({ outcome: 'differs', event: 'scan', changes });
  });

  it('begins with what an actor was in when somebody began to watch', () => {
    const { lines } = recorded([scan(4), { type: 'pay' }], { early: [scan(3)] });
    expect(replayed(lines)).toMatchObject({ outcome: 'same', steps: 2, notes: ['context.apiKey is redacted in the recording'] });
    expect(replayed(lines, till(5))).toMatchObject({ outcome: 'differs', event: 'pay', notes: ['context.apiKey is redacted in the recording'] });
  });

  it('begins anew behind a gap, and says where nothing is known', () => {
    const { lines } = recorded([scan(3), scan(4), scan(5)]);
    const gap = (seq: number): RecordedLine => ({ type: '@espalier.dropped', seq, at: 0, count: 1, why: 'a test' });
    // The second event, and what came of it.
    const [lost, next] = [seqOf(lines, 'scan', 1), seqOf(lines, 'scan', 2)];
    const told = lines.flatMap((line) => (line.seq === lost ? [gap(next - 1)] : line.seq > lost && line.seq < next ? [] : [line]));
    expect(told.length).toBeLessThan(lines.length);
    expect(replayed(told)).toMatchObject({ outcome: 'unknown', code: 'lost', steps: 0, seq: null });
    expect(replayed(told, till(), { to: lost - 1 })).toMatchObject({ outcome: 'same', steps: 1 });
    expect(replayed([gap(0), ...lines])).toMatchObject({ outcome: 'same', steps: 3 });
    expect(replayed(lines, till(), { actor: 'nobody' })).toMatchObject({ outcome: 'unknown', code: 'notRecorded', seq: null });
    expect(replayed(lines, null)).toMatchObject({ outcome: 'unknown', code: 'noMachine' });
  });

  it('knows no event that was sent before the recording began', () => {
    const { lines } = recorded([scan(3)]);
    const without = lines.filter(({ type }) => type !== '@xstate.event');
    expect(replayed(without)).toMatchObject({ outcome: 'unknown', code: 'lost', steps: 0 });
  });

  it('does not compare what was redacted or cut, and goes on', () => {
    const { lines } = recorded([scan(3), { type: 'note', text: 'x'.repeat(10_000) }, { type: 'pay', password: 'open sesame' }]);
    expect(JSON.stringify(lines)).toContain('a text of 10000 characters');
    expect(replayed(lines)).toMatchObject({ outcome: 'same', steps: 3 });
  });

  it('does not compare what the recorder has cut deeper than a replay would', () => {
    const long = Array.from({ length: 400 }, (): TillEvent => ({ type: 'scan', price: 0, name: 'y'.repeat(100) }));
    const { lines } = recorded([{ type: 'note', text: 'x'.repeat(2_000) }, scan(3)], { early: long });
    expect(JSON.stringify(lines)).toContain('{"$cut":"a text of 2000 characters"}');
    expect(replayed(lines)).toMatchObject({ outcome: 'same', steps: 2 });
  });

  it('claims no difference where what was redacted may have decided', () => {
    const { lines } = recorded([scan(3), { type: 'pay', password: 'open sesame' }]);
    expect(replayed(lines, till(2))).toMatchObject({
      ...{ outcome: 'unknown', code: 'redacted', steps: 1 },
      words: 'what decided here is not in the recording: event.password is redacted in the recording',
    });
  });

  it('takes from the recording what time and chance have brought', () => {
    const { lines } = recorded([{ type: 'stamp' }, scan(3)]);
    expect(replayed(lines)).toMatchObject({
      ...{ outcome: 'same', steps: 2 },
      notes: ['its machine reads Math.random(): what it made of that is taken from the recording'],
    });
  });

  it('takes a crash in an action as it was', () => {
    const { lines } = recorded([scan(3), { type: 'break' }]);
    expect(replayed(lines)).toMatchObject({ outcome: 'same', steps: 2, notes: ['it crashed in an action, and a replay runs none'] });
  });

  it('says what one more event would have brought, and does nothing of it', () => {
    const { lines } = recorded([scan(3), { type: 'pay' }]);
    const to = seqOf(lines, 'pay') - 1;
    done.length = 0;
    expect(replayed(lines, till(), { to, event: { type: 'pay' } })).toMatchObject({
      outcome: 'same',
      next: { type: 'pay', state: { status: 'active', value: 'paid' }, handled: true, changed: [], actions: ['emit till.paid', 'spawn'] },
    });
    const next = { type: 'scan', handled: true, state: { value: 'open' }, changed: ['sum'], actions: ['print'] };
    expect(replayed(lines, till(), { to, event: { type: 'scan', price: 9 } as TillEvent })).toMatchObject({ next });
    expect(replayed(lines, till(), { to, event: { type: 'nothing' } })).toMatchObject({ next: { handled: false, changed: [], actions: [] } });
    expect(done).toEqual([]);
  });

  it.each([
    ['ring', true, 'active'],
    ['again', true, 'active'],
    ['ignored', true, 'active'],
    ['breaks', true, 'error'],
    ['strange', false, 'active'],
    ['never', false, 'active'],
  ] as const)('says of %s that it is handled: %s', (type, handled, status) => {
    const bell = setup({
      guards: {
        no: () => false,
        throws: () => {
          throw new Error('no answer');
        },
      },
      actions: { print: () => undefined },
    }).createMachine({
      id: 'bell',
      initial: 'up',
      context: {},
      on: { ring: { actions: 'print' }, ignored: {}, breaks: { guard: 'throws' }, never: { guard: 'no', actions: 'print' } },
      states: { up: { on: { again: { target: 'up', reenter: true } } } },
    });
    const { live } = recording({});
    const actor = createActor(bell, { id: 'till' });
    onTestFinished(() => {
      actor.stop();
    });
    live.attach(actor);
    const { lines } = watch(live);
    actor.start();
    expect(replayed(lines, bell, { event: { type } })).toMatchObject({ outcome: 'same', next: { handled, state: { status } } });
  });

  it('ends with its bound', () => {
    const { lines } = recorded([{ type: 'pay' }, scan(3)]);
    // Nobody takes it, and so it may be told as often as one likes.
    const again = Array.from({ length: mostSteps - 2 }, () => lines.slice(-2)).flat();
    expect(replayed([...lines, ...again])).toMatchObject({ outcome: 'same', steps: mostSteps });
    expect(replayed([...lines, ...again, ...lines.slice(-2)])).toMatchObject({ outcome: 'unknown', code: 'tooLong', steps: mostSteps });
  });
});
