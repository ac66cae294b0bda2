/**
 * A machine as data: what is drawn, recorded and sent of it, without the machine. Plain JSON; the same machine gives the same bytes. Names are those of
 * its file; what has none there is numbered in document order: `guard 1`, `action 2`, `actor 1`.
 */
import type { AnyStateMachine } from 'xstate';
import type { EventSchemas } from '../wire/recording/event-schema.js';
import { type AnyStateNode, type Edge, edgesOf, eventName, invocations } from './edges.js';
import { eventSchemasOf, type SchemasOfMachines } from './event-schemas.js';

/** A state with everything in it. */
export interface ChartState {
  /** As XState makes it: of the machine `id`, of a state in it `id.key.key`, unless the file gives it another. */
  readonly id: string;
  readonly key: string;
  readonly type: 'atomic' | 'compound' | 'parallel' | 'final' | 'history';
  /** Of a history state. */
  readonly history?: 'shallow' | 'deep';
  readonly description?: string;
  readonly tags: readonly string[];
  /** The id of the state in which a compound state begins; of a history state, of the one that it leads to where there is nothing to remember. */
  readonly initial?: string;
  readonly invoke: readonly ChartInvocation[];
  /** Names of actions, in order. */
  readonly entry: readonly string[];
  readonly exit: readonly string[];
  /** In the order of the file, those that always happen last. */
  readonly edges: readonly ChartEdge[];
  /** In the order of the file. */
  readonly states: readonly ChartState[];
}

/** An actor that a state invokes. */
export interface ChartInvocation {
  readonly id: string;
  readonly src: string;
}

/** One transition, of the state in whose `edges` it is. */
export interface ChartEdge {
  /** `<state id> --<event>[<guard>]#<index among the candidates for that event>--> <target ids>`: the same as long as the machine is. */
  readonly id: string;
  /** In words: `call`, `after(backoff)`, `done(job)`, `error(job)`, `done`, `always`. */
  readonly event: string;
  /** As XState calls it: `xstate.after.backoff.<state id>`; empty where it always happens. */
  readonly descriptor: string;
  /** `isReady`, `!isReady`, `isReady && (isFresh || isKnown)`. */
  readonly guard?: string;
  /** Ids of states; null where no state is left. */
  readonly targets: readonly string[] | null;
  readonly reenter: boolean;
  readonly actions: readonly string[];
  readonly description?: string;
}

/** A machine: its root, with everything in it. */
export interface ChartDefinition extends ChartState {
  /** JSON Schemas of its events, by type, where it has them. */
  readonly events?: EventSchemas;
}

/**
 * @param machine  any XState 5 machine
 * @param schemas  of the events of machines, beside those that they have themselves
 * @throws never
 */
export function definitionOf(machine: AnyStateMachine, schemas?: SchemasOfMachines): ChartDefinition {
  const edges = new Map<AnyStateNode, Edge[]>();
  for (const edge of edgesOf(machine)) {
    const known = edges.get(edge.node);
    if (known === undefined) edges.set(edge.node, [edge]);
    else known.push(edge);
  }
  const events = eventSchemasOf(machine, schemas);
  return { ...new Reading(edges).stateOf(machine.root), ...(Object.keys(events).length === 0 ? {} : { events }) };
}

/** Every state of a definition, the machine itself first, in document order; history too. */
export function chartStates(state: ChartState): readonly ChartState[] {
  return [state, ...state.states.flatMap(chartStates)];
}

/** What XState's own actions and guards carry. */
interface Named {
  readonly type?: unknown;
  readonly name?: unknown;
  readonly guards?: readonly unknown[];
}

/** Names that JavaScript gives to functions after the keys under which they stand. */
const keysOfConfigs = new Set(['', 'guard', 'actions', 'entry', 'exit', 'src']);

class Reading {
  readonly #edges: ReadonlyMap<AnyStateNode, readonly Edge[]>;
  readonly #numbers = { guard: new Map<unknown, number>(), action: new Map<unknown, number>(), actor: new Map<unknown, number>() };

  constructor(edges: ReadonlyMap<AnyStateNode, readonly Edge[]>) {
    this.#edges = edges;
  }

  stateOf(node: AnyStateNode): ChartState {
    const initial = node.type === 'history' ? historyTarget(node) : initialOf(node);
    return {
      id: node.id,
      key: node.key,
      type: node.type,
      ...(node.type === 'history' ? { history: node.history === 'deep' ? ('deep' as const) : ('shallow' as const) } : {}),
      ...(node.description === undefined ? {} : { description: node.description }),
      tags: [...node.tags],
      ...(initial === undefined ? {} : { initial: initial.id }),
      invoke: invocations(node).map(({ id, src }) => ({ id, src: this.#logicName(src) })),
      // Of the file, not of the node: XState adds to the node's what starts and cancels its delays.
      entry: listOf(node.config.entry).map((action) => this.#actionName(action)),
      exit: listOf(node.config.exit).map((action) => this.#actionName(action)),
      edges: (this.#edges.get(node) ?? []).map((edge) => this.#edgeOf(edge)),
      states: Object.values<AnyStateNode>(node.states).map((child) => this.stateOf(child)),
    };
  }

  #edgeOf({ id, node, event, definition }: Edge): ChartEdge {
    const { guard, description } = definition as { readonly guard?: unknown; readonly description?: unknown };
    return {
      id,
      event: eventName(event, node),
      descriptor: event,
      ...(guard === undefined ? {} : { guard: this.#guardName(guard) }),
      targets: definition.target?.map((target: AnyStateNode) => target.id) ?? null,
      reenter: definition.reenter,
      actions: listOf(definition.actions).map((action) => this.#actionName(action)),
      ...(typeof description === 'string' ? { description } : {}),
    };
  }

  /** `within`: part of a larger guard, so that what is not one word stands in brackets. */
  #guardName(guard: unknown, within = false): string {
    const { name, guards } = named(guard);
    if (typeof guard !== 'function' || guards === undefined) return this.#nameOf('guard', guard);
    const parts = guards.map((part) => this.#guardName(part, true));
    if (name === 'not') return `!${parts.join('')}`;
    const joined = parts.join(name === 'or' ? ' || ' : ' && ');
    return within && parts.length > 1 ? `(${joined})` : joined;
  }

  /** XState's own actions by their verb (`assign`, `sendTo`), the file's by their name. */
  #actionName(action: unknown): string {
    const { type } = named(action);
    return typeof action === 'function' && typeof type === 'string' ? type.replace(/^xstate\./u, '') : this.#nameOf('action', action);
  }

  #logicName(src: string): string {
    return src.startsWith('xstate.invoke.') ? this.#numbered('actor', src) : src;
  }

  #nameOf(kind: 'guard' | 'action', value: unknown): string {
    if (typeof value === 'string') return value;
    const { type, name } = named(value);
    if (typeof value !== 'function' && typeof type === 'string') return type;
    return typeof name !== 'string' || keysOfConfigs.has(name) ? this.#numbered(kind, value) : name;
  }

  #numbered(kind: 'guard' | 'action' | 'actor', value: unknown): string {
    const numbers = this.#numbers[kind];
    const number = numbers.get(value) ?? numbers.size + 1;
    numbers.set(value, number);
    return `${kind} ${number}`;
  }
}

function named(value: unknown): Named {
  return (typeof value === 'object' && value !== null) || typeof value === 'function' ? value : {};
}

function listOf(value: unknown): readonly unknown[] {
  return value === undefined ? [] : Array.isArray(value) ? (value as readonly unknown[]) : [value];
}

/** XState looks for it when it is asked for, and throws where there is none of that name. */
function initialOf(node: AnyStateNode): AnyStateNode | undefined {
  try {
    return (node.initial?.target as readonly AnyStateNode[] | undefined)?.[0];
  } catch {
    return undefined;
  }
}

/** Where a history state leads by default: `key`, `key.key` from beside it, or `#id`. */
function historyTarget(node: AnyStateNode): AnyStateNode | undefined {
  const [name] = listOf((node.config as { readonly target?: unknown }).target);
  if (typeof name !== 'string') return undefined;
  const above = node.parent as AnyStateNode;
  if (name.startsWith('#')) return (node.machine as unknown as { idMap: ReadonlyMap<string, AnyStateNode> }).idMap.get(name.slice(1));
  return name.split('.').reduce<AnyStateNode | undefined>((at, key) => at?.states[key], above);
}
