/** The model of an inspector's chart: its server's part, the app's and the supervisor's. */
import { inspectorMachine, type InspectorInput } from '../../../machines/inspector/inspector.js';
import { reasonOfOutput } from '../../../machines/supervision/exit.js';
import type { EventCase, Model } from '../model/model.js';
import type { Run } from '../model/run.js';
import { noteTold, same, toldNow } from './looks.js';

type InspectorRun = Run<typeof inspectorMachine>;
type Case = EventCase<typeof inspectorMachine, never>;

const input: InspectorInput = { listenMs: 300, closeMs: 100 };

/** Where it is: `listening`, `serving`, `closing`, `closed` or `failed`. */
function place({ snapshot: { value } }: Pick<InspectorRun, 'snapshot'>): string {
  return typeof value === 'string' ? value : (value as { open: string }).open;
}

/** It stays where it is, or goes there from these places; with these facts and orders. */
function goes(to: Readonly<Record<string, string>>, facts: readonly object[] = []): NonNullable<Case['owes']> {
  return (run) => {
    const met = place({ snapshot: run.before });
    const wanted = to[met] ?? met;
    if (place(run) !== wanted) return `it was ${met}, it is ${place(run)}, not ${wanted}`;
    const orders = wanted === 'closing' && met !== 'closing' ? [{ type: 'server.close' }] : [];
    return same('emitted', run.emittedNow, facts) ?? same('told', toldNow(run), orders);
  };
}

function ends(state: string, reason: unknown): NonNullable<Case['owes']> {
  return (run) => {
    if (place(run) !== state) return `it is ${place(run)}, not ${state}`;
    return same('reason', [reasonOfOutput(run.snapshot.output)], [reason]);
  };
}

const closes = { listening: 'closing', serving: 'closing' };
/** By the last order that had one. */
const reasonAtEnd = ({ notes }: InspectorRun): unknown => notes['reason'] ?? 'normal';

const shutdown = (reason: unknown): Case => ({
  weight: 0.2,
  payload: (reason === undefined ? {} : { reason }) as never,
  run: (run) => {
    run.notes['reason'] = reason ?? 'shutdown';
    run.send({ type: 'supervisor.shutdown', ...(reason === undefined ? {} : { reason: reason as 'normal' }) });
  },
  owes: goes(closes),
});

export const inspectorModel: Model<typeof inspectorMachine> = {
  machine: inspectorMachine,
  inputs: { 'an inspector': input },
  events: {
    'inspector.close': { 'app: closes': { weight: 0.2, owes: goes(closes) } },
    'supervisor.shutdown': {
      'supervisor: shutdown': shutdown(undefined),
      'supervisor: shutdown for a reason': shutdown(['shutdown', 'late']),
    },
  },
  outcomes: {
    server: {
      reports: {
        'server.listening': {
          'the port is had': {
            when: (run) => run.notes['port'] === undefined,
            payload: { port: 4_747 },
            run: (run) => {
              run.notes['port'] = 4_747;
              run.report('server', { type: 'server.listening', port: 4_747 });
            },
            owes: (run) => {
              const wasFirst = place({ snapshot: run.before }) === 'listening';
              return goes({ listening: 'serving' }, wasFirst ? [{ type: 'inspector.listening', port: 4_747 }] : [])(run);
            },
          },
        },
        'server.failed': { 'the port is taken': { weight: 0.2, payload: { reason: 'EADDRINUSE' }, owes: ends('failed', { crash: 'EADDRINUSE' }) } },
        'server.ended': { 'the server is killed': { weight: 0.2, owes: ends('failed', { crash: 'serverLost' }) } },
        'server.closed': {
          'everybody has hung up': {
            when: (run) => place(run) === 'closing',
            owes: (run) => ends('closed', reasonAtEnd(run))(run),
          },
        },
        'viewer.joined': {
          'somebody comes to look': {
            payload: { viewers: 1 },
            owes: (run) =>
              run.snapshot.context.viewers === 1
                ? goes({}, [{ type: 'inspector.viewerJoined', viewers: 1 }])(run)
                : `${run.snapshot.context.viewers} viewers`,
          },
        },
        'viewer.left': {
          'somebody goes': {
            payload: { viewers: 0, why: 'it went away' },
            owes: (run) =>
              run.snapshot.context.viewers === 0
                ? goes({}, [{ type: 'inspector.viewerLeft', viewers: 0, why: 'it went away' }])(run)
                : `${run.snapshot.context.viewers} viewers`,
          },
        },
      },
      error: { 'the server crashes': { error: new Error('no more'), weight: 0.2, owes: ends('failed', { crash: 'serverCrashed' }) } },
    },
  },
  delays: {
    '100 ms pass': {
      ms: 100,
      owes: (run) => {
        const met = place({ snapshot: run.before });
        if (met === 'listening' && run.clock.now() >= input.listenMs) return ends('failed', { crash: 'listenTimeout' })(run);
        return met === 'closing' ? ends('closed', reasonAtEnd(run))(run) : goes({})(run);
      },
    },
  },
  key: ({ snapshot, clock, notes }) => [
    snapshot.context.viewers,
    snapshot.context.port,
    notes['port'],
    notes['reason'],
    (clock.nextAt() ?? 0) - clock.now(),
  ],
  invariants: {
    'its server runs exactly as long as it does': (run) =>
      same(
        'running',
        run.running().map(({ src }) => src),
        run.isActive ? ['server'] : [],
      ),
    'it accepts exactly while it serves': (run) =>
      run.snapshot.hasTag('accepting') === (place(run) === 'serving') ? undefined : `it is ${place(run)}`,
    'it knows its port exactly while it serves': ({ snapshot }) =>
      (snapshot.context.port !== null) === (place({ snapshot }) === 'serving')
        ? undefined
        : `port ${snapshot.context.port} while ${place({ snapshot })}`,
    'it waits, with a deadline, exactly while it listens or closes': (run) => {
      const waits = ['listening', 'closing'].includes(place(run)) ? 1 : 0;
      return run.clock.pending() === waits ? undefined : `${run.clock.pending()} timers while ${place(run)}`;
    },
  },
  observe: (run) => noteTold(run, 'server'),
  finish: (run) => (place(run) === 'closing' ? run.report('server', { type: 'server.closed' }) : run.send({ type: 'inspector.close' })),
};
