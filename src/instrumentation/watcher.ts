/**
 * Watches the actors of systems: their births and deaths, their facts. What it measures outlives whoever watches: it may be detached and attached again, and
 * goes on with the work that it knows.
 */
import type { AnyActorRef } from 'xstate';
import { listen, type Listening } from '../recording/hooks.js';
import { ActorNames } from '../recording/names.js';
import { presentActors } from '../recording/present-actors.js';
import { exitReason, type ExitWatch, onExit } from '../supervision/watch.js';
import { hasStopped, isInTurn, isUnstarted, rootOf } from '../supervision/xstate-internals.js';
import { hidden, hiddenText } from '../telemetry/hidden.js';
import { hearLosses } from '../telemetry/logger.js';
import { heedRejection } from '../telemetry/rejections.js';
import { Tracing } from '../telemetry/tracer.js';
import { rowOf } from './event-table.js';
import { measureFact, reasonWord } from './fact-metrics.js';
import { LiveWork, Places } from './live-work.js';
import { LogLines } from './log-lines.js';
import { ConversationWork, type Fact, RequestWork, type Work, type Workshop } from './model-work.js';
import { startOperation } from './operations.js';
import type { InstrumentationPlan } from './options.js';
import { overflowLabel } from '../telemetry/series.js';
import type { OwnMetrics } from './own-metrics.js';
import { Seen } from './seen.js';

/** What a watcher tells of. */
export interface WatcherReports {
  fact(seen: Seen, fact: Fact): void;
  fault(where: string, error: unknown): void;
  /** Counted, and told no more. */
  faultAgain(where: string): void;
}

interface Watched {
  readonly seen: Seen;
  readonly work: Work | null;
  unsubscribe(): void;
}

export class Watcher {
  readonly #plan: InstrumentationPlan;
  readonly #metrics: OwnMetrics;
  readonly #reports: WatcherReports;
  readonly #tracing: Tracing | null;
  #log: LogLines | null;
  #hasLostLines = false;
  /** How many calls of {@link countSends} there are, one within the other, and how many events waited meanwhile. */
  #attention = 0;
  #waiting = 0;
  readonly #names = new ActorNames();
  readonly #places = new Places();
  readonly #systems = new Map<AnyActorRef, { readonly listening: Listening; holders: number }>();
  readonly #living = new Map<AnyActorRef, Watched>();
  /** Work of actors that nobody watches at the moment, and what tells of their ends. */
  readonly #left = new Map<AnyActorRef, { readonly work: Work; readonly watch: ExitWatch }>();

  constructor(plan: InstrumentationPlan, metrics: OwnMetrics, reports: WatcherReports) {
    const { content, hiding, logger, opentelemetry } = plan;
    this.#plan = plan;
    this.#metrics = metrics;
    this.#reports = reports;
    const fault = (error: unknown): void => reports.fault('the tracer', error);
    this.#tracing = opentelemetry === null || plan.tracer === null ? null : new Tracing(opentelemetry, plan.tracer, fault);
    this.#log = logger === null ? null : new LogLines(logger, hiding, content);
    if (logger !== null) hearLosses(logger, (error) => this.#lostLine(error));
  }

  /** @returns what ends it; `flush`: whatever is under way is ended, too, and told */
  attach(actor: AnyActorRef): (flush: boolean) => void {
    const root = rootOf(actor);
    const known = this.#systems.get(root);
    if (known !== undefined) known.holders++;
    else if (!hasStopped(root)) this.#join(root);
    let isOver = false;
    return (flush) => {
      if (isOver) return;
      isOver = true;
      this.#leave(root, flush);
    };
  }

  /** Everybody who is watched now. */
  get size(): number {
    return this.#living.size;
  }

  /** Writes a line about a fact that no actor has emitted. */
  log(fact: Fact): void {
    heedRejection(this.#log?.write(null, fact, rowOf(null, fact.type), null), (error) => this.#lostLine(error));
  }

  /** Does something, and counts meanwhile what is sent to an actor in the midst of an event, so that it waits. */
  countSends(act: () => void): void {
    this.#attention++;
    try {
      if (this.#attention === 1) this.#attend(true);
      act();
    } finally {
      if (--this.#attention === 0) this.#attend(false);
    }
  }

  /** How many have been sent so, as far as they were counted. */
  get sends(): number {
    return this.#waiting;
  }

  #attend(wanted: boolean): void {
    for (const { listening } of this.#systems.values()) listening.details(wanted);
  }

  #join(root: AnyActorRef): void {
    const listening = listen(root, {
      born: (actor) => this.#safely('a birth', () => this.#born(actor, true)),
      died: (actor) => this.#safely('a death', () => this.#died(actor)),
      happened: (event) => {
        if (event.type === '@xstate.event' && isInTurn(event.actorRef as AnyActorRef)) this.#waiting++;
      },
    });
    if (this.#attention > 0) listening.details(true);
    this.#systems.set(root, { listening, holders: 1 });
    this.#safely('the actors that are there', () => {
      if (!isUnstarted(root)) for (const actor of presentActors(root)) if (!hasStopped(actor)) this.#born(actor, false);
    });
  }

  #leave(root: AnyActorRef, flush: boolean): void {
    const system = this.#systems.get(root);
    if (system === undefined || --system.holders > 0) return;
    system.listening.stop();
    this.#systems.delete(root);
    for (const [actor, { seen, unsubscribe, work }] of this.#living) {
      if (rootOf(actor) !== root) continue;
      unsubscribe();
      this.#living.delete(actor);
      this.#metrics.actors.add(-1, { machine: seen.kind });
      if (work === null) continue;
      if (flush) this.#end(work, 'detached');
      else this.#leaveWork(actor, work);
    }
  }

  /** It goes on where somebody watches its actor again; where that has ended before, nobody knows how it ended. */
  #leaveWork(actor: AnyActorRef, work: Work): void {
    if (exitReason(actor) !== null) return this.#end(work, 'lost');
    const watch = onExit(actor, () => {
      this.#left.delete(actor);
      this.#end(work, 'lost');
    });
    this.#left.set(actor, { work, watch });
  }

  #born(actor: AnyActorRef, isNew: boolean): void {
    if (this.#living.has(actor)) return;
    this.#names.note(actor);
    const seen = new Seen(actor, this.#names);
    const left = this.#left.get(actor);
    left?.watch.unsubscribe();
    this.#left.delete(actor);
    const work = left?.work ?? this.#workOf(seen);
    const subscription = actor.on('*', (fact: unknown) => this.#safely('a fact', () => this.#heard(watched, fact as Fact)));
    const watched: Watched = { seen, work, unsubscribe: () => subscription.unsubscribe() };
    this.#living.set(actor, watched);
    const labels = { machine: seen.kind };
    this.#metrics.actors.add(1, labels);
    if (isNew) this.#metrics.started.add(1, labels);
  }

  #died(actor: AnyActorRef): void {
    const watched = this.#living.get(actor);
    if (watched === undefined) return;
    this.#living.delete(actor);
    const reason = reasonWord(exitReason(actor));
    const labels = { machine: watched.seen.kind };
    this.#metrics.actors.add(-1, labels);
    this.#metrics.ended.add(1, { ...labels, reason });
    watched.unsubscribe();
    if (watched.work !== null) this.#end(watched.work, reason === 'normal' ? 'ended' : reason);
    this.#names.ended(actor);
    this.#systems.get(actor)?.listening.stop();
    this.#systems.delete(actor);
  }

  #end(work: Work, error: string): void {
    this.#safely('the work of an actor', () => work.ended(error));
  }

  #heard({ seen, work }: Watched, fact: Fact): void {
    // What telemetry emits by an actor of its own has been told to everybody else already.
    if (fact.type.startsWith('telemetry.') && seen.machine === null) return;
    // Nor is an agent's fact told twice: its room, a supervisor, says it again for those who listen to all agents.
    if (fact.type.startsWith('agent.') && seen.machine === 'supervisor') return;
    const row = rowOf(seen.machine, fact.type);
    this.#metrics.facts.add(1, { fact: row === undefined ? overflowLabel : fact.type });
    this.#safely('the metrics of a fact', () => measureFact(this.#metrics, fact, seen));
    const before = work?.span() ?? null;
    if (work !== null) this.#safely('the work of an actor', () => work.heard(fact));
    try {
      const span = work?.span() ?? before;
      const written = this.#log?.write(seen, fact, row, span === null ? null : (this.#tracing?.contextOf(span) ?? null));
      heedRejection(written, (error) => this.#lostLine(error));
    } catch (error) {
      // As a handler that throws: it is told nothing more.
      this.#log = null;
      this.#reports.fault('the logger', error);
    }
    this.#reports.fact(seen, fact);
  }

  /** A rejection loses that line only. */
  #lostLine(error: unknown): void {
    if (this.#hasLostLines) return this.#reports.faultAgain('the logger');
    this.#hasLostLines = true;
    this.#reports.fault('the logger', error);
  }

  #workOf(seen: Seen): Work | null {
    const shop: Workshop = {
      seen,
      start: (plan) => startOperation(seen, plan, this.#metrics, this.#tracing),
      content: (name, value) => this.#contentOf(name, value),
    };
    switch (seen.machine) {
      case 'conversation':
        return new ConversationWork(shop);
      case 'httpStream':
      case 'interaction':
        return seen.subject === undefined || seen.isBelow('conversation') ? null : new RequestWork(shop);
      case 'liveSession':
        return new LiveWork(
          shop,
          {
            start: (name, attributes, links) => this.#tracing?.start(name, 'client', attributes, null, links) ?? null,
            contextOf: (span) => this.#tracing?.contextOf(span) ?? null,
            safely: (act) => this.#tracing?.safely(act),
          },
          this.#places,
        );
      default:
        return null;
    }
  }

  #contentOf(name: string, value: unknown): Readonly<Record<string, string>> {
    if (!this.#plan.content) return {};
    return { [name]: hiddenText(JSON.stringify(hidden(value, this.#plan.hiding)) ?? '', this.#plan.hiding) };
  }

  #safely(where: string, act: () => void): void {
    try {
      act();
    } catch (error) {
      this.#reports.fault(where, error);
    }
  }
}
