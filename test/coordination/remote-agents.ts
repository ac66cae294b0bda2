/** Agents on nodes of a simulated network, and how another node asks them: by calls, of which any may be lost, late or twice. */
import type { RequestOutcome } from '../../machines/comms/request.js';
import type { Requests } from '../../src/comms/port.js';
import type { SimulatedNode } from '../../src/testing/network/node.js';
import { refusal } from './scripted-agents.js';

interface Asked {
  readonly key: string | undefined;
  readonly body: unknown;
}

/**
 * Has a node answer as the agent of its name. What it was asked by a key it answers once, as long as its process lives, and then repeats.
 * @returns has it forget what it has answered
 */
export function serveAgent(node: SimulatedNode, answer: (body: unknown, key: string | undefined) => unknown): () => void {
  const answered = new Map<string, unknown>();
  node.onRequest(async (request) => {
    const { key, body } = request as Asked;
    if (key === undefined) return answer(body, key);
    if (!answered.has(key)) answered.set(key, answer(body, key));
    return answered.get(key);
  });
  return () => answered.clear();
}

/**
 * Has a node answer as the agent of its name. What it was asked by a key it answers once, and then repeats, also after a crash: it is on its disk.
 * @param answer  is given the session, what was asked, and by which node
 * @param placeOf  where an answer is kept: what has one place has one answer
 */
export function serveAgentFromDisk(
  node: SimulatedNode,
  answer: (session: string, body: unknown, asker: string) => unknown,
  placeOf: (key: string, asker: string, body: unknown) => string = (key) => key,
): void {
  node.onRequest((request, asker) => {
    const { key = '', body } = request as Asked;
    const place = placeOf(key, asker, body);
    const kept = node.disk.read(place);
    if (kept !== undefined) return kept;
    const [session = ''] = key.split('/');
    const said = answer(session, body, asker);
    node.disk.write(place, said);
    return said;
  });
}

/** What a node has of the agents on the others: whoever is not heard of in time is late, a process that stood still meanwhile included. */
export function remoteAgents(node: SimulatedNode): Requests {
  return {
    request: (agent, body, { withinMs = 1_000, signal, key } = {}) => {
      const askedAt = node.clock.now();
      return new Promise<RequestOutcome>((resolve, reject) => {
        signal?.addEventListener('abort', () => resolve(refusal('cancelled')), { once: true });
        node.call(agent, { key, body } satisfies Asked, { timeoutMs: withinMs }).then((outcome) => {
          const isLate = !outcome.ok || node.clock.now() - askedAt > withinMs;
          resolve(isLate ? refusal('late') : { ok: true, value: outcome.reply });
        }, reject);
      });
    },
  };
}
