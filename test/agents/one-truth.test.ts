/**
 * Anything, in any order, beside a plain model: what the handle says, what the registry says and which actors live is one thing, and what the model says.
 * Then the same with a defect planted, which must be seen.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AnyActorRef, createActor } from 'xstate';
import type { RestartType } from '../../machines/supervision/child-spec.js';
import type { AgentState } from '../../src/agents/agents-handle.js';
import { exit, onExit } from '../../src/index.js';
import { type AgentsWorld, agentsWorld, untruth } from './agents-world.js';

const ids = ['ann', 'bob', 'cid'] as const;
type Id = (typeof ids)[number];

/** How often an agent may be restarted; its window is longer than any run. */
const budget = { intensity: 2, periodMs: 1_000_000 };

type Step =
  | { readonly kind: 'register'; readonly id: Id; readonly restart: RestartType; readonly isBad: boolean }
  | { readonly kind: 'update'; readonly id: Id; readonly isBad: boolean }
  | { readonly kind: 'start' | 'stop' | 'unregister' | 'crash' | 'finish' | 'kill' | 'sour' | 'soothe'; readonly id: Id };

const id = fc.constantFrom(...ids);
const restart = fc.constantFrom<RestartType>('permanent', 'transient', 'temporary');
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('register' as const), id, restart, isBad: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('update' as const), id, isBad: fc.boolean() }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('start' as const), id }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constantFrom('stop', 'unregister', 'crash', 'finish', 'kill', 'sour', 'soothe'), id }) },
);

/** One agent, in the plainest words. */
interface Known {
  readonly restart: RestartType;
  isBad: boolean;
  state: AgentState;
  /** Of the present start. */
  restarts: number;
}

class Plain {
  readonly agents = new Map<Id, Known>();
  /** Those whose starts fail whatever they run. */
  readonly sour = new Set<Id>();

  #starts(of: Id, isBad: boolean): boolean {
    return !isBad && !this.sour.has(of);
  }

  /** @returns what the call is answered; nothing for what is no call */
  do(step: Step): string | undefined {
    const known = this.agents.get(step.id);
    if (step.kind === 'sour') return void this.sour.add(step.id);
    if (step.kind === 'soothe') return void this.sour.delete(step.id);
    if (step.kind === 'register') {
      if (known !== undefined) return 'alreadyRegistered';
      this.agents.set(step.id, { restart: step.restart, isBad: step.isBad, state: 'registered', restarts: 0 });
      return 'ok';
    }
    const isCall = ['update', 'start', 'stop', 'unregister'].includes(step.kind);
    if (known === undefined) return isCall ? 'notRegistered' : undefined;
    const isUp = known.state === 'running';
    switch (step.kind) {
      case 'update':
        return this.#update(step.id, known, step.isBad);
      case 'start':
        if (isUp) return 'alreadyRunning';
        known.restarts = 0;
        known.state = this.#starts(step.id, known.isBad) ? 'running' : 'failed';
        return isRunning(known) ? 'ok' : 'failed';
      case 'stop':
        if (isUp) known.state = 'stopped';
        return isUp ? 'ok' : 'notRunning';
      case 'unregister':
        this.agents.delete(step.id);
        return 'ok';
      default:
        if (isUp) this.#end(step.id, known, step.kind === 'finish');
        return undefined;
    }
  }

  #update(of: Id, known: Known, isBad: boolean): string {
    if (known.state !== 'running') {
      known.isBad = isBad;
      return 'ok';
    }
    known.restarts = 0;
    if (this.#starts(of, isBad)) {
      known.isBad = isBad;
      return 'ok';
    }
    if (!this.#starts(of, known.isBad)) known.state = 'failed';
    return isRunning(known) ? 'rolledBack' : 'failed';
  }

  #end(of: Id, known: Known, isClean: boolean): void {
    const restarts = known.restart === 'permanent' || (known.restart === 'transient' && !isClean);
    if (!restarts) known.state = isClean ? 'stopped' : 'failed';
    // A restart that fails is tried again, until the budget is spent.
    else if (!this.#starts(of, known.isBad) || ++known.restarts > budget.intensity) known.state = 'failed';
  }
}

const isRunning = ({ state }: Known): boolean => state === 'running';

async function call({ agents, held, clock, tell }: AgentsWorld, step: Step): Promise<string | undefined> {
  const { id: of } = step;
  const src = (isBad: boolean): string => (isBad ? 'never' : 'worker');
  const said = (outcome: { ok: boolean; reason?: string }): string => outcome.reason ?? 'ok';
  const actor = agents.whereis(of);
  switch (step.kind) {
    case 'register':
      return said(await agents.register({ id: of, src: src(step.isBad), restart: step.restart, budget, capabilities: ['work'] }));
    case 'update':
      return said(await agents.update(of, { src: src(step.isBad) }));
    case 'start':
    case 'stop':
    case 'unregister':
      return said(await agents[step.kind](of));
    case 'sour':
    case 'soothe':
      held.mood(of).failing = step.kind === 'sour';
      return undefined;
    case 'kill':
      if (actor !== undefined) exit(actor, 'kill');
      break;
    default:
      tell(of, step.kind);
  }
  // Restarts whose starts fail are tried again in turns of their own.
  clock.advanceBy(10);
  return undefined;
}

/** Does the steps here and in the model. @returns what differed first */
async function differing(steps: readonly Step[], plant: (world: AgentsWorld) => void = () => {}): Promise<string | undefined> {
  const [world, plain] = [agentsWorld(), new Plain()];
  plant(world);
  for (const step of steps) {
    const [got, expected] = [await call(world, step), plain.do(step)];
    const states = (pairs: readonly (readonly [string, string])[]): string =>
      JSON.stringify(pairs.map((pair) => pair.join()).sort((a, b) => a.localeCompare(b)));
    const here = states(world.agents.list().map((each) => [each.id, each.state]));
    const there = states([...plain.agents].map(([of, { state }]) => [of, state]));
    const wrong =
      untruth(world) ?? (got === expected ? undefined : `answered ${got}, not ${expected}`) ?? (here === there ? undefined : `${here}, not ${there}`);
    if (wrong !== undefined) return `${JSON.stringify(step)}: ${wrong}`;
  }
  return undefined;
}

describe('one truth', () => {
  it('is what the handle, the registry and the actors say, after anything', { timeout: 60_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
        expect(await differing(steps)).toBeUndefined();
      }),
      { numRuns: 60, seed: 20_261_123 },
    );
  });

  /** What a careless hand would do, by the fact on which it does it. */
  const defects: Record<string, (world: AgentsWorld) => void> = {
    'a second actor is started beside the one that was restarted': ({ agents, held }) => {
      agents.on('agent.restarted', ({ id: of }) => {
        const second = createActor(held.logic, { input: of }).start();
        onExit(agents.ref as AnyActorRef, () => second.stop());
      });
    },
    'the name does not follow a restart': ({ agents }) => {
      agents.on('agent.restarted', ({ id: of }) => void agents.names.unregister(of, agents.whereis(of) as AnyActorRef));
    },
    'an agent is no longer found by what it can do once it is changed': ({ agents }) => {
      agents.on('agent.updated', ({ id: of }) => {
        const ref = agents.whereis(of);
        if (ref !== undefined) agents.names.update(of, ref, () => ({ capabilities: [] }));
      });
    },
    'one that has crashed takes another along': ({ agents }) => {
      agents.on('agent.crashed', ({ id: of }) => {
        void agents.stop(of === 'ann' ? 'bob' : 'ann');
      });
    },
    'a registered agent has a placeholder under its name': ({ agents }) => {
      agents.on('agent.registered', ({ id: of }) => void agents.names.register(of, agents.ref as AnyActorRef));
    },
    'one that was rolled back is taken for stopped': ({ agents }) => {
      agents.on('agent.rolledBack', ({ id: of }) => void agents.stop(of));
    },
  };

  it.each(Object.entries(defects))('is seen to be two when %s', { timeout: 60_000 }, async (_, plant) => {
    const found = await fc.check(
      fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 40 }), async (steps) => (await differing(steps, plant)) === undefined),
      { numRuns: 40, seed: 20_261_123, endOnFailure: true },
    );
    expect(found.failed).toBe(true);
  });
});
