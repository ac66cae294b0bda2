/**
 * What the executed paths have reached of a machine.
 *
 * The microsteps that XState reports to an inspector carry the very objects of the machine's definition, so transitions are exact: no matching by
 * name. `_transitions` lists what was *selected*; where parallel regions conflict only some of it is *taken*, and only that counts. Guards and
 * invocations are observed on the executed copy of the machine ({@link instrument}), delays on the system's scheduler.
 */
import { and } from 'xstate';
import type { AnyMachineSnapshot, AnyStateMachine, AnyTransitionDefinition, InspectionEvent } from 'xstate';
import { type ChartDefinition, definitionOf } from '../../charts/definition.js';
import { type AnyStateNode, type Edge, edgesOf, statesOf } from '../../charts/edges.js';
import { taken } from '../../charts/taken.js';
import {
  type CoverageItem,
  type CoverageKind,
  delayItems,
  delaysByEvent,
  type Endings,
  guardItems,
  invocationOf,
  invokeItems,
  transitionItem,
} from './coverage-items.js';
import type { Desk } from './fake.js';
import { type LateEvent, lateEventsOf, LateEvents, lateItems } from './late-events.js';
import type { Probe } from './run.js';

/** A coverage as data, for CI to compare: items sorted by id. */
export interface CoverageJson {
  /** The machine's id. */
  readonly machine: string;
  readonly items: readonly {
    readonly id: string;
    readonly kind: CoverageKind;
    readonly hits: number;
    /** The shortest executed path that reached it: a start, then cases. */
    readonly path?: readonly string[];
    /** Why it need not be reached. */
    readonly waived?: string;
  }[];
}

/** Collects what the actors of one executed machine do. */
export class Coverage {
  /** The machine, as it was executed. */
  readonly machine: AnyStateMachine;
  /** The machine before its guards were watched: they have lost their names since. */
  readonly definition: ChartDefinition;
  /** Everything to reach, in document order. */
  readonly items: readonly CoverageItem[];
  /** Why some items need not be reached, by id. */
  readonly waivers: Readonly<Record<string, string>>;
  /** While true nothing is collected: a prefix is repeated that was counted when it was found, or a claim is looking. */
  paused = true;
  /** The steps that led to where the actor is now, for the report. */
  path: readonly string[] = [];
  /** Counts guards that were asked about an event, paused or not: an event that a guard turns away was looked at. */
  asked = 0;
  /** What was reached since this was last cleared, for a search that looks at one step at a time. */
  readonly reached = new Set<string>();
  readonly #byDefinition: ReadonlyMap<AnyTransitionDefinition, Edge>;
  readonly #delays: ReadonlyMap<string, string>;
  readonly #late: readonly LateEvent[];
  readonly #ids: ReadonlySet<string>;
  readonly #hits = new Map<string, { count: number; path: readonly string[] }>();

  /** @param machine  a copy of its own: `provide()` makes new definitions */
  constructor(
    machine: AnyStateMachine,
    { endings = {}, waivers = {} }: { readonly endings?: Endings; readonly waivers?: Readonly<Record<string, string>> } = {},
  ) {
    this.machine = machine;
    this.definition = definitionOf(machine);
    this.waivers = waivers;
    const edges = edgesOf(machine);
    this.#byDefinition = new Map(edges.map((edge) => [edge.definition, edge]));
    this.#delays = delaysByEvent(edges);
    this.#late = lateEventsOf(machine);
    this.items = statesOf(machine).flatMap((node) => [
      { id: `state ${node.id}`, kind: 'state' as const, state: node.id },
      ...edges.filter((edge) => edge.node === node).flatMap((edge) => [transitionItem(edge), ...guardItems(edge)]),
      ...invokeItems(node, edges, endings),
      ...delayItems(node, edges),
      ...this.#late.filter(({ state }) => state === node.id).flatMap(lateItems),
    ]);
    this.#ids = new Set(this.items.map(({ id }) => id));
  }

  /** How often the item was reached. */
  hits(id: string): number {
    return this.#hits.get(id)?.count ?? 0;
  }

  /** Items that no executed step has reached, waived or not. */
  missing(kinds?: readonly CoverageKind[]): readonly CoverageItem[] {
    return this.items.filter(({ id, kind }) => !this.#hits.has(id) && (kinds?.includes(kind) ?? true));
  }

  /** Missing, and not waived. */
  open(kinds?: readonly CoverageKind[]): readonly CoverageItem[] {
    return this.missing(kinds).filter(({ id }) => !(id in this.waivers));
  }

  /** The shortest executed path that reached the item, undefined where none did. After a search that has seen every state there is no shorter one. */
  pathTo(id: string): readonly string[] | undefined {
    return this.#hits.get(id)?.path;
  }

  toJSON(): CoverageJson {
    const items = this.items.map(({ id, kind }) => {
      const path = this.pathTo(id);
      const waived = this.waivers[id];
      return { id, kind, hits: this.hits(id), ...(path === undefined ? {} : { path }), ...(waived === undefined ? {} : { waived }) };
    });
    return { machine: this.machine.id, items: items.sort((left, right) => (left.id < right.id ? -1 : 1)) };
  }

  /** Counts the item, if there is one of that id and nothing is paused. */
  hit(id: string): void {
    if (this.paused || !this.#ids.has(id)) return;
    this.reached.add(id);
    const known = this.#hits.get(id);
    if (known === undefined) this.#hits.set(id, { count: 1, path: [...this.path] });
    else {
      known.count++;
      if (this.path.length < known.path.length) known.path = [...this.path];
    }
  }

  /** Counts the states that the actor is in. */
  entered(snapshot: AnyMachineSnapshot): void {
    if (!this.paused) for (const node of snapshot._nodes as readonly AnyStateNode[]) this.hit(`state ${node.id}`);
  }

  /** Watches one run. */
  probe(): Probe {
    const waiting = new Map<string, string>();
    const late = new LateEvents(this.#late, (id) => this.hit(id));
    return {
      begins: () => {
        waiting.clear();
        late.forget();
      },
      inspect: (event, run) => {
        if (event.type === '@xstate.event') late.sent(event.event);
        this.#inspect(event, run.actor, waiting);
      },
      actorEnded: (invocation, how) => this.hit(`${invocation} ${how}`),
      scheduled: (event, delayMs, id) => {
        // A wait without an end is none: it cannot fire, so leaving cancels nothing.
        if (!Number.isFinite(delayMs)) return;
        late.scheduled(event, id);
        const delay = id === undefined ? undefined : this.#delays.get(id);
        if (delay !== undefined && id !== undefined) waiting.set(id, delay);
      },
      cancelled: (id) => {
        const delay = waiting.get(id);
        if (delay !== undefined) this.hit(`${delay} cancelled`);
        waiting.delete(id);
        late.cancelled(id);
      },
    };
  }

  #inspect(event: InspectionEvent, actor: unknown, waiting: Map<string, string>): void {
    if (event.type === '@xstate.event' && waiting.size > 0 && event.actorRef === actor) {
      const delay = waiting.get(event.event.type);
      if (delay !== undefined) this.hit(`${delay} fired`);
      waiting.delete(event.event.type);
    }
    if (this.paused || event.type !== '@xstate.microstep') return;
    let isOwn = false;
    for (const definition of taken(event._transitions)) {
      const edge = this.#byDefinition.get(definition);
      if (edge === undefined) continue;
      isOwn = true;
      this.hit(`transition ${edge.id}`);
      // States that are entered and left within the first macrostep are seen in no snapshot.
      for (let node: AnyStateNode | undefined = edge.node; node !== undefined; node = node.parent as AnyStateNode | undefined) {
        if (this.hits(`state ${node.id}`) === 0) this.hit(`state ${node.id}`);
      }
    }
    if (isOwn) this.entered(event.snapshot as AnyMachineSnapshot);
  }

  /** Makes the machine tell of its guards, and of the invocations for which it creates actors. The machine must be this coverage's own copy. */
  instrument(desk: Desk): void {
    for (const [definition, edge] of this.#byDefinition) {
      const [wasTrue, wasFalse] = guardItems(edge);
      if (wasTrue === undefined || wasFalse === undefined) continue;
      const original = and([definition.guard as never]) as unknown as BuiltinGuard;
      const watched = Object.assign(() => false, {
        check: (snapshot: unknown, args: unknown): boolean => {
          const outcome = original.check(snapshot, args, original);
          if (edge.event !== '') this.asked++;
          this.hit((outcome ? wasTrue : wasFalse).id);
          return outcome;
        },
      });
      (definition as { guard: unknown }).guard = watched;
    }
    for (const node of statesOf(this.machine)) {
      for (const definition of node.invoke as { id: string; src: string; input?: unknown }[]) {
        const { input } = definition;
        definition.input = (args: unknown): unknown => {
          const made: unknown = typeof input === 'function' ? (input as (args: unknown) => unknown)(args) : input;
          desk.invocation = invocationOf(node, definition);
          return made;
        };
      }
    }
  }
}

/** What XState's `and`, `or`, `not` make. */
interface BuiltinGuard {
  check(snapshot: unknown, args: unknown, self: BuiltinGuard): boolean;
}
