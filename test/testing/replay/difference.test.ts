/** A recording against a machine that has been changed by one line: the first event that comes out differently is found, and told. */
import { assign, createActor, setup, type AnyStateMachine } from 'xstate';
import { describe, expect, it, onTestFinished } from 'vitest';
import { expectReplay, ReplayFailure } from '../../../src/testing/replay/expect-replay.js';
import { record } from '../../../src/testing/replay/recorder.js';
import { replay, type ReplayDifference } from '../../../src/testing/replay/replay.js';
import { VirtualClock } from '../../../src/testing/virtual-clock.js';
import { till, type TillLines } from './till.js';

/** A day at the till, as text. */
function day(machine: AnyStateMachine = till()): string {
  const clock = new VirtualClock();
  const recorder = record();
  const actor = createActor(machine, { id: 'till', clock, inspect: recorder.inspect, input: {} });
  actor.start();
  actor.send({ type: 'scan', price: 30 });
  actor.send({ type: 'scan', price: 20 });
  actor.send({ type: 'pay' });
  clock.advanceBy(500);
  return recorder.recording();
}

function differenceOf(changed: Partial<TillLines>): ReplayDifference {
  const result = replay(day(), { machines: [till(changed)] });
  if (result.ok) throw new Error('the change was not found');
  return result;
}

describe('a recording', () => {
  it('replays through the machine that made it', () => {
    expect(expectReplay(day(), { machines: [till()] })).toEqual({ ok: true, actors: 1, transitions: 5, unchecked: [], cut: null });
  });

  it('is the same text for the same run', () => {
    expect(day()).toBe(day());
  });

  it.each<[string, Partial<TillLines>, { event: string; first: object }]>([
    ['another target', { payTarget: 'empty' }, { event: 'pay', first: { path: 'value', expected: 'paying', got: 'empty' } }],
    ['a flipped guard', { isAffordable: (sum, limit) => sum > limit }, { event: 'pay', first: { expected: 'paying', got: 'refused' } }],
    ['a dropped assign', { addUp: false }, { event: 'scan', first: { path: 'context.sum', expected: 30, got: 0 } }],
    [
      'a dropped emit',
      { tellTotal: false },
      { event: 'pay', first: { expected: { kind: 'emit', event: { type: 'total', sum: 50 } }, got: undefined } },
    ],
    [
      'a dropped send',
      { print: false },
      { event: 'pay', first: { expected: { kind: 'send', to: 'till/printer', event: { type: 'print', sum: 50 } }, got: undefined } },
    ],
    ['another action', { beep: 'honk' }, { event: 'scan', first: { path: 'actions[0].name', expected: 'beep', got: 'honk' } }],
    ['another delay', { patienceMs: 501 }, { event: 'pay', first: { expected: 500, got: 501 } }],
    ['another initial context', { limit: 99 }, { event: 'xstate.init', first: { path: 'context.limit', expected: 100, got: 99 } }],
  ])('finds %s at the first event that comes out differently', (_, changed, { event, first }) => {
    const found = differenceOf(changed);
    expect(found.event).toMatchObject({ type: event });
    expect(found.changes[0]).toMatchObject(first);
    expect(found.notes).toEqual([]);
  });

  it('finds a child that is no longer invoked', () => {
    const found = differenceOf({ hasPrinter: false });
    expect(found.event).toEqual({ type: 'xstate.init' });
    expect(found.expected.actions).toEqual([{ kind: 'spawn', actor: 'till/printer', src: 'printer' }]);
    expect(found.got.actions).toEqual([]);
  });

  it('tells the line of the file, the state before, what was and what is, and the conversation up to there', () => {
    const text = day();
    const found = differenceOf({ payTarget: 'empty' });
    const line = JSON.parse(text.split('\n')[found.at - 1] ?? '') as { type: string; state: { value: string } };
    expect(line).toMatchObject({ type: '@xstate.transition', state: { value: 'paying' } });
    expect(found).toMatchObject({ actor: 'till', machine: 'till', before: 'scanning', expected: { value: 'paying' }, got: { value: 'empty' } });
    expect(found.sequence).toBe(`sequenceDiagram
  participant p0 as till
  participant p1 as (outside)
  participant p2 as till/printer
  Note over p0: starts in empty
  p1->>p0: scan {"price":30}
  Note over p0: empty → scanning
  p1->>p0: scan {"price":20}
  p1->>p0: pay
  p0->>p2: print {"sum":50}
  Note over p0: scanning → paying
  rect rgb(255, 224, 224)
    Note over p0: expected "paying"
    Note over p0: got "empty"
  end
`);
  });

  it('fails a test with all of it in words', () => {
    const failed = (): unknown => expectReplay(day(), { machines: [till({ payTarget: 'empty' })] });
    expect(failed).toThrow(ReplayFailure);
    expect(failed).toThrow(
      /line 12 of the recording does not replay: till \(machine 'till'\) in "scanning", at \{"type":"pay"\}\n {2}value: expected "paying", got "empty"[\s\S]*sequenceDiagram/,
    );
  });

  it('lets differ what is to be ignored, and nothing else', () => {
    expect(replay(day(), { machines: [till({ beep: 'honk' })], ignore: ['run'] })).toMatchObject({ ok: true });
    expect(replay(day(), { machines: [till({ beep: 'honk', print: false })], ignore: ['run'] })).toMatchObject({ ok: false });
  });
});

describe('a machine that is no function of its events', () => {
  const asking = (stamp: () => unknown) =>
    setup({ types: { context: {} as { at: unknown } } }).createMachine({
      id: 'asking',
      context: () => ({ at: null }),
      on: { go: { actions: assign({ at: () => stamp() }) } },
    });

  it.each<[string, () => unknown]>([
    ['Math.random()', () => Math.random()],
    ['Date.now()', () => Date.now()],
    ['new Date()', () => new Date().toISOString()],
    ['performance.now()', () => performance.now()],
    ['crypto.randomUUID()', () => crypto.randomUUID()],
  ])('is said to read %s', (source, stamp) => {
    const text = dayOf(asking(stamp));
    // The clock of the machine stands still within a test; the recording is of another time.
    const earlier = text.replace(/"at":("[^"]+"|[\d.]+)\}/, '"at":1}');
    expect(earlier).not.toBe(text);
    expect(replay(earlier, { machines: [asking(stamp)] })).toMatchObject({
      ok: false,
      event: { type: 'go' },
      notes: [expect.stringContaining(`read ${source} in this step: time and chance must come as data`) as string],
    });
  });

  it('is said so of a context made inline', () => {
    const machine = setup({ types: { context: {} as { id: number } } }).createMachine({ id: 'born', context: () => ({ id: Math.random() }) });
    const recorder = record();
    createActor(machine, { inspect: recorder.inspect }).start().stop();
    expect(replay(recorder.recording(), { machines: [machine] })).toMatchObject({
      ok: false,
      event: { type: 'xstate.init' },
      changes: [{ path: 'context.id' }],
      notes: [expect.stringContaining('Math.random()') as string],
    });
  });

  it('has the globals back as they were, whatever the step did', () => {
    const before = [Date, Date.now, Math.random, performance.now, crypto.randomUUID];
    const text = dayOf(asking(() => 1)).replace('"at":1}', '"at":2}');
    const throwing = asking(() => {
      throw new Error(String(new Date(2000, 1, 1) instanceof Date));
    });
    expect(replay(text, { machines: [throwing] })).toMatchObject({ ok: false, notes: [] });
    expect([Date, Date.now, Math.random, performance.now, crypto.randomUUID]).toEqual(before);
    expect(Object.hasOwn(performance, 'now')).toBe(false);
  });

  it('is said to look at the state of another actor', () => {
    const child = setup({}).createMachine({ id: 'child', initial: 'a', states: { a: { on: { go: 'b' } }, b: {} } });
    const parent = (asks: boolean) =>
      setup({
        actors: { child },
        guards: {
          childIsReady: ({ context }) => !asks || (context as { kid: { getSnapshot(): { value: string } } }).kid.getSnapshot().value === 'b',
        },
      }).createMachine({
        id: 'parent',
        context: ({ spawn }) => ({ kid: spawn('child', { id: 'kid' }) }),
        initial: 'off',
        states: { off: { on: { go: { guard: 'childIsReady', target: 'on' } } }, on: {} },
      });
    const recorder = record();
    const actor = createActor(parent(true), { id: 'p', inspect: recorder.inspect }).start();
    (actor.getSnapshot().context as { kid: { send(event: object): void } }).kid.send({ type: 'go' });
    actor.send({ type: 'go' });
    actor.stop();
    expect(replay(recorder.recording(), { machines: [parent(true), child] })).toMatchObject({
      ok: false,
      actor: 'p',
      notes: [expect.stringContaining('looked at the state of p/kid') as string],
    });
  });

  function dayOf(machine: AnyStateMachine): string {
    const recorder = record();
    const actor = createActor(machine, { inspect: recorder.inspect }).start();
    onTestFinished(() => {
      actor.stop();
    });
    actor.send({ type: 'go' });
    return recorder.recording();
  }
});

describe('the options of a replay', () => {
  const text = day();

  it.each<[string, object, RegExp]>([
    ['an unknown key', { machines: [till()], machine: till() }, /options of replay\(\) with the keys machines, skip, ignore, got: "machine"/],
    ['no machines', { machines: [] }, /`machines` to be a list/],
    ['what is no machine', { machines: { till: {} } }, /`machines` to be a list/],
    ['an unknown part', { machines: [till()], ignore: ['value'] }, /`ignore` to hold some of context, .*got: "value"/],
    ['two machines of one id', { machines: [till(), till()] }, /one machine for each id/],
    [
      'a recorded machine that is not there',
      { machines: [setup({}).createMachine({ id: 'other' })] },
      /with the id 'till' \(of till\).*or the id in `skip`/,
    ],
  ])('refuse %s, before anything is replayed', (_, options, says) => {
    expect(() => replay(text, options as never)).toThrow(says);
  });

  it('take a machine for each actor from a function', () => {
    expect(replay(text, { machines: ({ actor }) => (actor === 'till' ? till() : undefined) })).toMatchObject({ ok: true, transitions: 5 });
  });

  it('leave out what is to be skipped; a test that is left with nothing fails', () => {
    const options = { machines: [setup({}).createMachine({ id: 'other' })], skip: ['till'] };
    expect(replay(text, options)).toMatchObject({ ok: true, actors: 0 });
    expect(() => expectReplay(text, options)).toThrow('no machine that was replayed');
  });
});
