/**
 * The actor of a call, in the lane: a row that goes through the states of machines/live/tool-call.ts, and an actor in full as soon as somebody touches it.
 *
 * While nobody inspects the session's system, a call needs neither a mailbox nor a snapshot, and its function is run without an actor `execute` of its own. Made
 * in full, it is the same object, in the state that it is in, and its function goes on under its actor.
 */
import type { AnyActorRef, EventObject } from 'xstate';
import type { SessionEvent } from '../../machines/live/session-events.js';
import type { ToolCallContext, ToolCallEvent, ToolCallInput, toolCallMachine } from '../../machines/live/tool-call.js';
import { isBare, makeLeanBy } from '../compiled/lean-children.js';
import { clockOf } from '../supervision/clock.js';
import { type Deadline, DeadlineQueue } from '../supervision/deadlines.js';
import { standInForActor } from '../supervision/lean-actor.js';
import { canBeLean } from '../supervision/lean-task.js';
import { orderOf } from '../supervision/watch.js';
import { watchedSystemOf, type Unseen, type WatchedSystem } from '../supervision/watched-system.js';
import { becomeActor, childrenOf, createChild, stopActor, systemOf } from '../supervision/xstate-internals.js';
import type { LiveSession } from './handle.js';
import { adopt, type execute, Execution, type FindTool } from './tools.js';

type Logic = typeof toolCallMachine;
type Value = 'pending' | 'running' | 'answering' | 'answered' | 'cancelled' | 'abandoned';

/** What runs the functions of a session. */
export interface Runner {
  readonly find: FindTool;
  readonly hold: (session: AnyActorRef) => LiveSession;
}

/** What the calls of one session share. */
class Home implements Unseen {
  readonly session: AnyActorRef;
  readonly watched: WatchedSystem;
  readonly deadlines: DeadlineQueue;

  constructor(session: AnyActorRef) {
    this.session = session;
    this.watched = watchedSystemOf(session);
    this.deadlines = new DeadlineQueue(clockOf(session.system));
    this.watched.join(this);
  }

  now(): number {
    return clockOf(this.session.system).now();
  }

  seen(): void {
    for (const child of childrenOf(this.session)) if (isLean(child)) inFull(child as unknown as LeanCall);
  }

  leave(): void {
    this.watched.leave(this);
    this.deadlines.clear();
  }
}

const homes = new WeakMap<AnyActorRef, Home>();

/** From now on the calls of this session may be made in part. @returns what ends that, once no more are made */
export function houseCalls(session: AnyActorRef): () => void {
  const home = new Home(session);
  homes.set(session, home);
  return () => {
    homes.delete(session);
    home.leave();
  };
}

/** Has calls with this logic made in part where nobody looks. Of the same logic and the same functions they are made in full. */
export function inLane(logic: Logic, runner: Runner): Logic {
  makeLeanBy(logic, ({ parent, id, input }) => {
    const home = homes.get(parent);
    if (home === undefined || home.watched.isWatched || !canBeLean()) return undefined;
    return new LeanCall(home, logic, runner, id, input as ToolCallInput) as unknown as AnyActorRef;
  });
  return logic;
}

/** A call, in part. It has the methods of XState's actors; their fields are made by the first that is touched. */
class LeanCall implements Deadline {
  readonly _home: Home;
  readonly _logic: Logic;
  readonly _runner: Runner;
  readonly _name: string;
  readonly _input: ToolCallInput;
  _value: Value = 'pending';
  /** As XState counts: not started, running, stopped. */
  _status: 0 | 1 | 2 = 0;
  _reason: string | null = null;
  _execution: Execution | undefined = undefined;
  _booked: string | undefined = undefined;
  /** Is an event being taken? Those that come meanwhile wait. */
  _isBusy = false;
  _waiting: EventObject[] | undefined = undefined;
  dueAt = 0;
  place = -1;

  constructor(home: Home, logic: Logic, runner: Runner, name: string, input: ToolCallInput) {
    this._home = home;
    this._logic = logic;
    this._runner = runner;
    this._name = name;
    this._input = input;
  }

  expired(): void {
    const { name, deadlineMs } = this._input;
    settle(this, { response: { error: `tool '${name}' did not end within ${deadlineMs} ms` } });
  }
}

type Answer = Omit<Extract<SessionEvent, { type: 'call.answer' }>, 'type' | 'key'>;

function tell({ _home: { session } }: LeanCall, event: SessionEvent, from: LeanCall): void {
  systemOf(session)._relay(from as unknown as AnyActorRef, session, event);
}

/** Its first final answer: to its session with it, and its function is let go. */
function settle(call: LeanCall, answer: Answer): void {
  letGo(call);
  call._value = 'answering';
  tell(call, { type: 'call.answer', key: call._input.key, ...answer }, call);
}

function end(call: LeanCall, value: 'answered' | 'cancelled' | 'abandoned', reason: string | null = null): void {
  call._reason = reason;
  letGo(call);
  call._value = value;
  call._status = 2;
}

/** It runs no more. */
function letGo(call: LeanCall): void {
  if (call.place >= 0) call._home.deadlines.remove(call);
  const { _execution: execution } = call;
  call._execution = undefined;
  execution?.end();
}

function run(call: LeanCall): void {
  const {
    _home: home,
    _input: input,
    _runner: { find, hold },
  } = call;
  call._value = 'running';
  home.deadlines.add(call, input.deadlineMs);
  const execution = new Execution(find, hold, home.session, input, (event) => (call as unknown as { _send(event: EventObject): void })._send(event));
  call._execution = execution;
  execution.begin();
}

/** Those that came before its start, or while it took another. Made in full meanwhile, it takes them by its mailbox. */
function takeWaiting(call: LeanCall): void {
  const { _waiting: waiting } = call;
  call._waiting = undefined;
  if (waiting !== undefined) for (const next of waiting) (call as unknown as { _send(event: EventObject): void })._send(next);
}

/** One event, as the chart of a call takes it. */
function take(call: LeanCall, event: ToolCallEvent): void {
  const { _value: value } = call;
  switch (event.type) {
    case 'call.run':
      if (value === 'pending') run(call);
      return;
    case 'call.settled': {
      if (value !== 'pending' && value !== 'running') return;
      const { type: _type, ...answer } = event;
      settle(call, answer);
      return;
    }
    case 'call.progressed': {
      const { type: _type, ...part } = event;
      if (value === 'running') tell(call, { type: 'call.answer', key: call._input.key, ...part, willContinue: true }, call);
      return;
    }
    case 'call.listenerThrew':
      if (value === 'running') tell(call, { type: 'call.listenerFailed', key: call._input.key, reason: event.reason }, call);
      return;
    case 'call.written':
      if (value === 'answering') end(call, 'answered');
      return;
    case 'call.cancel':
      end(call, 'cancelled');
      return;
    case 'call.abandon':
      end(call, 'abandoned', event.reason);
  }
}

type Snapshot = ReturnType<Logic['resolveState']>;

const shapes = new WeakMap<Logic, Map<Value, Snapshot>>();

/** A snapshot of that state. */
function shapeOf(logic: Logic, value: Value, context: ToolCallContext): Snapshot {
  let known = shapes.get(logic);
  if (known === undefined) shapes.set(logic, (known = new Map()));
  let shape = known.get(value);
  if (shape === undefined) known.set(value, (shape = logic.resolveState({ value, context })));
  return shape;
}

/** Where it stands, as its chart says it; what runs below it is not in it. */
function snapshotOf({ _input, _logic, _reason: reason, _status, _value: value }: LeanCall): Snapshot {
  const context: ToolCallContext = { ..._input, reason };
  const shape = shapeOf(_logic, value, context);
  const status = _status === 2 && shape.status === 'active' ? 'stopped' : shape.status;
  return { ...shape, status, context, children: {} } as Snapshot;
}

/** Makes it an actor in full, in the state that it is in. */
function inFull(call: LeanCall): void {
  const { _booked: sessionId, _execution: execution, _home: home, _input: input, _logic: logic, _name: id, _status: status, dueAt } = call;
  const snapshot = snapshotOf(call);
  const self = call as unknown as AnyActorRef;
  const isDue = call.place >= 0;
  if (isDue) home.deadlines.remove(call);
  call._execution = undefined;
  becomeActor(call, { logic, parent: home.session, id, src: 'toolCall', sessionId, snapshot, hasStopped: status === 2, input, syncSnapshot: false });
  if (status === 2) return;
  if (execution !== undefined) {
    adopt(self, execution);
    const { key: _key, ...given } = input;
    const logicOfIt = logic.implementations.actors['execute'] as ReturnType<typeof execute>;
    const below = createChild(logicOfIt, { parent: self, id: 'execute', src: 'execute', input: given, syncSnapshot: false });
    (snapshot.children as Record<string, AnyActorRef>)['execute'] = below;
  }
  (logic.start as (snapshot: unknown, scope: object) => void)(snapshot, { self });
  // It runs from here on, also where it was not started yet.
  if (status === 0) takeWaiting(call);
  if (!isDue) return;
  const [{ eventType } = { eventType: '' }] = logic.getStateNodeById('toolCall.running').after;
  systemOf(self).scheduler.schedule(self, self, { type: eventType }, Math.max(0, dueAt - home.now()), eventType);
}

/** Is it still in part? */
export function isLean(actor: AnyActorRef): boolean {
  return Object.getPrototypeOf(actor) === LeanCall.prototype;
}

/** What is told without more parts than it has. */
const told: Record<string, (call: LeanCall) => unknown> = {
  id: ({ _name }) => _name,
  src: () => 'toolCall',
  logic: ({ _logic }) => _logic,
  system: ({ _home }) => _home.session.system,
  systemId: () => undefined,
  ref: (call) => call,
  _parent: ({ _home }) => _home.session,
  _processingStatus: ({ _status }) => _status,
  sessionId: (call) => {
    call._booked ??= systemOf(call._home.session)._bookId();
    return call._booked;
  },
};

/** Its methods that XState calls for every call. They are its own only while it is in part. */
const methods = {
  start(this: LeanCall): LeanCall {
    if (this._status !== 0) return this;
    this._status = 1;
    takeWaiting(this);
    return this;
  },
  _send(this: LeanCall, event: EventObject): void {
    if (this._status === 2) return;
    if (this._isBusy || this._status === 0) {
      (this._waiting ??= []).push(event);
      return;
    }
    this._isBusy = true;
    try {
      take(this, event as ToolCallEvent);
    } finally {
      this._isBusy = false;
      takeWaiting(this);
    }
  },
  _stop(this: LeanCall): LeanCall {
    if (this._status === 2) return this;
    // Not by its session's order: who watches it is to hear of it.
    if (orderOf(this as unknown as AnyActorRef) !== undefined) {
      inFull(this);
      stopActor(this as unknown as AnyActorRef);
      return this;
    }
    this._status = 2;
    letGo(this);
    return this;
  },
  getSnapshot(this: LeanCall): unknown {
    // Of one that runs, `execute` is a part.
    if (this._value !== 'running' || this._status === 2) return snapshotOf(this);
    inFull(this);
    return (this as unknown as AnyActorRef).getSnapshot();
  },
};

standInForActor(LeanCall.prototype, { told, methods, inFull });
// Of one that runs, `execute` is below it, once it is looked for.
Object.defineProperty(LeanCall.prototype, isBare, {
  get(this: LeanCall) {
    return this._value !== 'running' || this._status === 2;
  },
});
