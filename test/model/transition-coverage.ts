/**
 * Which transitions of a machine exist, and which were really taken.
 *
 * The microsteps that XState reports to an inspector carry the very objects of the machine's definition, so coverage is exact: a set of objects, no
 * matching by name. `_transitions` lists what was *selected*; where parallel regions conflict only some of it is *taken*, and only that counts.
 */
import type { AnyMachineSnapshot, AnyStateMachine, AnyTransitionDefinition, InspectionEvent } from 'xstate';

type AnyStateNode = AnyStateMachine['root'];

/** One edge of a machine's definition. */
export interface TransitionInfo {
  /** `<state id> --<event>[<guard>]#<index among the candidates for that event>--> <target ids>` */
  readonly id: string;
  /** The id of the state that owns it. */
  readonly source: string;
  readonly definition: AnyTransitionDefinition;
}

/** Waived transitions, by id: why no sequence of events can take each of them. */
export type Waivers = Readonly<Record<string, string>>;

/** Every transition of `machine`, in document order: events, wildcards, delays, ends of actors and of states, and `always`. */
export function transitionsOf(machine: AnyStateMachine): TransitionInfo[] {
  const found: TransitionInfo[] = [];
  const visit = (node: AnyStateNode): void => {
    const groups: [string, readonly AnyTransitionDefinition[]][] = [...node.transitions];
    if (node.always !== undefined) groups.push(['', node.always]);
    for (const [event, candidates] of groups) {
      candidates.forEach((definition, index) => {
        const guard = definition.guard === undefined ? '' : `[${guardName(definition.guard)}]`;
        const targets = definition.target?.map((target) => target.id).join(', ') ?? '(stays)';
        found.push({ id: `${node.id} --${eventName(event)}${guard}#${index}--> ${targets}`, source: node.id, definition });
      });
    }
    for (const child of Object.values<AnyStateNode>(node.states)) visit(child);
  };
  visit(machine.root);
  return found;
}

/** Collects what the actors of one machine do. Give `observe` to `createActor` as `inspect`. */
export class TransitionCoverage {
  readonly all: readonly TransitionInfo[];
  /** While true nothing is collected: a prefix is replayed that was counted when it was found. */
  paused = false;
  /** The steps that led to where the actor is now, for the report. */
  path: readonly string[] = [];
  readonly #byDefinition: ReadonlyMap<AnyTransitionDefinition, string>;
  readonly #counts = new Map<string, number>();
  readonly #pathTo = new Map<string, readonly string[]>();

  /** @param machine  the machine as executed: `provide()` makes new definitions, so cover what it returned */
  constructor(machine: AnyStateMachine) {
    this.all = transitionsOf(machine);
    this.#byDefinition = new Map(this.all.map((info) => [info.definition, info.id]));
  }

  readonly observe = (event: InspectionEvent): void => {
    if (this.paused || event.type !== '@xstate.microstep') return;
    let own = false;
    for (const definition of taken(event._transitions)) {
      const id = this.#byDefinition.get(definition);
      if (id === undefined) continue;
      own = true;
      this.#counts.set(id, (this.#counts.get(id) ?? 0) + 1);
    }
    if (own) this.reached(event.snapshot as AnyMachineSnapshot);
  };

  /** Remembers how the states of `snapshot` were reached, where that is the shortest way so far. */
  reached(snapshot: AnyMachineSnapshot): void {
    for (const node of snapshot._nodes as readonly AnyStateNode[]) {
      const known = this.#pathTo.get(node.id);
      if (known === undefined || known.length > this.path.length) this.#pathTo.set(node.id, [...this.path]);
    }
  }

  /** How often the transition was taken. */
  count(id: string): number {
    return this.#counts.get(id) ?? 0;
  }

  /** Transitions that no executed step has taken. */
  missing(): readonly TransitionInfo[] {
    return this.all.filter(({ id }) => !this.#counts.has(id));
  }

  /** The shortest executed way into the state, undefined where none was found. */
  pathTo(stateId: string): readonly string[] | undefined {
    return this.#pathTo.get(stateId);
  }
}

/**
 * Fails unless every transition of `machine` was taken.
 * @param waivers  transitions that nothing can take, each with its reason; one that is unknown, unreasoned or was taken after all is a fault too
 * @throws an Error that lists each missing transition with the shortest executed path to its source state
 */
export function expectEveryTransition(
  machine: AnyStateMachine,
  coverage: TransitionCoverage,
  { waivers = {} }: { readonly waivers?: Waivers } = {},
): void {
  const ids = new Set(transitionsOf(machine).map(({ id }) => id));
  const faults: string[] = [];
  for (const [id, reason] of Object.entries(waivers)) {
    if (!ids.has(id)) faults.push(`waived, but the machine has no such transition: ${id}`);
    else if (reason.trim() === '') faults.push(`waived without a reason: ${id}`);
    else if (coverage.count(id) > 0) faults.push(`waived, but taken ${coverage.count(id)} times: ${id}`);
  }
  for (const { id } of coverage.all) {
    if (!ids.has(id)) faults.push(`covered, but not of machine '${machine.id}': ${id}`);
  }
  const missing = coverage.missing().filter(({ id }) => !(id in waivers));
  for (const { id, source } of missing) {
    const path = coverage.pathTo(source);
    const way = path === undefined ? `no executed path reaches ${source}` : `${source} is reached by: ${path.join(' → ') || '(the start)'}`;
    faults.push(`never taken: ${id}\n      ${way}`);
  }
  if (faults.length === 0) return;
  const total = coverage.all.length;
  const done = total - coverage.missing().length;
  throw new Error(`machine '${machine.id}': ${done} of ${total} transitions taken\n  - ${faults.join('\n  - ')}`);
}

/** Names an event as a reader of the machine file would: `after(backoff)`, `done(job)`, `error(job)`, `always`. */
function eventName(event: string): string {
  if (event === '') return 'always';
  const [, kind, subject = ''] = /^xstate\.(after|done\.actor|error\.actor|done\.state|snapshot)\.(.*)$/.exec(event) ?? [];
  if (kind === undefined) return event;
  // An after event is `xstate.after.<delay>.<state id>`; ids of our states have dots, names of delays have none.
  if (kind === 'after') return `after(${subject.slice(0, subject.indexOf('.'))})`;
  if (kind === 'done.state') return 'done';
  return `${kind.slice(0, kind.indexOf('.')) || kind}(${subject})`;
}

function guardName(guard: unknown): string {
  if (typeof guard === 'string') return guard;
  if (typeof guard === 'object' && guard !== null && 'type' in guard) return String(guard.type);
  if (typeof guard !== 'function') return 'guard';
  const parts = (guard as { guards?: readonly unknown[] }).guards;
  return parts === undefined ? guard.name || 'guard' : `${guard.name}(${parts.map(guardName).join(',')})`;
}

/** Those of the selected transitions that are taken. @see SCXML removeConflictingTransitions: the deeper source wins, then document order */
function taken(selected: readonly AnyTransitionDefinition[]): readonly AnyTransitionDefinition[] {
  if (selected.length < 2) return selected;
  const kept = new Set<AnyTransitionDefinition>();
  for (const candidate of new Set(selected)) {
    const rivals = [...kept].filter((other) => conflict(candidate, other));
    if (!rivals.every((rival) => isWithin(candidate.source, rival.source) && candidate.source !== rival.source)) continue;
    for (const rival of rivals) kept.delete(rival);
    kept.add(candidate);
  }
  return [...kept];
}

/** Two transitions conflict when they leave a state in common, that is when one's domain lies within the other's. */
function conflict(left: AnyTransitionDefinition, right: AnyTransitionDefinition): boolean {
  const [a, b] = [domain(left), domain(right)];
  return a !== undefined && b !== undefined && (isWithin(a, b) || isWithin(b, a));
}

/** The state whose active descendants the transition leaves; undefined when it leaves none. */
function domain(transition: AnyTransitionDefinition): AnyStateNode | undefined {
  const targets = transition.target?.map((node: AnyStateNode) => (node.type === 'history' ? (node.parent as AnyStateNode) : node));
  if (targets === undefined) return undefined;
  const source: AnyStateNode = transition.source;
  if (!transition.reenter && targets.every((target) => isWithin(target, source))) return source;
  let node: AnyStateNode = source;
  while (node.parent !== undefined) {
    node = node.parent;
    const candidate = node;
    if (targets.every((target) => target !== candidate && isWithin(target, candidate))) return candidate;
  }
  return source.machine.root;
}

function isWithin(node: AnyStateNode, ancestor: AnyStateNode): boolean {
  for (let at: AnyStateNode | undefined = node; at !== undefined; at = at.parent as AnyStateNode | undefined) if (at === ancestor) return true;
  return false;
}
