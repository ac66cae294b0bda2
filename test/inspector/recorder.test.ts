/** The live recorder: what it tells whom, what it keeps, and that no app is harmed by it. */
import { assign, createActor, createMachine, fromCallback, setup, type AnyActorRef } from 'xstate';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { dynamicSupervisor, orchestrator, taskSupervisor } from '../../src/index.js';
import { recorder, type SubscribeOptions } from '../../src/inspector/recorder.js';
import type { RecorderOptions } from '../../src/inspector/options.js';
import { Reader } from '../../src/recording/reader.js';
import { budgetOf, sceneAt } from '../../src/recording/scene.js';
import { supervisorHandle } from '../../src/supervision/handle.js';
import { systemOf } from '../../src/supervision/xstate-internals.js';
import { expectReplay } from '../../src/testing/replay/expect-replay.js';
import type { RecordedLine } from '../../src/wire/recording/lines.js';
import { stage, worker } from '../supervision/stage.js';
import { recording, reread, watch } from './watching.js';

const counter = setup({
  types: { context: {} as { count: number; held: unknown }, events: {} as { type: 'up' } | { type: 'hold'; what: unknown } },
}).createMachine({
  id: 'counter',
  context: { count: 0, held: null },
  on: {
    up: { actions: assign({ count: ({ context }) => context.count + 1 }) },
    hold: { actions: assign({ held: ({ event }) => event.what }) },
  },
});

function started(id = 'c'): AnyActorRef {
  const actor = createActor(counter, { id }).start() as AnyActorRef;
  onTestFinished(() => {
    actor.stop();
  });
  return actor;
}

const starts = (lines: readonly RecordedLine[]): string[] => lines.flatMap((line) => (line.type === '@xstate.actor' ? [line.actor] : []));

describe('while nobody watches', () => {
  it('only births and deaths are told, and the system inspects nothing', () => {
    const { live } = recording();
    const actor = createActor(counter, { id: 'c' }) as AnyActorRef;
    const { _sendInspectionEvent: own } = systemOf(actor);
    live.attach(actor);
    actor.start();
    actor.send({ type: 'up' });
    expect(systemOf(actor)._sendInspectionEvent).toBe(own);
    const seen = watch(live);
    expect(systemOf(actor)._sendInspectionEvent).not.toBe(own);
    seen.dispose();
    expect(systemOf(actor)._sendInspectionEvent).toBe(own);
    actor.stop();
    const later = watch(live, { history: true });
    expect(later.lines.map(({ type }) => type)).toEqual([
      '@espalier.machine',
      '@xstate.actor',
      '@espalier.exit',
      '@espalier.dropped',
      '@espalier.keyframe',
      '@espalier.machine',
    ]);
    expect(later.lines[1]).toMatchObject({ actor: 'c', brief: true });
    expect(later.lines[2]).toMatchObject({ actor: 'c', reason: 'shutdown' });
  });

  it('restarts are told, with who replaces whom, and a crash with its reason', async () => {
    const scene = stage();
    const { live } = recording();
    const app = orchestrator({ actors: { worker: worker() }, children: [{ id: 'w', src: 'worker' }] }).start({ clock: scene.clock, inspect: live });
    await scene.settle(app.started());
    app.child('w')?.send({ type: 'crash' });
    await scene.flush();
    const { lines } = watch(live, { history: true });
    expect(lines.find((line) => line.type === '@espalier.exit' && line.actor === 'app/pool/w')).toMatchObject({
      reason: { crash: { $error: { message: 'boom' } } },
    });
    expect(lines.find((line) => line.type === '@xstate.actor' && line.actor === 'app/pool/w#2')).toMatchObject({ replaces: 'app/pool/w', run: 2 });
    await scene.settle(app.stop());
  });

  it('keeps no more than the latest two thousand of them', () => {
    const { live } = recording();
    const kid = fromCallback(() => undefined);
    const parent = setup({ actors: { kid } }).createMachine({
      id: 'p',
      initial: 'on',
      states: { on: { invoke: { id: 'kid', src: 'kid' }, on: { again: { target: 'on', reenter: true } } } },
    });
    const actor = createActor(parent, { id: 'p' }) as AnyActorRef;
    live.attach(actor);
    actor.start();
    for (let n = 0; n < 3_000; n++) actor.send({ type: 'again' });
    expect(live.held).toEqual({ lines: 2_000, bytes: 0 });
    const { lines } = watch(live, { history: true });
    expect(starts(lines)).toContain('p/kid#3001');
    actor.stop();
  });
});

describe('a viewer', () => {
  it('is told all that there is, then everything as it comes: a recording in itself, that replays', () => {
    const { live } = recording();
    const actor = started();
    actor.send({ type: 'up' });
    live.attach(actor);
    const { lines, of } = watch(live);
    actor.send({ type: 'up' });
    actor.stop();
    expect(lines.map(({ type }) => type)).toEqual([
      '@espalier.keyframe',
      '@espalier.machine',
      '@xstate.actor',
      '@xstate.event',
      '@xstate.transition',
      '@xstate.transition',
      '@espalier.exit',
    ]);
    expect(of('@xstate.actor')[0]).toMatchObject({ from: 'joined', state: { context: { count: 1 } } });
    expect(of('@xstate.transition')[0]?.state.patch).toEqual([{ op: 'replace', path: '/count', value: 2 }]);
    expect(expectReplay(reread(live, lines), { machines: [counter] })).toMatchObject({ transitions: 2 });
  });

  it('of a tree that runs already sees all of it: pools, tasks, children of machines', async () => {
    const scene = stage();
    const { live } = recording();
    const app = orchestrator({
      actors: { worker: worker(), crowd: dynamicSupervisor({ actors: { worker: worker() } }), jobs: taskSupervisor() },
      children: [
        { id: 'w', src: 'worker' },
        { id: 'crowd', src: 'crowd', type: 'supervisor' },
        { id: 'jobs', src: 'jobs', type: 'supervisor' },
      ],
    }).start({ clock: scene.clock });
    await scene.settle(app.started());
    await scene.settle(supervisorHandle(app.child('crowd') as AnyActorRef).startChild({ id: 'x', src: 'worker' }));
    const job = app.tasks.run(() => new Promise(() => undefined));
    job.catch(() => undefined);
    await scene.flush();
    live.attach(app.child('w') as AnyActorRef);
    const { lines } = watch(live);
    expect(starts(lines)).toEqual(
      expect.arrayContaining([
        'app',
        'app/pool',
        'app/pool/w',
        'app/pool/w/held',
        'app/pool/crowd/pool/x/held',
        'app/pool/jobs/pool',
        'app/pool/tasks/pool/task#0#1',
      ]),
    );
    const told = sceneAt(lines);
    expect(told.actors.get('app/pool/w')).toMatchObject({ value: 'working', logic: 'machine', src: 'worker' });
    expect(budgetOf(told.actors.get('app') as never, told.at)).toMatchObject({ intensity: 3, used: 0, retries: [], waiting: 0 });
    await scene.settle(app.stop());
    await Promise.allSettled([job]);
    expect([...sceneAt(lines).actors.values()].filter(({ exit }) => exit === null)).toEqual([]);
  });

  it('sees of a branch what concerns it, with what others say to it', () => {
    const echo = setup({}).createMachine({ id: 'echo', on: { ping: {} } });
    const parent = setup({ actors: { echo } }).createMachine({
      id: 'p',
      invoke: [
        { id: 'one', src: 'echo' },
        { id: 'one-more', src: 'echo' },
      ],
    });
    const { live } = recording();
    const actor = createActor(parent, { id: 'p' }) as AnyActorRef;
    live.attach(actor);
    actor.start();
    const { lines } = watch(live, { under: 'p/one' });
    for (const kid of ['one', 'one-more']) live.actorOf(`p/${kid}`)?.send({ type: 'ping' });
    actor.send({ type: 'ping' });
    actor.stop();
    expect(lines[0]).toMatchObject({ type: '@espalier.keyframe', lines: 3 });
    expect(new Set(lines.flatMap((line) => ('actor' in line ? [line.actor] : [])))).toEqual(new Set(['p/one']));
  });

  it('that throws is told nothing more; the app and other viewers go on', () => {
    const { live, faults } = recording();
    const actor = started();
    live.attach(actor);
    const bad = live.subscribe({
      lines: () => {
        throw new Error('bad viewer');
      },
    });
    const { of } = watch(live);
    actor.send({ type: 'up' });
    expect(of('@xstate.transition')).toHaveLength(1);
    expect(faults).toMatchObject([{ message: 'bad viewer' }]);
    expect(actor.getSnapshot()).toMatchObject({ context: { count: 1 } });
    bad.dispose();
    expect(live.isWatched).toBe(true);
  });

  it('who comes late can have the history, within its bounds, and what was dropped is said', () => {
    const { live } = recording({ details: 'always', history: { maxBytes: 65_536, maxLines: 100 } });
    const actor = started();
    live.attach(actor);
    for (let n = 0; n < 500; n++) actor.send({ type: 'up' });
    expect(live.held.lines).toBeLessThan(150);
    expect(live.held.bytes).toBeLessThan(65_536);
    const { lines } = watch(live, { history: true });
    const told = reread(live, lines.slice(lines.findIndex(({ type }) => type === '@espalier.keyframe')));
    expect(sceneAt(told.lines).actors.get('c')).toMatchObject({ context: { count: 500 } });
    expect(lines.find(({ type }) => type === '@espalier.dropped')).toMatchObject({ why: 'the history is bounded: the oldest lines go' });
    const gap = lines.find((line) => line.type === '@espalier.dropped');
    expect(gap?.type === '@espalier.dropped' && gap.count).toBeGreaterThan(800);
  });
});

describe('a value', () => {
  it('that was cut can be had whole while its actor lives, and redacted all the same', () => {
    const { live } = recording();
    const actor = started();
    live.attach(actor);
    const { of } = watch(live);
    const list = Array.from({ length: 1_000 }, (_, n) => ({ n, apiKey: 'hidden' }));
    actor.send({ type: 'hold', what: list });
    expect(of('@xstate.transition')[0]?.state.patch).toEqual([{ op: 'replace', path: '/held', value: { $cut: 'a list of 1000' } }]);
    expect(live.valueOf('c', '/held/999')).toMatchObject({ ok: true, value: { n: 999, apiKey: { $redacted: true } } });
    expect(live.valueOf('c', '/nothing')).toEqual({ ok: false, reason: 'notFound' });
    actor.stop();
    expect(live.valueOf('c')).toEqual({ ok: false, reason: 'noproc' });
  });

  it('that is too long in the whole is had by its parts, redacted all the same', () => {
    const { live } = recording();
    const actor = started();
    live.attach(actor);
    actor.send({ type: 'hold', what: Array.from({ length: 100 }, () => ({ text: 'x'.repeat(60_000), apiKey: 'hidden', map: new Map([['a', 1]]) })) });
    expect(JSON.stringify(live.valueOf('c'))).toContain('$cut');
    expect(live.valueOf('c', '/held/99/text')).toMatchObject({ ok: true, value: 'x'.repeat(60_000) });
    expect(live.valueOf('c', '/held/99')).toMatchObject({ ok: true, value: { apiKey: { $redacted: true }, map: { $map: [['a', 1]] } } });
    expect(JSON.stringify(live.valueOf('c', '/held/99/apiKey'))).not.toContain('hidden');
    expect(live.valueOf('c', '/held/99/nothing')).toEqual({ ok: false, reason: 'notFound' });
  });

  it('that acts when it is read harms nobody, and lines stay in order', () => {
    const { live, faults } = recording();
    const actor = started();
    live.attach(actor);
    const { lines } = watch(live);
    const acting = {
      get sly(): number {
        actor.send({ type: 'up' });
        return 1;
      },
    };
    actor.send({ type: 'hold', what: acting });
    actor.send({ type: 'up' });
    expect(faults).toEqual([]);
    const seqs = lines.map(({ seq }) => seq);
    expect(seqs).toEqual([...seqs].sort((a, b) => a - b));
    reread(live, lines);
  });
});

describe('a tree of ten thousand', () => {
  it('makes no line above 64 kB but those of machines, whatever its supervisor does', async () => {
    const scene = stage();
    const { live } = recording();
    const kid = setup({}).createMachine({ id: 'kid' });
    const crowd = dynamicSupervisor({ actors: { kid } });
    const app = orchestrator({ actors: { crowd }, children: [{ id: 'crowd', src: 'crowd', type: 'supervisor' }] }).start({
      clock: scene.clock,
      inspect: live,
    });
    await scene.settle(app.started());
    const handle = supervisorHandle(app.child('crowd') as AnyActorRef);
    const many = Array.from({ length: 10_000 }, (_, n) => handle.startChild({ id: `kid-${n}`, src: 'kid', restart: 'temporary' }));
    await scene.settle(Promise.all(many));
    const { lines } = watch(live, { history: true });
    await scene.settle(handle.countChildren());
    await scene.settle(handle.whichChildren());
    expect(sceneAt(lines).actors.size).toBeGreaterThan(10_000);
    await scene.settle(app.stop());
    const long = lines.filter((line) => line.type !== '@espalier.machine' && Buffer.byteLength(JSON.stringify(line)) > 65_536);
    expect(long.map(({ type }) => type)).toEqual([]);
    expect(live.held.bytes).toBeLessThan(16 * 1024 * 1024);
  }, 60_000);
});

describe('a recorder', () => {
  it('is its maker’s: detached or disposed of, it leaves nothing behind in a system that goes on', async () => {
    const { live } = recording();
    const actor = started();
    const { _sendInspectionEvent: own } = systemOf(actor);
    const { detach } = live.attach(actor);
    const seen = watch(live);
    detach();
    actor.send({ type: 'up' });
    expect(seen.of('@xstate.event')).toEqual([]);
    expect(sceneAt(seen.lines).actors.get('c')?.exit).toMatchObject({ reason: { $cut: 'not told' } });
    expect(systemOf(actor)._sendInspectionEvent).toBe(own);
    live.attach(actor);
    expect(live.actorOf('c')).toBe(actor);
    actor.send({ type: 'up' });
    expect(seen.of('@xstate.transition')).toMatchObject([{ actor: 'c', state: { patch: [{ path: '/count', value: 2 }] } }]);
    reread(live, seen.lines);
    await live.dispose();
    expect(systemOf(actor)._sendInspectionEvent).toBe(own);
    live.attach(actor);
    watch(live);
    actor.send({ type: 'up' });
    expect(live.isWatched).toBe(false);
  });

  it('keeps its history when a running system joins or leaves, and looks at everything once for all', () => {
    const { live } = recording();
    const [one, two] = [started('one'), started('two')];
    live.attach(one);
    const frames = vi.spyOn(Reader.prototype, 'keyframe');
    onTestFinished(() => frames.mockRestore());
    watch(live);
    expect(frames).toHaveBeenCalledTimes(1);
    one.send({ type: 'up' });
    const { detach } = live.attach(two);
    expect(frames).toHaveBeenCalledTimes(2);
    two.send({ type: 'up' });
    detach();
    one.send({ type: 'up' });
    const { lines } = watch(live, { history: true });
    const told = reread(live, lines.slice(lines.findIndex(({ type }) => type === '@espalier.keyframe'))).lines;
    expect(told.flatMap((line) => (line.type === '@xstate.transition' ? [line.actor] : []))).toEqual(['one', 'two', 'one']);
    expect(sceneAt(told).actors.get('one')).toMatchObject({ exit: null, context: { count: 2 } });
  });

  it('tells what waits, of any actor system', () => {
    const lamp = createMachine({ id: 'lamp', initial: 'on', states: { on: { after: { 60_000: 'off' } }, off: {} } });
    const { live } = recording();
    const actor = createActor(lamp, { id: 'lamp' }) as AnyActorRef;
    const from = performance.now();
    actor.start();
    onTestFinished(() => {
      actor.stop();
    });
    live.attach(actor);
    const { of } = watch(live);
    const [timer] = of('@xstate.actor')[0]?.timers ?? [];
    expect(timer).toMatchObject({ to: 'lamp', event: 'xstate.after.60000.lamp.on', ms: 60_000 });
    // Wall time counts whole milliseconds.
    expect(timer?.dueAt).toBeGreaterThan(from + 60_000 - 2);
    expect(timer?.dueAt).toBeLessThan(performance.now() + 60_000 + 2);
  });

  it('follows many systems, and lets go of those that have ended', () => {
    const { live } = recording();
    const { lines } = watch(live);
    for (let n = 0; n < 3; n++) {
      const actor = createActor(counter, { id: 'c' }) as AnyActorRef;
      live.attach(actor);
      actor.start();
      actor.stop();
      actor.send({ type: 'up' });
    }
    expect(starts(lines)).toEqual(['c', 'c#2', 'c#3']);
    expect(lines.filter((line) => line.type === '@xstate.event' && line.dead === true)).toHaveLength(3);
    expect(live.actorOf('c')).toBeUndefined();
    reread(live, lines);
  });

  it.each<[string, object, RegExp]>([
    ['an unknown key', { redacts: /x/ }, /options of recorder\(\) with the keys .*got: "redacts"/],
    ['a text for an expression', { redact: 'key' }, /`redact` to be a regular expression or false/],
    ['a flag that would be lost', { redact: /^\p{L}+$/u }, /of flags only i, which always holds, and g, got: .*u"/],
    ['a short secret', { secrets: ['abc'] }, /`secrets` to be a list of texts of at least 4 characters/],
    ['other details', { details: 'some' }, /`details` to be 'watched' or 'always'/],
    ['no room', { history: { maxBytes: 10 } }, /`history.maxBytes` to be a whole number of at least 65536/],
    ['a fault that nobody hears', { onFault: 'log' }, /`onFault` to be a function/],
  ])('refuses %s', (_, options, says) => {
    expect(() => recorder(options as RecorderOptions)).toThrow(says);
  });

  it('refuses what is no actor, no sink and no path', () => {
    const { live } = recording();
    expect(() => live.attach({} as AnyActorRef)).toThrow(/an actor to attach the recorder to/);
    expect(() => live.subscribe({} as never)).toThrow(/a sink with the method `lines`/);
    expect(() => live.subscribe({ lines: () => undefined }, { under: 5 } as unknown as SubscribeOptions)).toThrow(
      /`under` to be the path of an actor/,
    );
    expect(() => live.toFile('')).toThrow(/the path of a file/);
    expect(() => live.toFile('x', { maxBytes: 1 })).toThrow(/`maxBytes` to be a whole number of at least 65536/);
    expect(() => orchestrator().start({ inspect: {} as never })).toThrow(/`inspect` to be a function or a recorder/);
  });

  it('that cannot be attached harms no tree', async () => {
    const attach = (): never => {
      throw new Error('bad recorder');
    };
    await using app = orchestrator().start({ inspect: { attach } });
    await expect(app.started()).resolves.toMatchObject({ ok: true });
  });
});
