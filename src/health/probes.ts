/** The table of a health monitor: its probes, a lane and a chart for each, and what all of them come to. */
import { type AnyActorRef, type CallbackActorLogic, fromCallback, type SnapshotFrom } from 'xstate';
import type { ProbeFact } from '../../machines/health/facts.js';
import type { MonitorEvent, TableCommand, Troubles } from '../../machines/health/monitor.js';
import { type Answer, type ProbeEmitted, type ProbeEvent, type ProbeInput, probeMachine } from '../../machines/health/probe.js';
import { type Health, unknownStanding, worstOf } from '../../machines/health/verdict.js';
import { type Clock, clockOf } from '../supervision/clock.js';
import { DeadlineQueue } from '../supervision/deadlines.js';
import { onExit, onLoss } from '../supervision/watch.js';
import { createChild, emitFrom, hasStopped, parentOf, stopActor } from '../supervision/xstate-internals.js';
import type { HealthAnswer } from './answer.js';
import { type Attempt, type Ended, Question } from './attempt.js';
import { type Host, Lane } from './lane.js';
import { memoryOf } from './memory.js';
import type { HealthPlan, ProbePlan } from './probe-options.js';

/** How one probe stands. */
export interface ProbeStatus {
  readonly id: string;
  readonly health: Health;
  /** There was no result for too long. Whatever the health was, it is not known now. */
  readonly isSilent: boolean;
  readonly isFlapping: boolean;
  /** A check goes on that was told to stop: at its deadline, or when the monitor or the probe that began it had ended. */
  readonly isOverdue: boolean;
  /** The latest result, and how long ago it came, ms; null before the first. */
  readonly last: Answer | null;
  readonly lastAgoMs: number | null;
}

type ProbeSnapshot = SnapshotFrom<typeof probeMachine>;

/** What a health monitor knows. */
interface Memory {
  /** By id. */
  readonly lanes: Map<string, Lane>;
  /** Checks that go on after their probe was taken away; by its id, so that no other of that id begins beside them. */
  readonly leftovers: Map<string, Attempt>;
}

/** What the chart and the app are told. */
interface Outlet {
  emit(fact: ProbeFact): void;
  report(event: MonitorEvent): void;
  /** There are other probes than before. */
  changed(): void;
}

export class ProbeTable implements Host {
  readonly #lanes: Map<string, Lane>;
  readonly #leftovers: Map<string, Attempt>;
  readonly #self: AnyActorRef;
  readonly clock: Clock;
  readonly queue: DeadlineQueue;
  readonly plan: HealthPlan;
  readonly #outlet: Outlet;
  /** Questions that are open, by the word that their answer repeats. */
  readonly #questions = new Map<string, Question>();
  #asked = 0;
  /** How many probes there are of each effect on the whole. */
  readonly #counts = new Map<Health, number>();
  #overall: Health | undefined;
  #isOver = false;
  #isOpen = false;

  constructor(plan: HealthPlan, memory: Memory, self: AnyActorRef, outlet: Outlet) {
    this.plan = plan;
    this.#lanes = memory.lanes;
    this.#leftovers = memory.leftovers;
    this.#self = self;
    this.clock = clockOf(self.system);
    this.queue = new DeadlineQueue(this.clock);
    this.#outlet = outlet;
  }

  /** Begins, or goes on where a former table was; `troubles` are of a snapshot. */
  resume(troubles: Troubles): void {
    for (const plan of this.plan.probes) if (!this.#lanes.has(plan.input.id)) this.#lanes.set(plan.input.id, new Lane(plan));
    for (const lane of this.#lanes.values()) {
      const { id } = lane;
      this.#start(lane, troubles[id]);
      const { health } = lane;
      // A monitor that was restarted has its predecessor's lanes, and knows of no trouble yet.
      if (troubleOf(health) !== troubles[id]) this.#outlet.report({ type: 'trouble.noted', id, health });
    }
    this.#isOpen = true;
    this.#tellOverall();
    this.#outlet.changed();
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Does it know its probes? */
  get isOpen(): boolean {
    return this.#isOpen && !this.#isOver;
  }

  get overall(): Health {
    return this.#isOver ? 'unknown' : (this.#overall ?? 'unknown');
  }

  add(plan: ProbePlan): 'added' | 'taken' | 'full' | 'closed' {
    const { id } = plan.input;
    if (this.#isOver || !this.#isOpen) return 'closed';
    if (this.#lanes.has(id)) return 'taken';
    // Checks that were left take the place of a probe, or an app that adds and removes would gather them without a bound.
    const leftover = this.#leftovers.get(id);
    const others = this.#leftovers.size - (leftover === undefined ? 0 : 1);
    if (this.#lanes.size + others >= this.plan.maxProbes) return 'full';
    const lane = new Lane(plan);
    if (leftover !== undefined) {
      this.#leftovers.delete(id);
      lane.adopt(leftover);
    }
    this.#lanes.set(id, lane);
    this.#start(lane, undefined);
    this.#tellOverall();
    this.#outlet.changed();
    return 'added';
  }

  remove(id: string): boolean {
    const lane = this.#lanes.get(id);
    if (lane === undefined || this.#isOver) return false;
    this.#lanes.delete(id);
    this.#count(lane, -1);
    const leftover = lane.halt();
    if (leftover !== null) {
      this.#leftovers.set(id, leftover);
      leftover.ended = () => this.#leftovers.delete(id);
    }
    if (lane.chart !== undefined) stopActor(lane.chart);
    this.#outlet.report({ type: 'trouble.noted', id, health: 'unknown' });
    this.#tellOverall();
    this.#outlet.changed();
    return true;
  }

  /** The lane of a probe, while it runs. */
  laneOf(id: string): Lane | undefined {
    return this.#isOver ? undefined : this.#lanes.get(id);
  }

  statusOf(id: string): ProbeStatus | null {
    const lane = this.laneOf(id);
    return lane === undefined ? null : this.#statusOf(lane);
  }

  all(): readonly ProbeStatus[] {
    return this.#isOver ? [] : [...this.#lanes.values()].map((lane) => this.#statusOf(lane));
  }

  send({ chart }: Lane, event: ProbeEvent): void {
    if (chart !== undefined && !hasStopped(chart)) chart.send(event);
  }

  question(ended: Ended): Question {
    const check = `${this.#self.sessionId}.${++this.#asked}`;
    const question = new Question({ type: 'health.check', check, from: this.#self }, (answer) => {
      this.#questions.delete(check);
      ended(answer);
    });
    this.#questions.set(check, question);
    return question;
  }

  hear(answer: HealthAnswer): void {
    this.#questions.get(answer.check)?.hear(answer);
  }

  close(): void {
    this.#isOver = true;
    for (const lane of this.#lanes.values()) {
      lane.halt();
      if (lane.chart !== undefined) stopActor(lane.chart);
    }
    this.queue.clear();
  }

  #statusOf({ id, health, isSilent, isFlapping, isOverdue, last, lastAt }: Lane): ProbeStatus {
    return { id, health, isSilent, isFlapping, isOverdue, last, lastAgoMs: lastAt === null ? null : this.clock.now() - lastAt };
  }

  #start(lane: Lane, trouble: Health | undefined): void {
    const { id } = lane;
    if (lane.chart === undefined && trouble !== undefined)
      Object.assign(lane, { health: trouble, standing: { ...unknownStanding, health: trouble } });
    const { health, isFlapping, isSilent, isOverdue } = lane;
    const input: ProbeInput = { id, health, isFlapping, isSilent, isOverdue };
    const chart = createChild(probeMachine, { parent: this.#self, id, src: 'probe', input });
    lane.chart = chart;
    this.#count(lane, 1);
    const said: ProbeEmitted[] = [];
    chart.on('*', (fact) => said.push(fact as ProbeEmitted));
    chart.subscribe({ next: (snapshot: ProbeSnapshot) => this.#moved(lane, snapshot, said.splice(0)), error: () => {} });
    // Whoever kills a probe has the whole table made anew: the chart above counts how often.
    onExit(chart, () => {
      if (!this.#isOver && lane.chart === chart && this.#lanes.get(id) === lane) this.#outlet.report({ type: 'table.ended', at: this.clock.now() });
    });
    chart.start();
    lane.run(this);
  }

  /** A probe has moved: first the whole is counted anew, then what was said is told. */
  #moved(lane: Lane, { context }: ProbeSnapshot, said: readonly ProbeEmitted[]): void {
    const { health, isFlapping, isSilent } = context;
    if (this.#lanes.get(lane.id) !== lane) return;
    const was = lane.health;
    this.#count(lane, -1);
    Object.assign(lane, { health, isFlapping, isSilent });
    this.#count(lane, 1);
    // Also of one that flaps, and tells of no change.
    if (health !== was) this.#outlet.report({ type: 'trouble.noted', id: lane.id, health });
    for (const fact of said) this.#tell(lane, fact);
    this.#tellOverall();
  }

  #tell({ id, plan }: Lane, fact: ProbeEmitted): void {
    switch (fact.type) {
      case 'probe.changed': {
        const { from, to, answer } = fact;
        const { because, detail } = answer;
        if (to === 'healthy') {
          if (from !== 'unknown') this.#outlet.emit({ type: 'health.recovered', id, from });
        } else this.#outlet.emit({ type: to === 'unhealthy' ? 'health.failed' : 'health.degraded', id, from, because, detail });
        return;
      }
      case 'probe.settled':
        return this.#outlet.emit({ type: 'health.settled', id, health: fact.health });
      case 'probe.silenced':
        return this.#outlet.emit({ type: 'health.silenced', id, silentMs: plan.input.silentMs });
      case 'probe.flapped':
        return this.#outlet.emit({ type: 'health.flapped', id });
      case 'probe.heard':
        return this.#outlet.emit({ type: 'health.heard', id });
    }
  }

  /** What a probe does to the whole: silence is as bad as failure. */
  #count({ health, isSilent, plan }: Lane, by: 1 | -1): void {
    const own = isSilent ? 'unhealthy' : health;
    const effect = !plan.isCritical && (own === 'unhealthy' || own === 'unknown') ? 'degraded' : own;
    this.#counts.set(effect, (this.#counts.get(effect) ?? 0) + by);
  }

  #tellOverall(): void {
    if (!this.#isOpen || this.#isOver) return;
    const there = [...this.#counts].filter(([, count]) => count > 0).map(([health]) => health);
    const overall = there.length === 0 ? 'healthy' : worstOf(there);
    if (overall === this.#overall) return;
    this.#overall = overall;
    this.#outlet.report({ type: 'overall.changed', to: overall });
  }
}

function troubleOf(health: Health): Health | undefined {
  return health === 'degraded' || health === 'unhealthy' ? health : undefined;
}

const tables = new WeakMap<AnyActorRef, ProbeTable>();
const heeds = new WeakMap<AnyActorRef, Set<() => void>>();

/** Calls back whenever a health monitor has other probes than before. @returns what ends that */
export function heedProbes(monitor: AnyActorRef, changed: () => void): () => void {
  const own = heeds.get(monitor) ?? new Set();
  heeds.set(monitor, own.add(changed));
  return () => own.delete(changed);
}

/** The probes of a health monitor; of one that has ended too, and undefined for one that never ran. */
export function probesOf(monitor: AnyActorRef): ProbeTable | undefined {
  return tables.get(monitor);
}

/** The actor `table` of a health monitor's chart. */
export function probeTable(plan: HealthPlan) {
  const logic = fromCallback<TableCommand | HealthAnswer>(({ self, sendBack, receive }) => {
    const owner = parentOf(self) as AnyActorRef;
    const memory = memoryOf(owner, plan, (): Memory => ({ lanes: new Map(), leftovers: new Map() }));
    const table = new ProbeTable(plan, memory, self, {
      emit: (fact) => emitFrom(owner, fact),
      report: sendBack,
      changed: () => {
        for (const told of [...(heeds.get(owner) ?? [])]) told();
      },
    });
    tables.set(owner, table);
    receive((event) => {
      if (event.type === 'table.resume') table.resume(event.troubles);
      else if (event.type === 'health.answer') table.hear(event);
    });
    sendBack({ type: 'table.opened' });
    onLoss(self, owner, () => owner.send({ type: 'table.ended', at: clockOf(owner.system).now() } satisfies MonitorEvent));
    return () => table.close();
  });
  // Answers come from actors that are asked, and not from the chart, which knows its own commands only.
  return logic as unknown as CallbackActorLogic<TableCommand>;
}
