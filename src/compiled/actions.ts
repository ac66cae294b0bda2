/** The actions of a compiled chart: run in XState's order, by XState's own rules, without a new snapshot for each. */
import { cancel, createActor, type ActorOptions, type AnyActorLogic, type AnyActorRef, type AnyStateMachine, type EventObject } from 'xstate';

import type { Draft } from './draft.js';
import { guardOf, nameOf } from './guards.js';
import { isBare, leanChild } from './lean-children.js';
import {
  isBuiltinAction,
  resolveAssign,
  samples,
  type ActionArgs,
  type AssignFields,
  type BuiltinAction,
  type EmitFields,
  type EnqueueFields,
  type Extra,
  type RaiseFields,
  type Scope,
  type SendFields,
  type SpawnFields,
  type StopFields,
} from './xstate-parts.js';

/** An action of the definition, looked up once. `builtin` is one that XState makes, of a kind that is not done here. All have the same shape, for speed. */
export type Plan = (
  | Of<'custom', { readonly type: string; readonly exec: unknown }>
  | Of<'builtin', BuiltinAction>
  | Of<'assign', AssignFields>
  | Of<'emit', EmitFields>
  | Of<'raise', RaiseFields>
  | Of<'sendTo', SendFields>
  | Of<'spawnChild', SpawnFields>
  | Of<'stopChild', StopFields>
  | Of<'enqueueActions', Enqueue>
) & { readonly params: unknown; readonly makesParams: boolean };

interface Of<Kind extends string, Action> {
  readonly kind: Kind;
  readonly action: Action;
}

type BuiltinKind = keyof typeof samples;

const kinds = new Map(Object.entries(samples).map(([kind, { resolve }]) => [resolve, kind as BuiltinKind]));

/** What was sent to an actor that was being invoked, and finds it afterwards. */
type Retry = readonly [BuiltinAction, unknown];

/** The plans of a list of actions. */
export function plansOf(machine: AnyStateMachine, actions: readonly unknown[]): readonly Plan[] {
  return actions.map((action) => planOf(machine, action));
}

function planOf(machine: AnyStateMachine, action: unknown): Plan {
  const isInline = typeof action === 'function';
  const resolved: unknown = isInline ? action : (machine.implementations.actions as Record<string, unknown>)[nameOf(action)];
  const given = isInline || typeof action !== 'object' ? undefined : (action as { params?: unknown })?.params;
  const makesParams = typeof given === 'function';
  const plan = (kind: Plan['kind'], own: unknown): Plan => ({ kind, action: own, params: given, makesParams }) as Plan;
  if (!isBuiltinAction(resolved)) {
    return plan('custom', { type: isInline ? action.name || '(anonymous)' : nameOf(action), exec: resolved });
  }
  const kind = kinds.get(resolved.resolve) ?? 'builtin';
  return plan(kind, kind === 'enqueueActions' ? new Enqueue(machine, resolved as BuiltinAction & EnqueueFields) : resolved);
}

/** Runs actions in turn; each sees the context that those before it have left. */
export function runActions(draft: Draft, event: EventObject, scope: Scope, plans: readonly Plan[], extra: Extra): void {
  if (plans.length === 0) return;
  if (extra.deferredActorIds === undefined) {
    runEach(draft, event, scope, plans, extra, undefined);
    return;
  }
  const retries: Retry[] = [];
  runEach(draft, event, scope, plans, extra, retries);
  for (const [action, params] of retries) action.retryResolve?.(scope, draft.snapshot(), params);
}

function runEach(draft: Draft, event: EventObject, scope: Scope, plans: readonly Plan[], extra: Extra, retries: Retry[] | undefined): void {
  for (let at = 0; at < plans.length; at++) {
    const plan = plans[at] as Plan;
    const { context } = draft;
    const args: ActionArgs = { context, event, self: scope.self, system: scope.system };
    const params = plan.makesParams ? (plan.params as (args: object) => unknown)({ context, event }) : plan.params;
    switch (plan.kind) {
      case 'custom':
        scope.actionExecutor({ type: plan.action.type, info: args, params, exec: plan.action.exec });
        break;
      case 'assign':
        assign(draft, plan.action, args, params, scope);
        break;
      case 'emit':
        execute(samples.emit, scope, args, { event: made(plan.action.event, args, params) });
        break;
      case 'raise':
        raise(draft, plan.action, args, params, scope, extra);
        break;
      case 'sendTo':
        send(draft, plan.action, args, params, scope, extra, retries);
        break;
      case 'spawnChild':
        spawn(draft, plan.action, args, scope);
        break;
      case 'stopChild':
        stop(draft, plan.action, args, params, scope);
        break;
      case 'enqueueActions': {
        const queued = plan.action.collect(draft, args, params);
        if (queued.length > 0) runEach(draft, event, scope, queued, extra, retries);
        break;
      }
      default: {
        const { action } = plan;
        const [after, effect, further] = action.resolve(scope, draft.snapshot(), args, params, action, extra);
        draft.become(after);
        if (action.retryResolve !== undefined) retries?.push([action, effect]);
        if (action.execute !== undefined) execute(action, scope, args, effect);
        if (further !== undefined) runEach(draft, event, scope, plansOf(draft.machine, further), extra, retries);
      }
    }
  }
}

function execute(action: BuiltinAction, scope: Scope, info: ActionArgs, effect: unknown): void {
  scope.actionExecutor({
    type: action.type,
    info,
    params: effect,
    exec: (action.execute as NonNullable<BuiltinAction['execute']>).bind(null, scope, effect),
  });
}

type Maker = (args: object, params: unknown) => unknown;

function made(value: unknown, args: object, params: unknown): unknown {
  return typeof value === 'function' ? (value as Maker)(args, params) : value;
}

function delayOf(delay: unknown, { implementations }: AnyStateMachine, args: object, params: unknown): unknown {
  return made(typeof delay === 'string' ? (implementations.delays as Record<string, unknown>)[delay] : delay, args, params);
}

type Assignment = (args: object, params: unknown) => object | undefined;

/** What `assign` does, without a spawner unless one is asked for: {@link spawnerOf} then has XState make it. */
function assign(draft: Draft, { assignment }: AssignFields, args: ActionArgs, params: unknown, scope: Scope): void {
  const spawned: Record<string, AnyActorRef> = {};
  let hasSpawned = false;
  const spawnOne = (src: unknown, options: unknown): AnyActorRef => {
    const ref = spawnerOf(draft, args, scope)(src, options);
    hasSpawned = true;
    spawned[ref.id] = ref;
    return ref;
  };
  const { context } = draft;
  const given = { context, event: args.event, spawn: spawnOne, self: scope.self, system: scope.system };
  let update: object | undefined;
  if (typeof assignment === 'function') update = (assignment as Assignment)(given, params);
  else {
    const parts: Record<string, unknown> = {};
    for (const key of Object.keys(assignment as object)) parts[key] = made((assignment as Record<string, unknown>)[key], given, params);
    update = parts;
  }
  draft.context = Object.assign({ ...context }, update);
  if (hasSpawned) draft.children = { ...draft.children, ...spawned };
  draft.isChanged = true;
}

type Spawner = (src: unknown, options: unknown) => AnyActorRef;

/** XState's own `spawn`, as an assignment gets it. */
function spawnerOf(draft: Draft, args: ActionArgs, scope: Scope): Spawner {
  let spawner: Spawner | undefined;
  const assignment = ({ spawn: own }: { readonly spawn: Spawner }): object => {
    spawner = own;
    return {};
  };
  resolveAssign(scope, draft.snapshot(), args, undefined, { assignment }, { internalQueue: [], deferredActorIds: undefined });
  return spawner as Spawner;
}

function raise(draft: Draft, { event, id, delay }: RaiseFields, args: ActionArgs, params: unknown, scope: Scope, { internalQueue }: Extra): void {
  if (typeof event === 'string') throw new Error(`Only event objects may be used with raise; use raise({ type: "${event}" }) instead`);
  const raised = made(event, args, params) as EventObject;
  const after = delay === undefined ? undefined : delayOf(delay, draft.machine, args, params);
  if (typeof after !== 'number') internalQueue.push(raised);
  execute(samples.raise, scope, args, { event: raised, id, delay: after });
}

function send(
  draft: Draft,
  { to, event, id, delay }: SendFields,
  args: ActionArgs,
  params: unknown,
  scope: Scope,
  { deferredActorIds }: Extra,
  retries: Retry[] | undefined,
): void {
  if (typeof event === 'string') throw new Error(`Only event objects may be used with sendTo; use sendTo({ type: "${event}" }) instead`);
  const sent = made(event, args, params);
  const after = delay === undefined ? undefined : delayOf(delay, draft.machine, args, params);
  const target = made(to, args, params);
  const isNamed = typeof target === 'string';
  const ref: unknown = isNamed ? refOf(draft, target, scope, deferredActorIds) : target || scope.self;
  if (!ref) throw new Error(`Unable to send event to actor '${String(target)}' from machine '${draft.machine.id}'.`);
  const effect = { to: ref, targetId: isNamed ? target : undefined, event: sent, id, delay: after };
  retries?.push([samples.sendTo, effect]);
  execute(samples.sendTo, scope, args, effect);
}

function refOf({ children }: Draft, name: string, { self }: Scope, deferredActorIds: Extra['deferredActorIds']): unknown {
  if (name === '#_parent') return self._parent;
  if (name === '#_internal') return self;
  if (name.startsWith('#_')) return children[name.slice(2)];
  return deferredActorIds?.includes(name) === true ? name : children[name];
}

function spawn(draft: Draft, { src, id, systemId, input, syncSnapshot }: SpawnFields, args: ActionArgs, scope: Scope): void {
  const { machine, context } = draft;
  const logic = typeof src === 'string' ? logicOf(machine, src) : src;
  const name = (typeof id === 'function' ? (id as (args: object) => unknown)(args) : id) as string;
  let actorRef: AnyActorRef | undefined;
  let given: unknown;
  if (logic !== undefined) {
    given = typeof input === 'function' ? (input as (args: object) => unknown)({ context, event: args.event, self: scope.self }) : input;
    actorRef =
      leanChild(logic, { parent: scope.self, id: name, input: given }) ??
      createActor(logic, { id: name, src, parent: scope.self, syncSnapshot, systemId, input: given } as ActorOptions<AnyActorLogic>);
  }
  draft.children = { ...draft.children, [name]: actorRef as AnyActorRef };
  draft.isChanged = true;
  execute(samples.spawnChild, scope, args, { id, systemId, actorRef, src, input: given });
}

/** An actor's logic by its name, or by the place of its `invoke` in the definition. */
function logicOf(machine: AnyStateMachine, src: string): AnyActorLogic | undefined {
  const [, place, node] = src.startsWith('xstate.invoke.') ? (/^xstate\.invoke\.(\d+)\.(.*)/.exec(src) ?? []) : [];
  if (place === undefined || node === undefined) return (machine.implementations.actors as Record<string, AnyActorLogic>)[src];
  const { invoke } = machine.getStateNodeById(node).config;
  const invoked = (Array.isArray(invoke) ? invoke[Number(place)] : invoke) as { readonly src: AnyActorLogic };
  return invoked.src;
}

function stop(draft: Draft, { actorRef }: StopFields, args: ActionArgs, params: unknown, scope: Scope): void {
  const named = made(actorRef, args, params);
  const { children } = draft;
  const ref = (typeof named === 'string' ? children[named] : named) as AnyActorRef | undefined;
  if (ref) {
    const kept: Record<string, AnyActorRef> = {};
    const { id } = ref;
    for (const name of Object.keys(children)) if (name !== id) kept[name] = children[name] as AnyActorRef;
    draft.children = kept;
  }
  if ((ref as { readonly [isBare]?: boolean } | undefined)?.[isBare] === true) {
    draft.isChanged = true;
    scope.actionExecutor({ type: samples.stopChild.type, info: args, params: ref, exec: letGo.bind(undefined, scope, ref as AnyActorRef) });
    return;
  }
  draft.isChanged = true;
  execute(samples.stopChild, scope, args, ref);
}

/** What XState does to stop a child, where that has no children: it asks each for its snapshot, to find them. */
function letGo(scope: Scope, child: AnyActorRef): void {
  const { _processingStatus: status } = child as AnyActorRef & { readonly _processingStatus: number };
  scope.system._unregister(child);
  if (status === 1) scope.defer(() => scope.stopChild(child));
  else scope.stopChild(child);
}

type Options = Readonly<Record<string, unknown>>;

interface Collector {
  (action: unknown): void;
  assign(assignment: unknown): void;
  cancel(sendId: unknown): void;
  raise(event: unknown, options?: Options): void;
  sendTo(to: unknown, event: unknown, options?: Options): void;
  sendParent(event: unknown, options?: Options): void;
  spawnChild(src: unknown, options?: Options): void;
  stopChild(actorRef: unknown): void;
  emit(event: unknown): void;
}

/** What an `enqueueActions` of the definition collects. Its `enqueue` is made once: nine functions cost more than most of what is enqueued. */
class Enqueue {
  readonly #machine: AnyStateMachine;
  readonly #action: EnqueueFields;
  readonly #enqueue: Collector;
  /** What is being collected; null while nobody collects. */
  #plans: Plan[] | null = null;

  constructor(machine: AnyStateMachine, action: EnqueueFields) {
    this.#machine = machine;
    this.#action = action;
    const push = (kind: Plan['kind'], own: unknown): void => {
      this.#plans?.push({ kind, action: own, params: undefined, makesParams: false } as Plan);
    };
    const sendTo = (to: unknown, event: unknown, options?: Options): void =>
      push('sendTo', { to, event, id: options?.['id'], delay: options?.['delay'] });
    this.#enqueue = Object.assign((queued: unknown) => void this.#plans?.push(planOf(machine, queued)), {
      assign: (assignment: unknown) => push('assign', { assignment }),
      cancel: (sendId: unknown) => push('builtin', cancel(sendId as string)),
      raise: (event: unknown, options?: Options) => push('raise', { event, id: options?.['id'], delay: options?.['delay'] }),
      sendTo,
      sendParent: (event: unknown, options?: Options) => sendTo('#_parent', event, options),
      spawnChild: (src: unknown, { id, systemId, input, syncSnapshot = false }: Options = {}) =>
        push('spawnChild', { src, id, systemId, input, syncSnapshot }),
      stopChild: (actorRef: unknown) => push('stopChild', { actorRef }),
      emit: (event: unknown) => push('emit', { event }),
    });
  }

  /** What the app enqueues for this event. Throws what the app does. */
  collect(draft: Draft, { context, event, self, system }: ActionArgs, params: unknown): readonly Plan[] {
    // One that is collecting already was sent to by itself, through another actor.
    if (this.#plans !== null) return new Enqueue(this.#machine, this.#action).collect(draft, { context, event, self, system }, params);
    const plans: Plan[] = [];
    this.#plans = plans;
    try {
      const check = (guard: unknown): boolean => Boolean(guardOf(this.#machine, guard)(draft.snapshot(), event));
      this.#action.collect({ context, event, enqueue: this.#enqueue, check, self, system }, params);
    } finally {
      this.#plans = null;
    }
    return plans;
  }
}
