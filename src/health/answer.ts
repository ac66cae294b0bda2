/** What a check may say, read; and how an actor is asked. */
import type { AnyActorRef } from 'xstate';
import type { Answer, Because } from '../../machines/health/probe.js';
import type { Outcome } from '../../machines/health/verdict.js';
import { isObject } from '../option-checks.js';

/**
 * What a check says: nothing or true is ok, false is failed, null is nothing to say, which is no result. Anything else counts as degraded: who answers oddly is
 * not well.
 */
export type Said = void | boolean | null | Outcome | { readonly outcome: Outcome; readonly detail?: string };

/** What an actor is sent that a probe asks. It is sent only while the actor's present state handles it. */
export interface HealthCheck {
  readonly type: 'health.check';
  /** To be repeated in the answer. */
  readonly check: string;
  /** Whom to answer. */
  readonly from: AnyActorRef;
}

/** Its answer, to `from`. One to a check that is over is dropped. */
export interface HealthAnswer {
  readonly type: 'health.answer';
  readonly check: string;
  readonly outcome: Outcome;
  readonly detail?: string;
}

/** Of a detail, so many characters are kept. */
const longestDetail = 200;

function isOutcome(value: unknown): value is Outcome {
  return value === 'ok' || value === 'degraded' || value === 'failed';
}

function answer(outcome: Outcome, because: Because, detail: unknown = null): Answer {
  return { outcome, because, detail: typeof detail === 'string' && detail !== '' ? detail.slice(0, longestDetail) : null };
}

/** @returns null where nothing was said. @throws never */
export function answerOf(said: unknown, because: Because = 'said'): Answer | null {
  if (said === null) return null;
  if (said === undefined || said === true) return answer('ok', because);
  if (said === false) return answer('failed', because);
  if (isOutcome(said)) return answer(said, because);
  try {
    if (isObject(said) && isOutcome(said['outcome'])) return answer(said['outcome'], because, said['detail']);
  } catch {
    // A getter that throws is an odd answer.
  }
  return answer('degraded', 'misanswered');
}

/** Each result is an object of its own: that is how the table knows that it is a new one. */
export const noproc = (): Answer => answer('failed', 'noproc');
export const timeout = (): Answer => answer('failed', 'timeout');

/** What was thrown: its kind and code. Its message is not kept: it may hold an address with a key. @throws never */
export function answerOfFault(fault: unknown): Answer {
  try {
    const { name, code } = (fault ?? {}) as { name?: unknown; code?: unknown };
    const words = [name, code].filter((word) => typeof word === 'string' && /^[A-Za-z][\w.-]{0,60}$/.test(word));
    return answer('failed', 'threw', words.join(' '));
  } catch {
    return answer('failed', 'threw');
  }
}
