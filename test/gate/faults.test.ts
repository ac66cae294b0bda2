/**
 * The fault matrix: holder, waiter, watcher, gate and supervisor, each killed at each step. Everybody hears exactly one outcome, what was held is back, and
 * nothing goes on. Then the same by chance, with a seed.
 */
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import type { AnyActorRef } from 'xstate';
import { gate as gateLogic, tableOf } from '../../src/gate/gate.js';
import { gateHandle } from '../../src/gate/handle.js';
import { orchestrator } from '../../src/supervision/orchestrator.js';
import { exit } from '../../src/supervision/watch.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import { seed } from '../model/seed.js';
import { actor, type GateWorld, gateWorld, leaveNothing, permitOf, settle, Watched } from './gate-world.js';

afterEach(leaveNothing);

const key = 'model';

/** One story, step by step: two permits, three who wait. */
class Story {
  readonly world: GateWorld;
  readonly holder = actor();
  readonly waiter = actor();
  readonly controller = new AbortController();
  readonly heard: Watched[] = [];

  constructor(world: GateWorld) {
    this.world = world;
  }

  #ask(more: object): void {
    this.heard.push(new Watched(this.world.gate.acquire({ key, ...more })));
  }

  readonly steps: readonly (() => void)[] = [
    () => this.#ask({ holder: this.holder }),
    () => this.#ask({ holder: this.holder, leaseMs: 300 }),
    () => this.#ask({ holder: this.waiter }),
    () => this.#ask({ signal: this.controller.signal }),
    () => this.#ask({ waitMs: 200 }),
    () => void this.heard[0]?.permit.release({ outcome: 'rateLimited', retryAfterMs: 50 }),
    () => this.world.clock.advanceBy(50),
    () => this.world.clock.advanceBy(150),
    () => this.controller.abort(),
    () => this.world.clock.advanceBy(300),
  ];

  readonly kills: Readonly<Record<string, () => void>> = {
    holder: () => exit(this.holder, 'kill'),
    waiter: () => exit(this.waiter, 'kill'),
    watcher: () => exit(this.world.part('watcher'), 'kill'),
    'supervisor of the watcher': () => exit(this.world.part('supervisor'), 'kill'),
    watchers: () => exit(this.world.part('watchers'), 'kill'),
    permits: () => exit(this.world.part('permits'), 'kill'),
    gate: () => exit(this.world.gate.ref as AnyActorRef, 'kill'),
  };

  /** What is held by the word of those who hold. */
  held(): number {
    return this.heard.filter(({ outcome }) => outcome?.ok === true && outcome.permit.isHeld).length;
  }

  /** The table's word and the holders' agree; nobody hears twice. */
  check(): void {
    const { gate, table } = this.world;
    const status = table.isOver ? { held: 0, waiting: 0 } : (gate.status(key) ?? { held: 0, waiting: 0 });
    expect(status.held).toBe(this.held());
    expect(this.heard.filter(({ state }) => state === 'waiting').length).toBe(status.waiting);
    for (const { heard } of this.heard) expect(heard).toBeLessThanOrEqual(1);
  }

  async end(): Promise<void> {
    const { gate, clock, table } = this.world;
    for (const { outcome } of this.heard) if (outcome?.ok === true) outcome.permit.release();
    clock.advanceBy(100_000);
    await settle();
    for (const { outcome } of this.heard) if (outcome?.ok === true) outcome.permit.release();
    this.check();
    expect(this.heard.map(({ heard }) => heard)).toEqual(this.heard.map(() => 1));
    expect([this.held(), table.isOver ? 0 : (gate.status(key)?.held ?? 0), table.owners.size, clock.pending()]).toEqual([0, 0, 0, 0]);
    await gate.close();
    expect(await gate.acquire({ key })).toMatchObject({ ok: false, reason: 'closed' });
  }
}

const { kills, steps } = new Story({} as GateWorld);

describe.each(Object.keys(kills))('the %s, killed', (who) => {
  it.each(steps.map((_, step) => step))('after step %i: one outcome for each, permits back, nothing running', async (last) => {
    const story = new Story(gateWorld({ permits: 2, adaptive: { ceiling: 4 } }));
    for (const [index, step] of story.steps.entries()) {
      const isOver = story.world.table.isOver;
      if (index === 5 && (isOver || story.heard[0]?.state !== 'granted')) continue;
      step();
      await settle();
      if (index === last) {
        story.kills[who]?.();
        await settle();
      }
      story.check();
    }
    await story.end();
  });
});

describe('a supervisor that is killed', () => {
  it('takes the gate with it, and everybody hears', async () => {
    const clock = new VirtualClock();
    const app = orchestrator({ actors: { models: gateLogic({ permits: 1 }) }, children: [{ id: 'models', src: 'models' }] }).start({ clock });
    await app.started();
    const ref = app.child('models') as AnyActorRef;
    const gate = gateHandle(ref);
    const permit = permitOf(await gate.acquire({ key }));
    const waiter = new Watched(gate.acquire({ key, holder: actor() }));
    exit(app.ref, 'kill');
    await settle();
    expect([permit.ended, waiter.state, waiter.heard, tableOf(ref)?.owners.size, clock.pending()]).toEqual(['closed', 'closed', 1, 0, 0]);
  });
});

describe('whatever comes, in whatever order', () => {
  const command = fc.oneof(
    fc.record({
      do: fc.constant('acquire' as const),
      who: fc.nat(3),
      waitMs: fc.constantFrom(0, 50, 1_000),
      lease: fc.boolean(),
      signal: fc.boolean(),
    }),
    fc.record({
      do: fc.constant('release' as const),
      which: fc.nat(20),
      outcome: fc.constantFrom('ok' as const, 'rateLimited' as const, 'failed' as const),
      retryAfterMs: fc.constantFrom(0, 40),
    }),
    fc.record({ do: fc.constant('kill' as const), who: fc.nat(3) }),
    fc.record({ do: fc.constant('abort' as const) }),
    fc.record({ do: fc.constant('watcher' as const) }),
    fc.record({ do: fc.constant('limit' as const), permits: fc.nat(4) }),
    fc.record({ do: fc.constant('time' as const), ms: fc.constantFrom(1, 50, 200) }),
  );
  /** What a listener does at the next facts, one each: from within whatever told it. */
  const inner = fc.oneof(
    { weight: 3, arbitrary: fc.record({ do: fc.constant('release' as const), which: fc.nat(8), retryAfterMs: fc.constantFrom(0, 30) }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('abort' as const) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('acquire' as const), waitMs: fc.constantFrom(0, 100) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('kill' as const), who: fc.nat(3) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('limit' as const), permits: fc.nat(4) }) },
  );

  it(`permits are conserved, the queue keeps its order, and each hears once (seed ${seed})`, { timeout: 60_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(command, { maxLength: 40 }), fc.array(inner, { minLength: 1, maxLength: 8 }), async (commands, reactions) => {
        const rate = reactions.length % 2 === 0 ? {} : { rate: { requests: 3, windowMs: 100 } };
        const story = new Story(gateWorld({ permits: 2, adaptive: { ceiling: 4 }, maxWaiting: 5, ...rate }));
        const { world, heard } = story;
        const holders = Array.from({ length: 4 }, () => actor());
        let controller = new AbortController();
        let losses = 0;
        let left = 60;
        const react = (): void => {
          const next = left-- > 0 ? reactions[left % reactions.length] : undefined;
          if (next?.do === 'release') {
            const { outcome } = heard[next.which] ?? {};
            if (outcome?.ok === true) outcome.permit.release({ outcome: 'rateLimited', retryAfterMs: next.retryAfterMs });
          } else if (next?.do === 'abort') {
            const aborted = controller;
            controller = new AbortController();
            aborted.abort();
          } else if (next?.do === 'acquire') {
            heard.push(new Watched(world.gate.acquire({ key, waitMs: next.waitMs, signal: controller.signal })));
          } else if (next?.do === 'kill') exit(holders[next.who] as AnyActorRef, 'kill');
          else if (next?.do === 'limit') world.gate.setLimit(key, next.permits);
        };
        for (const type of ['waited', 'refused', 'reclaimed', 'expired', 'paused', 'levelChanged'] as const) world.gate.on(`gate.${type}`, react);
        for (const next of commands) {
          if (next.do === 'acquire') {
            const { signal } = controller;
            const holder = holders[next.who] as AnyActorRef;
            const more = { waitMs: next.waitMs, ...(next.lease ? { leaseMs: 100 } : {}), ...(next.signal ? { signal } : {}) };
            heard.push(new Watched(world.gate.acquire({ key, holder, ...more })));
          } else if (next.do === 'release') {
            const { outcome } = heard[next.which] ?? {};
            if (outcome?.ok === true) outcome.permit.release({ outcome: next.outcome, retryAfterMs: next.retryAfterMs });
          } else if (next.do === 'kill') {
            exit(holders[next.who] as AnyActorRef, 'kill');
            holders[next.who] = actor();
          } else if (next.do === 'abort') {
            controller.abort();
            controller = new AbortController();
          } else if (next.do === 'watcher' && ++losses < 10) exit(world.part('watcher'), 'kill');
          else if (next.do === 'limit') world.gate.setLimit(key, next.permits);
          else if (next.do === 'time') world.clock.advanceBy(next.ms);
          await settle();
          story.check();
          const status = world.gate.status(key);
          // Nobody waits beside a free permit, unless the service or the window keeps it.
          if (status !== null && status.waiting > 0 && status.pauseMs === 0 && (status.used?.requests ?? 0) < 3)
            expect(status.held).toBeGreaterThanOrEqual(Number(status.permits));
        }
        left = 0;
        await story.end();
      }),
      { seed, numRuns: 200 },
    );
  });
});
