/** One request that is answered by one value of JSON. */
import type { AnyActorRef } from 'xstate';
import { openPlan, type Unfinished } from '../stream/http-stream.js';
import type { StreamPlan } from '../stream/options.js';
import type { Clock } from '../supervision/clock.js';
import type { BodyNews } from './body.js';

/** What is asked; its `openBody` gives {@link BodyNews}. */
export type InquiryPlan = StreamPlan;

/** A request under way. */
export interface Inquiry {
  /** Never rejects. `value` is null for an empty body. */
  answer(): Promise<{ readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly failure: Unfinished }>;
  cancel(): void;
}

/** Asks, by itself or beneath an actor, which has to cancel it when it ends. */
export function inquire(plan: InquiryPlan, clock: Clock, parent?: AnyActorRef): Inquiry {
  let value: unknown = null;
  const openBody: StreamPlan['openBody'] = (head) => {
    const body = plan.openBody(head);
    const give = (news: unknown): void => {
      const { kind, value: whole } = news as BodyNews & { readonly value?: unknown };
      if (kind === 'whole') value = whole;
    };
    return { feed: (bytes) => body.feed(bytes, give), end: () => body.end(give) };
  };
  const stream = openPlan<never>({ ...plan, openBody }, clock, parent);
  return {
    answer: async () => {
      const outcome = await stream.drain();
      return outcome.ok ? { ok: true, value } : { ok: false, failure: outcome.failure };
    },
    cancel: () => void stream.cancel('nobody needs it any more'),
  };
}
