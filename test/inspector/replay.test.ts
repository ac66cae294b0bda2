/** Replays that a viewer asks for: who may, through which machine, and what they cost the app. */
import { assign, createActor, setup, type AnyActorRef, type EventObject } from 'xstate';
import { describe, expect, it, onTestFinished } from 'vitest';
import { orchestrator, type App } from '../../src/index.js';
import { inspect } from '../../src/inspector/inspector.js';
import { planInspector, type InspectorOptions } from '../../src/inspector/plan.js';
import { recorderFeed } from '../../src/inspector/recorder-feed.js';
import { Replays } from '../../src/inspector/replays.js';
import type { Clock } from '../../src/supervision/clock.js';
import type { ReplayOutcome } from '../../src/wire/recording/replay-outcome.js';
import { Look } from './look.js';

/** How often its guard was asked. */
let asked = 0;
/** Does it begin what fails, and that nobody keeps? */
let isCareless = false;

const worker = setup({
  types: { context: {} as { jobs: number }, events: {} as { type: 'job.add' } | { type: 'job.done' } | { type: 'fail' } },
  guards: {
    hasRoom: ({ context }) => {
      asked++;
      if (isCareless) void Promise.reject(new Error('nobody keeps it'));
      return context.jobs < 1_000;
    },
  },
  actions: {
    fail: () => {
      throw new Error('worn out');
    },
  },
}).createMachine({
  id: 'worker',
  context: { jobs: 0 },
  initial: 'idle',
  on: { fail: { actions: 'fail' } },
  states: {
    idle: { on: { 'job.add': { guard: 'hasRoom', target: 'busy', actions: assign({ jobs: ({ context }) => context.jobs + 1 }) } } },
    busy: { on: { 'job.done': 'idle' } },
  },
});

async function started(options: InspectorOptions = {}): Promise<{ app: App; look: Look }> {
  const app = orchestrator({ actors: { worker }, children: [{ id: 'first', src: 'worker' }] }).start();
  onTestFinished(() => void app.stop());
  await app.started();
  const eye = inspect(app, options);
  const ready = await eye.ready();
  if (!ready.ok) throw new Error('it does not listen');
  const look = await Look.at(ready.port, ready.token);
  await look.watch('', 'full');
  return { app, look };
}

/** Waits until the last line of a type is told. */
const told = (look: Look, type: string, actor: string) =>
  look.until(() => look.lines().findLast((line) => line.type === type && 'actor' in line && line.actor === actor));

describe('a replay that a viewer asks for', () => {
  it('is of the events that were recorded, through the machine that lives', async () => {
    const { app, look } = await started({ control: true });
    await expect(look.first('welcome')).resolves.toMatchObject({ control: true, replay: true });
    app.child('first')?.send({ type: 'job.add' });
    app.child('first')?.send({ type: 'job.done' });
    await expect(look.ask({ type: 'replay', actor: 'app/pool/first' })).resolves.toMatchObject({ ok: true, replay: { outcome: 'same', steps: 2 } });
    const next = { type: 'job.add', state: { status: 'active', value: 'busy' }, handled: true, changed: ['jobs'] };
    await expect(look.ask({ type: 'replay', actor: 'app/pool/first', event: { type: 'job.add' } })).resolves.toMatchObject({ replay: { next } });
    expect(app.child('first')?.getSnapshot()).toMatchObject({ value: 'idle', context: { jobs: 1 } });
  });

  it('ends nothing by a promise that nobody keeps', async () => {
    const { app, look } = await started({ replay: true });
    app.child('first')?.send({ type: 'job.add' });
    isCareless = true;
    onTestFinished(() => void (isCareless = false));
    const before = asked;
    // One that was unhandled fails this run.
    await expect(look.ask({ type: 'replay', actor: 'app/pool/first' })).resolves.toMatchObject({ replay: { outcome: 'same' } });
    expect(asked).toBeGreaterThan(before);
  });

  it('is refused where the app allows no control, and nothing of it runs', async () => {
    const { app, look } = await started();
    await expect(look.first('welcome')).resolves.toMatchObject({ control: false, replay: false });
    app.child('first')?.send({ type: 'job.add' });
    asked = 0;
    const error = { code: 'read-only', words: 'the app lets nobody replay: inspect(app, { replay: true })' };
    await expect(look.ask({ type: 'replay', actor: 'app/pool/first' })).resolves.toMatchObject({ ok: false, error });
    expect(asked).toBe(0);
  });

  it('is allowed, or not, by an option of its own', async () => {
    const allowed = await started({ replay: true });
    await expect(allowed.look.first('welcome')).resolves.toMatchObject({ control: false, replay: true });
    await expect(allowed.look.ask({ type: 'replay', actor: 'app/pool/first' })).resolves.toMatchObject({ ok: true });
    const denied = await started({ control: true, replay: false });
    await expect(denied.look.ask({ type: 'replay', actor: 'app/pool/first' })).resolves.toMatchObject({ ok: false, error: { code: 'read-only' } });
    expect(() => planInspector({ replay: 1 } as never)).toThrow('`replay` to be true or false');
  });

  it('is of a run that has crashed, through the machine of the next', async () => {
    const { app, look } = await started({ control: true });
    app.child('first')?.send({ type: 'job.add' });
    app.child('first')?.send({ type: 'fail' });
    await told(look, '@xstate.actor', 'app/pool/first#2');
    const replay = { outcome: 'same', steps: 2, notes: ['it crashed in an action, and a replay runs none'] };
    await expect(look.ask({ type: 'replay', actor: 'app/pool/first' })).resolves.toMatchObject({ ok: true, replay });
  });

  it('is of every actor that a tree has, its supervisors too', async () => {
    const { app, look } = await started({ control: true });
    app.child('first')?.send({ type: 'fail' });
    await told(look, '@xstate.actor', 'app/pool/first#2');
    await expect(look.ask({ type: 'replay', actor: 'app' })).resolves.toMatchObject({ ok: true, replay: { outcome: 'same' } });
    await expect(look.ask({ type: 'replay', actor: 'app/pool' })).resolves.toMatchObject({ replay: { outcome: 'unknown', code: 'noMachine' } });
    await expect(look.ask({ type: 'replay', actor: 'nobody' })).resolves.toMatchObject({ replay: { outcome: 'unknown', code: 'notRecorded' } });
  });

  it("asks about an event as one is sent: by the schema of its machine, and none of XState's own", async () => {
    const add = { type: 'object', properties: { name: { type: 'string', maxLength: 3 } }, required: ['name'] };
    const { look } = await started({ control: true, schemas: { worker: { 'job.add': add } } });
    asked = 0;
    const about = (event: { type: string; name?: string }) => look.ask({ type: 'replay', actor: 'app/pool/first', event });
    const refused = (code: string) => ({ ok: false, error: { code, words: expect.any(String) } });
    await expect(about({ type: 'job.add' })).resolves.toMatchObject(refused('invalid-event'));
    await expect(about({ type: 'job.add', name: 'long' })).resolves.toMatchObject(refused('invalid-event'));
    for (const type of ['xstate.stop', 'xstate.init', 'xstate.after.1.worker'])
      await expect(about({ type })).resolves.toMatchObject(refused('unknown-event'));
    await expect(about({ type: 'job.none' })).resolves.toMatchObject(refused('unknown-event'));
    expect(asked).toBe(0);
    await expect(about({ type: 'job.add', name: 'new' })).resolves.toMatchObject({ ok: true, replay: { next: { handled: true } } });
    expect(asked).toBe(1);
  });

  it('is one at a time for each who looks', async () => {
    const { look } = await started({ control: true });
    const answers = await Promise.all([1, 2].map(() => look.ask({ type: 'replay', actor: 'app/pool/first' })));
    expect(answers.map((answer) => (answer.ok ? 'ok' : answer.error.code)).sort()).toEqual(['ok', 'too-many']);
  });
});

/** A machine that is as slow as the test says: how long its beginning takes, and how long a guard of it. */
const slow = { beginMs: 0, guardMs: 0, isReady: true, spend: (_ms: number): void => undefined };
const laggard = setup({
  types: { events: {} as { type: 'go' } },
  guards: {
    isReady: () => {
      slow.spend(slow.guardMs);
      return slow.isReady;
    },
  },
}).createMachine({
  id: 'laggard',
  context: () => {
    slow.spend(slow.beginMs);
    return {};
  },
  on: { go: { guard: 'isReady', actions: assign({ went: true }) } },
});

/** A clock that goes on by so many ms whenever it is read. */
class TickingClock implements Clock {
  readonly pauses: number[] = [];
  readonly #tickMs: number;
  #at = 0;
  #due: (() => void) | undefined;

  constructor(tickMs: number) {
    this.#tickMs = tickMs;
  }

  now(): number {
    this.#at += this.#tickMs;
    return this.#at;
  }

  /** Something takes so long. */
  spend(ms: number): void {
    this.#at += ms;
  }

  setTimeout(callback: () => void, ms: number): number {
    this.pauses.push(ms);
    this.#due = callback;
    return 1;
  }

  clearTimeout(): void {
    this.#due = undefined;
  }

  /** Lets what waits happen. @returns false where nothing does */
  fire(): boolean {
    const due = this.#due;
    this.#due = undefined;
    due?.();
    return due !== undefined;
  }
}

describe('what replays cost', () => {
  function running(tickMs: number, events = 2_000) {
    const actor = createActor(worker, { id: 'worker' }) as AnyActorRef;
    const feed = recorderFeed(actor, planInspector());
    onTestFinished(() => {
      feed.dispose();
      actor.stop();
    });
    feed.follow('', 'full', () => undefined);
    actor.start();
    for (let count = 0; count < events / 2; count++) {
      actor.send({ type: 'job.add' });
      actor.send({ type: 'job.done' });
    }
    const clock = new TickingClock(tickMs);
    const replays = new Replays(feed, clock);
    const outcomes: ReplayOutcome[] = [];
    const never = (what: unknown): never => expect.fail(JSON.stringify(what));
    const ask = (asker: object): boolean =>
      replays.ask(asker, { actor: 'worker' }, { done: (outcome) => outcomes.push(outcome), refused: never, failed: never });
    return { replays, clock, outcomes, ask };
  }

  it('a few ms at once, and nine times as long nothing', () => {
    const { clock, outcomes, ask } = running(1, 100);
    expect(ask({})).toBe(true);
    asked = 0;
    let most = 0;
    for (let before = 0; outcomes.length === 0; before = asked) {
      clock.fire();
      most = Math.max(most, asked - before);
      // Each slice reads the clock twice at least, and rests nine times as long as it took.
      expect(clock.pauses.at(-1)).toBeGreaterThanOrEqual(9);
    }
    // A slice reads the clock after each of its steps: it ends at the fourth ms.
    expect(most).toBe(2);
    expect(Math.max(...clock.pauses)).toBe(45);
    expect(outcomes).toEqual([expect.objectContaining({ outcome: 'same', steps: 100 })]);
    while (clock.fire());
  });

  it('no more steps at once than a bound, whatever the clock says', () => {
    const { clock, outcomes, ask } = running(0);
    ask({});
    asked = 0;
    clock.fire();
    expect(outcomes).toEqual([]);
    expect(asked).toBeLessThanOrEqual(500);
    while (clock.fire());
    expect(outcomes).toMatchObject([{ outcome: 'same', steps: 2_000 }]);
  });

  it('no more than its deadline', () => {
    const { clock, outcomes, ask } = running(4_000);
    ask({});
    while (clock.fire());
    expect(outcomes).toMatchObject([{ outcome: 'unknown', code: 'timeout' }]);
  });

  it('one step of a second, and after it a rest of two seconds for all who wait', () => {
    const { clock, outcomes, ask } = running(1_500, 2);
    ask({});
    ask({});
    while (clock.fire());
    expect(outcomes).toMatchObject([
      { outcome: 'unknown', code: 'timeout', words: 'one step took 1500 ms of the app' },
      { outcome: 'unknown', code: 'timeout', words: 'one step took 1500 ms of the app' },
    ]);
    expect(Math.max(...clock.pauses)).toBe(2_000);
  });

  describe('of one event that is asked about', () => {
    const asking = { actor: 'laggard', event: { type: 'go' } };

    /** The replays of an actor that has only begun; and how slow its machine is from now on, ms. */
    function begun(beginMs: number, guardMs: number) {
      const clock = new TickingClock(0);
      const actor = createActor(laggard, { id: 'laggard' }) as AnyActorRef;
      const feed = recorderFeed(actor, planInspector());
      feed.follow('', 'full', () => undefined);
      actor.start();
      Object.assign(slow, { beginMs, guardMs, spend: (ms: number) => clock.spend(ms) });
      onTestFinished(() => {
        Object.assign(slow, { beginMs: 0, guardMs: 0, isReady: true });
        feed.dispose();
        actor.stop();
      });
      const replays = new Replays(feed, clock);
      const outcomes: ReplayOutcome[] = [];
      const never = (what: unknown): never => expect.fail(JSON.stringify(what));
      const ask = (done = (outcome: ReplayOutcome): unknown => outcomes.push(outcome)): boolean =>
        replays.ask({}, asking, { done, refused: never, failed: never });
      return { clock, replays, outcomes, ask, send: (sent: EventObject) => actor.send(sent) };
    }

    it('no more than any other step, though it is the last', () => {
      const { clock, outcomes, ask } = begun(0, 1_500);
      ask();
      while (clock.fire());
      expect(outcomes).toMatchObject([{ outcome: 'unknown', code: 'timeout', words: 'one step took 1500 ms of the app' }]);
    });

    it('a step of its own, after a rest', () => {
      const { clock, outcomes, ask } = begun(600, 600);
      ask();
      while (clock.fire());
      expect(outcomes).toMatchObject([{ outcome: 'same', next: { handled: true } }]);
      // Each of the two slow steps is rested after; the first slice only brings the lines together.
      expect(clock.pauses.slice(2)).toEqual([2_000]);
    });

    it('a step that differs is made once more, after a rest', () => {
      const { clock, outcomes, ask, send } = begun(0, 0);
      send({ type: 'go' });
      Object.assign(slow, { guardMs: 900, isReady: false });
      ask();
      while (clock.fire());
      expect(outcomes).toMatchObject([{ outcome: 'differs', event: 'go' }]);
      // Never both at once: each is rested after.
      expect(clock.pauses.filter((ms) => ms === 2_000)).toHaveLength(1);
    });

    it('a rest of who asks next, and no timer where nobody waits or all has been closed', () => {
      const { clock, replays, outcomes, ask } = begun(0, 100);
      ask();
      while (clock.fire());
      expect(outcomes).toHaveLength(1);
      const { length } = clock.pauses;
      ask(() => replays.close());
      expect(clock.pauses.slice(length)).toEqual([900]);
      while (clock.fire());
      expect(clock.pauses).toHaveLength(length + 2);
    });
  });

  it('nothing for who has gone; and who waits comes next', () => {
    const { replays, clock, outcomes, ask } = running(1, 100);
    const [one, other] = [{}, {}];
    expect([ask(one), ask(other), ask(other)]).toEqual([true, true, false]);
    clock.fire();
    replays.forget(one);
    while (clock.fire());
    expect(outcomes).toHaveLength(1);
    expect(ask(other)).toBe(true);
    replays.close();
    expect(clock.fire()).toBe(false);
  });
});
