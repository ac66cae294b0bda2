/**
 * The parts of XState 5 that a compiled chart leans on beside what XState documents, in one file. test/compiled/xstate-parts.test.ts holds XState to
 * them, and {@link brokenPart} looks before anything is compiled: where XState has changed, its own interpreter runs the chart.
 */
import {
  assign,
  createMachine,
  emit,
  enqueueActions,
  raise,
  sendTo,
  spawnChild,
  stopChild,
  type AnyActorLogic,
  type AnyActorRef,
  type AnyStateMachine,
  type EventObject,
  type StateValue,
} from 'xstate';

/** What the actions of one macrostep are run with. */
export interface Scope {
  readonly self: AnyActorRef;
  readonly system: AnyActorRef['system'] & { _sendInspectionEvent(event: object): void; _unregister(actor: AnyActorRef): void };
  defer(effect: () => void): void;
  stopChild(child: AnyActorRef): void;
  actionExecutor(action: { type: string; info: ActionArgs; params: unknown; exec: unknown }): void;
}

/** The first argument of an action. */
export interface ActionArgs {
  readonly context: object;
  readonly event: EventObject;
  readonly self: AnyActorRef;
  readonly system: AnyActorRef['system'];
}

/** What a step's actions share: the events that they raise, and the actors that are just being invoked, to whom what is sent waits. */
export interface Extra {
  readonly internalQueue: EventObject[];
  readonly deferredActorIds: readonly string[] | undefined;
}

/** An action that XState makes: `assign`, `raise`, `sendTo`, … A function, with the fields of its kind. */
export interface BuiltinAction {
  readonly type: string;
  resolve(
    scope: Scope,
    snapshot: Parts,
    args: ActionArgs,
    params: unknown,
    action: unknown,
    extra: Extra,
  ): [Parts, unknown, readonly unknown[] | undefined];
  readonly execute?: (scope: Scope, params: unknown) => void;
  readonly retryResolve?: (scope: Scope, snapshot: Parts, params: unknown) => void;
}

/** A guard that XState makes: `and`, `or`, `not`, `stateIn`. */
export interface BuiltinGuard {
  check(snapshot: Parts, args: { readonly context: object; readonly event: EventObject }, guard: unknown): boolean;
}

/** The fields of the actions that are done here, as XState keeps them. */
export interface AssignFields {
  readonly assignment: unknown;
}
export interface EmitFields {
  readonly event: unknown;
}
export interface SendFields {
  readonly to: unknown;
  readonly event: unknown;
  readonly id: string | undefined;
  readonly delay: unknown;
}
export type RaiseFields = Omit<SendFields, 'to'>;
export interface SpawnFields {
  readonly src: string | AnyActorLogic;
  readonly id: unknown;
  readonly systemId: string | undefined;
  readonly input: unknown;
  readonly syncSnapshot: boolean;
}
export interface StopFields {
  readonly actorRef: unknown;
}
export interface EnqueueFields {
  collect(args: object, params: unknown): void;
}

const anyEvent = { type: 'x' };

/** One action of each kind that is done here: what they share with all of their kind are `resolve` and `execute`. */
export const samples = {
  assign: assign({}) as unknown as BuiltinAction,
  emit: emit(anyEvent) as unknown as BuiltinAction & EmitFields,
  raise: raise(anyEvent) as unknown as BuiltinAction & RaiseFields,
  sendTo: sendTo('x', anyEvent) as unknown as BuiltinAction & SendFields,
  spawnChild: spawnChild('x') as unknown as BuiltinAction & SpawnFields,
  stopChild: stopChild('x') as unknown as BuiltinAction & StopFields,
  enqueueActions: enqueueActions(() => {}) as unknown as BuiltinAction & EnqueueFields,
};

/** The fields of a function that is an action, by its kind. */
const fieldsOfKinds: Readonly<Record<keyof typeof samples, string>> = {
  assign: 'type assignment resolve',
  emit: 'type event resolve execute',
  raise: 'type event id delay resolve execute',
  sendTo: 'type to event id delay resolve retryResolve execute',
  spawnChild: 'type id systemId src input syncSnapshot resolve execute',
  stopChild: 'type actorRef resolve execute',
  enqueueActions: 'type collect resolve',
};

/** What works out each action that `assign` has made: one function for all of them. */
export const resolveAssign = samples.assign.resolve;

export function isBuiltinAction(action: unknown): action is BuiltinAction {
  return action !== null && (typeof action === 'function' || typeof action === 'object') && 'resolve' in action;
}

/** A state node, as XState makes it from the definition. */
export interface Node {
  readonly id: string;
  readonly key: string;
  readonly path: readonly string[];
  readonly type: 'atomic' | 'compound' | 'parallel' | 'final' | 'history';
  readonly history: false | 'shallow' | 'deep';
  /** In the order of the definition, from 0. */
  readonly order: number;
  readonly parent?: Node;
  readonly states: Readonly<Record<string, Node>>;
  readonly config: { readonly initial?: string | { readonly target: string } | undefined; readonly target?: string | readonly string[] | undefined };
  readonly entry: readonly unknown[];
  readonly exit: readonly unknown[];
  readonly invoke: readonly Invocation[];
  readonly initial?: { readonly actions: readonly unknown[]; readonly target: readonly Node[] };
  readonly tags: readonly string[];
  readonly output?: unknown;
  /** By event descriptor, in the order of the definition. */
  readonly transitions: ReadonlyMap<string, readonly Transition[]>;
  readonly always?: readonly Transition[];
}

/** An actor that runs while its node is active. */
export interface Invocation {
  readonly id: string;
  readonly src: string;
  readonly onSnapshot?: unknown;
}

/** A transition of a node, with its target found. */
export interface Transition {
  readonly source: Node;
  readonly target: readonly Node[] | undefined;
  readonly actions: readonly unknown[];
  readonly guard?: unknown;
  readonly reenter: boolean;
  readonly eventType: string | null;
}

/** A snapshot of a machine, with its parts that XState's types hide. The order of its keys is XState's own. */
export interface Parts {
  readonly status: 'active' | 'done' | 'error' | 'stopped';
  readonly output: unknown;
  readonly error: unknown;
  readonly machine: AnyStateMachine;
  readonly context: object;
  readonly _nodes: readonly Node[];
  readonly value: StateValue;
  readonly tags: Set<string>;
  readonly children: Readonly<Record<string, AnyActorRef>>;
  readonly historyValue: Readonly<Record<string, readonly Node[]>>;
  readonly matches: unknown;
  readonly hasTag: unknown;
  readonly can: unknown;
  readonly getMeta: unknown;
  readonly toJSON: unknown;
}

const keysOfSnapshot = 'status output error machine context _nodes value tags children historyValue matches hasTag can getMeta toJSON'.split(' ');

const sample = createMachine({
  id: 'sample',
  context: { at: 0 },
  initial: 'a',
  on: { note: { actions: [assign({ at: 1 }), raise({ type: 'raised' })] } },
  states: { a: { tags: ['t'], on: { go: '#sample.b' } }, b: { type: 'parallel', states: { c: {}, d: {} } } },
});

/** The node at the top of a machine. */
export function rootOf(machine: AnyStateMachine): Node {
  return machine.root as unknown as Node;
}

/** A machine before its start, and before its context: only its root is active. */
export function blankOf(machine: AnyStateMachine): Parts {
  const { context } = machine.config as { context?: unknown };
  const root = rootOf(machine);
  const known = typeof context === 'object' && context !== null ? context : {};
  const snapshot = machine.resolveState({ value: {}, context: known }) as unknown as Parts;
  return Object.assign(snapshot, { status: 'active', _nodes: [root], tags: new Set(root.tags) });
}

/** The methods that every snapshot of XState has, the same functions each. */
export const { matches, hasTag, can, getMeta, toJSON } = sample.resolveState({ value: 'a', context: { at: 0 } }) as unknown as Parts;

/**
 * What of XState is not as it was when this was written.
 * @returns in words, or null when all is
 */
export function brokenPart(): string | null {
  const snapshot = sample.resolveState({ value: 'a', context: { at: 0 } }) as unknown as Parts;
  if (Object.keys(snapshot).join() !== keysOfSnapshot.join()) return 'a snapshot has other keys';
  if (snapshot._nodes.map(({ id }) => id).join() !== 'sample,sample.a') return "a snapshot's `_nodes` are others";
  const root = rootOf(sample);
  const { a } = root.states;
  const isNode = root.transitions instanceof Map && Array.isArray(a?.entry) && Array.isArray(a.tags) && Array.isArray(a.invoke) && a.order === 1;
  if (!isNode) return 'a state node is kept otherwise';
  if ((assign({ at: 1 }) as unknown as BuiltinAction).resolve !== resolveAssign) return '`assign` has another `resolve`';
  for (const [kind, fields] of Object.entries(fieldsOfKinds) as [keyof typeof samples, string][]) {
    const { resolve, execute } = samples[kind];
    const isDone = kind === 'assign' || kind === 'enqueueActions';
    if (typeof resolve !== 'function' || (typeof execute === 'function') === isDone)
      return `\`${kind}\` has no \`resolve\` and \`execute\` as before`;
    if (Object.keys(samples[kind]).join(' ') !== fields) return `\`${kind}\` is kept otherwise`;
  }
  const raised = raise({ type: 'x' }) as unknown as BuiltinAction;
  const queue: EventObject[] = [];
  const [same] = raised.resolve({} as Scope, snapshot, {} as ActionArgs, undefined, raised, { internalQueue: queue, deferredActorIds: undefined });
  if (same !== snapshot || queue[0]?.type !== 'x') return '`raise` resolves otherwise';
  return null;
}
