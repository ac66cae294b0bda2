/** Who is registered in a room, and how each was last: what a chart, a supervisor of charts and a room leave for those who come after them. */
import type { AnyActorRef } from 'xstate';
import type { AgentContext, AgentPast } from '../../machines/agents/agent-events.js';
import { LeftBehind } from '../supervision/left-behind.js';
import { onExit } from '../supervision/watch.js';
import { hasStopped, isBeingStopped, parentOf } from '../supervision/xstate-internals.js';
import type { AgentsPlan } from './agents-options.js';

/** How each was last, by their names. */
export class Ledger extends Map<string, AgentPast> {
  /** Whose it is now, by which all is told: also what those say who end with a room before it. */
  room: AnyActorRef;
  /** Their charts, until those have ended: also of one whose supervisor was killed, and which has its agent end in order. */
  readonly charts = new Map<string, AnyActorRef>();
  /** Their actors, the last of each, from before its start on. */
  readonly actors = new Map<string, AnyActorRef>();

  constructor(room: AnyActorRef) {
    super();
    this.room = room;
  }

  /** The chart that one had before it was lost, while that still lives: nobody comes after it until it has ended. */
  formerOf(id: string): AnyActorRef | undefined {
    const chart = this.charts.get(id);
    return chart === undefined || hasStopped(chart) ? undefined : chart;
  }

  /**
   * The actor that one had, while that still lives: in the midst of an event in which somebody above it was killed, it ends only after those, and nobody comes
   * after it until it has.
   */
  lastOf(id: string): AnyActorRef | undefined {
    const actor = this.actors.get(id);
    return actor === undefined || hasStopped(actor) ? undefined : actor;
  }

  override delete(id: string): boolean {
    if (this.lastOf(id) === undefined) this.actors.delete(id);
    return super.delete(id);
  }
}

const left = new LeftBehind<AgentsPlan, Ledger>();
const ledgers = new WeakMap<AnyActorRef, Ledger>();

/** The ledger of a room. */
export function ledgerOf(room: AnyActorRef): Ledger {
  const ledger = ledgers.get(room) ?? new Ledger(room);
  ledgers.set(room, ledger);
  return ledger;
}

/** What a room does before it starts: it takes over the ledger of the one before it in its seat, and leaves its own, unless it is closed by the app. */
export function leaving(plan: AgentsPlan): (room: AnyActorRef) => void {
  return (room) => {
    const parent = parentOf(room);
    if (parent === undefined) return;
    const byId = left.at(parent, plan);
    const ledger = byId.get(room.id) ?? ledgerOf(room);
    byId.delete(room.id);
    ledgers.set(room, ledger);
    ledger.room = room;
    onExit(room, (reason) => {
      if (reason !== 'normal') byId.set(room.id, ledger);
    });
  };
}

interface ChartSnapshot {
  readonly status: string;
  readonly value: string | object;
  readonly context: AgentContext;
}

/** Keeps a chart's line in the ledger of its room, from before its start to its end. */
export function enter(agent: AnyActorRef, room: AnyActorRef): void {
  const ledger = ledgerOf(room);
  const supervisor = parentOf(parentOf(agent) as AnyActorRef) as AnyActorRef;
  const first = agent.getSnapshot() as ChartSnapshot;
  const { id } = first.context.spec;
  const look = (snapshot: ChartSnapshot): void => {
    if (snapshot.status !== 'active') return;
    const past = pastOf(snapshot, ledger.get(id));
    if (past !== undefined) ledger.set(id, past);
  };
  // Before it says a word: whoever hears of it may end them all.
  look(first);
  ledger.charts.set(id, agent);
  // What it dies of is told by those who watch it.
  agent.subscribe({ next: look as never, error: () => {} });
  onExit(agent, (reason) => {
    const { status } = agent.getSnapshot() as ChartSnapshot;
    // One that has come to its end is forgotten, but not as one of all, when their supervisor is stopped: that may be for another to come.
    if (ledger.charts.get(id) === agent) ledger.charts.delete(id);
    if (status === 'done' && !hasStopped(ledger.room) && (reason === 'normal' || isServing(supervisor))) ledger.delete(id);
  });
}

/** Forgets an agent that ends now, unless it ends with all others, or there is no room that could say so: then the next one does. @returns whether it is forgotten */
export function forget(agent: AnyActorRef, id: string, ledger: Ledger): boolean {
  const isLast = isServing(parentOf(parentOf(agent) as AnyActorRef) as AnyActorRef) || ledger.get(id)?.was === 'leaving';
  const isForgotten = isLast && !hasStopped(ledger.room);
  if (isForgotten) ledger.delete(id);
  return isForgotten;
}

function isServing(supervisor: AnyActorRef): boolean {
  const snapshot = supervisor.getSnapshot() as { hasTag(tag: string): boolean };
  return !hasStopped(supervisor) && !isBeingStopped(supervisor) && !snapshot.hasTag('stopping');
}

/** What is to be known of an agent when its chart is lost now. */
function pastOf({ value, context }: ChartSnapshot, before: AgentPast | undefined): AgentPast | undefined {
  const { spec, job, next, stops, failure, restarts, isLeaving, reason } = context;
  if (isLeaving && reason === 'normal') return { spec, was: 'leaving', restarts, end: context.end };
  // Ended with all others, it is again what it was, but for one that somebody stops besides.
  if (isLeaving && (before === undefined || stops.length === 0)) return before;
  const isStopping = typeof value === 'object' && 'up' in value && value.up === 'stopping';
  if (typeof value === 'object' && !(isStopping && next === null)) {
    // What it was to be changed into nobody has said yes to.
    return { spec: job?.former ?? spec, was: 'up', restarts, end: null };
  }
  const end = !isStopping ? context.end : failure === null ? stopped : { status: 'failed' as const, why: failure.why };
  return { spec, was: context.was === 'up' && !isStopping ? 'up' : 'down', restarts, end };
}

const stopped = { status: 'stopped', why: 'shutdown' } as const;
