/**
 * Chance, with a seed: owners that come and die, names given, taken, followed and waited for, the watch and the registry itself killed at any step. Beside it
 * goes a bare Map that is told of every death at once; the two must agree at each step, and every wait has exactly one end.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AnyActorRef, createActor } from 'xstate';
import { type Registry, registryHandle } from '../../src/registry/handle.js';
import { registry as registryLogic, tableOf } from '../../src/registry/registry.js';
import { orchestrator } from '../../src/supervision/orchestrator.js';
import { exit } from '../../src/supervision/watch.js';
import { childrenOf } from '../../src/supervision/xstate-internals.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import { seed } from '../model/seed.js';
import { idle, settle, Watched } from './registry-world.js';

const ownersCount = 4;
const keysCount = 3;

const number = (below: number) => fc.integer({ min: 0, max: below - 1 });
const owner = number(ownersCount);
const key = number(keysCount);

type Step = { readonly do: string; readonly owner?: number; readonly key?: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('register'), owner, key }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('unregister'), owner, key }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('die'), owner }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('wait'), key }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('time') }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('killWatch') }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('killRegistry') }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restartChild') }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('follow'), key }) },
);

/** The registry and the bare Map, side by side. */
class Story {
  readonly clock = new VirtualClock();
  readonly app = orchestrator({
    ...{ intensity: 1_000, periodMs: 1_000 },
    actors: { names: registryLogic({ successorMs: 1_000, names: { planned: 'w' } }), worker: idle },
    children: [
      { id: 'names', src: 'names' },
      { id: 'w', src: 'worker' },
    ],
  }).start({ clock: this.clock });
  readonly registry: Registry = registryHandle(() => this.app.child('names'));
  readonly owners: AnyActorRef[] = Array.from({ length: ownersCount }, () => this.#born());
  /** Who has which name; `w` is whoever runs as that child. */
  readonly map = new Map<string, AnyActorRef | 'w'>();
  readonly waits: { readonly key: string; readonly watched: Watched; due: number; expected: string | null }[] = [];

  #born(): AnyActorRef {
    return createActor(idle, { id: 'o' }).start();
  }

  #has(name: string): void {
    for (const wait of this.waits) if (wait.key === name) wait.expected ??= 'named';
  }

  take({ do: what, owner: index = 0, key: keyIndex = 0 }: Step): void {
    const name = `k${keyIndex}`;
    const ref = this.owners[index] as AnyActorRef;
    switch (what) {
      case 'register': {
        const isFree = !this.map.has(name);
        expect(this.registry.register(name, ref).ok).toBe(isFree);
        if (!isFree) return;
        this.map.set(name, ref);
        this.#has(name);
        return;
      }
      case 'follow': {
        const isFree = !this.map.has(name);
        expect(this.registry.register(name, this.app.child('w') as AnyActorRef, { follow: true }).ok).toBe(isFree);
        if (!isFree) return;
        this.map.set(name, 'w');
        this.#has(name);
        return;
      }
      case 'unregister': {
        const isHis = this.map.get(name) === ref;
        expect(this.registry.unregister(name, ref)).toBe(isHis ? 1 : 0);
        if (isHis) this.map.delete(name);
        return;
      }
      case 'die':
        (ref as ReturnType<typeof createActor>).stop();
        for (const [each, who] of this.map) if (who === ref) this.map.delete(each);
        this.owners[index] = this.#born();
        return;
      case 'wait': {
        const watched = new Watched(this.registry.waitFor(name, { deadlineMs: 300 }));
        this.waits.push({ key: name, watched, due: this.clock.now() + 300, expected: this.map.has(name) ? 'named' : null });
        return;
      }
      case 'time':
        this.clock.advanceBy(200);
        for (const wait of this.waits) if (this.clock.now() >= wait.due) wait.expected ??= 'timeout';
        return;
      case 'killWatch':
        for (const part of childrenOf(this.registry.ref as AnyActorRef)) exit(part, 'kill');
        return;
      case 'killRegistry':
        exit(this.registry.ref as AnyActorRef, 'kill');
        for (const wait of this.waits) wait.expected ??= 'closed';
        return;
      default:
        exit(this.app.child('w') as AnyActorRef, 'kill');
    }
  }

  agree(): void {
    const expected = ['k0', 'k1', 'k2'].map((name) => {
      const who = this.map.get(name);
      return who === 'w' ? this.app.child('w') : who;
    });
    expect(['k0', 'k1', 'k2'].map((name) => this.registry.whereis(name))).toEqual(expected);
    expect(this.registry.whereis('planned')).toBe(this.app.child('w'));
    expect(this.registry.count()).toBe(this.map.size + 1);
    for (const { watched, expected: wanted } of this.waits) {
      if (wanted === 'named') expect(watched.outcome?.ok).toBe(true);
      else expect(watched.state).toBe(wanted ?? 'waiting');
      expect(watched.heard).toBe(wanted === null ? 0 : 1);
    }
  }

  async end(): Promise<void> {
    const table = tableOf(this.registry.ref as AnyActorRef);
    await this.app.stop();
    await settle();
    expect(this.waits.every(({ watched }) => watched.heard === 1)).toBe(true);
    expect([this.clock.pending(), table?.counts.posts, table?.counts.waiting]).toEqual([0, 0, 0]);
    for (const ref of this.owners) (ref as ReturnType<typeof createActor>).stop();
  }
}

describe('a registry among deaths', () => {
  it(`is at every step what a Map would be that hears of each at once (seed ${seed})`, { timeout: 60_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 40 }), async (steps) => {
        const story = new Story();
        await settle();
        for (const each of steps) {
          story.take(each);
          await settle();
          story.agree();
        }
        await story.end();
      }),
      { seed, numRuns: 200 },
    );
  });
});
