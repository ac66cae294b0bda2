/**
 * A balancer held to a naive one: lists and sums, made of nothing but what agents are told and what they report.
 *
 * Claims, looked at after each step: an agent's load is what it was given and has not ended; nobody has more than it may; nobody beyond a threshold is given
 * anything; a task has one agent, waits or has ended, and ends once; nobody waits whom somebody could serve; the strategy's choice is the least of all.
 */
import fc from 'fast-check';
import { type AnyActorRef, createActor, fromCallback } from 'xstate';
import type { Assignment } from '../../machines/agents/balancer-events.js';
import { planAgent, planBalancer, planTask } from '../../src/agents/balancer-options.js';
import { Desk } from '../../src/agents/desk.js';
import type { AgentNews } from '../../src/agents/desk-world.js';
import type { AssignOutcome } from '../../src/agents/task.js';
import { exit } from '../../src/supervision/watch.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';

/** One thing that happens: what, and numbers from which it takes whom. */
export type Step = readonly [what: string, a: number, b: number];

const happenings = ['add', 'add', 'kill', 'remove', 'assign', 'assign', 'assign', 'assign', 'complete', 'complete', 'complete', 'repeat', 'measure'];
export const steps = fc.array(
  fc.tuple(fc.constantFrom(...happenings, 'begin', 'cancel', 'pass', 'rebalance', 'rebalanceAll'), fc.nat(1_000), fc.nat(1_000)),
  { minLength: 20, maxLength: 120 },
);

const skills = ['draw', 'read', 'write'];
const pick = (seed: number): string[] => skills.filter((_, index) => (seed >> index) % 2 === 1);

interface Agent {
  readonly name: string;
  readonly ref: AnyActorRef;
  readonly capabilities: readonly string[];
  readonly maxTasks: number;
  readonly inHand: Map<string, Assignment>;
  cpu: number;
}

interface Job {
  readonly id: string;
  readonly capabilities: readonly string[];
  readonly cost: number;
  readonly settled: Promise<AssignOutcome>;
  isOpen: boolean;
  /** Was refused, or has ended. */
  ends: number;
  isBegun: boolean;
}

class Broken extends Error {}

function claim(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Broken(what);
}

/** Has all of that happen to one balancer. @throws where a claim does not hold */
export async function happen(all: readonly Step[], onDeath: 'reassign' | 'fail'): Promise<void> {
  const world = new World(onDeath);
  try {
    for (const step of all) await world.take(step);
    await world.finish();
  } finally {
    for (const { ref } of world.everybody) ref.stop();
    world.desk.close();
  }
}

class World {
  readonly clock = new VirtualClock();
  readonly desk: Desk;
  readonly everybody: Agent[] = [];
  readonly #agents = new Map<string, Agent>();
  readonly #jobs = new Map<string, Job>();
  readonly #past: Assignment[] = [];
  #wrong: string | null = null;
  #count = 0;

  constructor(onDeath: 'reassign' | 'fail') {
    const plan = planBalancer({ onDeath, thresholds: { cpu: 0.5 }, maxWaiting: 5, maxKinds: 8, maxAttempts: 3, reassignWithinMs: 50 });
    const self = createActor(fromCallback(() => {}));
    this.desk = new Desk(plan, {
      ...{ clock: this.clock, self, emptied: () => {} },
      emit: (fact) => {
        if (fact.type === 'balancer.ended') this.#ended(fact.task);
      },
    });
  }

  async take([what, a, b]: Step): Promise<void> {
    const agents = [...this.#agents.values()];
    const agent = agents[a % Math.max(1, agents.length)];
    const assignments = agents.flatMap(({ inHand }) => [...inHand.values()]);
    const assignment = assignments[b % Math.max(1, assignments.length)];
    if (what === 'add') this.#add(a, b);
    else if (what === 'assign') this.#assign(a, b);
    else if (what === 'pass') await this.clock.advanceByAsync(a % 40);
    else if (what === 'rebalance' || what === 'rebalanceAll') this.#rebalance(what === 'rebalanceAll');
    else if (what === 'repeat') this.#repeat(b);
    else if (agent !== undefined) this.#happenTo(what, agent, assignment, a);
    await this.#look();
  }

  async finish(): Promise<void> {
    this.desk.close();
    for (const job of this.#jobs.values()) {
      const outcome = await job.settled;
      if (outcome.ok) claim((await outcome.ended).task === job.id, 'the end of another task');
      claim(!job.isOpen && job.ends === 1, `${job.id} has ended ${job.ends} times`);
    }
  }

  #add(a: number, b: number): void {
    const name = `a${++this.#count}`;
    const ref = createActor(fromCallback<AgentNews>(({ receive }) => receive((news) => this.#told(agent, news)))).start();
    const agent: Agent = { name, ref, capabilities: pick(a), maxTasks: 1 + (b % 3), inHand: new Map(), cpu: 0 };
    this.#agents.set(name, agent);
    this.everybody.push(agent);
    claim(this.desk.add(planAgent({ name, ref, capabilities: agent.capabilities, maxTasks: agent.maxTasks }, 1)).ok, 'an agent was refused');
  }

  #assign(a: number, b: number): void {
    const id = `t${++this.#count}`;
    const capabilities = pick(a % 8 === 7 ? 1 : a);
    const cost = 1 + (b % 4);
    const free = this.#free(capabilities).map((each) => this.#loadOf(each));
    let answer: (outcome: AssignOutcome) => void = () => {};
    const settled = new Promise<AssignOutcome>((resolve) => (answer = resolve));
    const job: Job = { id, capabilities, cost, settled, isOpen: true, ends: 0, isBegun: false };
    this.#jobs.set(id, job);
    const task = planTask({ id, capabilities, cost, priority: b % 3, ...(b % 5 === 0 ? { deadlineMs: 1 + (a % 60) } : {}) });
    void settled.then((outcome) => outcome.ok || this.#ended(id));
    const outcome = this.desk.assign(task, a % 2 === 0 ? 0 : 30, answer);
    if (outcome !== null) answer(outcome);
    claim(this.#wrong === null, this.#wrong ?? '');
    if (outcome?.ok === true) {
      const agent = this.#agents.get(outcome.agent);
      claim(agent !== undefined, `${id} went to one who is gone`);
      // What it has now has this task in it.
      const load = this.#loadOf(agent) - cost;
      claim(free.length > 0 && load === Math.min(...free), `${id} went to one with ${load}, not ${Math.min(...free)}`);
    } else {
      claim(free.length === 0 || outcome?.reason === 'full', `${id} was not given to anybody`);
    }
  }

  #happenTo(what: string, agent: Agent, assignment: Assignment | undefined, a: number): void {
    if (what === 'kill' || what === 'remove') {
      this.#agents.delete(agent.name);
      const lost = [...agent.inHand.values()];
      if (what === 'kill') agent.inHand.clear();
      this.#past.push(...lost);
      if (what === 'kill') exit(agent.ref, 'kill');
      else claim(this.desk.remove(agent.name), 'one who is there was not');
      claim(agent.inHand.size === 0, 'one who was removed has something in hand');
    } else if (what === 'measure') {
      agent.cpu = (a % 4) / 4;
      this.desk.measure(agent.name, { cpu: agent.cpu });
    } else if (assignment !== undefined) {
      const job = this.#jobs.get(assignment.task) as Job;
      if (what === 'begin') {
        job.isBegun = this.desk.begin(assignment).ok;
      } else if (what === 'cancel') {
        claim(this.desk.cancel(assignment.task), 'what is in hand could not be given up');
      } else {
        this.#agents.get(assignment.agent)?.inHand.delete(assignment.task);
        this.#past.push(assignment);
        claim(this.desk.complete(assignment, { ok: a % 3 > 0 }).ok, 'a report was dropped');
        claim(job.ends === 1, `${job.id} was done, and has ended ${job.ends} times`);
      }
    }
  }

  #repeat(b: number): void {
    const assignment = this.#past[b % Math.max(1, this.#past.length)];
    if (assignment === undefined) return;
    const { ended, stale } = { ...this.desk.records.counts.dropped };
    claim(!this.desk.complete(assignment, { ok: true }).ok, 'what is over was taken again');
    const { dropped } = this.desk.records.counts;
    claim(dropped.ended + dropped.stale === ended + stale + 1, 'a late report was not counted');
  }

  #rebalance(includeBegun: boolean): void {
    const begun = [...this.#agents.values()].flatMap(({ inHand }) => [...inHand.values()]).filter(({ task }) => this.#jobs.get(task)?.isBegun);
    const spread = (): number => [...this.#agents.values()].reduce((sum, agent) => sum + this.#loadOf(agent) ** 2, 0);
    const before = spread();
    const isAnyOver = [...this.#agents.values()].some(({ cpu }) => cpu > 0.5);
    const moves = this.desk.rebalance(includeBegun, 1_000);
    claim(isAnyOver || (moves.length === 0 ? spread() >= before : spread() < before || this.desk.waiting === 0), 'it was more alike before');
    for (const { task, agent } of includeBegun ? [] : begun)
      claim(this.#agents.get(agent)?.inHand.has(task) === true, `${task} had begun, and was moved`);
    for (const { task } of moves) (this.#jobs.get(task) as Job).isBegun = false;
  }

  #told(agent: Agent, news: AgentNews): void {
    const { task } = news.assignment;
    const wrong = (what: string): void => void (this.#wrong ??= what);
    if (news.type === 'task.withdrawn') {
      if (!agent.inHand.delete(task)) wrong(`${task} was taken from one who had it not`);
      this.#past.push(news.assignment);
      return;
    }
    const job = this.#jobs.get(task);
    if (job === undefined || !job.isOpen) wrong(`${task} was given away after its end`);
    else if (!job.capabilities.every((each) => agent.capabilities.includes(each))) wrong(`${task} went to one who cannot do it`);
    if (agent.cpu > 0.5) wrong(`${task} went to one beyond its threshold`);
    if (!this.#agents.has(agent.name)) wrong(`${task} went to one who is gone`);
    agent.inHand.set(task, news.assignment);
    if (job !== undefined) job.isBegun = false;
  }

  #ended(id: string): void {
    const job = this.#jobs.get(id) as Job;
    job.ends++;
    job.isOpen = false;
  }

  #loadOf({ inHand }: Agent): number {
    return [...inHand.keys()].reduce((sum, id) => sum + (this.#jobs.get(id)?.cost ?? 0), 0);
  }

  #free(capabilities: readonly string[]): Agent[] {
    const mayHaveMore = ({ inHand, maxTasks, cpu }: Agent): boolean => inHand.size < maxTasks && cpu <= 0.5;
    return [...this.#agents.values()].filter((agent) => mayHaveMore(agent) && capabilities.every((each) => agent.capabilities.includes(each)));
  }

  async #look(): Promise<void> {
    // Refusals are told by promises.
    await Promise.resolve();
    await Promise.resolve();
    claim(this.#wrong === null, this.#wrong ?? '');
    const holders = new Map<string, string>();
    for (const agent of this.#agents.values()) {
      const seat = this.desk.seats.get(agent.name);
      claim(seat?.load === this.#loadOf(agent), `${agent.name} has ${this.#loadOf(agent)} in hand, and a load of ${seat?.load}`);
      claim(agent.inHand.size <= agent.maxTasks, `${agent.name} has more than it may`);
      for (const id of agent.inHand.keys()) {
        claim(!holders.has(id), `${id} is with two`);
        holders.set(id, agent.name);
      }
    }
    claim(this.desk.seats.size === this.#agents.size, 'the dead are known still');
    for (const job of this.#jobs.values()) {
      claim(job.ends === (job.isOpen ? 0 : 1), `${job.id} has ended ${job.ends} times`);
      claim(job.isOpen || !holders.has(job.id), `${job.id} has ended, and is in somebody's hand`);
      if (job.isOpen && !holders.has(job.id)) claim(this.#free(job.capabilities).length === 0, `${job.id} waits, and somebody could do it`);
    }
    claim(this.desk.tasks.size === [...this.#jobs.values()].filter(({ isOpen }) => isOpen).length, 'tasks are known that have ended');
  }
}
