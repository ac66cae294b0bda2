/** The actor `poll` of an interaction: asks once how it stands, and tells the target where that has changed. */
import { type AnyActorRef, fromCallback } from 'xstate';
import type { InteractionEvent, PollInput } from '../../machines/interactions/interaction-events.js';
import { failureOf, type StreamFailure } from '../../machines/stream/outcome.js';
import { type BehindGate, Pass, reportOf } from '../gate/behind.js';
import type { AttemptReport } from '../gate/permit.js';
import { deliveryOf, tellLoss } from '../stream/delivery.js';
import { clockOf } from '../supervision/clock.js';
import { parentOf } from '../supervision/xstate-internals.js';
import { readInteraction } from '../wire/gemini/interactions.js';
import { accountOf, isGood } from './account.js';
import { inquire, type InquiryPlan } from './inquiry.js';
import { breachOf } from './breach.js';

/** How an interaction asks for its status. */
export interface PollOptions {
  readonly gate: BehindGate | undefined;
  planFor(id: string): InquiryPlan;
}

/** So long a gate may take to answer, ms: one of this process does so at once, another of the app's own may never. */
const tellMs = 1_000;

/** The logic of one question. */
export function poll({ gate, planFor }: PollOptions) {
  return fromCallback<{ type: 'poll.none' }, PollInput>(({ input, self, sendBack, system }) => {
    const interaction = parentOf(self) as AnyActorRef;
    const place = deliveryOf(interaction);
    tellLoss(self, 'poll');
    if (place === undefined || place.isVoid || input.id === null) return undefined;
    const { lane } = place;
    const account = accountOf(interaction);
    account.begin({ id: input.id, lastEventId: null });
    const plan = planFor(input.id);
    account.secrets = plan.secrets;
    const clock = clockOf(system);
    const inquiry = inquire(plan, clock, self);
    const life = { isOver: false, goOn: () => {} };
    const report = (event: InteractionEvent): void => {
      if (!life.isOver) sendBack(event);
    };
    const fail = (failure: StreamFailure, isRetryable: boolean): void =>
      report({ type: 'poll.failed', breach: { ...breachOf(failure), isRetryable } });
    const run = async (): Promise<void> => {
      const answer = await inquiry.answer();
      if (life.isOver) return;
      if (!answer.ok) {
        const breach = breachOf(answer.failure);
        const told = reportOf(breach.failure);
        // Before it is told: whoever asks next finds the pause that the service wants.
        if (gate !== undefined && told.outcome === 'rateLimited') {
          await new Promise<void>((resolve) => {
            const deadline = clock.setTimeout(resolve, tellMs);
            life.goOn = () => {
              clock.clearTimeout(deadline);
              resolve();
            };
            void tellLimit(gate, self, told).then(life.goOn);
          });
        }
        return report({ type: 'poll.failed', breach });
      }
      // A page of something between says nothing of the interaction: it may be asked again.
      if (answer.value === null) return fail(failureOf('malformed', 'shape', 'the answer is no interaction'), true);
      const resource = readInteraction(answer.value);
      if (resource === null) return fail(failureOf('malformed', 'shape', 'the answer is no interaction'), false);
      const status = account.takeWhole(resource);
      const { fault, polledStatus } = account;
      if (fault?.code !== 'noStatus' && status !== polledStatus) lane.give({ type: 'polled', interaction: resource });
      if (fault !== null) return fail(fault, false);
      account.polledStatus = status;
      if (isGood(status)) lane.give({ type: 'answer', answer: account.answer() });
      while (!lane.isDrained && !life.isOver) await lane.changed();
      report({ type: 'poll.answered', status, cursor: account.cursor() });
    };
    void run();
    return () => {
      life.isOver = true;
      life.goOn();
      inquiry.cancel();
    };
  });
}

/**
 * Has the gate hear of a limit that a question has met. A question needs no permit, so one is had for the telling alone, where one is free at once; where
 * none is, those who hold them all find the limit out for themselves. It costs the key a request of its window; a gate that has no permit says `gate.refused`
 * of it. What a gate answers too late is told all the same, and given back.
 */
async function tellLimit({ gate, key }: BehindGate, self: AnyActorRef, told: AttemptReport): Promise<void> {
  const pass = new Pass({ gate, key, waitMs: 0 }, self, () => undefined);
  if ((await pass.enter()) === null) pass.leave(told);
}
