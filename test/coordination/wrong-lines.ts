/** Lines to agents on which one thing is wrong, whatever the protocol: for worlds that plant it. */
import type { Requests } from '../../src/comms/port.js';

/** Who is late is waited for without end. */
export const waitingForTheLate = (requests: Requests): Requests => ({
  request: async (agent, body, call) => {
    const outcome = await requests.request(agent, body, call);
    return outcome.ok ? outcome : new Promise(() => {});
  },
});

/** Who is late is waited for, so long. @param withinMs  in the place of what the protocol gives them */
export const waiting =
  (withinMs: number) =>
  (requests: Requests): Requests => ({ request: (agent, body, call = {}) => requests.request(agent, body, { ...call, withinMs }) });

/** What is asked again is another question. */
export function askingAnew(requests: Requests): Requests {
  let asked = 0;
  return { request: (agent, body, call) => requests.request(agent, body, { ...call, key: `${call?.key ?? ''}/${asked++}` }) };
}

/** What is asked otherwise in the same place is the same question: keys do not tell what it was derived of. */
export const askingByPlace = (requests: Requests): Requests => ({
  request: (agent, body, call = {}) => requests.request(agent, body, { ...call, key: (call.key ?? '').split('/').slice(0, 2).join('/') }),
});
