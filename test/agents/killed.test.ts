/**
 * Anybody from the room down to an agent is killed, at any time, by a seed. Once all is quiet: whoever listened knows what the handle says, the registry and the
 * actors agree with it, nobody has ever lived twice, every call was answered.
 */
import { expect, it } from 'vitest';
import type { AnyActorRef } from 'xstate';
import { hash } from '../../machines/hash.js';
import { agents as agentsLogic } from '../../src/agents/agents.js';
import { type AgentFact, type Agents, agentsHandle, type AgentState } from '../../src/agents/agents-handle.js';
import { exit, orchestrator } from '../../src/index.js';
import { actorsBelow } from '../../src/supervision/pool-actor.js';
import { hasStopped } from '../../src/supervision/xstate-internals.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import { factTypes, Held, logicsOf, untruth } from './agents-world.js';

const ids = ['ann', 'bob', 'cid', 'dot', 'eli'] as const;
const kinds = [
  'register',
  'register',
  'start',
  'start',
  'start',
  'stop',
  'unregister',
  'change',
  'spoil',
  'crash',
  'linger',
  'slow',
  'sour',
] as const;
const shutdownMs = 500;

/** Of the room, its pool, the registry and the supervisor, that one's pool, the charts, their keepers, their pools, and the agents; not of what those hold. */
function actorsOf(actor: AnyActorRef, depth = 7): AnyActorRef[] {
  if (hasStopped(actor)) return [];
  return [actor, ...(depth === 0 ? [] : actorsBelow(actor).flatMap((each) => actorsOf(each, depth - 1)))];
}

class Chaos {
  readonly clock = new VirtualClock();
  readonly held = new Held();
  readonly app = orchestrator({
    intensity: 1_000,
    periodMs: 1,
    actors: { agents: agentsLogic({ logics: logicsOf(this.held) }) },
    children: [{ id: 'agents', src: 'agents', type: 'supervisor' }],
  }).start({ clock: this.clock });
  readonly agents: Agents = agentsHandle(() => this.app.child('agents'));
  kills = 0;
  /** What whoever only listens believes. */
  readonly #heard = new Map<string, AgentState>();
  readonly #open = new Set<string>();
  readonly #wrong: string[] = [];
  readonly #seed: number;
  /** Of a hundred facts, so many kill somebody from within. */
  readonly #inFacts: number;
  #isQuiet = false;
  #draws = 0;

  constructor(seed: number, inFacts: number) {
    this.#seed = seed;
    this.#inFacts = inFacts;
    for (const type of factTypes) this.agents.on(type, (fact) => this.#hear(fact));
    const { alive } = this.held;
    const set = alive.set.bind(alive);
    alive.set = (id, count) => {
      if (count > 1) this.#wrong.push(`${id} lives twice`);
      return set(id, count);
    };
  }

  #draw(below: number): number {
    return hash(`${this.#seed} ${this.#draws++}`) % below;
  }

  #pick<Item>(items: readonly Item[]): Item {
    return items[this.#draw(items.length)] as Item;
  }

  #hear(fact: AgentFact): void {
    this.#note(fact);
    if (this.#inFacts > 0 && !this.#isQuiet && this.#draw(100) < this.#inFacts) this.#kill();
  }

  #note(fact: AgentFact): void {
    if (!('id' in fact)) return;
    const { id, type } = fact;
    if (type === 'agent.recovered' && !this.#heard.has(id)) this.#wrong.push(`${id} is back, and nobody knew it`);
    if (type === 'agent.unregistered') this.#heard.delete(id);
    else if (type === 'agent.recovered') this.#heard.set(id, fact.state);
    else if (type === 'agent.crashed' && fact.willRestart) this.#heard.set(id, 'restarting');
    else {
      const state = stateAfter[type];
      if (state !== undefined) this.#heard.set(id, state);
    }
  }

  #kill(): void {
    const { ref } = this.agents;
    const all = ref === undefined ? [] : actorsOf(ref);
    if (all.length === 0) return;
    this.kills++;
    exit(this.#pick(all), 'kill');
  }

  #call(kind: (typeof kinds)[number], id: string): Promise<unknown> | undefined {
    const mood = this.held.mood(id);
    if (kind === 'linger') mood.lingering = mood.lingering !== true;
    else if (kind === 'slow') mood.slow = mood.slow !== true;
    else if (kind === 'sour') mood.failing = mood.failing !== true;
    else if (kind === 'crash') this.agents.whereis(id)?.send({ type: 'crash' });
    else if (kind === 'change') return this.agents.update(id, { src: this.#pick(['worker', 'other']) });
    else if (kind === 'spoil') return this.agents.update(id, { src: 'never' });
    else if (kind === 'register') {
      const restart = this.#pick(['permanent', 'transient', 'temporary'] as const);
      return this.agents.register({ id, src: 'worker', capabilities: ['work'], shutdownMs, startMs: 500, restart });
    } else return this.agents[kind](id);
    return undefined;
  }

  async #client(): Promise<void> {
    for (let turn = 0; turn < 12; turn++) {
      const [kind, id] = [this.#pick(kinds), this.#pick(ids)];
      const what = `${kind} ${id} ${this.#draws}`;
      const answer = this.#call(kind, id);
      if (answer !== undefined) {
        this.#open.add(what);
        const answered = answer.then(() => this.#open.delete(what));
        // One that is slow may never be answered while its agent is.
        if (this.#draw(10) < 4) await Promise.race([answered, this.clock.flush()]);
      }
      if (this.#draw(10) < 3) this.#kill();
      for (let ticks = this.#draw(4); ticks > 0; ticks--) await Promise.resolve();
      if (this.#draw(10) < 2) this.clock.advanceBy(this.#draw(700));
    }
  }

  /** @returns what is wrong once all is quiet */
  async round(): Promise<string[]> {
    await Promise.all([this.#client(), this.#client(), this.#client()]);
    for (const mood of this.held.moods.values()) Object.assign(mood, { lingering: false, slow: false });
    this.#isQuiet = true;
    await this.clock.advanceByAsync(10_000);
    this.#isQuiet = false;
    const list = this.agents.list();
    const wrong = [...this.#wrong, ...[...this.#open].map((what) => `no answer: ${what}`)];
    const two = untruth(this);
    if (two !== undefined) wrong.push(two);
    for (const { id, state } of list) if (this.#heard.get(id) !== state) wrong.push(`${id} is ${state}, told ${this.#heard.get(id)}`);
    for (const id of this.#heard.keys()) if (!list.some((each) => each.id === id)) wrong.push(`${id} is lost, told ${this.#heard.get(id)}`);
    return wrong;
  }

  async end(): Promise<string[]> {
    this.#isQuiet = true;
    const stopped = this.app.stop();
    this.clock.advanceBy(60_000);
    await stopped;
    const left = [...this.held.alive.keys()].map((id) => `${id} lives on`);
    return this.clock.pending() === 0 ? left : [...left, `${this.clock.pending()} timers`];
  }
}

const stateAfter: Partial<Record<AgentFact['type'], AgentState>> = {
  'agent.registered': 'registered',
  'agent.started': 'running',
  'agent.restarted': 'running',
  'agent.stopped': 'stopped',
  'agent.failed': 'failed',
};

it.each([
  ['', 0, 25],
  [', also by those who are told of it', 8, 60],
] as const)(
  'loses nobody, runs nobody twice and leaves nobody unanswered, whoever is killed%s',
  { timeout: 120_000 },
  async (_by, inFacts, seeds) => {
    let kills = 0;
    for (let seed = 1; seed <= seeds; seed++) {
      const chaos = new Chaos(seed, inFacts);
      for (let round = 0; round < 3; round++) expect(await chaos.round(), `seed ${seed}, round ${round}`).toEqual([]);
      expect(await chaos.end(), `seed ${seed}`).toEqual([]);
      kills += chaos.kills;
    }
    expect(kills).toBeGreaterThan(500);
  },
);
