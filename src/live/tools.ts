/**
 * How the app's functions are run for a Live session.
 *
 * The actor `tools` is the session's task supervisor; each call's actor (`machines/live/tool-call.ts`) runs its function as a task there, by the actor
 * `execute`, and hears exactly one `call.settled`, unless it ends before.
 *
 * | what the function did                   | response                                   |
 * |-----------------------------------------|--------------------------------------------|
 * | returned an object                      | that object, as JSON sees it               |
 * | returned any other JSON, or nothing     | `{ output: value }`, null for nothing      |
 * | returned what is no JSON                | `{ error }`                                |
 * | threw, is unknown, was lost, was given invalid arguments | `{ error }`, in words for the model |
 *
 * A tool that the model does not wait for may yield parts of its answer (an async generator): each goes out with `willContinue`. While one cannot be
 * written, the generator is asked for no more; its call's end lets it go. One that the model does wait for is answered once, with what it returns or, where
 * that is nothing, what it yielded last. A `ToolReply` says its `scheduling` too.
 *
 * @see Gemini API, Live API: WebSockets API reference: a response that is no object closes the session with 1007; `output` and `error` are the convention
 */
import { type ActorLogic, type AnyActorRef, fromCallback, type SnapshotFrom } from 'xstate';
import type { JsonObject } from '../../machines/live/calls.js';
import { wordsOf } from '../../machines/live/ending.js';
import type { SessionEmitted, SessionEvent } from '../../machines/live/session-events.js';
import type { ExecuteInput, ToolAnswer, ToolCallEvent, toolCallMachine } from '../../machines/live/tool-call.js';
import { EspalierError } from '../errors.js';
import { isPlainObject, jsonOf } from '../option-checks.js';
import { guardedSignal } from '../supervision/guarded-signal.js';
import { printFault } from '../supervision/last-resort.js';
import { emitFrom, hasStopped, parentOf } from '../supervision/xstate-internals.js';
import type { FunctionResponse } from '../wire/gemini/live.js';
import type { LiveSession } from './handle.js';
import { givePart } from './parts.js';
import { onStranger } from './stranger.js';
import { uplinkOf } from './uplink-actor.js';

/** What a running function is given beside its arguments. */
export interface ToolContext {
  /**
   * Aborts on cancellation, at the deadline and at the session's end. A listener of it that throws is told as `tool.listenerThrew`; one on a signal that
   * the tool derives from it (`AbortSignal.any`) is the tool's own to contain: Node ends the process for it.
   */
  readonly signal: AbortSignal;
  /** Names the call; the same one again where the server makes a new call with it. */
  readonly id: string;
  /** The session that it is called by: its handle, for answers by hand, or to say something meanwhile. */
  readonly session: LiveSession;
}

/** A function as it is run: its arguments are checked. It may answer now or later, in parts, or, with {@link unanswered}, not at all: the app does. */
export type ToolFunction = (args: JsonObject, context: ToolContext) => unknown;

/** What is run for a name: a plan of the tools has one. */
export type FindTool = (name: string) =>
  | {
      readonly ok: true;
      readonly run: ToolFunction;
      /** Of answers that name none of their own. */
      readonly scheduling: Scheduling | undefined;
      check(args: JsonObject): { readonly ok: true; readonly args: JsonObject } | { readonly ok: false; readonly error: string };
    }
  | { readonly ok: false; readonly error: string };

/** Returned by a function that leaves the answer to somebody else: the call stays open until its deadline. */
export const unanswered: unique symbol = Symbol('espalier.unanswered');

/** How a task ended: the part of a task supervisor's outcome that is read here. */
export type ToolOutcome = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly reason: unknown };

/** What tools run on: the part of a task supervisor that is needed here. */
export interface ToolTasks {
  /** Starts `run` as a task of its own, never inside this call's result: `outcome` settles later, and never rejects. */
  start(
    run: (context: { readonly signal: AbortSignal }) => unknown,
    options: { readonly deadlineMs: number; readonly name: string },
  ): { readonly ok: true; readonly outcome: Promise<ToolOutcome>; cancel(): void } | { readonly ok: false; readonly reason: unknown };
  /** Ends every task and their supervisor, at once. */
  end(): void;
}

/** Makes the tasks of one session, as children of `owner`. `lost` is told when they have ended by themselves. */
export type SuperviseTools = (owner: AnyActorRef, lost: (reason: string) => void) => ToolTasks;

const tasksBySession = new WeakMap<AnyActorRef, ToolTasks>();

/** The actor `tools`: what the functions of one session run on. */
export function toolsActor(supervise: SuperviseTools) {
  return fromCallback<{ type: 'tools.none' }, undefined>(({ self, sendBack }) => {
    const session = parentOf(self) as AnyActorRef;
    const tasks = supervise(self, (reason) => sendBack({ type: 'tools.failed', reason } satisfies SessionEvent));
    onStranger(self, (_, reason) => session.send({ type: 'tools.failed', reason } satisfies SessionEvent));
    tasksBySession.set(session, tasks);
    return () => {
      tasksBySession.delete(session);
      tasks.end();
    };
  });
}

/** What a call is told by its function at work. */
type Say = (event: ToolCallEvent) => void;

/** A call's function at work: run as a task, it tells its call of one answer at the most. Ended, its signal aborts, and a late result touches nothing. */
export class Execution {
  readonly #find: FindTool;
  readonly #hold: (session: AnyActorRef) => LiveSession;
  readonly #session: AnyActorRef;
  readonly #input: ExecuteInput;
  #tell: Say;
  #isOver = false;
  #cancel: (() => void) | undefined;

  constructor(find: FindTool, hold: (session: AnyActorRef) => LiveSession, session: AnyActorRef, input: ExecuteInput, tell: Say) {
    this.#find = find;
    this.#hold = hold;
    this.#session = session;
    this.#input = input;
    this.#tell = tell;
  }

  /** From now on somebody else tells its call. */
  by(tell: Say): void {
    this.#tell = tell;
  }

  begin(): void {
    const { name, args, blocking, deadlineMs } = this.#input;
    const tool = this.#find(name);
    if (!tool.ok) {
      this.#settle({ error: tool.error });
      return;
    }
    const checked = tool.check(args);
    if (!checked.ok) {
      this.#settle({ error: checked.error });
      return;
    }
    const run = (task: { readonly signal: AbortSignal }): unknown => {
      const context = contextOf(this.#input.id, task, () => this.#hold(this.#session), this.#listenerThrew);
      const read = (made: unknown): unknown => {
        if (!isAsyncIterable(made)) return made;
        const progress = blocking ? async () => undefined : async (part: unknown) => this.#progress(replyOf(name, part, tool.scheduling), task);
        return drained(made, progress, () => this.#isOver);
      };
      const made: unknown = tool.run(checked.args, context);
      // What is no promise is read at once.
      return isThenable(made) ? Promise.resolve(made).then(read) : read(made);
    };
    const task = startOf(tasksBySession.get(this.#session), run, { deadlineMs, name });
    if (!task.ok) {
      this.#settle({
        error: `tool '${name}' could not start: ${task.reason === 'maxChildren' ? 'too many calls are running' : wordsOf(task.reason)}`,
      });
      return;
    }
    this.#cancel = task.cancel;
    void task.outcome.then((outcome) => {
      if (this.#isOver || (outcome.ok && outcome.value === unanswered)) return;
      const answer = outcome.ok ? replyOf(name, outcome.value, tool.scheduling) : { response: errorOf(name, outcome.reason, deadlineMs) };
      this.#say({ type: 'call.settled', ...answer });
    });
  }

  end(): void {
    this.#isOver = true;
    this.#cancel?.();
  }

  #say(event: ToolCallEvent): void {
    if (!this.#isOver) this.#tell(event);
  }

  #settle(response: JsonObject): void {
    this.#say({ type: 'call.settled', response });
  }

  #progress(said: ToolAnswer, task: { readonly signal: AbortSignal }): Promise<void> {
    const { id, name } = this.#input;
    return givePart({
      uplink: () => uplinkOf(this.#session),
      part: { id, name, ...said, willContinue: true } as FunctionResponse,
      give: () => this.#say({ type: 'call.progressed', ...said }),
      isOver: () => this.#isOver,
      task,
    });
  }

  readonly #listenerThrew = (error: unknown): void => {
    const { id, name } = this.#input;
    // A call that is over hears nothing any more, and its signal aborts just then.
    if (!this.#isOver) this.#tell({ type: 'call.listenerThrew', reason: wordsOf(error) });
    else if (!hasStopped(this.#session)) emitFrom(this.#session, { type: 'tool.listenerThrew', id, name, reason: wordsOf(error) } as SessionEmitted);
    else printFault(`an abort listener of the tool '${name}'`, error);
  };
}

const adopted = new WeakMap<AnyActorRef, Execution>();

/** The function of a call is at work already: the actor `execute` that the call is given next goes on with it. */
export function adopt(call: AnyActorRef, execution: Execution): void {
  adopted.set(call, execution);
}

/**
 * The actor `execute` of a call: its function at work, as long as it is not stopped; ended by a stranger, it still settles its call: with an error.
 */
export function execute(find: FindTool, hold: (session: AnyActorRef) => LiveSession) {
  return fromCallback<{ type: 'execute.none' }, ExecuteInput>(({ input, self, sendBack }) => {
    const call = parentOf(self) as AnyActorRef;
    onStranger(self, (above, reason) =>
      above.send({ type: 'call.settled', response: { error: endedBefore(input.name, reason) } } satisfies ToolCallEvent),
    );
    const known = adopted.get(call);
    adopted.delete(call);
    const execution = known ?? new Execution(find, hold, parentOf(call) as AnyActorRef, input, sendBack);
    if (known === undefined) execution.begin();
    else execution.by(sendBack);
    return () => execution.end();
  });
}

/**
 * The logic of a call, noticing that a stranger has ended its actor: its session hears of it as an answer, for the model waits. It is no matter for its own
 * chart, which has ended then.
 */
export function answeringFor(machine: typeof toolCallMachine): typeof toolCallMachine {
  type Start = NonNullable<ActorLogic<SnapshotFrom<typeof toolCallMachine>, ToolCallEvent>['start']>;
  const start = machine.start.bind(machine) as Start;
  const begin: Start = (snapshot, scope) => {
    const { key, name } = snapshot.context;
    onStranger(scope.self, (session, reason) => {
      session.send({ type: 'call.answer', key, response: { error: endedBefore(name, reason) } } satisfies SessionEvent);
    });
    start(snapshot, scope);
  };
  return Object.assign(machine, { start: begin });
}

/** A throw here would end the actor, and XState runs no cleanup then: its tasks would be orphans. */
function startOf(tasks: ToolTasks | undefined, ...plan: Parameters<ToolTasks['start']>): ReturnType<ToolTasks['start']> {
  try {
    return tasks?.start(...plan) ?? { ok: false, reason: 'the session runs no tools' };
  } catch (error) {
    return { ok: false, reason: error };
  }
}

/** What a generator comes to: what it returned or, where that is nothing, what it yielded last. */
async function drained(parts: AsyncIterable<unknown>, progress: (part: unknown) => Promise<void>, isOver: () => boolean): Promise<unknown> {
  const iterator = parts[Symbol.asyncIterator]();
  let last: unknown;
  for (;;) {
    const step = await iterator.next();
    if (step.done === true) return step.value ?? last;
    last = step.value;
    if (!isOver()) await progress(last);
    if (isOver()) {
      await iterator.return?.();
      return undefined;
    }
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as Partial<PromiseLike<unknown>> | null | undefined)?.then === 'function';
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof (value as Partial<AsyncIterable<unknown>> | null | undefined)?.[Symbol.asyncIterator] === 'function';
}

/** An `AbortSignal` costs more than the rest of a call: it is made when a tool looks at it. */
function contextOf(
  id: string,
  task: { readonly signal: AbortSignal },
  hold: () => LiveSession,
  listenerThrew: (error: unknown) => void,
): ToolContext {
  let guarded: AbortSignal | undefined;
  let held: LiveSession | undefined;
  return {
    id,
    get signal() {
      guarded ??= guardedSignal(task.signal, listenerThrew);
      return guarded;
    },
    get session() {
      held ??= hold();
      return held;
    },
  };
}

/** When the model is to speak of a result that it did not wait for. */
export type Scheduling = 'SILENT' | 'WHEN_IDLE' | 'INTERRUPT';

/** All of them. */
export const schedulings: readonly Scheduling[] = ['SILENT', 'WHEN_IDLE', 'INTERRUPT'];

/** An answer with a `scheduling` of its own: what a function returns, or yields, in place of its bare value. */
export class ToolReply {
  readonly value: unknown;
  /** Heeded for tools that the model does not wait for; undefined: the tool's own. */
  readonly scheduling: Scheduling | undefined;
  /** Media that belong to it, as the wire has them. */
  readonly parts: readonly JsonObject[] | undefined;

  /** @throws EspalierError `live/invalid-tool` for another scheduling, or parts that are none: either would cost the session */
  constructor(value: unknown, scheduling?: Scheduling, parts?: readonly JsonObject[]) {
    if (scheduling !== undefined && !schedulings.includes(scheduling))
      throw new EspalierError('live/invalid-tool', { expected: `scheduling: ${schedulings.join(', ')}`, got: scheduling });
    if (!isListOfParts(parts)) throw new EspalierError('live/invalid-tool', { expected: 'parts: a list of objects of JSON', got: typeof parts });
    this.value = value;
    this.scheduling = scheduling;
    this.parts = parts;
  }
}

/** Are these the parts of an answer, or none at all? @throws never */
export function isListOfParts(parts: unknown): parts is readonly JsonObject[] | undefined {
  return parts === undefined || (Array.isArray(parts) && parts.every(isPlainObject) && jsonOf(parts) !== null);
}

/** An answer as a call takes it. */
function replyOf(name: string, value: unknown, byDefault: Scheduling | undefined): ToolAnswer {
  const { value: bare, scheduling, parts } = value instanceof ToolReply ? value : { value, scheduling: undefined, parts: undefined };
  const when = scheduling ?? byDefault;
  return { response: objectOf(name, bare), ...(parts === undefined ? {} : { parts }), ...(when === undefined ? {} : { scheduling: when }) };
}

/** What the model is told of a function that gave no value. @throws never */
function errorOf(name: string, reason: unknown, deadlineMs: number): JsonObject {
  if (reason === 'timedOut') return { error: `tool '${name}' did not end within ${deadlineMs} ms` };
  if (typeof reason === 'object' && reason !== null && 'crash' in reason) return { error: wordsOf(reason.crash) };
  return { error: endedBefore(name, wordsOf(reason)) };
}

function endedBefore(name: string, reason: string): string {
  return `tool '${name}' ended without a result: ${reason}`;
}

/** A result as a JSON object; a copy, so that nothing the tool keeps can change it. @throws never */
export function objectOf(name: string, value: unknown): JsonObject {
  let json: unknown;
  try {
    const text = JSON.stringify(value === undefined ? null : value) as string | undefined;
    if (text === undefined) return { error: `tool '${name}' returned a ${typeof value}, which is no JSON` };
    json = JSON.parse(text);
  } catch (error) {
    return { error: `tool '${name}' returned what is no JSON: ${wordsOf(error)}` };
  }
  const isObject = typeof json === 'object' && json !== null && !Array.isArray(json);
  return isObject ? (json as JsonObject) : { output: json };
}
