/**
 * A machine, its states and its events as XState 4 wrote them: what viewers of `@xstate/inspect` read.
 *
 * | XState 5                          | XState 4                                   |
 * |-----------------------------------|--------------------------------------------|
 * | `guard`                           | `cond: { type: 'xstate.guard', name }`     |
 * | `reenter: false`                  | `internal: true`                           |
 * | done and error of an actor        | `done.invoke.<id>`, `error.platform.<id>`  |
 * | `xstate.done.state.<state id>`    | `done.state.<state id>`                    |
 * | `xstate.after.<delay>.<state id>` | `xstate.after(<delay>)#<state id>`         |
 * | a transition that always happens  | `always`                                   |
 *
 * What XState 4 has no word for is left out: parameters, the parts of a guard that is made of others (its text is its name), outputs.
 */
import { reasonOfEvent, childOfEvent } from '../../../machines/supervision/exit.js';
import type { RecordedChart } from '../../wire/recording/chart.js';
import type { Portable } from '../../wire/recording/portable-shape.js';

type Json = Portable;
type JsonObject = { readonly [key: string]: Json };
/** An event as SCXML has it, and XState 4. */
export interface ScxmlEvent {
  readonly [key: string]: Json;
  readonly name: string;
  readonly data: JsonObject;
}

type Edge = RecordedChart['edges'][number];

/** A machine of XState 4, as its `createMachine` takes it. */
export function v4Machine(definition: RecordedChart): JsonObject {
  return new V4Writing(definition).machine();
}

class V4Writing {
  readonly #definition: RecordedChart;
  readonly #delimiter: string;
  #order = 0;

  constructor(definition: RecordedChart) {
    this.#definition = definition;
    // XState 4 cuts texts at the delimiter, keys of states too.
    this.#delimiter = delimiterFor(definition);
  }

  machine(): JsonObject {
    // Without it XState 4 warns of what it would do to actions: nobody runs any here.
    const machine = { ...this.#state(this.#definition), predictableActionArguments: true };
    return this.#delimiter === '.' ? machine : { ...machine, delimiter: this.#delimiter };
  }

  #state(state: RecordedChart): JsonObject {
    const initial = state.type === 'compound' ? initialKey(state) : undefined;
    const always = state.edges.filter(({ descriptor }) => descriptor === '');
    const named = grouped(state.edges.filter(({ descriptor }) => descriptor !== ''));
    return {
      id: state.id,
      key: state.key,
      type: state.type,
      order: this.#order++,
      ...(initial === undefined ? {} : { initial }),
      ...(state.history === undefined ? {} : { history: state.history }),
      ...(state.type === 'history' && state.initial !== undefined ? { target: `#${state.initial}` } : {}),
      ...(state.description === undefined ? {} : { description: state.description }),
      tags: state.tags,
      entry: state.entry.map((type) => ({ type })),
      exit: state.exit.map((type) => ({ type })),
      invoke: state.invoke.map(({ id, src }) => ({ type: 'xstate.invoke', id, src })),
      on: Object.fromEntries(
        [...named].map(([descriptor, edges]) => [v4EventName(descriptor, state.id), edges.map((edge) => this.#edge(edge, state))]),
      ),
      ...(always.length === 0 ? {} : { always: always.map((edge) => this.#edge(edge, state)) }),
      states: Object.fromEntries(state.states.map((child) => [child.key, this.#state(child)])),
    };
  }

  #edge({ descriptor, guard, targets, reenter, actions, description }: Edge, { id: source }: RecordedChart): JsonObject {
    return {
      ...(targets === null ? {} : { target: this.#targets(targets, source).map((id) => `#${id}`) }),
      ...(guard === undefined ? {} : { cond: { type: 'xstate.guard', name: guard } }),
      actions: actions.map((type) => ({ type })),
      internal: !reenter,
      ...(description === undefined ? {} : { description }),
      eventType: v4EventName(descriptor, source),
      source: `#${source}`,
    };
  }

  /** XState 4 does not find the machine itself from further down: what it begins with instead. */
  #targets(targets: readonly string[], source: string): readonly string[] {
    const { id: machine, type, initial, states } = this.#definition;
    if (source === machine || !targets.includes(machine)) return targets;
    if (type !== 'parallel') return initial === undefined ? [] : [initial];
    return states.filter((state) => state.type !== 'history').map(({ id }) => id);
  }
}

/** @param stateId  of the state that handles it: of a delay, the one that it belongs to */
export function v4EventName(type: string, stateId: string): string {
  const after = 'xstate.after.';
  if (type.startsWith(after) && type.endsWith(`.${stateId}`)) return `xstate.after(${type.slice(after.length, -stateId.length - 1)})#${stateId}`;
  return v4Name(type);
}

function v4Name(type: string): string {
  const reason = reasonOfEvent({ type });
  if (reason !== undefined) return `${reason === 'normal' ? 'done.invoke' : 'error.platform'}.${childOfEvent({ type })}`;
  return type.startsWith('xstate.done.state.') ? type.slice('xstate.'.length) : type;
}

/** How the events of one machine are called: the delays of its states among them. */
export function v4EventNames(definition: RecordedChart): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  const visit = (state: RecordedChart): void => {
    for (const { descriptor } of state.edges) if (descriptor !== '') names.set(descriptor, v4EventName(descriptor, state.id));
    for (const child of state.states) visit(child);
  };
  visit(definition);
  return names;
}

/** An event of SCXML as XState 4 sends it. @param from  the path of the sender, where one is known */
export function v4Event(event: Portable | undefined, names: ReadonlyMap<string, string>, from: string | null = null): ScxmlEvent {
  const plain: JsonObject = typeof event === 'object' && event !== null && !Array.isArray(event) ? (event as JsonObject) : {};
  const type = typeof plain.type === 'string' ? plain.type : 'unknown';
  const name = names.get(type) ?? v4Name(type);
  const { output, error, actorId: _, ...own } = plain;
  const data: JsonObject =
    name === type || type.startsWith('xstate.after.') ? { ...plain, type: name } : { ...own, ...given(output ?? error), type: name };
  return { name, data, $$type: 'scxml', type: 'external', ...(from === null ? {} : { origin: from }) };
}

/** What ended, or what failed, is `data` of the event. */
function given(data: Json | undefined): JsonObject {
  return data === undefined ? {} : { data };
}

/** The key of the child in which a state begins: XState 5 may begin further down. */
function initialKey(state: RecordedChart): string | undefined {
  const { initial } = state;
  return initial === undefined ? undefined : state.states.find((child) => holds(child, initial))?.key;
}

function holds(state: RecordedChart, id: string): boolean {
  return state.id === id || state.states.some((child) => holds(child, id));
}

/** A character that no key has. */
function delimiterFor(definition: RecordedChart): string {
  const keys = allKeys(definition).join('');
  let [delimiter, code] = ['.', 1];
  while (keys.includes(delimiter)) delimiter = String.fromCharCode(code++);
  return delimiter;
}

function allKeys({ states }: RecordedChart): readonly string[] {
  return states.flatMap((child) => [child.key, ...allKeys(child)]);
}

function grouped(edges: readonly Edge[]): Map<string, Edge[]> {
  const groups = new Map<string, Edge[]>();
  for (const edge of edges) {
    const known = groups.get(edge.descriptor);
    if (known === undefined) groups.set(edge.descriptor, [edge]);
    else known.push(edge);
  }
  return groups;
}

/** What an actor without a machine is shown as: it runs, and ends in one of three ways. */
export function v4Stand(id: string, what: string): JsonObject {
  const state = (key: string, order: number): JsonObject => ({
    id: `${id}.${key}`,
    key,
    order,
    type: key === 'active' ? 'atomic' : 'final',
    tags: [],
    entry: [],
    exit: [],
    invoke: [],
    on: {},
    states: {},
  });
  const states = Object.fromEntries(['active', 'done', 'error', 'stopped'].map((key, index) => [key, state(key, index + 1)]));
  return {
    id,
    key: id,
    order: 0,
    type: 'compound',
    initial: 'active',
    description: what,
    predictableActionArguments: true,
    tags: [],
    entry: [],
    exit: [],
    invoke: [],
    on: {},
    states,
  };
}
