/**
 * The tables of one machine: which transitions an event enables, region by region, and which nodes each leaves and enters. Made from the definition
 * once; of the product of the regions only the configurations that have been seen are kept, and of those at most {@link mostConfigurations}.
 */
import { assign, spawnChild, stopChild, type AnyStateMachine, type StateValue } from 'xstate';

import { takes } from '../charts/descriptor.js';
import { plansOf, type Plan } from './actions.js';
import { guardOf, nameOf, type Guard } from './guards.js';
import { exitedBy, isBelow, isSameSet, valueOf, type Domain } from './nodes.js';
import { shapeOf, type Walked } from './shape.js';
import { nodesBelow, Shadow, transitionsOf, type Entered } from './shadow.js';
import { blankOf, rootOf, type Node, type Parts, type Transition } from './xstate-parts.js';

/** Configurations and routes between them kept of one machine, and event types of one configuration; what is beyond is worked out each time. */
const mostConfigurations = 4_096;
const mostRoutes = 16_384;
const mostEventTypes = 256;

/** What of a compiled machine is asked of XState's interpreter each time. */
export interface Interpreted {
  /** The id of the state node whose transition it is; of the machine's root where it is all of it. */
  readonly node: string;
  readonly why: string;
}

/** A transition, with all that is known of it before it is taken. */
export interface Row {
  readonly transition: Transition;
  readonly guard: Guard | undefined;
  /** The guard's name, for what it throws. */
  readonly guardName: string;
  readonly domain: Domain;
  readonly entered: readonly Entered[];
  /** Why the nodes must be asked of XState each time; null where `domain` and `entered` are right always. */
  readonly interpreted: string | null;
  readonly plans: readonly Plan[];
  /** The row alone, and its transition: most steps take one. */
  readonly alone: readonly Row[];
  readonly told: readonly Transition[];
}

/** What an event enables in one configuration: the first of `rows` whose guard passes; in a parallel state one of each region, or else of its own rows. */
export interface Choice {
  readonly regions: readonly Choice[];
  readonly rows: readonly Row[];
}

/** A set of active nodes, in XState's order, with all that follows from it. */
export interface Configuration {
  readonly nodes: readonly Node[];
  readonly value: StateValue;
  readonly tags: Set<string>;
  /** Transitions that need no event: of each atomic node, from the inside out. */
  readonly always: readonly (readonly Row[])[];
  readonly choices: Map<string, Choice | null>;
  /** Where rows lead from here that have been taken. */
  readonly next: Route;
  /** The same in the order in which XState leaves them at the end, once that was asked for. */
  last: Configuration | undefined;
}

/** Steps that are known, by the rows that are taken together. */
interface Route {
  move: Move | undefined;
  /** Those of the rows that do not conflict. */
  kept: readonly Row[] | undefined;
  readonly further: Map<Row, Route>;
}

/** A node that is entered, with all that runs then. */
export interface Entry {
  readonly node: Node;
  readonly plans: readonly Plan[];
  /** The actors that it invokes. */
  readonly invoked: readonly string[] | undefined;
}

/** A step between configurations. */
export interface Move {
  readonly exited: readonly Node[];
  /** What runs when these are left. */
  readonly exits: readonly Plan[];
  /** Their histories. */
  readonly histories: readonly { readonly node: Node; readonly of: Node }[];
  readonly entered: readonly Entry[];
  readonly to: Configuration;
  /** Are the active nodes the same as before? XState then keeps their order too. */
  readonly isSame: boolean;
}

/** The tables of one machine. */
export class Tables {
  readonly machine: AnyStateMachine;
  readonly root: Node;
  /** By `order`. */
  readonly nodes: readonly Node[];
  /** Before its context is made. */
  readonly blank: Parts;
  /** What is entered at the start. */
  readonly begun: readonly Entered[];
  /** What makes the context, where the app has a function for it. */
  readonly contextPlans: readonly Plan[] | undefined;
  readonly #rows = new Map<Transition, Row>();
  /** The event descriptors of all nodes, and those of them that are patterns. */
  readonly #exact = new Set<string>();
  readonly #wild: readonly string[];
  readonly #interned = new Map<string, Configuration>();
  readonly #byNodes = new WeakMap<readonly Node[], Configuration>();
  #routes = 0;
  #shadow: Shadow | undefined;
  #first: Move | undefined;
  readonly #exits = new Map<Node, readonly Plan[]>();
  /** Not by default, and by default. */
  readonly #entries = new Map<Node, Entry[]>();
  readonly #candidates = new Map<Node, Map<string, readonly Row[]>>();

  constructor(machine: AnyStateMachine) {
    this.machine = machine;
    this.root = rootOf(machine);
    this.blank = blankOf(machine);
    const { context } = machine.config as { readonly context?: unknown };
    if (typeof context === 'function') this.contextPlans = plansOf(machine, [contextAssignment(context as ContextMaker)]);
    this.nodes = nodesBelow(this.root);
    const { begun, walks } = shapeOf(machine, this.#transitions(), () => this.shadow);
    this.begun = this.#entered(begun);
    for (const node of this.nodes) for (const descriptor of node.transitions.keys()) this.#exact.add(descriptor);
    this.#wild = [...this.#exact].filter((descriptor) => descriptor.includes('*'));
    this.#transitions().forEach((transition, at) => {
      this.#rows.set(transition, this.#rowOf(transition, walks[at] as Walked));
    });
  }

  /** What is asked of XState each time, and why. */
  get interpreted(): readonly Interpreted[] {
    return [...this.#rows.values()].flatMap(({ transition, interpreted: why }) => (why === null ? [] : [{ node: transition.source.id, why }]));
  }

  /** Made when it is asked: most machines ask it nothing once their shape is known. */
  get shadow(): Shadow {
    return (this.#shadow ??= new Shadow(this.machine));
  }

  #transitions(): readonly Transition[] {
    return this.nodes.flatMap((node) => transitionsOf(node));
  }

  #entered(orders: Walked['entered']): readonly Entered[] {
    return orders.map(([order, byDefault]) => ({ node: this.nodes[order] as Node, byDefault }));
  }

  #rowOf(transition: Transition, { domain, entered, interpreted }: Walked): Row {
    const alone: Row[] = [];
    const { guard } = transition;
    const row = {
      transition,
      guard: guard === undefined ? undefined : guardOf(this.machine, guard),
      guardName: nameOf(guard),
      domain: typeof domain === 'number' ? (this.nodes[domain] as Node) : domain,
      entered: this.#entered(entered),
      interpreted,
      plans: plansOf(this.machine, transition.actions),
      alone,
      told: [transition],
    };
    alone.push(row);
    return row;
  }

  rowFor(transition: Transition): Row {
    return this.#rows.get(transition) as Row;
  }

  /** The configuration of a snapshot, whoever made it. */
  configurationOf({ _nodes: nodes }: Parts): Configuration {
    return this.#byNodes.get(nodes) ?? this.configuration(nodes);
  }

  /** The configuration with these nodes in this order; those of another copy of the machine stand for its own. */
  configuration(given: readonly Node[]): Configuration {
    const key = given.map(({ order }) => order).join();
    const known = this.#interned.get(key);
    if (known !== undefined) {
      if (known.nodes !== given) this.#byNodes.set(given, known);
      return known;
    }
    const nodes = given.map(({ order }) => this.nodes[order] as Node);
    const made: Configuration = {
      nodes,
      value: valueOf(this.root, nodes),
      tags: new Set(nodes.flatMap(({ tags }) => tags)),
      always: this.#alwaysOf(nodes),
      choices: new Map(),
      next: { move: undefined, kept: undefined, further: new Map() },
      last: undefined,
    };
    if (this.#interned.size < mostConfigurations) this.#interned.set(key, made);
    for (const own of [given, nodes]) this.#byNodes.set(own, made);
    return made;
  }

  #alwaysOf(nodes: readonly Node[]): readonly (readonly Row[])[] {
    const all: Row[][] = [];
    for (const node of nodes) {
      if (node.type !== 'atomic' && node.type !== 'final') continue;
      const rows: Row[] = [];
      for (let at: Node | undefined = node; at !== undefined; at = at.parent) for (const own of at.always ?? []) rows.push(this.rowFor(own));
      if (rows.length > 0) all.push(rows);
    }
    return all;
  }

  /** What an event of this type may enable; null for nothing. */
  choiceOf(configuration: Configuration, type: string): Choice | null {
    const known = configuration.choices.get(type);
    if (known !== undefined) return known;
    // Each actor ends with a type of its own: those that nobody names must not fill the table.
    if (!this.#isTaken(type)) return null;
    const made = this.#choice(this.root, configuration.value, type);
    if (configuration.choices.size < mostEventTypes) configuration.choices.set(type, made);
    return made;
  }

  /** Does any node take such an event? */
  #isTaken(type: string): boolean {
    return this.#exact.has(type) || this.#wild.some((descriptor) => takes(descriptor, type));
  }

  #choice(node: Node, value: StateValue | undefined, type: string): Choice | null {
    const inner: Choice[] = [];
    const below = typeof value === 'string' ? { [value]: undefined } : (value ?? {});
    for (const [key, deeper] of Object.entries(below)) {
      const found = this.#choice(node.states[key] as Node, deeper, type);
      if (found !== null) inner.push(found);
    }
    const own = this.#candidatesOf(node, type);
    const [only] = inner;
    if (only === undefined) return own.length === 0 ? null : { regions: [], rows: own };
    // One alone is tried before what is around it, as a longer list of the same.
    if (inner.length === 1 && only.regions.length === 0) return { regions: [], rows: [...only.rows, ...own] };
    return { regions: inner, rows: own };
  }

  /** The exact descriptor first, then wildcards, the longest first. */
  #candidatesOf(node: Node, type: string): readonly Row[] {
    let own = this.#candidates.get(node);
    if (own === undefined) this.#candidates.set(node, (own = new Map<string, readonly Row[]>()));
    const known = own.get(type);
    if (known !== undefined) return known;
    const wild = [...node.transitions.keys()]
      .filter((descriptor) => descriptor !== type && takes(descriptor, type))
      .sort((a, b) => b.length - a.length);
    const found = [type, ...wild].flatMap((descriptor) => node.transitions.get(descriptor) ?? []).map((transition) => this.rowFor(transition));
    if (own.size < mostEventTypes) own.set(type, found);
    return found;
  }

  /** What is known of a step with these rows; undefined where nothing may be remembered. */
  #routeOf(from: Configuration, rows: readonly Row[]): Route | undefined {
    let route = from.next;
    for (const row of rows) {
      if (row.interpreted !== null) return undefined;
      let further = route.further.get(row);
      if (further === undefined) {
        if (this.#routes >= mostRoutes) return undefined;
        this.#routes++;
        route.further.set(row, (further = { move: undefined, kept: undefined, further: new Map() }));
      }
      route = further;
    }
    return route;
  }

  /** Where rows lead together that do not conflict. */
  moveBy(from: Configuration, rows: readonly Row[], snapshot: Parts): Move {
    const route = this.#routeOf(from, rows);
    return route === undefined ? this.#move(from, rows, snapshot) : (route.move ??= this.#move(from, rows, snapshot));
  }

  #move(from: Configuration, rows: readonly Row[], snapshot: Parts): Move {
    const walk = rows.some(({ interpreted }) => interpreted !== null)
      ? this.shadow.step(
          snapshot,
          rows.map(({ transition }) => transition),
        )
      : walkOf(rows, from.nodes);
    const kept = new Set(from.nodes);
    for (const node of walk.exited) kept.delete(node);
    for (const { node } of walk.entered) kept.add(node);
    const nodes = [...kept];
    return this.#moveOf(walk, this.configuration(nodes), isSameSet(from.nodes, nodes));
  }

  #moveOf({ exited, entered }: Pick<Row, 'entered'> & { readonly exited: readonly Node[] }, to: Configuration, isSame: boolean): Move {
    const exits = exited.flatMap((node) => this.exitOf(node));
    const histories = exited.flatMap((of) => Object.values(of.states).flatMap((node) => (node.type === 'history' ? [{ node, of }] : [])));
    return { exited, exits, histories, entered: entered.map((one) => this.#entryOf(one)), to, isSame };
  }

  /** What runs when a node is left: its own actions, then the ends of its actors. */
  exitOf(node: Node): readonly Plan[] {
    const known = this.#exits.get(node);
    if (known !== undefined) return known;
    const made = plansOf(this.machine, [...node.exit, ...node.invoke.map(({ id }) => stopChild(id))]);
    this.#exits.set(node, made);
    return made;
  }

  /** Its own actions alone: at the end of all, XState stops the actors by itself. */
  endOf(node: Node): readonly Plan[] {
    return node.invoke.length === 0 ? this.exitOf(node) : plansOf(this.machine, node.exit);
  }

  #entryOf({ node, byDefault }: Entered): Entry {
    const known = this.#entries.get(node)?.[byDefault ? 1 : 0];
    if (known !== undefined) return known;
    const invoked = node.invoke.map((one) => spawnChild(one.src, { ...one, syncSnapshot: Boolean(one.onSnapshot) }));
    const actions = [...node.entry, ...invoked, ...(byDefault ? (node.initial?.actions ?? []) : [])];
    const made: Entry = {
      node,
      plans: plansOf(this.machine, actions),
      invoked: node.invoke.length === 0 ? undefined : node.invoke.map(({ id }) => id),
    };
    const both = this.#entries.get(node) ?? [];
    both[byDefault ? 1 : 0] = made;
    this.#entries.set(node, both);
    return made;
  }

  /** The same, innermost first: the order in which XState leaves them all at the end, and keeps them. */
  innermostFirst(configuration: Configuration): Configuration {
    return (configuration.last ??= this.configuration([...configuration.nodes].sort((a, b) => b.order - a.order)));
  }

  /** The first step of all. */
  begin(): Move {
    return (this.#first ??= this.#begin());
  }

  #begin(): Move {
    const nodes = [...new Set([this.root, ...this.begun.map(({ node }) => node)])];
    return this.#moveOf({ exited: [], entered: this.begun }, this.configuration(nodes), nodes.length === 1);
  }

  /** Of rows that would leave a node in common, the one whose source is deeper, or else the first. @see SCXML removeConflictingTransitions */
  withoutConflicts(rows: readonly Row[], from: Configuration, snapshot: Parts): readonly Row[] {
    if (rows.length < 2) return rows;
    const route = this.#routeOf(from, rows);
    return route === undefined ? this.#withoutConflicts(rows, from, snapshot) : (route.kept ??= this.#withoutConflicts(rows, from, snapshot));
  }

  #withoutConflicts(rows: readonly Row[], from: Configuration, snapshot: Parts): readonly Row[] {
    const leftBy = (row: Row): readonly Node[] =>
      row.interpreted === null ? exitedBy(row.domain, from.nodes) : this.shadow.step(snapshot, [row.transition]).exited;
    const kept = new Set<Row>();
    for (const row of rows) {
      const left = leftBy(row);
      const beaten: Row[] = [];
      let isBeaten = false;
      for (const other of kept) {
        const common = leftBy(other).some((node) => left.includes(node));
        if (!common) continue;
        if (!isBelow(row.transition.source, other.transition.source)) {
          isBeaten = true;
          break;
        }
        beaten.push(other);
      }
      if (isBeaten) continue;
      for (const other of beaten) kept.delete(other);
      kept.add(row);
    }
    return [...kept];
  }
}

type ContextMaker = (args: object) => object;

/** The first context, as XState assigns it. */
function contextAssignment(context: ContextMaker): unknown {
  return assign(({ spawn, event, self }) => context({ spawn, input: (event as { readonly input?: unknown }).input, self }));
}

function walkOf(rows: readonly Row[], nodes: readonly Node[]): { exited: readonly Node[]; entered: readonly Entered[] } {
  const exited = new Set(rows.flatMap(({ domain }) => exitedBy(domain, nodes)));
  const entered = new Map<Node, Entered>();
  for (const row of rows) for (const one of row.entered) entered.set(one.node, one);
  return {
    exited: [...exited].sort((a, b) => b.order - a.order),
    entered: [...entered.values()].sort((a, b) => a.node.order - b.node.order),
  };
}
