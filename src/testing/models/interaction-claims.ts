/** What must hold for an interaction after every step. */
import type { SnapshotFrom } from 'xstate';
import type { interactionMachine } from '../../../machines/interactions/interaction.js';
import type { InteractionInput } from '../../../machines/interactions/interaction-events.js';
import type { Claim } from '../model/model.js';
import type { Run } from '../model/run.js';
import { innermost, outputIsItsEnd, tellsOneEnd } from './end-claims.js';

type Machine = typeof interactionMachine;

/** What it does: `atGate`, `asking`, `streaming`, `backingOff`, `polling`, `pausing`, or how it ended. */
export function phaseOf({ value }: SnapshotFrom<Machine>): string {
  const phase = innermost(value);
  return phase === 'asking' && JSON.stringify(value).includes('"polling"') ? 'polling' : phase;
}

/** Phases in which a request for events lives. */
export const exchanging = ['atGate', 'asking', 'streaming'];
/** Those in which something was asked for. */
export const asked = ['asking', 'streaming'];

const ends: Readonly<Record<string, string>> = {
  ...{ completed: 'stream.completed', requiresAction: 'stream.completed' },
  ...{ failed: 'stream.failed', cancelled: 'stream.cancelled' },
};

const inputOf = (run: Run<Machine>): InteractionInput => run.snapshot.context;

/** The claims about any interaction. */
export const claims: Readonly<Record<string, Claim<Machine>>> = {
  'it stands at a gate only where there is one, and nothing is in doubt there': ({ snapshot }) => {
    if (phaseOf(snapshot) !== 'atGate') return undefined;
    const { isBehindGate, isInDoubt } = snapshot.context;
    return isBehindGate && !isInDoubt ? undefined : `gate: ${isBehindGate}, in doubt: ${isInDoubt}`;
  },
  'it creates again only after a creation that surely left nothing': ({ fakes, notes }) => {
    const creations = fakes.filter(({ input, src }) => src === 'exchange' && (input as { ask: string }).ask === 'create').length;
    const allowed = 1 + Number(notes['untouched'] ?? 0);
    return creations <= allowed ? undefined : `${creations} creations, ${allowed} allowed`;
  },
  'a request lives exactly while it is asked for, and knows what for': (run) => {
    const phase = phaseOf(run.snapshot);
    const exchanges = run.of('exchange');
    const polls = run.of('poll');
    if (exchanges.length !== (exchanging.includes(phase) ? 1 : 0)) return `${exchanges.length} requests for events while it is ${phase}`;
    if (polls.length !== (phase === 'polling' ? 1 : 0)) return `${polls.length} requests for its status while it is ${phase}`;
    const { ask, id, lastEventId } = run.snapshot.context;
    const [one] = exchanges;
    const asked = one?.input as { ask: string; id: string | null; lastEventId: string | null } | undefined;
    if (asked !== undefined && (asked.ask !== ask || asked.lastEventId !== lastEventId)) return JSON.stringify(asked);
    if (asked !== undefined && asked.ask !== 'create' && asked.id !== id) return JSON.stringify(asked);
    const [question] = polls;
    return question === undefined || (question.input as { id: unknown }).id === id ? undefined : JSON.stringify(question.input);
  },
  'it polls where it is to, and backs off from failures only': (run) => {
    const phase = phaseOf(run.snapshot);
    const { ask, attempt } = run.snapshot.context;
    if (exchanging.includes(phase) && ask === 'poll') return 'it asks for events where it is to poll';
    if (['polling', 'pausing'].includes(phase) && ask !== 'poll') return `it polls where it is to ${ask}`;
    return phase === 'backingOff' && attempt === 0 ? 'it backs off from nothing' : undefined;
  },
  'its delivery lives as long as it does, and is the only one': (run) => {
    const running = run.of('delivery').length;
    const all = run.fakes.filter(({ src }) => src === 'delivery').length;
    return all === 1 && running === (run.isActive ? 1 : 0) ? undefined : `${running} deliveries`;
  },
  'it tells exactly one end, and nothing after it': tellsOneEnd(ends, phaseOf),
  'its output is the end that it told, and its exit fits': outputIsItsEnd(({ notes, snapshot }: Run<Machine>) => {
    const { cancellation, failure } = snapshot.context;
    // No restart may make a creation in doubt a second time.
    if (phaseOf(snapshot) === 'failed') return failure?.kind === 'creationUnknown' ? ['shutdown', failure] : { crash: failure };
    return cancellation?.by === 'supervisor' ? (notes['exit'] ?? 'shutdown') : 'normal';
  }),
  'it goes on no more often in a row than it may': (run) => {
    const { attempt, maxAttempts } = run.snapshot.context;
    return !run.isActive || attempt <= maxAttempts ? undefined : `attempt ${attempt}`;
  },
  'no deadline is missed': (run) => {
    const { clock, notes, snapshot } = run;
    const waited = clock.now() - Number(notes['since'] ?? 0);
    const phase = phaseOf(snapshot);
    const { pollMs, totalMs } = inputOf(run);
    if (run.isActive && clock.now() >= totalMs) return `it goes on after ${clock.now()} ms`;
    const { retryAfterMs = 0 } = snapshot.context.failure ?? {};
    if (phase === 'backingOff' && waited >= Math.max(100, retryAfterMs)) return `it waits for ${waited} ms`;
    const pause = snapshot.context.failure === null ? pollMs : Math.max(pollMs, 100, retryAfterMs);
    return phase === 'pausing' && waited >= pause ? `it pauses for ${waited} ms` : undefined;
  },
};
