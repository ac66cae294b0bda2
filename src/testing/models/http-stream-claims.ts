/** What must hold for a stream after every step. */
import type { SnapshotFrom } from 'xstate';
import type { httpStreamMachine } from '../../../machines/stream/http-stream.js';
import type { StreamInput } from '../../../machines/stream/stream-events.js';
import type { Claim } from '../model/model.js';
import type { Run } from '../model/run.js';
import { innermost, outputIsItsEnd, tellsOneEnd } from './end-claims.js';

type Machine = typeof httpStreamMachine;

/** What it does: `atGate`, `requesting`, `refused`, `open`, `reading`, `backingOff`, `done`, `failed` or `cancelled`. */
export function phaseOf({ value }: SnapshotFrom<Machine>): string {
  return innermost(value);
}

const ends: Readonly<Record<string, string>> = { done: 'stream.completed', failed: 'stream.failed', cancelled: 'stream.cancelled' };

/** The claims about a stream with this input. */
export function claims(input: StreamInput): Readonly<Record<string, Claim<Machine>>> {
  return {
    'its request lives exactly while it attempts, and knows which attempt it is': (stream) => {
      const running = stream.of('request');
      const isAttempting = ['atGate', 'requesting', 'refused', 'open', 'reading'].includes(phaseOf(stream.snapshot));
      if (running.length !== (isAttempting ? 1 : 0)) return `${running.length} requests while it is ${phaseOf(stream.snapshot)}`;
      const attempt = stream.fakes.filter(({ src }) => src === 'request').length;
      if (attempt > input.maxAttempts) return `${attempt} attempts`;
      const [one] = running;
      return one === undefined || JSON.stringify(one.input) === JSON.stringify({ attempt })
        ? undefined
        : `attempt ${attempt}: ${JSON.stringify(one.input)}`;
    },
    'it stands at a gate only where there is one': ({ snapshot }) =>
      phaseOf(snapshot) !== 'atGate' || snapshot.context.isBehindGate ? undefined : 'there is none',
    'it knows a refusal exactly while it reads one': ({ snapshot }) => {
      const isRead = phaseOf(snapshot) === 'refused';
      return snapshot.status !== 'active' || (snapshot.context.refusal !== null) === isRead ? undefined : `it is ${phaseOf(snapshot)}`;
    },
    'its delivery lives as long as it does, and is the only one': (stream) => {
      const running = stream.of('delivery').length;
      const all = stream.fakes.filter(({ src }) => src === 'delivery').length;
      return all === 1 && running === (stream.isActive ? 1 : 0) ? undefined : `${running} deliveries`;
    },
    'it tells exactly one end, and nothing after it': tellsOneEnd(ends, phaseOf),
    'its output is the end that it told, and its exit fits': outputIsItsEnd(({ notes, snapshot }: Run<Machine>) => {
      const { cancellation, exit, failure } = snapshot.context;
      if (phaseOf(snapshot) === 'failed') return { crash: failure };
      return cancellation?.by === 'supervisor' ? (notes['exit'] ?? exit) : 'normal';
    }),
    'no deadline is missed': ({ clock, notes, snapshot }) => {
      const waited = clock.now() - Number(notes['since'] ?? 0);
      const phase = phaseOf(snapshot);
      if (snapshot.status === 'active' && clock.now() >= input.totalMs) return `it goes on after ${clock.now()} ms`;
      if (phase === 'refused' && waited >= Math.min(input.connectMs, input.stallMs)) return `a refusal is read for ${waited} ms`;
      if (phase === 'requesting' && waited >= input.connectMs) return `no headers for ${waited} ms`;
      if (phase === 'backingOff' && waited >= Math.max(100, snapshot.context.failure?.retryAfterMs ?? 0)) return `it waits for ${waited} ms`;
      return undefined;
    },
    'it asks how quiet it is when it may have been for too long': (stream) => {
      const { clock, notes, snapshot } = stream;
      if (!['open', 'reading'].includes(phaseOf(snapshot))) return undefined;
      const asked = (stream.of('request').at(-1)?.received ?? []).length;
      const waited = clock.now() - Number(notes['since'] ?? 0);
      return waited < input.stallMs - snapshot.context.quietMs || asked > 0 ? undefined : `quiet for ${waited} ms, and nobody asked`;
    },
  };
}
