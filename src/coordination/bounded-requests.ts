/** Answers as a protocol can keep them. */
import { jsonTextOf } from '../backend/checks.js';
import type { Requests } from '../comms/port.js';
import { bytesOf } from '../wire/recording/bytes.js';

/** Answers are copies, which nobody changes any more. What is no JSON, or longer than so many bytes of it, becomes null, which is no answer. */
export function boundedRequests(requests: Requests, maxBytes: number): Requests {
  const kept = (value: unknown): unknown => {
    try {
      const text = jsonTextOf(value);
      return bytesOf(text) <= maxBytes ? (JSON.parse(text) as unknown) : null;
    } catch {
      return null;
    }
  };
  return {
    request: async (agent, body, options) => {
      const outcome = await requests.request(agent, body, options);
      return outcome.ok ? { ok: true, value: kept(outcome.value) } : outcome;
    },
  };
}
