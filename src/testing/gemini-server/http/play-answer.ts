/** Plays the steps of one answer. A step that fails cuts the answer and is told in words; nothing is thrown. */
import type { Waits } from '../waits.js';
import type { Answer } from './answer.js';
import { type Framing, JsonArray, lineEnds, sseEvent } from './framing.js';
import { errorText, googleError, prettyJson } from './google-error.js';
import { type HttpStep, verbOfHttp } from './rules.js';

/** What an answer is played on. */
export interface AnswerStage {
  readonly waits: Waits;
  readonly answer: Answer;
  readonly framing: Framing;
  /** Whether `server.release(name)` was called. */
  isReleased(name: string): boolean;
  /** Deadline of a step that names none, ms. */
  readonly deadlineMs: number;
}

/** Steps by their verb. */
type StepOf<Name extends string> = Extract<HttpStep, { readonly [Key in Name]: unknown }>;

/**
 * Plays them in order, and ends the answer. A client that goes ends it as well, which is no failure.
 * @returns why it failed, or null; never rejects
 */
export async function playAnswer(steps: readonly HttpStep[], stage: AnswerStage): Promise<string | null> {
  const { answer } = stage;
  const array = new JsonArray();
  for (const [index, step] of steps.entries()) {
    if (answer.end !== null) return null;
    let failure: string | null;
    try {
      failure = await perform(step, stage, array);
    } catch (error) {
      failure = `unexpected: ${String(error)}`;
    }
    if (failure === null) continue;
    if (answer.end !== null) return null;
    answer.drop();
    return `step ${index} (${verbOfHttp(step)}): ${failure}`;
  }
  const rest = array.end();
  if (rest !== '') await answer.write(Buffer.from(rest), {});
  await answer.finish();
  return null;
}

async function perform(step: HttpStep, stage: AnswerStage, array: JsonArray): Promise<string | null> {
  const { answer, waits } = stage;
  if ('waitMs' in step) return pause(waits, step.waitMs, answer);
  if ('hold' in step) return held(step, stage);
  if ('stall' in step) return answer.gone().then(() => null);
  if ('drop' in step) return answer.drop(), null;
  if ('head' in step) return answer.head(step.head.status ?? 200, step.head.headers ?? {}, true), null;
  if ('error' in step && (step.as ?? 'body') === 'body' && !answer.hasBegun) {
    answer.head(step.error.code, { 'content-type': 'application/json; charset=UTF-8', ...step.headers });
  }
  const deadlineMs = step.deadlineMs ?? stage.deadlineMs;
  const isTaken = await answer.write(bytesOf(step, stage, array), step, deadlineMs);
  return isTaken || answer.end !== null ? null : `not taken within ${deadlineMs} ms`;
}

type WritingStep = Exclude<HttpStep, StepOf<'waitMs'> | StepOf<'hold'> | StepOf<'stall'> | StepOf<'drop'> | StepOf<'head'>>;

function bytesOf(step: WritingStep, { framing, answer }: AnswerStage, array: JsonArray): Uint8Array {
  if ('bytes' in step) return Buffer.from(step.bytes, 'hex');
  if ('text' in step) return Buffer.from(step.text);
  if ('json' in step) return Buffer.from(prettyJson(step.json));
  if ('done' in step) return Buffer.from('event: done\ndata: [DONE]\n\n');
  if ('error' in step) return Buffer.from(errorOf(step, framing, answer.hasBegun, array));
  if (!framing.isEvents) return Buffer.from(step.events.map((payload) => array.element(payload)).join(''));
  const shape = { isNamed: step.named ?? framing.isNamed, lineEnd: step.lineEnd ?? framing.lineEnd };
  return Buffer.from(step.events.map((payload) => sseEvent(payload, shape)).join(''));
}

function errorOf({ error, as }: StepOf<'error'>, framing: Framing, hasBegun: boolean, array: JsonArray): string {
  if (as === 'event') return framing.isEvents ? sseEvent(googleError(error), framing) : array.element(googleError(error));
  const text = errorText(error);
  if (!hasBegun || framing.isEvents) return text.replaceAll('\n', hasBegun ? lineEnds[framing.lineEnd] : '\n');
  return array.element(text.trimEnd());
}

async function pause(waits: Waits, ms: number, answer: Answer): Promise<string | null> {
  await waits.until(() => answer.end ?? undefined, ms);
  return null;
}

async function held(step: StepOf<'hold'>, { waits, answer, isReleased, deadlineMs }: AnswerStage): Promise<string | null> {
  const untilMs = step.deadlineMs ?? deadlineMs;
  const waited = await waits.until(() => isReleased(step.hold) || answer.end !== null || undefined, untilMs);
  if (waited.ok) return null;
  return waited.reason === 'closed' ? 'the server was closed' : `'${step.hold}' was not released within ${untilMs} ms`;
}
