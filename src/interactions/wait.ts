/** Waiting until an interaction is over, by asking how it stands. */
import { createActor } from 'xstate';
import type { StreamMessage } from '../stream/target.js';
import type { InteractionResource } from '../wire/gemini/interactions.js';
import { accountOf, type InteractionStreamEvent } from './account.js';
import { type InteractionOutcome, interactionOutcome } from './handle.js';
import { interactionLogic } from './interaction.js';
import { type ClientPlan, pathOf } from './options.js';
import { duration, requireFunction, requireOptions, requireSignal } from './refusal.js';

/** How it is waited. */
export interface WaitOptions {
  /** Between two questions, ms. Default: the client's, 2 000. */
  readonly pollMs?: number;
  /** Altogether, ms. Default 300 000. */
  readonly timeoutMs?: number;
  /** Ends the waiting; the interaction goes on. */
  readonly signal?: AbortSignal;
  /** Told each status that differs from the last one. What it throws ends the waiting, `targetThrew`; a promise is waited for. */
  readonly onStatus?: (status: string, interaction: InteractionResource) => unknown;
}

/** Long enough for an outage, and for any pause that the server asks for: the deadline is the bound. */
const patient = Number.MAX_SAFE_INTEGER;

/** See `waitForCompletion`. @throws EspalierError `interactions/invalid-options`, at the call */
export function waitFor(client: ClientPlan, id: string, options: WaitOptions): Promise<InteractionOutcome> {
  requireOptions('options', options, ['pollMs', 'timeoutMs', 'signal', 'onStatus']);
  const { onStatus, signal } = options;
  requireSignal(signal);
  requireFunction('onStatus', onStatus);
  const pollMs = duration('pollMs', options.pollMs, client.input.pollMs);
  const timeoutMs = duration('timeoutMs', options.timeoutMs, 300_000);
  pathOf(id);
  const target = (message: StreamMessage<InteractionStreamEvent>): unknown => {
    if (message.type !== 'stream.event' || message.event.type !== 'polled') return undefined;
    return onStatus?.(message.event.interaction.status ?? '', message.event.interaction);
  };
  const logic = interactionLogic(
    client,
    {
      start: 'poll',
      id,
      lastEventId: null,
      isWhole: false,
      options: signal === undefined ? {} : { signal },
      input: { pollMs, totalMs: timeoutMs, maxAttempts: patient, maxRetryAfterMs: patient },
    },
    { target: target as never, demand: 'automatic' },
  );
  const ref = createActor(logic, { clock: client.clock, id: 'interaction' });
  accountOf(ref).begin({ id, lastEventId: null });
  return new Promise((resolve) => {
    const look = (): void => resolve(interactionOutcome(ref));
    ref.subscribe({ complete: look, error: look });
    ref.start();
  });
}
