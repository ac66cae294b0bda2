/**
 * The actor `tools` of a Live session: runs the app's functions as tasks under a task supervisor of its own, and turns what comes of each into an
 * object that the wire takes.
 *
 *   tool.run {id, name, args} → tool.settled {id, response}      exactly one for each run, unless it is cancelled
 *   tool.cancel {id} · tool.cancelAll                            the signal aborts; a late result touches nothing
 *                             → tool.listenerThrew {id, name, reason}   an abort listener of the tool threw; nothing else has come of it
 *
 * | what the tool did                       | response                                   |
 * |-----------------------------------------|--------------------------------------------|
 * | returned an object                      | that object, as JSON sees it               |
 * | returned any other JSON, or nothing     | `{ output: value }`, null for nothing      |
 * | returned what is no JSON                | `{ error }`                                |
 * | threw, timed out, is unknown, was lost  | `{ error }`, in words for the model        |
 *
 * @see Gemini API, Live API: WebSockets API reference: a response that is no object closes the session with 1007; `output` and `error` are the convention
 */
import { type AnyActorRef, fromCallback } from 'xstate';
import type { JsonObject } from '../../machines/live/calls.js';
import { wordsOf } from '../../machines/live/ending.js';
import type { ToolsCommand, ToolsInput } from '../../machines/live/session.js';
import { guardedSignal } from './guarded-signal.js';

/** A function that the model may call. */
export interface LiveTool {
  /** What it does, for the model. */
  readonly description: string;
  /** JSON schema of its arguments, an object. Absent: it takes none. */
  readonly parameters?: JsonObject;
  /**
   * Runs beside the conversation, any number at once.
   * @param args     as the model gave them, not validated
   * @param context  `signal` aborts on cancellation, at the deadline and at the session's end; `id` names the call, and is the same one again where
   *                 the server makes a new call with it. A listener of the signal that throws is told as `tool.listenerThrew`; one on a signal that
   *                 the tool derives from it (`AbortSignal.any`) is the tool's own to contain: Node ends the process for it
   */
  execute(args: JsonObject, context: { readonly signal: AbortSignal; readonly id: string }): unknown;
  /** Its own deadline, ms. Default: the session's `toolMs`. */
  readonly timeoutMs?: number;
}

/** The functions that the model may call, by the names that it calls them by. */
export type LiveTools = Readonly<Record<string, LiveTool>>;

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

/**
 * The logic that runs these tools.
 * @param tools      by name
 * @param supervise  what they run on
 */
export function toolsActor(tools: LiveTools, supervise: SuperviseTools) {
  return fromCallback<ToolsCommand, ToolsInput>(({ input, self, sendBack, receive }) => {
    /** The calls that run, each with what cancels it. A call leaves at its first end; whatever comes later finds nothing. */
    const running = new Map<string, () => void>();
    const tasks = supervise(self, (reason) => sendBack({ type: 'tools.failed', reason }));
    let isOver = false;

    const run = ({ id, name, args }: { id: string; name: string; args: JsonObject }) => {
      const settle = (response: JsonObject) => sendBack({ type: 'tool.settled', id, response });
      const tool = Object.hasOwn(tools, name) ? tools[name] : undefined;
      if (tool === undefined) return settle({ error: `unknown tool '${name}'; there are: ${Object.keys(tools).join(', ') || 'none'}` });
      const deadlineMs = tool.timeoutMs ?? input.toolMs;
      const listenerThrew = (error: unknown) => {
        if (isOver) printError(error, name);
        else sendBack({ type: 'tool.listenerThrew', id, name, reason: wordsOf(error) });
      };
      const task = startOf(tasks, (context) => tool.execute(args, lazily(context, id, listenerThrew)), { deadlineMs, name });
      if (!task.ok) return settle({ error: `tool '${name}' could not start: ${wordsOf(task.reason)}` });
      running.set(id, task.cancel);
      void task.outcome.then((outcome) => {
        // Cancelled meanwhile, or cancelled and run again under the same id: this end is nobody's.
        if (running.get(id) !== task.cancel) return;
        running.delete(id);
        settle(responseOf(name, outcome, deadlineMs));
      });
    };

    const cancel = (id: string) => {
      const stop = running.get(id);
      running.delete(id);
      stop?.();
    };

    receive((command) => {
      if (command.type === 'tool.run') run(command);
      else if (command.type === 'tool.cancel') cancel(command.id);
      else if (command.type === 'tool.cancelAll') for (const id of [...running.keys()]) cancel(id);
    });

    return () => {
      isOver = true;
      running.clear();
      tasks.end();
    };
  });
}

/** A throw here would end the actor, and XState runs no cleanup then: its tasks would be orphans. */
function startOf(tasks: ToolTasks, ...plan: Parameters<ToolTasks['start']>): ReturnType<ToolTasks['start']> {
  try {
    return tasks.start(...plan);
  } catch (error) {
    return { ok: false, reason: error };
  }
}

/** An `AbortSignal` costs more than the rest of a call: it is made when a tool looks at it. */
function lazily(context: { readonly signal: AbortSignal }, id: string, listenerThrew: (error: unknown) => void) {
  let guarded: AbortSignal | undefined;
  return {
    id,
    get signal() {
      guarded ??= guardedSignal(context.signal, listenerThrew);
      return guarded;
    },
  };
}

/** What is thrown when the session is over has nobody left to hear a fact of it. */
function printError(error: unknown, name: string): void {
  // oxlint-disable-next-line no-console -- the app's bug must be seen somewhere, and rethrowing it would end the process
  console.error(`espalier: an abort listener of the tool '${name}' threw`, error);
}

/** What the model is told of an outcome. @throws never */
export function responseOf(name: string, outcome: ToolOutcome, deadlineMs: number): JsonObject {
  if (outcome.ok) return objectOf(name, outcome.value);
  const { reason } = outcome;
  if (reason === 'timedOut') return { error: `tool '${name}' did not end within ${deadlineMs} ms` };
  if (typeof reason === 'object' && reason !== null && 'crash' in reason) return { error: wordsOf(reason.crash) };
  return { error: `tool '${name}' ended without a result: ${wordsOf(reason)}` };
}

/** A result as a JSON object; a copy, so that nothing the tool keeps can change it. */
function objectOf(name: string, value: unknown): JsonObject {
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
