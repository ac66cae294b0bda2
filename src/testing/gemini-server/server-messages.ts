/**
 * From a step that speaks to the messages it sends, and from a message to a frame. Pure.
 *
 * @see Gemini API, Live API: WebSockets API reference — shapes, order of a turn, and the framing of the real server
 */
import type { Step } from './steps.js';

/** One frame to send. */
export interface OutgoingFrame {
  readonly payload: Buffer;
  readonly binary: boolean;
}

/** The messages that this step sends, in order; null for a step that sends none (it waits, or it closes). */
export function messagesOf(step: Step): readonly object[] | null {
  if ('send' in step) return Array.isArray(step.send) ? step.send : [step.send];
  if ('callTools' in step) return [{ toolCall: { functionCalls: step.callTools.map((call) => ({ ...call, args: call.args ?? {} })) } }];
  if ('say' in step) {
    const texts = typeof step.say === 'string' ? [step.say] : step.say;
    const spoken = texts.map((text) => ({ serverContent: { modelTurn: { role: 'model', parts: [{ text }] } } }));
    const end = [{ serverContent: { generationComplete: true } }, { serverContent: { turnComplete: true } }];
    return step.turnComplete === false ? spoken : [...spoken, ...end];
  }
  if ('interrupt' in step) return [{ serverContent: { interrupted: true } }, { serverContent: { turnComplete: true } }];
  if ('cancel' in step) return [{ toolCallCancellation: { ids: step.cancel } }];
  if ('goAway' in step) return [{ goAway: { timeLeft: `${step.goAway.timeLeftMs / 1000}s` } }];
  if ('resumption' in step) {
    const { handle } = step.resumption;
    return [{ sessionResumptionUpdate: handle === null ? { newHandle: '', resumable: false } : { newHandle: handle, resumable: true } }];
  }
  return null;
}

/** A message as the real server frames it: pretty-printed with a trailing newline when binary; compact as text. */
export function frameOf(message: object, binary: boolean): OutgoingFrame {
  return { payload: Buffer.from(binary ? `${JSON.stringify(message, null, 2)}\n` : JSON.stringify(message)), binary };
}

/** The handle that a message gives, if it gives one to resume with. */
export function handleIn(message: object): string | null {
  const { newHandle, resumable } =
    (message as { sessionResumptionUpdate?: { newHandle?: unknown; resumable?: unknown } }).sessionResumptionUpdate ?? {};
  return resumable === true && typeof newHandle === 'string' && newHandle !== '' ? newHandle : null;
}
