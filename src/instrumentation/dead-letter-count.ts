/** How many dead letters of an event store nobody has dealt with, as `espalier.deadletter.count`. */
import { deadLetterStream } from '../events/dead-letters.js';
import type { EventStoreHandle } from '../event-store/handle.js';
import type { Metrics } from '../telemetry/metrics.js';
import { ownMetrics } from './own-metrics.js';

/**
 * Counts those that are there, and goes on with those that come, until it is ended or the store is; what it has counted is taken back then.
 * @throws EspalierError `telemetry/invalid-options` where the metrics have something else by that name
 */
export function countDeadLetters(metrics: Metrics, store: Pick<EventStoreHandle, 'subscribe'>): { unsubscribe(): void } {
  const { deadLetters } = ownMetrics(metrics);
  let counted = 0;
  const count = (difference: number): void => {
    counted += difference;
    deadLetters.add(difference);
  };
  const subscription = store.subscribe({ stream: deadLetterStream }, (events) => {
    for (const { type } of events) count(type === 'letter.buried' ? 1 : -1);
  });
  void subscription.ended.then(() => count(-counted));
  return { unsubscribe: () => subscription.unsubscribe() };
}
