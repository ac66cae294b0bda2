/** A room of agents on a virtual clock, whose agents live, start and end as a test says. It ends with its test. */
import { afterEach, expect } from 'vitest';
import { fromCallback, setup } from 'xstate';
import { failStart } from '../../machines/supervision/exit.js';
import { type AgentFact, type Agents, createAgents } from '../../src/agents/agents-handle.js';
import type { AgentOptions, AgentsOptions } from '../../src/agents/agents-options.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';

/** How an agent behaves, by its name. */
export interface Mood {
  /** Its start fails. */
  failing?: boolean;
  /** Its start waits for `go`. */
  slow?: boolean;
  /** Asked to end, it waits for `letGo`. */
  lingering?: boolean;
}

const boom = new Error('boom');

/** Who lives: how many actors there are of each name. */
export class Held {
  readonly alive = new Map<string, number>();
  readonly moods = new Map<string, Mood>();
  readonly logic = fromCallback<{ type: string }, string>(({ input }) => {
    this.alive.set(input, (this.alive.get(input) ?? 0) + 1);
    return () => {
      const left = (this.alive.get(input) ?? 0) - 1;
      if (left === 0) this.alive.delete(input);
      else this.alive.set(input, left);
    };
  });

  mood(id: string): Mood {
    const mood = this.moods.get(id) ?? {};
    this.moods.set(id, mood);
    return mood;
  }
}

/** An agent that crashes, finishes, fails, dawdles and lingers when it is told to. */
function workerOf(held: Held) {
  return setup({
    types: { context: {} as { id: string } },
    actors: { held: held.logic },
    guards: {
      isFailing: ({ context }) => held.mood(context.id).failing === true,
      isQuick: ({ context }) => held.mood(context.id).slow !== true,
      isLingering: ({ context }) => held.mood(context.id).lingering === true,
    },
    actions: {
      crash: () => {
        throw boom;
      },
    },
  }).createMachine({
    context: ({ self }) => ({ id: self.id }),
    initial: 'starting',
    states: {
      starting: {
        tags: 'starting',
        always: [
          { guard: 'isFailing', target: 'bad' },
          { guard: 'isQuick', target: 'up' },
        ],
        on: { go: 'up' },
      },
      up: {
        invoke: { src: 'held', input: ({ context }) => context.id },
        initial: 'working',
        states: {
          working: { on: { 'supervisor.shutdown': [{ guard: 'isLingering', target: 'lingering' }, { target: '#worker.done' }] } },
          lingering: { on: { letGo: '#worker.done' } },
        },
        on: { crash: { actions: 'crash' }, finish: 'done' },
      },
      bad: { type: 'final', output: failStart('unwilling') },
      done: { type: 'final' },
    },
    id: 'worker',
    output: ({ event }) => (event as { output?: unknown }).output,
  });
}

const never = fromCallback(() => {
  throw new Error('never');
});

export const factTypes: readonly AgentFact['type'][] = [
  ...([
    'agents.recovered',
    'agent.registered',
    'agent.recovered',
    'agent.started',
    'agent.startFailed',
    'agent.crashed',
    'agent.restarted',
    'agent.stopped',
  ] as const),
  ...(['agent.failed', 'agent.updated', 'agent.rolledBack', 'agent.unregistered'] as const),
];

/** All facts of a room, as they come, in short. */
export function listen(agents: Agents): string[] {
  const facts: string[] = [];
  for (const type of factTypes)
    agents.on(
      type,
      (fact) => void facts.push(`${'id' in fact ? fact.id : `${fact.registered}+${fact.started}-${fact.lost}`} ${type.slice(type.indexOf('.') + 1)}`),
    );
  return facts;
}

export interface AgentsWorld {
  readonly clock: VirtualClock;
  readonly held: Held;
  readonly agents: Agents;
  /** What was told since the last look, as `ann started`. */
  told(): string[];
  /** Registers and starts. */
  run(id: string, options?: Partial<AgentOptions>): Promise<void>;
  /** Sends an event to an agent's actor. */
  tell(id: string, type: string): void;
}

const worlds: AgentsWorld[] = [];

afterEach(async () => {
  for (const { agents, held, clock } of worlds.splice(0)) {
    for (const mood of held.moods.values()) mood.lingering = false;
    const closed = agents.close();
    // Those that linger since before are killed at their deadline.
    clock.advanceBy(60_000);
    await closed;
    expect(held.alive.size).toBe(0);
  }
});

export function logicsOf(held: Held) {
  return { worker: workerOf(held), other: workerOf(held), never };
}

export function agentsWorld(options: Partial<AgentsOptions> = {}): AgentsWorld {
  const [clock, held] = [new VirtualClock(), new Held()];
  const agents = createAgents({ logics: logicsOf(held), ...options }, { clock });
  const facts = listen(agents);
  const world: AgentsWorld = {
    ...{ clock, held, agents },
    told: () => facts.splice(0),
    run: async (id, more = {}) => {
      expect(await agents.register({ id, src: 'worker', ...more })).toEqual({ ok: true });
      expect(await agents.start(id)).toEqual({ ok: true, ref: agents.whereis(id) });
    },
    tell: (id, type) => agents.whereis(id)?.send({ type }),
  };
  worlds.push(world);
  return world;
}

const byName = (a: string, b: string): number => a.localeCompare(b);

/** What the handle says, what the registry says and who lives: one truth. @returns where it is not */
export function untruth({ agents, held }: Pick<AgentsWorld, 'agents' | 'held'>): string | undefined {
  const list = agents.list();
  for (const [id, count] of held.alive) if (count > 1) return `${id} lives ${count} times`;
  const lives = [...held.alive.keys()].sort(byName);
  const same = (what: string, ids: readonly string[]): string | undefined =>
    JSON.stringify([...ids].sort(byName)) === JSON.stringify(lives) ? undefined : `${what}: ${ids.join()}, and ${lives.join()} live`;
  const running = list.filter(({ state }) => state === 'running');
  const able = agents.withCapability('work');
  return (
    same(
      'it says that there run',
      running.map(({ id }) => id),
    ) ??
    same(
      'names have',
      agents.names.select().map(({ key }) => key),
    ) ??
    same(
      'able are',
      able.map(({ id }) => id),
    ) ??
    list.map(({ id, ref, state }) => (agents.whereis(id) === ref ? undefined : `${id} (${state}) is two`)).find((each) => each !== undefined) ??
    able.map(({ id, ref }) => (agents.whereis(id) === ref ? undefined : `${id} is able as another`)).find((each) => each !== undefined)
  );
}
