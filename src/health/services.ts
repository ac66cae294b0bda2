/** The table of a service monitor: its services, each a chart of its own, told of by death, and what they need of each other. */
import { type AnyActorRef, fromCallback, type SnapshotFrom } from 'xstate';
import type { ServiceFact } from '../../machines/health/facts.js';
import type { MonitorEvent, TableCommand } from '../../machines/health/monitor.js';
import { type Former, type ServiceEmitted, type ServiceEvent, serviceMachine } from '../../machines/health/service.js';
import { type Health, worstOf } from '../../machines/health/verdict.js';
import { type Clock, clockOf } from '../supervision/clock.js';
import { exitReason, type ExitWatch, onExit, onLoss } from '../supervision/watch.js';
import { createChild, emitFrom, parentOf, stopActor } from '../supervision/xstate-internals.js';
import { memoryOf } from './memory.js';
import { heedProbes, probesOf } from './probes.js';
import type { ServicePlan, ServicesPlan } from './service-options.js';
import { type AvailableOutcome, Waiters } from './waiters.js';
import { childrenBelow, supervisorOf, type Whereabouts } from './whereabouts.js';

export type ServiceState = 'absent' | 'available' | 'degraded' | 'down' | 'stopped' | 'recovering' | 'quarantined';

/** How one service stands. */
export interface ServiceStatus {
  readonly id: string;
  readonly state: ServiceState;
  /** The actor that runs; null while none does. */
  readonly ref: AnyActorRef | null;
  /** Which of its needs are not there: services, and probes; the health monitor, by its name, where it never was. */
  readonly missing: readonly string[];
  /** Deaths within the period. */
  readonly deaths: number;
}

type ServiceSnapshot = SnapshotFrom<typeof serviceMachine>;

/** One service; it outlives the table and the monitor. */
interface Entry {
  readonly plan: ServicePlan;
  /** Its chart, also one that has ended; undefined before the first. */
  chart: AnyActorRef | undefined;
  actor: AnyActorRef | undefined;
  /** Who ran when a former table was lost, until it is known what has become of him. */
  former: AnyActorRef | undefined;
  /** Which incarnation was seen last; 0 where that cannot be told. */
  run: number;
  /** Has no table looked since a former one was lost? */
  isReturning: boolean;
  watch: ExitWatch | undefined;
  missing: readonly string[];
  /** Which of its probes are not well, by the latest word of a health monitor; null before the first. */
  ill: readonly string[] | null;
  said: ServiceEmitted[];
}

/** By id, each after all that it depends on; the memory of a service monitor. */
type Entries = Map<string, Entry>;

interface Outlet {
  emit(fact: ServiceFact): void;
  report(event: MonitorEvent): void;
}

const nobody: Whereabouts = { find: () => undefined, heed: () => () => {} };
/** Facts of the health monitor after which a probe may stand otherwise. */
const changes = ['health.degraded', 'health.failed', 'health.recovered', 'health.silenced', 'health.heard', 'health.settled', 'health.changed'];

export class ServiceTable {
  readonly #entries: Entries;
  readonly #self: AnyActorRef;
  readonly #clock: Clock;
  readonly #plan: ServicesPlan;
  readonly #outlet: Outlet;
  readonly #where: Whereabouts;
  readonly #waiters: Waiters;
  #health: { readonly ref: AnyActorRef; leave(): void } | undefined;
  #heedless: (() => void) | undefined;
  #overall: Health | undefined;
  #isOpen = false;
  #isOver = false;
  /** Have all charts been started? */
  #isKnown = false;
  #isTelling = false;
  /** Has something moved while the needs were told? */
  #isStale = false;

  constructor(plan: ServicesPlan, entries: Entries, self: AnyActorRef, outlet: Outlet) {
    this.#plan = plan;
    this.#entries = entries;
    this.#self = self;
    this.#clock = clockOf(self.system);
    this.#outlet = outlet;
    const above = supervisorOf(self);
    this.#where = plan.where ?? (above === undefined ? nobody : childrenBelow(above));
    this.#waiters = new Waiters(this.#clock, plan.maxWaiting);
  }

  /** Begins, or goes on where a former table was. */
  resume(): void {
    for (const plan of this.#plan.services)
      if (!this.#entries.has(plan.id))
        this.#entries.set(plan.id, {
          ...{ plan, chart: undefined, actor: undefined, former: undefined, run: 0, isReturning: false, watch: undefined },
          ...{ missing: [], ill: null, said: [] },
        });
    for (const entry of this.#entries.values()) this.#start(entry);
    this.#heedless = this.#where.heed((name) => this.#came(name));
    this.#lookAtHealth();
    // In order, and each knows what it lacks before it comes.
    this.#isKnown = true;
    this.#spread();
    // What happened meanwhile is told of each by itself; those that depend on it are told what has come of it.
    for (const entry of this.#entries.values()) if (entry.isReturning) this.#catchUp(entry);
    for (const entry of this.#entries.values()) this.#look(entry);
    this.#isOpen = true;
    this.#spread();
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  get overall(): Health {
    return this.#isOver ? 'unknown' : (this.#overall ?? 'unknown');
  }

  /** How many wait for services. */
  get waiting(): number {
    return this.#waiters.size;
  }

  statusOf(id: string): ServiceStatus | null {
    const entry = this.#entries.get(id);
    return entry === undefined || this.#isOver || !this.#isOpen ? null : this.#statusOf(entry);
  }

  all(): readonly ServiceStatus[] {
    return this.#isOver || !this.#isOpen ? [] : [...this.#entries.values()].map((entry) => this.#statusOf(entry));
  }

  waitUntilAvailable(id: string, deadlineMs: number, signal: AbortSignal | undefined): Promise<AvailableOutcome> {
    if (this.#isOver) return Promise.resolve({ ok: false, reason: 'closed' });
    if (!this.#plan.services.some((plan) => plan.id === id)) return Promise.resolve({ ok: false, reason: 'unknown' });
    const entry = this.#entries.get(id);
    if (entry?.actor !== undefined && stateOf(entry) === 'available') return Promise.resolve({ ok: true, ref: entry.actor });
    return this.#waiters.wait(id, deadlineMs, signal);
  }

  close(): void {
    this.#isOver = true;
    this.#heedless?.();
    this.#health?.leave();
    for (const { chart, watch } of this.#entries.values()) {
      watch?.unsubscribe();
      if (chart !== undefined) stopActor(chart);
    }
    this.#waiters.close();
  }

  #statusOf(entry: Entry): ServiceStatus {
    const { plan, actor, missing, chart } = entry;
    const { deaths } = (chart as AnyActorRef).getSnapshot().context as ServiceSnapshot['context'];
    const now = this.#clock.now();
    const recent = deaths.filter((at) => now - at <= plan.input.periodMs).length;
    return { id: plan.id, state: stateOf(entry), ref: actor ?? null, missing, deaths: recent };
  }

  #start(entry: Entry): void {
    const { plan, chart: former } = entry;
    const input = { ...plan.input, former: former === undefined ? null : formerOf(entry, former) };
    const chart = createChild(serviceMachine, { parent: this.#self, id: plan.id, src: 'service', input });
    const ran = entry.actor ?? entry.former;
    Object.assign(entry, { chart, actor: undefined, former: ran, isReturning: former !== undefined, watch: undefined, said: [] });
    chart.on('*', (fact) => entry.said.push(fact as ServiceEmitted));
    chart.subscribe({ next: () => this.#moved(entry), error: () => {} });
    // Whoever kills a chart has the whole table made anew: the chart above counts how often.
    onExit(chart, () => {
      if (!this.#isOver) this.#outlet.report({ type: 'table.ended', at: this.#clock.now() });
    });
    chart.start();
  }

  /** Somebody may have come by a name. */
  #came(name: string): void {
    if (this.#isOver) return;
    if (name === this.#plan.health) this.#lookAtHealth();
    for (const entry of this.#entries.values()) if (entry.plan.name === name) this.#look(entry);
    this.#spread();
  }

  /** Is somebody there by the service's name, and is it who was there? */
  #look(entry: Entry): void {
    const actor = this.#find(entry);
    if (actor === entry.actor) return;
    const isReplaced = entry.actor !== undefined;
    entry.watch?.unsubscribe();
    Object.assign(entry, { actor, watch: undefined, run: this.#incarnationOf(entry) ?? entry.run });
    if (isReplaced || actor === undefined) this.#send(entry, { type: 'service.down', at: this.#clock.now(), reason: 'noproc' });
    if (actor === undefined) return;
    entry.watch = onExit(actor, (reason) => {
      Object.assign(entry, { actor: undefined, watch: undefined });
      this.#send(entry, { type: 'service.down', at: this.#clock.now(), reason });
      this.#spread();
    });
    this.#send(entry, { type: 'service.up' });
  }

  #find({ plan }: Entry): AnyActorRef | undefined {
    const found = this.#where.find(plan.name);
    return found !== undefined && exitReason(found) === null ? found : undefined;
  }

  /** Has it ended, and left what it was for? */
  #hasServed({ plan, actor }: Entry): boolean {
    return actor === undefined && this.#where.hasServed?.(plan.name) === true;
  }

  #incarnationOf({ plan }: Entry): number | undefined {
    return this.#where.incarnation?.(plan.name);
  }

  /** Tells a chart what nobody has seen: how who ran ended, and of each that came and went since. Of those nobody knows how. */
  #catchUp(entry: Entry): void {
    const { former, run, plan } = entry;
    Object.assign(entry, { former: undefined, isReturning: false });
    const actor = this.#find(entry);
    if (former === undefined ? actor === undefined : former === actor) return;
    const at = this.#clock.now();
    const present = actor === undefined || run === 0 ? undefined : this.#incarnationOf(entry);
    const between = present === undefined ? 0 : Math.min(present - run - 1, plan.input.intensity + 1);
    this.#isKnown = false;
    if (former !== undefined) this.#send(entry, { type: 'service.down', at, reason: exitReason(former) ?? 'noproc' });
    for (let one = 0; one < between; one++) {
      this.#send(entry, { type: 'service.up' });
      this.#send(entry, { type: 'service.down', at, reason: 'noproc' });
    }
    this.#isKnown = true;
    this.#spread();
  }

  #send({ chart }: Entry, event: ServiceEvent): void {
    if (!this.#isOver) chart?.send(event);
  }

  /** The health monitor that has the probes; of each that comes it is heard anew. */
  #lookAtHealth(): void {
    const { health } = this.#plan;
    const ref = health === undefined ? undefined : this.#where.find(health);
    if (ref === undefined || ref === this.#health?.ref) return;
    this.#health?.leave();
    const heard = changes.map((type) => ref.on(type, () => this.#spread()));
    const heedless = heedProbes(ref, () => this.#spread());
    this.#health = {
      ref,
      leave: () => {
        heedless();
        for (const each of heard) each.unsubscribe();
      },
    };
  }

  #moved(entry: Entry): void {
    const { said, plan } = entry;
    entry.said = [];
    for (const fact of said) this.#outlet.emit({ ...fact, id: plan.id });
    if (entry.actor !== undefined && stateOf(entry) === 'available') this.#waiters.available(plan.id, entry.actor);
    this.#spread();
  }

  /** Tells every service what of its needs is missing, in order, so that those that recover do so in order; then what all come to. */
  #spread(): void {
    this.#isStale = true;
    if (!this.#isKnown || this.#isTelling) return;
    this.#isTelling = true;
    try {
      while (this.#isStale && !this.#isOver) {
        this.#isStale = false;
        for (const entry of this.#entries.values()) this.#tellNeeds(entry);
      }
    } finally {
      this.#isTelling = false;
    }
    if (!this.#isOpen || this.#isOver) return;
    const to = this.#whole();
    if (to === this.#overall) return;
    this.#overall = to;
    this.#outlet.report({ type: 'overall.changed', to });
  }

  /** What ended in order is missed only by those that need it and have not ended in order themselves. */
  #whole(): Health {
    const all = [...this.#entries.values()];
    const there = all.filter((entry) => stateOf(entry) !== 'stopped');
    const needed = new Set(there.flatMap(({ plan }) => plan.dependsOn));
    const counted = all.filter((entry) => !this.#hasServed(entry) && (stateOf(entry) !== 'stopped' || needed.has(entry.plan.id)));
    return counted.length === 0 ? 'healthy' : worstOf(counted.map((entry) => healthOf[stateOf(entry)]));
  }

  #tellNeeds(entry: Entry): void {
    const missing = this.#missingOf(entry);
    if (missing.length === entry.missing.length && missing.every((name, index) => name === entry.missing[index])) return;
    const wasDegraded = stateOf(entry) === 'degraded';
    entry.missing = missing;
    this.#send(entry, { type: 'needs.changed', missing });
    // Its chart stays where it is, and says nothing; whoever was told what it lacks is to know that this is something else now.
    if (wasDegraded && stateOf(entry) === 'degraded') this.#outlet.emit({ type: 'service.degraded', id: entry.plan.id, missing });
  }

  #missingOf(entry: Entry): readonly string[] {
    const { dependsOn, probes } = entry.plan;
    const without = dependsOn.filter((id) => {
      const need = this.#entries.get(id) as Entry;
      return stateOf(need) !== 'available' && !this.#hasServed(need);
    });
    if (probes.length === 0) return without;
    const table = this.#health === undefined ? undefined : probesOf(this.#health.ref);
    // While there is no monitor, what the last one said stands: that nobody looks is no good news.
    if (table?.isOpen === true) {
      entry.ill = probes.filter((id) => {
        const status = table.statusOf(id);
        // That there was no result yet is no reason to distrust anybody; that there is no such probe is one.
        return status === null || status.isSilent || status.health === 'degraded' || status.health === 'unhealthy';
      });
    }
    return [...without, ...(entry.ill ?? [this.#plan.health as string])];
  }
}

const healthOf: Readonly<Record<ServiceState, Health>> = {
  ...{ absent: 'unknown', available: 'healthy', degraded: 'degraded' },
  ...{ recovering: 'degraded', down: 'unhealthy', stopped: 'unhealthy', quarantined: 'unhealthy' },
};

function stateOf({ chart }: Entry): ServiceState {
  const { value } = (chart as AnyActorRef).getSnapshot() as ServiceSnapshot;
  if (typeof value === 'string') return value as ServiceState;
  return 'serving' in value ? (value.serving as ServiceState) : 'quarantined';
}

/** What a chart that was stopped knew. One that was recovering begins to settle anew. */
function formerOf(entry: Entry, chart: AnyActorRef): Former {
  const { deaths, missing, wasAvailable } = (chart.getSnapshot() as ServiceSnapshot).context;
  return { state: stateOf(entry), deaths, missing, wasAvailable };
}

const tables = new WeakMap<AnyActorRef, ServiceTable>();

/** The services of a service monitor; of one that has ended too, and undefined for one that never ran. */
export function servicesOf(monitor: AnyActorRef): ServiceTable | undefined {
  return tables.get(monitor);
}

/** The actor `table` of a service monitor's chart. */
export function serviceTable(plan: ServicesPlan) {
  return fromCallback<TableCommand>(({ self, sendBack, receive }) => {
    const owner = parentOf(self) as AnyActorRef;
    const entries = memoryOf(owner, plan, (): Entries => new Map());
    const table = new ServiceTable(plan, entries, self, { emit: (fact) => emitFrom(owner, fact), report: sendBack });
    tables.set(owner, table);
    receive(() => table.resume());
    sendBack({ type: 'table.opened' });
    onLoss(self, owner, () => owner.send({ type: 'table.ended', at: clockOf(owner.system).now() } satisfies MonitorEvent));
    return () => table.close();
  });
}
