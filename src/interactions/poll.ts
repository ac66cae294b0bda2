/** The actor `poll` of an interaction: asks once how it stands, and tells the target where that has changed. */
import { type AnyActorRef, fromCallback } from 'xstate';
import type { InteractionEvent, PollInput } from '../../machines/interactions/interaction-events.js';
import { verdictOf } from '../../machines/interactions/interaction-state.js';
import { failureOf, type StreamFailure } from '../../machines/stream/outcome.js';
import { deliveryOf, tellLoss } from '../stream/delivery.js';
import { clockOf } from '../supervision/clock.js';
import { parentOf } from '../supervision/xstate-internals.js';
import { readInteraction } from '../wire/gemini/interactions.js';
import { accountOf } from './account.js';
import { inquire, type InquiryPlan } from './inquiry.js';
import { breachOf } from './breach.js';

/** How an interaction asks for its status. */
export interface PollOptions {
  planFor(id: string): InquiryPlan;
}

/** The logic of one question. */
export function poll({ planFor }: PollOptions) {
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
    const inquiry = inquire(plan, clockOf(system), self);
    const life = { isOver: false };
    const report = (event: InteractionEvent): void => {
      if (!life.isOver) sendBack(event);
    };
    const fail = (failure: StreamFailure, isRetryable: boolean): void =>
      report({ type: 'poll.failed', breach: { ...breachOf(failure), isRetryable } });
    const run = async (): Promise<void> => {
      const answer = await inquiry.answer();
      if (life.isOver) return;
      if (!answer.ok) return report({ type: 'poll.failed', breach: breachOf(answer.failure) });
      // A page of something between says nothing of the interaction: it may be asked again.
      if (answer.value === null) return fail(failureOf('malformed', 'shape', 'the answer is no interaction'), true);
      const resource = readInteraction(answer.value);
      if (resource === null) return fail(failureOf('malformed', 'shape', 'the answer is no interaction'), false);
      if ((resource.status ?? '') === '')
        return fail(failureOf('malformed', 'noStatus', 'the answer does not say how the interaction stands'), false);
      const before = account.polledStatus;
      const status = account.takeWhole(resource);
      account.polledStatus = status;
      if (status !== before) lane.give({ type: 'polled', interaction: resource });
      const isGood = ['completed', 'requiresAction', 'requiresContinuation'].includes(verdictOf(status));
      if (isGood && account.isCut)
        return fail(failureOf('truncated', 'noSteps', `it is '${status}', its events were cut, and the answer has no steps`), false);
      if (isGood) lane.give({ type: 'answer', answer: account.answer() });
      while (!lane.isDrained && !life.isOver) await lane.changed();
      report({ type: 'poll.answered', status, cursor: account.cursor() });
    };
    void run();
    return () => {
      life.isOver = true;
      inquiry.cancel();
    };
  });
}
