/** The model of an interaction: its requests' part, its target's, the app's, a supervisor's, and time. */
import { interactionMachine } from '../../../machines/interactions/interaction.js';
import type { Breach, Cursor, InteractionInput } from '../../../machines/interactions/interaction-events.js';
import type { StreamFailure } from '../../../machines/stream/outcome.js';
import type { EventCase, Model } from '../model/model.js';
import type { Run } from '../model/run.js';
import { asked, claims, exchanging, phaseOf } from './interaction-claims.js';

type Interaction = Run<typeof interactionMachine>;
type Case = EventCase<typeof interactionMachine, never>;

const limits = {
  ...{ totalMs: 1_000, pollMs: 50, maxAttempts: 2, maxRetryAfterMs: 300 },
  backoff: { minMs: 100, maxMs: 100, factor: 1, jitter: 0, resetAfterMs: 1_000 },
  isBehindGate: false,
};
const inputs: Readonly<Record<string, InteractionInput>> = {
  'one that is created': { ...limits, start: 'create', id: null, lastEventId: null },
  'one that is gone on with': { ...limits, start: 'resume', id: 'v1', lastEventId: 'e1' },
  'one that is read from its start': { ...limits, start: 'resume', id: 'v1', lastEventId: null },
  'one that is created behind a gate': { ...limits, start: 'create', id: null, lastEventId: null, isBehindGate: true },
  'one that is waited for': { ...limits, start: 'poll', id: 'v1', lastEventId: null },
};

const everywhere = ['atGate', 'asking', 'streaming', 'backingOff', 'polling', 'pausing'];

/** Where it leads, by the phase that it meets; what it tells, where it leads anywhere. */
function leads(to: Readonly<Record<string, string>>, tells: (run: Interaction) => object | null = () => null) {
  return (run: Interaction): string | undefined => {
    const met = phaseOf(run.before);
    const wanted = to[met] ?? met;
    const now = phaseOf(run.snapshot);
    if (now !== wanted) return `it was ${met}, it is ${now}, not ${wanted}`;
    const told = to[met] === undefined ? null : tells(run);
    const expected = JSON.stringify(told === null ? [] : [told]);
    return JSON.stringify(run.emittedNow) === expected ? undefined : `told ${JSON.stringify(run.emittedNow)}, not ${expected}`;
  };
}

const all = (phase: string, among = everywhere): Readonly<Record<string, string>> => Object.fromEntries(among.map((from) => [from, phase]));
const failed = (failure: object) => ({ type: 'stream.failed', failure });

const exchangesOf = ({ fakes }: Pick<Interaction, 'fakes'>): number => fakes.filter(({ src }) => src === 'exchange').length;

/** A failure while nothing is known of a creation: nobody knows whether there is one. */
function doubtful(run: Interaction, failure: StreamFailure): object {
  const { ask, id } = run.before.context;
  const isInDoubt = asked.includes(phaseOf(run.before)) && ask === 'create' && id === null && run.notes['refused'] !== exchangesOf(run);
  return isInDoubt ? unknown(failure) : failure;
}

function unknown(failure: StreamFailure): StreamFailure {
  return { ...failure, kind: 'creationUnknown', message: `whether it was created is not known (${failure.kind}): ${failure.message}` };
}

function cancels(payload: object, cancellation: object): Case {
  return { weight: 0.25, payload: payload as never, owes: leads(all('cancelled'), () => ({ type: 'stream.cancelled', cancellation })) };
}

function crash(among: readonly string[]) {
  const dead = { kind: 'crashed', code: 'crash', status: '', message: 'no more' } as const;
  return { error: new Error('no more'), owes: leads(all('failed', [...among]), (run) => failed(doubtful(run, dead))) };
}

const cursors = {
  'with ids': { id: 'v1', lastEventId: 'e7', eventCount: 3, canReplay: true },
  'with too many ids': { id: 'v1', lastEventId: 'e9', eventCount: 3, canReplay: false },
  'without ids': { id: 'v1', lastEventId: null, eventCount: 2, canReplay: false },
} satisfies Readonly<Record<string, Cursor>>;

/** The server says that it is over. */
function over(status: string, phase: string, among: readonly string[], outcome?: string): Case {
  const cursor = cursors['with ids'];
  const summary = { status: 200, eventCount: 3, lastEventId: 'e7', retryMs: null, interactionId: 'v1', interactionStatus: status, outcome };
  const ends: Readonly<Record<string, object>> = {
    failed: failed({ kind: 'finish', code: status, status: '', message: `the interaction ended as '${status}'` }),
    cancelled: { type: 'stream.cancelled', cancellation: { by: 'server', reason: status } },
  };
  const end = ends[phase] ?? { type: 'stream.completed', summary };
  return {
    payload: { status, cursor } as never,
    owes: (run) => {
      const fault = leads(all(phase, [...among]), () => end)(run);
      if (fault !== undefined || !exchanging.includes(phaseOf(run.before)) || !among.includes('asking')) return fault;
      return run.snapshot.context.lastEventId === 'e7' ? undefined : 'it does not know its last event';
    },
  };
}

const network: StreamFailure = { kind: 'network', code: 'ECONNRESET', status: '', message: 'lost' };
const refused = (code: number, more: object = {}): StreamFailure => ({ kind: 'refused', code, status: '', message: 'no', ...more });

/** A request for events broke: where it goes on, by what it asks for. */
function breaks(breach: Breach, known: Cursor | null, next: (asked: string, run: Interaction) => string | null): Case {
  const cursorOf = ({ snapshot: { context } }: Interaction): Cursor =>
    known ?? { id: context.id, lastEventId: context.lastEventId, eventCount: 0, canReplay: true };
  return {
    payload: ((run: Interaction) => ({ breach, cursor: cursorOf(run) })) as never,
    owes: (run) => {
      const { ask, attempt, id, lastEventId, maxAttempts } = run.before.context;
      const cursor = known ?? { id, lastEventId };
      const goesOn = attempt < maxAttempts ? next(ask, run) : null;
      const delayMs = Math.max(100, breach.failure.retryAfterMs ?? 0);
      const isUnknown = breach.failure.kind !== 'creationUnknown' && ask === 'create' && cursor.id === null && breach.trace === 'unknown';
      const last = isUnknown ? unknown(breach.failure) : breach.failure;
      const fault = leads(all(goesOn === null ? 'failed' : 'backingOff', exchanging), () =>
        goesOn === null ? failed(last) : { type: 'interaction.retrying', ask: goesOn, attempt: attempt + 1, delayMs, failure: breach.failure },
      )(run);
      if (fault !== undefined || known === null || !exchanging.includes(phaseOf(run.before))) return fault;
      return run.snapshot.context.lastEventId === known.lastEventId ? undefined : 'it does not know its last event';
    },
  };
}

/** A request is refused, and what the server says of that may be still to come. */
function refuses(breach: Breach): Case {
  return {
    payload: { breach } as never,
    owes: (run) => {
      const isHeard = phaseOf(run.before) === 'asking';
      const isNoted = JSON.stringify(run.snapshot.context.refusal) === JSON.stringify(breach.failure);
      return leads({})(run) ?? (isNoted || !isHeard ? undefined : 'the refusal is not noted');
    },
  };
}

const lost: Breach = { failure: network, isRetryable: true, trace: 'unknown' };

/** Where it goes on that has read nothing more: a creation is asked for again only where it surely left nothing. */
const onward =
  (trace: Breach['trace']) =>
  (_: string, { before }: Interaction): string | null => {
    const { id, lastEventId, start } = before.context;
    if (id === null) return trace === 'none' ? 'create' : null;
    if (lastEventId !== null) return 'resume';
    return start === 'resume' ? 'replay' : 'poll';
  };
/** Past the retention of its events? */
const isPast = (asked: string, to: string): string | null => (asked === 'resume' ? to : null);

/** A question for its status failed. */
function pollFails(breach: Breach, mayGoOn: boolean): Case {
  return {
    payload: { breach } as never,
    owes: (run) => {
      const { attempt, maxAttempts } = run.before.context;
      const goesOn = mayGoOn && attempt < maxAttempts;
      const isCounted = phaseOf(run.before) !== 'polling' || run.snapshot.context.attempt === attempt + 1;
      const to = { polling: goesOn ? 'pausing' : 'failed' };
      return leads(to, () => (goesOn ? null : failed(breach.failure)))(run) ?? (isCounted ? undefined : 'it does not count the failure');
    },
  };
}

const shutdown = { by: 'supervisor', reason: 'shutdown' };
const killed: StreamFailure = { kind: 'killed', code: 'killed', status: '', message: "its actor 'exchange' was ended from outside" };

export const interactionModel: Model<typeof interactionMachine> = {
  machine: interactionMachine,
  inputs,
  events: {
    'stream.cancel': {
      'app: cancels': cancels({ reason: 'enough' }, { by: 'app', reason: 'enough' }),
      'signal: aborts': cancels({ by: 'signal' }, { by: 'signal', reason: '' }),
    },
    'supervisor.shutdown': {
      'supervisor: shutdown': {
        ...cancels({ reason: ['shutdown', 'deploy'] }, shutdown),
        run: (run) => {
          if (run.isActive) run.notes['exit'] = ['shutdown', 'deploy'];
          run.send({ type: 'supervisor.shutdown', reason: ['shutdown', 'deploy'] });
        },
      },
      'supervisor: shutdown without a word': cancels({}, shutdown),
    },
    'stream.demand': {
      'target: wants three more': {
        payload: { count: 3 },
        owes: (run) => {
          const last = run.of('delivery').at(-1)?.received.at(-1);
          return leads({})(run) ?? (JSON.stringify(last) === '{"type":"delivery.demand","count":3}' ? undefined : 'its delivery was not told');
        },
      },
    },
    'worker.lost': {
      'somebody kills its request': {
        weight: 0.25,
        payload: { worker: 'exchange', reason: 'killed' },
        owes: leads(all('failed'), (run) => failed(doubtful(run, killed))),
      },
    },
  },
  outcomes: {
    delivery: {
      reports: {
        'delivery.began': {
          'its target is there': {
            owes: (run) => {
              const { hasBegun: isRestored, id, start } = run.before.context;
              const gone = { kind: 'interrupted', code: 'restored', status: '', message: 'restored from a snapshot: its request is gone' } as const;
              const interrupted = start === 'create' && id === null ? unknown(gone) : gone;
              const known = run.snapshot.context.hasBegun ? undefined : 'it does not know that it has begun';
              return leads(isRestored ? all('failed') : {}, () => failed(interrupted))(run) ?? known;
            },
          },
        },
        'target.gone': { 'its target dies': cancels({ reason: 'gone' }, { by: 'target', reason: 'gone' }) },
        'target.threw': {
          'its target throws': {
            weight: 0.25,
            payload: { reason: 'oops' },
            owes: leads(all('failed'), (run) => failed(doubtful(run, { kind: 'targetThrew', code: 'threw', status: '', message: 'oops' }))),
          },
        },
      },
      error: { 'its delivery crashes': crash(everywhere) },
    },
    exchange: {
      reports: {
        'permit.granted': { 'its gate lets it pass': { owes: leads({ atGate: 'asking' }) } },
        'interaction.known': {
          'its id comes': {
            payload: { id: 'v1' },
            owes: (run) => {
              const met = phaseOf(run.before);
              const told = exchanging.includes(met) ? [{ type: 'interaction.known', id: 'v1' }] : [];
              if (phaseOf(run.snapshot) !== met || JSON.stringify(run.emittedNow) !== JSON.stringify(told)) return 'its id is not told';
              if (told.length === 0) return undefined;
              const { id, isInDoubt } = run.snapshot.context;
              return id === 'v1' && !isInDoubt ? undefined : `its id is ${id}, in doubt: ${isInDoubt}`;
            },
          },
        },
        'exchange.progressed': {
          'a new event comes': {
            owes: (run) => {
              const { attempt, failure } = run.snapshot.context;
              const isStale = phaseOf(run.before) === 'asking' && (attempt !== 0 || failure !== null);
              return leads({ asking: 'streaming' })(run) ?? (isStale ? 'it takes news for one more failure' : undefined);
            },
          },
        },
        'exchange.refused': {
          'headers refuse it': refuses({ failure: refused(400), isRetryable: false, trace: 'told' }),
          'headers refuse it, and nobody knows': refuses({ failure: refused(503), isRetryable: true, trace: 'unknown' }),
        },
        'exchange.over': {
          'it is completed': over('completed', 'completed', exchanging, 'completed'),
          'it is to be continued': over('requires_continuation', 'completed', exchanging, 'requiresContinuation'),
          'it was only created': over('in_progress', 'completed', exchanging, 'running'),
          'it requires an action': over('requires_action', 'requiresAction', exchanging, 'requiresAction'),
          'somebody has cancelled it': over('cancelled', 'cancelled', exchanging),
          'it has failed': over('failed', 'failed', exchanging),
          'it ended in a way that nobody knows': over('dreamt', 'failed', exchanging),
        },
        'exchange.broke': {
          'it breaks before anything came': breaks(lost, null, onward('unknown')),
          'no connection': breaks({ failure: { ...network, code: 'ECONNREFUSED' }, isRetryable: true, trace: 'none' }, null, onward('none')),
          'it breaks behind events with ids': breaks(lost, cursors['with ids'], () => 'resume'),
          'it breaks behind events without ids': breaks(lost, cursors['without ids'], () => 'poll'),
          'an earlier life of it is in doubt': breaks({ failure: unknown(network), isRetryable: false, trace: 'unknown' }, null, () => null),
          'it is refused': breaks({ failure: refused(404), isRetryable: false, trace: 'told' }, null, (asked) => isPast(asked, 'replay')),
          'it is refused, and too much came': breaks(
            { failure: refused(400), isRetryable: false, trace: 'told' },
            cursors['with too many ids'],
            (asked) => isPast(asked, 'poll'),
          ),
          'it is told to come again in 300 ms': breaks(
            { failure: refused(429, { retryAfterMs: 300 }), isRetryable: true, trace: 'none' },
            null,
            onward('none'),
          ),
          'it is told to come again in 301 ms': breaks(
            { failure: refused(503, { retryAfterMs: 301 }), isRetryable: true, trace: 'none' },
            null,
            () => null,
          ),
        },
      },
      error: { 'its request crashes': crash(exchanging) },
    },
    poll: {
      reports: {
        'poll.answered': {
          'it still runs': { ...over('in_progress', 'pausing', []), owes: goesOn },
          'it stands in a way that nobody knows': { ...over('dreaming', 'pausing', []), owes: goesOn },
          'it was completed': over('completed', 'completed', ['polling'], 'completed'),
          'it required an action': over('requires_action', 'requiresAction', ['polling'], 'requiresAction'),
          'it was cancelled': over('cancelled', 'cancelled', ['polling']),
          'it had failed': over('budget_exceeded', 'failed', ['polling']),
        },
        'poll.failed': {
          'the question is lost': pollFails(lost, true),
          'the question is refused': pollFails({ failure: refused(404), isRetryable: false, trace: 'told' }, false),
          'the question may come again in 301 ms': pollFails(
            { failure: refused(503, { retryAfterMs: 301 }), isRetryable: true, trace: 'none' },
            false,
          ),
        },
      },
      error: { 'its question crashes': crash(['polling']) },
    },
  },
  delays: { '50 ms pass': { ms: 50, owes: timeOut }, '500 ms pass': { ms: 500, owes: timeOut } },
  key: ({ clock, notes, snapshot }) => {
    const { ask, attempt, failure, hasBegun, id, isBehindGate, isInDoubt, lastEventId, refusal } = snapshot.context;
    const due = (clock.nextAt() ?? 0) - clock.now();
    return [isBehindGate, ask, attempt, failure?.kind, refusal?.code, hasBegun, id, isInDoubt, lastEventId, notes['untouched'], due];
  },
  corners: {
    'a way that ends in polls': ['one that is created', 'it breaks behind events without ids', '50 ms pass', '50 ms pass'],
    'no word at all': ['one that is created', '500 ms pass', '500 ms pass'],
    'news after a failure': ['one that is gone on with', 'it breaks before anything came', '50 ms pass', '50 ms pass', 'a new event comes'],
    'an answer after a failure': ['one that is waited for', 'the question is lost', '50 ms pass', '50 ms pass', 'it still runs'],
  },
  invariants: claims,
  observe: (run) => {
    const { clock, emittedNow, notes, snapshot } = run;
    const [told] = emittedNow as readonly { type: string; ask?: string }[];
    if (told?.type === 'interaction.retrying' && told.ask === 'create') notes['untouched'] = Number(notes['untouched'] ?? 0) + 1;
    const polls = run.fakes.filter(({ src }) => src === 'poll').length;
    const exchanges = exchangesOf(run);
    // This one has created nothing, whatever becomes of it.
    if (snapshot.context.refusal?.code === 400) notes['refused'] = exchanges;
    const place = [phaseOf(snapshot), polls, exchanges].join();
    if (notes['place'] !== place) Object.assign(notes, { place, since: clock.now() });
  },
  finish: (run) => run.send({ type: 'stream.cancel' }),
};

/** It is asked again, after a pause; what failed before is forgotten. */
function goesOn(run: Interaction): string | undefined {
  const { attempt, failure } = run.snapshot.context;
  const isStale = phaseOf(run.before) === 'polling' && (attempt !== 0 || failure !== null);
  return leads({ polling: 'pausing' })(run) ?? (isStale ? 'it takes an answer for one more failure' : undefined);
}

/** When all its time has passed it has failed; where a request was under way, in doubt as that was. */
function timeOut(run: Interaction): string | undefined {
  const met = phaseOf(run.before);
  if (!everywhere.includes(met) || run.clock.now() < limits.totalMs) return undefined;
  const { refusal } = run.before.context;
  const failure: StreamFailure = refusal ?? { kind: 'totalTimeout', code: 'timeout', status: '', message: `no end within ${limits.totalMs} ms` };
  const told = run.emitted.at(-1);
  if (phaseOf(run.snapshot) !== 'failed') return `it is ${phaseOf(run.snapshot)} after all its time`;
  if (!exchanging.includes(met)) return undefined;
  return JSON.stringify(told) === JSON.stringify(failed(doubtful(run, failure))) ? undefined : `told ${JSON.stringify(told)}`;
}
