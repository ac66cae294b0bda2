/** Agents that answer by a script, for protocols that are to be tried without comms. */
import type { RequestOutcome } from '../../machines/comms/request.js';
import type { RequestOptions, Requests } from '../../src/comms/port.js';
import type { Clock } from '../../src/supervision/clock.js';

/** What one agent makes of what it is asked: a value, an outcome made by {@link refusal}, or nothing ever (`silent`). */
export type Script = (body: unknown, call: RequestOptions) => unknown;

/** An agent that says nothing: what asks it hears `late`. */
export const silent = Symbol('silent');

/** What has no value. */
export function refusal(reason: Exclude<RequestOutcome, { ok: true }>['reason'], error?: unknown): RequestOutcome {
  return { ok: false, reason, ...(error === undefined ? {} : { error }) };
}

export interface ScriptedAgents extends Requests {
  /** Each that was put, in order. */
  readonly asked: readonly { readonly agent: string; readonly body: unknown; readonly key: string | undefined }[];
  /** Each that was taken back before it was answered. */
  readonly taken: readonly { readonly agent: string; readonly key: string | undefined }[];
}

function isOutcome(answer: unknown): answer is RequestOutcome {
  return typeof answer === 'object' && answer !== null && 'ok' in answer;
}

/** @param clock  by which `withinMs` counts */
export function scriptedAgents(clock: Clock, scripts: Readonly<Record<string, Script>>): ScriptedAgents {
  const asked: { agent: string; body: unknown; key: string | undefined }[] = [];
  const taken: { agent: string; key: string | undefined }[] = [];
  return {
    asked,
    taken,
    request: (agent, body, call = {}) => {
      const { key, signal, withinMs = 1_000 } = call;
      asked.push({ agent, body, key });
      const script = scripts[agent];
      if (script === undefined) return Promise.resolve(refusal('noAgent'));
      return new Promise((resolve) => {
        const timer = clock.setTimeout(() => settle(refusal('late')), withinMs);
        const settle = (outcome: RequestOutcome): void => {
          clock.clearTimeout(timer);
          signal?.removeEventListener('abort', take);
          resolve(outcome);
        };
        const take = (): void => {
          taken.push({ agent, key });
          settle(refusal('cancelled'));
        };
        signal?.addEventListener('abort', take, { once: true });
        Promise.resolve(script(body, call)).then(
          (answer) => {
            if (answer === silent) return;
            settle(isOutcome(answer) ? answer : { ok: true, value: answer });
          },
          (error: unknown) => settle(refusal('error', String(error))),
        );
      });
    },
  };
}
