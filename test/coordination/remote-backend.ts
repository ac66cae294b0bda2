/** A backend on a node of a simulated network, and how others reach it: by messages, of which any may be lost, late or doubled. */
import { memoryBackend } from '../../src/backend/memory.js';
import type { Backend, CallOptions, Refused, Unknown, WatchAnswer } from '../../src/backend/port.js';
import type { SimulatedNode } from '../../src/testing/network/node.js';

type Asked = { readonly method: keyof Backend | 'changes'; readonly args: readonly unknown[] };

interface TooOld {
  readonly outcome: 'tooOld';
}

const unavailable: Refused = { outcome: 'refused', reason: 'unavailable' };
const unknown: Unknown = { outcome: 'unknown', reason: 'lost' };
/** How long a question for changes is kept there before it is answered that there are none, ms. */
const keptMs = 100;

/** Runs one on that node; it has no place of its own to keep anything, so the node must be spared. */
export function serveBackend(node: SimulatedNode): void {
  const backend = memoryBackend({ clock: node.clock });
  node.onRequest(async (request) => {
    const { method, args } = request as Asked;
    if (method !== 'changes') return (backend[method] as (...call: readonly unknown[]) => Promise<unknown>)(...args);
    const [prefix, from] = args as [string, number];
    const begun = await backend.watch(prefix, { from });
    if (begun.outcome !== 'ok') return begun;
    const answer = await begun.watch.next({ withinMs: keptMs });
    begun.watch.close();
    return answer;
  });
}

/** That backend, for the actors of another node. A write whose answer does not come is unknown, and a read is refused. */
export function remoteBackend(node: SimulatedNode, name: string, mostMs: number): Backend {
  const ask = async <Answer>(method: Asked['method'], args: readonly unknown[], lost: Answer, call: CallOptions = {}): Promise<Answer> => {
    const sent = args.map((arg) => (typeof arg === 'object' && arg !== null && ('signal' in arg || 'withinMs' in arg) ? withoutSignal(arg) : arg));
    const reply = await node.call<Answer>(name, { method, args: sent }, { timeoutMs: Math.min(call.withinMs ?? mostMs, mostMs) });
    return reply.ok ? reply.reply : lost;
  };
  return {
    get: (key) => ask('get', [key], unavailable),
    list: (prefix, options = {}) => ask('list', [prefix, options], unavailable, options),
    compareAndSet: (key, expected, value, options = {}) => ask('compareAndSet', [key, expected, value, options], unknown, options),
    delete: (key, expected, options = {}) => ask('delete', [key, expected], unknown, options),
    grant: (ttlMs, options = {}) => ask('grant', [ttlMs], unknown, options),
    renew: (lease, options = {}) => ask('renew', [lease], unknown, options),
    revoke: (lease, options = {}) => ask('revoke', [lease], unknown, options),
    status: () => ask('status', [], unavailable),
    // Nothing is kept at the other end, so that no lost answer can leave a change out: each question says from where.
    watch: async (prefix, { from = 1 } = {}) => {
      let [next, isClosed] = [from, false];
      const ended: WatchAnswer = { outcome: 'ended' };
      const once = async (signal?: AbortSignal): Promise<WatchAnswer> => {
        if (isClosed) return ended;
        if (signal?.aborted === true) return { outcome: 'cancelled' };
        const answer = await ask<WatchAnswer | TooOld>('changes', [prefix, next], {
          outcome: 'quiet',
          revision: next - 1,
        });
        if (isClosed) return ended;
        if (answer.outcome === 'tooOld') return { outcome: 'gap', from: next, revision: next };
        if (answer.outcome === 'changes' || answer.outcome === 'quiet') next = Math.max(next, answer.revision + 1);
        return answer;
      };
      return { outcome: 'ok', watch: { next: ({ signal } = {}) => once(signal), close: () => void (isClosed = true) } };
    },
  };
}

/** A signal stays where it is: it cannot be copied. */
function withoutSignal(options: object): object {
  return Object.fromEntries(Object.entries(options).filter(([name]) => name !== 'signal'));
}
