/**
 * The actor `execute` of a call: reads its arguments and runs the app's function, as a task under the conversation's task supervisor, and reports exactly one
 * answer, unless it is stopped before. When it is stopped, the function's signal aborts, and a late result touches nothing.
 *
 * | what the function did                            | response                                     |
 * |--------------------------------------------------|----------------------------------------------|
 * | returned an object                               | that object, as JSON sees it                 |
 * | returned any other JSON, or nothing              | `{ output: value }`, null for nothing        |
 * | yielded (an async generator)                     | what it returned, or else yielded last       |
 * | returned what is no JSON, threw, is unknown, was lost, was given invalid arguments | `{ error }`, in words for the model |
 */
import { type AnyActorRef, fromCallback } from 'xstate';
import type { JsonObject } from '../../machines/live/calls.js';
import { wordsOf } from '../../machines/live/ending.js';
import { type CallAnswer, failed, type ModelCall } from '../../machines/tools/calls.js';
import type { ExecutionEvent } from '../../machines/tools/execution.js';
import { guardedSignal } from '../supervision/guarded-signal.js';
import { printFault } from '../supervision/last-resort.js';
import type { TaskScope } from '../supervision/tasks.js';
import { hasStopped, parentOf } from '../supervision/xstate-internals.js';
import { placeOf, tellCallLoss, tellData } from './place.js';
import type { PlannedTool, ToolContext } from './tool-plan.js';

/** What the model says is wrong with its arguments: an answer, and no value of the tool's. */
class Refused {
  readonly error: string;

  constructor(error: string) {
    this.error = error;
  }
}

/** See above. */
export const execute = fromCallback<{ type: 'execute.none' }, ModelCall>(({ input, self, sendBack }) => {
  const execution = parentOf(self) as AnyActorRef;
  const conversation = parentOf(parentOf(execution) as AnyActorRef) as AnyActorRef;
  const place = placeOf(conversation);
  tellCallLoss(execution, input.index);
  if (place === undefined || place.isVoid || place.plan === null) return undefined;
  let isOver = false;
  const say = (event: ExecutionEvent): void => {
    if (!isOver) sendBack(event);
  };
  const settle = (answer: CallAnswer): void => say({ type: 'execution.settled', ...answer });
  const { name } = input;
  const tool = place.plan.find(name);
  if (tool === undefined) {
    const names = place.plan.declarations.map((declared) => declared.name).join(', ');
    settle(failed('unknownTool', `unknown tool '${name}'; there are: ${names || 'none'}`));
    return undefined;
  }
  if (input.unread !== undefined) {
    settle(failed('invalidArguments', `invalid arguments: ${input.unread}`));
    return undefined;
  }
  const { turn } = (conversation.getSnapshot() as { context: { turn: number } }).context;
  const listenerThrew = (error: unknown): void => {
    if (hasStopped(conversation)) printFault(`an abort listener of the tool '${name}'`, error);
    else tellData(conversation, { type: 'listenerThrew', turn, name, reason: wordsOf(error) });
  };
  const began = (): boolean => {
    say({ type: 'execution.began' });
    return !isOver;
  };
  const started = place.tasks.async((scope) => perform(tool, input, contextOf(input, turn, scope, listenerThrew), began), { name });
  if (!started.ok) {
    settle(failed('notStarted', `tool '${name}' could not start: ${started.reason}`));
    return undefined;
  }
  const { task } = started;
  void task.outcome.then((outcome) => {
    if (outcome.ok) settle(outcome.value instanceof Refused ? failed('invalidArguments', outcome.value.error) : answerOf(name, outcome.value));
    else if (typeof outcome.reason === 'object' && 'crash' in outcome.reason) settle(failed('threw', wordsOf(outcome.reason.crash)));
    else settle(failed('lost', `tool '${name}' ended without a result: ${wordsOf(outcome.reason)}`));
  });
  return () => {
    isOver = true;
    task.cancel();
  };
});

/** @param began  says that the function is about to be run; false where the call has ended meanwhile, and it must not be run any more */
async function perform(tool: PlannedTool, { args }: ModelCall, context: ToolContext, began: () => boolean): Promise<unknown> {
  const read = await tool.check(args);
  if (!read.ok) return new Refused(read.error);
  if (!began()) return undefined;
  const made: unknown = await tool.run(read.args, context);
  return isAsyncIterable(made) ? drained(made, context.signal) : made;
}

/** What a generator comes to: what it returned or, where that is nothing, what it yielded last. */
async function drained(parts: AsyncIterable<unknown>, signal: AbortSignal): Promise<unknown> {
  const iterator = parts[Symbol.asyncIterator]();
  let last: unknown;
  for (;;) {
    const step = await iterator.next();
    if (step.done === true) return step.value ?? last;
    last = step.value;
    if (!signal.aborted) continue;
    await iterator.return?.();
    return undefined;
  }
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof (value as Partial<AsyncIterable<unknown>> | null | undefined)?.[Symbol.asyncIterator] === 'function';
}

/** An `AbortSignal` costs more than the rest of a call: it is made when a tool looks at it. */
function contextOf({ id, index, name }: ModelCall, turn: number, scope: TaskScope, listenerThrew: (error: unknown) => void): ToolContext {
  let guarded: AbortSignal | undefined;
  return {
    id: id ?? `local:${turn}.${index}`,
    name,
    turn,
    index,
    get signal() {
      guarded ??= guardedSignal(scope.signal, listenerThrew);
      return guarded;
    },
  };
}

/** A result as a JSON object; a copy, so that nothing the tool keeps can change it. @throws never */
function answerOf(name: string, value: unknown): CallAnswer {
  let json: unknown;
  try {
    const text = JSON.stringify(value === undefined ? null : value) as string | undefined;
    if (text === undefined) return failed('threw', `tool '${name}' returned a ${typeof value}, which is no JSON`);
    json = JSON.parse(text);
  } catch (error) {
    return failed('threw', `tool '${name}' returned what is no JSON: ${wordsOf(error)}`);
  }
  const isObject = typeof json === 'object' && json !== null && !Array.isArray(json);
  return { response: isObject ? (json as JsonObject) : { output: json }, fault: null };
}
