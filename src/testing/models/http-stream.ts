/** The model of a stream: its request's part, its target's, the app's, a supervisor's, and time. */
import { httpStreamMachine } from '../../../machines/stream/http-stream.js';
import type { StreamInput } from '../../../machines/stream/stream-events.js';
import type { EventCase, Model } from '../model/model.js';
import type { Run } from '../model/run.js';
import { claims, phaseOf } from './http-stream-claims.js';

type Stream = Run<typeof httpStreamMachine>;
type Case = EventCase<typeof httpStreamMachine, never>;

const input: StreamInput = {
  ...{ connectMs: 200, stallMs: 200, totalMs: 550, maxAttempts: 2, maxRetryAfterMs: 300 },
  backoff: { minMs: 100, maxMs: 100, factor: 1, jitter: 0, resetAfterMs: 1_000 },
  isBehindGate: false,
};

const phases = ['atGate', 'requesting', 'refused', 'open', 'reading', 'backingOff'];
const attempting = ['atGate', 'requesting', 'refused', 'open', 'reading'];

/** Where it leads, by the phase that it meets; what it tells, where it leads anywhere. */
function leads(to: Readonly<Record<string, string>>, tells: (stream: Stream) => object | null = () => null) {
  return (stream: Stream): string | undefined => {
    const met = phaseOf(stream.before);
    const wanted = to[met] ?? met;
    const now = phaseOf(stream.snapshot);
    if (now !== wanted) return `it was ${met}, it is ${now}, not ${wanted}`;
    const told = to[met] === undefined ? null : tells(stream);
    const expected = JSON.stringify(told === null ? [] : [told]);
    return JSON.stringify(stream.emittedNow) === expected ? undefined : `told ${JSON.stringify(stream.emittedNow)}, not ${expected}`;
  };
}

const fromAll = (phase: string, among = phases): Readonly<Record<string, string>> => Object.fromEntries(among.map((from) => [from, phase]));
const failed = (failure: object) => ({ type: 'stream.failed', failure });

/** Ends it wherever it is. */
function cancels(payload: object, cancellation: object, event: Partial<Case> = {}): Case {
  return { weight: 0.25, payload: payload as never, owes: leads(fromAll('cancelled'), () => ({ type: 'stream.cancelled', cancellation })), ...event };
}

/** An attempt fails: tried again where it may be, before the first byte. */
function fails(failure: { readonly retryAfterMs?: number }, isRetryable: boolean): Case {
  const whole = { kind: 'refused' as const, code: 503, status: 'UNAVAILABLE', message: 'busy', ...failure };
  const delayMs = Math.max(100, failure.retryAfterMs ?? 0);
  return {
    payload: { failure: whole, isRetryable } as never,
    owes: (stream) => {
      const { attempt } = stream.before.context;
      const isAgain = isRetryable && attempt < input.maxAttempts && delayMs <= input.maxRetryAfterMs;
      const to = { ...fromAll('failed', attempting), ...(isAgain ? fromAll('backingOff', ['atGate', 'requesting', 'refused', 'open']) : {}) };
      const isAgainHere = isAgain && phaseOf(stream.before) !== 'reading';
      return leads(to, () => (isAgainHere ? { type: 'stream.retrying', attempt, delayMs, failure: whole } : failed(whole)))(stream);
    },
  };
}

const busy = (retryAfterMs: number) => ({ kind: 'refused' as const, code: 503, status: '', message: 'HTTP 503', retryAfterMs });

/** The headers of an answer that refuses, or more of its words. */
function refuses(retryAfterMs: number, isRetryable: boolean): Case {
  const failure = busy(retryAfterMs);
  return {
    payload: { failure, isRetryable } as never,
    owes: (stream) => {
      const { failure: known, refusal } = stream.snapshot.context;
      const isNoted = JSON.stringify([known, refusal]) === JSON.stringify([failure, { failure, isRetryable }]);
      const isHeard = ['requesting', 'refused'].includes(phaseOf(stream.before));
      return leads({ requesting: 'refused' })(stream) ?? (isNoted || !isHeard ? undefined : 'the refusal is not noted');
    },
  };
}

const summary = { status: 200, eventCount: 3, lastEventId: '7', retryMs: null };
const silence = { kind: 'stalled', code: 'timeout', status: '', message: 'no byte within 200 ms' };

/** No byte for too long: before the first one it may be tried again. */
function stalls(stream: Stream): string | undefined {
  const { attempt } = stream.before.context;
  const isAgain = phaseOf(stream.before) === 'open' && attempt < input.maxAttempts;
  const to = { open: isAgain ? 'backingOff' : 'failed', reading: 'failed' };
  return leads(to, () => (isAgain ? { type: 'stream.retrying', attempt, delayMs: 100, failure: silence } : failed(silence)))(stream);
}

/** The answer to how long it has been quiet. */
function quiet(quietMs: number): Case {
  const isStalled = quietMs >= input.stallMs;
  const still = (stream: Stream): string | undefined => {
    const isAsked = ['open', 'reading'].includes(phaseOf(stream.before));
    return !isAsked || stream.snapshot.context.quietMs === quietMs ? undefined : 'it does not know how quiet it was';
  };
  return {
    payload: { quietMs } as never,
    owes: isStalled ? stalls : (stream) => leads({})(stream) ?? still(stream),
  };
}

/** What 100 ms may do: all its time is up, no headers came, or it is time for the next attempt. */
function timePassed(stream: Stream): string | undefined {
  const { attempt } = stream.before.context;
  const met = phaseOf(stream.before);
  const timeout = (kind: string, message: string) => ({ kind, code: 'timeout', status: '', message });
  // A refusal is told as far as it came.
  const last = met === 'refused' ? stream.before.context.refusal?.failure : undefined;
  if (stream.clock.now() >= input.totalMs)
    return leads({ [met]: 'failed' }, () => failed(last ?? timeout('totalTimeout', 'no end within 550 ms')))(stream);
  if (met === phaseOf(stream.snapshot)) return undefined;
  if (met === 'backingOff') return leads({ backingOff: stream.before.context.isBehindGate ? 'atGate' : 'requesting' })(stream);
  if (met === 'refused') return wordless(stream);
  const failure = timeout('connectTimeout', 'no answer within 200 ms');
  if (attempt < input.maxAttempts)
    return leads({ requesting: 'backingOff' }, () => ({ type: 'stream.retrying', attempt, delayMs: 100, failure }))(stream);
  return leads({ requesting: 'failed' }, () => failed(failure))(stream);
}

/** The words of a refusal do not come: its status counts. */
function wordless(stream: Stream): string | undefined {
  const { attempt, failure, refusal } = stream.before.context;
  const delayMs = Math.max(100, failure?.retryAfterMs ?? 0);
  if (refusal?.isRetryable === true && attempt < input.maxAttempts && delayMs <= input.maxRetryAfterMs)
    return leads({ refused: 'backingOff' }, () => ({ type: 'stream.retrying', attempt, delayMs, failure }))(stream);
  return leads({ refused: 'failed' }, () => failed(failure as object))(stream);
}

const shutdown = { by: 'supervisor', reason: 'shutdown' };

export const httpStreamModel: Model<typeof httpStreamMachine> = {
  machine: httpStreamMachine,
  inputs: { 'a stream': input, 'a stream behind a gate': { ...input, isBehindGate: true } },
  events: {
    'stream.cancel': {
      'app: cancels': cancels({ reason: 'enough' }, { by: 'app', reason: 'enough' }),
      'signal: aborts': cancels({ by: 'signal' }, { by: 'signal', reason: '' }),
    },
    'supervisor.shutdown': {
      'supervisor: shutdown': cancels({ reason: ['shutdown', 'deploy'] }, shutdown),
      'supervisor: shutdown without a word': cancels({}, shutdown),
    },
    'stream.demand': {
      'target: wants three more': {
        payload: { count: 3 },
        owes: (stream) => {
          const last = stream.of('delivery').at(-1)?.received.at(-1);
          return leads({})(stream) ?? (JSON.stringify(last) === '{"type":"delivery.demand","count":3}' ? undefined : 'its delivery was not told');
        },
      },
    },
    'worker.lost': {
      'somebody kills its request': {
        weight: 0.25,
        payload: { worker: 'request', reason: 'killed' },
        owes: leads(fromAll('failed'), () =>
          failed({ kind: 'killed', code: 'killed', status: '', message: "its actor 'request' was ended from outside" }),
        ),
      },
    },
  },
  outcomes: {
    delivery: {
      reports: {
        'delivery.began': {
          'its target is there': {
            owes: (stream) => {
              const isRestored = stream.before.context.hasBegun;
              const interrupted = failed({
                ...{ kind: 'interrupted', code: 'restored', status: '', message: 'restored from a snapshot: its request is gone' },
              });
              const known = stream.snapshot.context.hasBegun ? undefined : 'it does not know that it has begun';
              return leads(isRestored ? fromAll('failed') : {}, () => interrupted)(stream) ?? known;
            },
          },
        },
        'target.gone': { 'its target dies': cancels({ reason: 'gone' }, { by: 'target', reason: 'gone' }) },
        'target.threw': {
          'its target throws': {
            weight: 0.25,
            payload: { reason: 'oops' },
            owes: leads(fromAll('failed'), () => failed({ kind: 'targetThrew', code: 'threw', status: '', message: 'oops' })),
          },
        },
      },
      error: { 'its delivery crashes': crash(fromAll('failed')) },
    },
    request: {
      reports: {
        'permit.granted': { 'its gate lets it pass': { owes: leads({ atGate: 'requesting' }) } },
        'response.opened': {
          'headers come': {
            payload: { status: 200 },
            owes: leads({ requesting: 'open' }, ({ before }) => ({ type: 'stream.opened', status: 200, attempt: before.context.attempt })),
          },
        },
        'response.refused': {
          'headers refuse, for now': refuses(100, true),
          'headers refuse for 301 ms': refuses(301, true),
          'headers refuse for good': refuses(0, false),
        },
        'body.began': {
          'bytes come': {
            owes: (stream) =>
              leads({ open: 'reading' })(stream) ??
              (phaseOf(stream.before) === 'open' && stream.snapshot.context.quietMs !== 0 ? 'it takes bytes for silence' : undefined),
          },
        },
        'body.quiet': { 'it was quiet for 100 ms': quiet(100), 'it was quiet for too long': quiet(200) },
        'body.ended': {
          'the body ends': {
            payload: { summary },
            owes: leads(fromAll('done', ['open', 'reading']), () => ({ type: 'stream.completed', summary })),
          },
        },
        'request.failed': {
          'it is refused, for now': fails({}, true),
          'it is told to come again in 300 ms': fails({ retryAfterMs: 300 }, true),
          'it is told to come again in 301 ms': fails({ retryAfterMs: 301 }, true),
          'it is refused for good': fails({}, false),
        },
      },
      error: { 'its request crashes': crash(fromAll('failed', attempting)) },
    },
  },
  delays: { '100 ms pass': { ms: 100, owes: timePassed } },
  key: ({ clock, notes, snapshot }) => {
    const { attempt, hasBegun, isBehindGate, quietMs, refusal, failure } = snapshot.context;
    return [
      isBehindGate,
      attempt,
      hasBegun,
      refusal,
      quietMs,
      failure,
      notes['due'],
      (clock.nextAt() ?? 0) - clock.now(),
      Math.min(clock.now(), input.totalMs),
    ];
  },
  invariants: claims(input),
  observe: (stream) => {
    const { clock, notes, snapshot } = stream;
    const asked = (stream.of('request').at(-1)?.received ?? []).length;
    const place = [phaseOf(snapshot), snapshot.context.attempt, snapshot.context.quietMs, asked].join();
    // An answer to the question begins the wait anew, also one that says the same as the last.
    const isAnswered = (snapshot as unknown) !== (stream.before as unknown) && stream.speaker !== undefined;
    if (notes['place'] === place && !isAnswered) return;
    Object.assign(notes, { place, since: clock.now() });
  },
  finish: (stream) => stream.send({ type: 'stream.cancel' }),
};

function crash(to: Readonly<Record<string, string>>) {
  return { error: new Error('no more'), owes: leads(to, () => failed({ kind: 'crashed', code: 'crash', status: '', message: 'no more' })) };
}
