/** The model of a dynamic supervisor: children are records of its pool ({@link dynamicPoolFake}), and each of their moves is a case. */
import type { ChildSpec, DynamicSupervisorInput } from '../../../machines/supervision/child-spec.js';
import { dynamicSupervisorMachine } from '../../../machines/supervision/dynamic-supervisor.js';
import { type ExitReason, isClean } from '../../../machines/supervision/exit.js';
import type { SupervisorCall } from '../../../machines/supervision/supervisor-state.js';
import { dynamicPoolFake, entriesOf, newest, oldest } from './fake-dynamic-pool.js';
import { initReports, lateness, living, playOn, poolCases, poolKey, poolOf, tooEarly, untoldStart } from './fake-pool.js';
import { reportClaims } from './report-claims.js';
import { type Book, noteRestarts, restartClaims } from './restart-claims.js';
import { asks, callClaims, type Due, inWords, orderEvents, orderShutdown, rebase, rebaseFault, unanswered } from './supervisor-calls.js';
import type { EventCase, Model } from '../model/model.js';
import type { Run } from '../model/run.js';

type Supervisor = Run<typeof dynamicSupervisorMachine>;
type SupervisorCase = EventCase<typeof dynamicSupervisorMachine, never>;

// ---- the starts

const once = { intensity: 1, periodMs: 1_000 };
const backoff = { minMs: 100, maxMs: 200, factor: 2, jitter: 0, resetAfterMs: 1_000 };
const worker = { src: 'worker', shutdownMs: 100 };

const inputs: Readonly<Record<string, DynamicSupervisorInput>> = {
  dynamic: { ...once, maxChildren: 2, maxPending: 1 },
  unbounded: {},
  templated: { ...once, template: { ...worker, id: 'template' } },
  'with init': { init: { src: 'prepare' } },
  invalid: { maxChildren: -1 },
};

// ---- the cases

const isTemplated = ({ snapshot }: Supervisor): boolean => snapshot.context.template !== null;
const isFree = (supervisor: Supervisor): boolean => !isTemplated(supervisor);
const known = (supervisor: Supervisor): string | undefined => [...entriesOf(supervisor).keys()][0];

/** The answers of an idle supervisor: Elixir's, and OTP's for a template. */
function due(supervisor: Supervisor, call: SupervisorCall): Due {
  const { template, maxChildren, size } = supervisor.before.context;
  const lives = (key: string): boolean => living(poolOf(supervisor)).some(({ id }) => id === key);
  const no = (reason: unknown): Due => ({ answer: { ok: false, reason } });
  const which = [...entriesOf(supervisor).keys()].map((key) => ({ id: null, key, status: lives(key) ? 'running' : 'restarting', type: 'worker' }));
  switch (call.type) {
    case 'call.whichChildren':
      return { answer: { which } };
    case 'call.countChildren': {
      const active = which.filter(({ status }) => status === 'running').length;
      return { answer: { count: { specs: template === null ? which.length : 1, active, supervisors: 0, workers: which.length } } };
    }
    case 'call.startChild':
      if (call.spec.id === 'y') return no('missingStart');
      return maxChildren !== 'infinity' && size >= maxChildren ? no('maxChildren') : { becomes: 'startingChild' };
    case 'call.getChildspec':
      return template !== null && call.id === template.id ? { answer: { ok: true, spec: template } } : no('notFound');
    case 'call.terminateChild':
      if (template !== null && call.by === 'id') return no('simpleOneForOne');
      if (template !== null && call.by === 'deadActor') return { answer: { ok: true } };
      // One that had no successor when it was named, and has one now.
      if (call.run !== undefined) return template === null ? no('notFound') : { answer: { ok: true } };
      if (call.id !== supervisor.notes['first']) return no('notFound');
      return lives(call.id) ? { becomes: 'terminatingChild' } : { answer: { ok: true } };
    default:
      return no('simpleOneForOne');
  }
}

const add = (spec: Partial<ChildSpec>, when = isFree): SupervisorCase =>
  asks(
    { type: 'call.startChild', spec: spec as ChildSpec },
    { when: (supervisor) => when(supervisor) && living(poolOf(supervisor)).length < 3, due },
  );

// ---- what must hold

const books = (supervisor: Supervisor): readonly Book[] =>
  [...entriesOf(supervisor)].map(([id, { spec, restarts, attempt }]) => ({ id, spec, restarts, attempt }));
const hasEnded = (supervisor: Supervisor): boolean => supervisor.snapshot.status !== 'active';

/** Nothing is under way: what the chart believes and what the pool has must agree. */
function isAtRest({ snapshot }: Supervisor): boolean {
  return (snapshot.matches('running') || snapshot.matches('draining')) && snapshot.context.mailbox.length === 0;
}

/** The keys that the pool remembers of children that do not live. */
function deadEntries(supervisor: Supervisor): readonly string[] {
  return [...entriesOf(supervisor).keys()].filter((key) => !living(poolOf(supervisor)).some(({ id }) => id === key));
}

export const dynamicSupervisorModel: Model<typeof dynamicSupervisorMachine> = {
  machine: dynamicSupervisorMachine,
  inputs,
  events: {
    'call.startChild': {
      'start a permanent': add({ ...worker, id: 'p' }),
      'start a transient': add({ ...worker, id: 't', restart: 'transient', shutdownMs: 'brutalKill' }),
      'start a temporary': add({ ...worker, id: 'e', restart: 'temporary', shutdownMs: 'infinity' }),
      'start a slow one': add({ ...worker, id: 's', startMs: 100 }),
      'start one with backoff': add({ ...worker, id: 'b', backoff }),
      'start one with a budget': add({ ...worker, id: 'g', budget: once }),
      'start nonsense': add({ id: 'y' }),
      'start an instance': add({}, isTemplated),
    },
    'call.terminateChild': {
      'terminate the first': asks(
        (supervisor) => {
          const id = known(supervisor) as string;
          supervisor.notes['first'] = id;
          return { type: 'call.terminateChild', id, by: 'actor' };
        },
        { when: (supervisor) => known(supervisor) !== undefined, due },
      ),
      'terminate a former incarnation': asks({ type: 'call.terminateChild', id: 'p', by: 'actor', run: 0 }, { due }),
      'terminate a ghost': asks({ type: 'call.terminateChild', id: 'ghost', by: 'actor' }, { due }),
      'terminate by id': asks({ type: 'call.terminateChild', id: 'template', by: 'id' }, { due, when: isTemplated }),
      'terminate a dead stranger': asks({ type: 'call.terminateChild', id: '', by: 'deadActor' }, { due }),
    },
    'call.restartChild': { restart: asks({ type: 'call.restartChild', id: 'p' }, { due }) },
    'call.deleteChild': { delete: asks({ type: 'call.deleteChild', id: 'p' }, { due }) },
    'call.getChildspec': {
      'spec of the template': asks({ type: 'call.getChildspec', id: 'template' }, { due }),
      'spec of a ghost': asks({ type: 'call.getChildspec', id: 'ghost' }, { due }),
    },
    ...({ 'call.unheardOf': { 'what nobody knows': asks({ type: 'call.unheardOf' } as never, { due }) } } as object),
    'call.whichChildren': { which: asks({ type: 'call.whichChildren' }, { due }) },
    'call.countChildren': { count: asks({ type: 'call.countChildren' }, { due }) },
    ...orderEvents<typeof dynamicSupervisorMachine>(),
    'child.retry': {
      'a stale retry is told': {
        weight: 0.25,
        when: (supervisor) => supervisor.notes['stale'] !== true,
        payload: (supervisor) => {
          supervisor.notes['stale'] = true;
          return { id: 'nobody', at: supervisor.clock.now(), counted: false, cause: null };
        },
      },
    },
  },
  outcomes: {
    pool: {
      ...dynamicPoolFake,
      cases: poolCases<typeof dynamicSupervisorMachine>({ 'the oldest': oldest, 'the newest': newest }),
      sends: [
        ...(['child.started', 'child.declined', 'child.startFailed', 'child.exited', 'child.found', 'child.missing'] as const),
        ...(['pool.emptied', 'pool.listed'] as const),
      ],
      reports: {
        ...initReports<typeof dynamicSupervisorMachine>(),
        'clock.rebased': {
          'its clock is another': {
            weight: 0.25,
            when: ({ notes }) => notes['rebased'] !== true,
            payload: rebase,
            owes: ({ before, snapshot }) => {
              const restarts = before.context.restarts.map((at) => at + 10).join();
              if (snapshot.context.restarts.join() !== restarts) return 'not every moment was moved';
              return rebaseFault(before.context, snapshot.context);
            },
          },
        },
      },
    },
  },
  delays: { '100 ms pass': 100, 'two seconds pass': 2_000 },
  key: (supervisor) => {
    const { size, retrying, restarts, mailbox, job } = supervisor.snapshot.context;
    const now = supervisor.clock.now();
    return [
      size,
      Object.entries(retrying).map(([id, { attempt }]) => [id, Math.min(attempt, 2)]),
      restarts.filter((at) => now - at <= 1_000).length,
      mailbox.map(inWords),
      job?.kind,
      poolKey(supervisor),
      unanswered(supervisor).length,
      supervisor.notes['exits'],
      (supervisor.clock.nextAt() ?? 0) - now,
    ];
  },
  corners: {
    'a drain finds mail': ['unbounded', 'start a temporary', 'drain', 'shutdown', 'it starts'],
    'a drain finds a death': ['unbounded', 'start a permanent', 'it starts', 'start a temporary', 'drain', 'the oldest crashes', 'it starts'],
    'a drain is given no new deadline': ['unbounded', 'start a temporary', 'it starts', 'drain', 'drain without a deadline'],
    'a drain is given a deadline': ['unbounded', 'start a temporary', 'it starts', 'drain without a deadline', 'drain'],
    'a drain is given another deadline': ['unbounded', 'start a temporary', 'it starts', 'drain', '100 ms pass', 'drain'],
    'too many crashes while another lives': [
      'dynamic',
      ...['start a permanent', 'it starts', 'start a temporary', 'it starts', 'the oldest crashes', 'it starts', 'the newest crashes'],
    ],
    'a start that is tried again is one too many': [
      'dynamic',
      ...['start a permanent', 'it starts', 'start a temporary', 'it starts', 'the oldest crashes', 'its start fails', '100 ms pass'],
    ],
    'another dies while one is asked': [
      'unbounded',
      'start a permanent',
      'it starts',
      'start a temporary',
      'it starts',
      'terminate the first',
      'the newest crashes',
      'it ends as asked',
    ],
    'another dies while one is killed': [
      'unbounded',
      'start a transient',
      'it starts',
      'start a temporary',
      'it starts',
      'terminate the first',
      'the newest crashes',
      'it is killed',
    ],
    'a restart after a while is counted once': ['dynamic', 'start one with backoff', 'it starts', 'the oldest crashes', '100 ms pass'],
    'a start is tried again': ['unbounded', 'start a permanent', 'it starts', 'the oldest crashes', 'its start fails', '100 ms pass', 'it starts'],
    'a crash waits while another starts': [
      'unbounded',
      ...['start a permanent', 'it starts', 'start a temporary', 'the oldest crashes', '100 ms pass', 'it starts'],
    ],
    'a crash waits while another declines': [
      'unbounded',
      ...['start a permanent', 'it starts', 'start a temporary', 'the oldest crashes', '100 ms pass', 'it declines'],
    ],
    'a crash waits while a restart is given up': [
      'unbounded',
      ...['start a permanent', 'it starts', 'start a slow one', 'it starts', 'the newest crashes', 'the oldest crashes', '100 ms pass'],
      'its start is given up',
    ],
    'a crash waits while another is stopped': [
      'unbounded',
      ...['start a permanent', 'it starts', 'start a slow one', 'it starts', 'terminate the first', 'the newest crashes', '100 ms pass'],
      'it is killed',
    ],
    'a retry waits behind its termination': [
      'unbounded',
      ...['start one with backoff', 'it starts', 'start a permanent', 'it starts', 'start a slow one', 'it starts'],
      ...['the oldest crashes', 'the oldest crashes', 'terminate the first', 'the newest crashes', '100 ms pass', 'it starts'],
    ],
    'too many crashes': ['dynamic', 'start a permanent', 'it starts', 'the oldest crashes', 'it starts', 'the oldest crashes'],
    'one that is killed, not asked': ['unbounded', 'start a transient', 'it starts', 'terminate the first', 'it is killed'],
    'a start takes too long': ['unbounded', 'start a slow one', '100 ms pass', 'its start is given up'],
    'a retry falls due while it is busy': [
      'unbounded',
      'start one with backoff',
      'it starts',
      'the oldest crashes',
      'start a temporary',
      '100 ms pass',
    ],
    'mail after the death of one with backoff': [
      'unbounded',
      ...['start one with backoff', 'it starts', 'start a temporary', 'the oldest crashes', 'shutdown', 'it starts'],
    ],
    'a retry falls due in a drain': [
      'unbounded',
      'start one with backoff',
      'it starts',
      'start a temporary',
      'it starts',
      'the oldest crashes',
      'drain',
      '100 ms pass',
    ],
    'a budget is spent': ['unbounded', 'start one with a budget', 'it starts', 'the oldest crashes', 'it starts', 'the oldest crashes'],
    'a budget is spent by a start that fails': [
      'unbounded',
      'start one with a budget',
      'it starts',
      'the oldest crashes',
      'its start fails',
      '100 ms pass',
    ],
    'a restart takes too long': ['unbounded', 'start a slow one', 'it starts', 'the oldest crashes', '100 ms pass', 'its start is given up'],
    'a death that waits behind its termination': [
      'dynamic',
      'start a permanent',
      'it starts',
      'start a temporary',
      'terminate the first',
      'the oldest crashes',
      'it starts',
    ],
  },
  invariants: {
    'the pool is never told what it cannot do': (supervisor) => poolOf(supervisor).faults[0],
    ...callClaims(),
    ...restartClaims(books),
    ...reportClaims(),
    'nobody is given longer than allowed': (supervisor) => (supervisor.snapshot.matches('stopping') ? undefined : lateness(supervisor)),
    'nobody is killed before its time': tooEarly,
    'it knows how many there are': (supervisor) => {
      const { size, retrying } = supervisor.snapshot.context;
      if (!isAtRest(supervisor)) return undefined;
      const has = entriesOf(supervisor).size;
      if (size !== has) return `believes in ${size}, the pool has ${has}`;
      const waiting = Object.keys(retrying);
      const dead = [...deadEntries(supervisor)];
      return waiting.sort().join() === dead.sort().join() ? undefined : `retries ${waiting.join()}, dead are ${dead.join()}`;
    },
    'it forgets for good who has ended, also when it ends itself': (supervisor) => {
      const { snapshot, emittedNow } = supervisor;
      const { size, retrying, mailbox } = snapshot.context;
      if (snapshot.matches('stopped')) return size === 0 ? undefined : `believes in ${size}`;
      if (!snapshot.matches('stopping')) return undefined;
      const gaveUp = emittedNow.some(({ type }) => type === 'supervisor.gaveUp');
      if (gaveUp && size !== entriesOf(supervisor).size) return `believes in ${size}, the pool has ${entriesOf(supervisor).size}`;
      const isUnread = (key: string): boolean => mailbox.some((message) => message.type === 'child.exited' && message.id === key);
      return deadEntries(supervisor).find((key) => !(key in retrying) && !isUnread(key));
    },
    'whom it tries no more it tells': (supervisor) => {
      const { before, emittedNow, snapshot } = supervisor;
      if (!snapshot.matches('running')) return undefined;
      const told = emittedNow.flatMap(({ type, id }) => (['child.gaveUp', 'child.declined'].includes(type) ? [id] : []));
      const first = emittedNow.some(({ type }) => type === 'call.replied') ? supervisor.notes['first'] : undefined;
      return Object.keys(before.context.retrying).find((id) => !entriesOf(supervisor).has(id) && !told.includes(id) && id !== first);
    },
    'there are never more than may be': (supervisor) => {
      const { maxChildren, problem } = supervisor.snapshot.context;
      return problem === null && maxChildren !== 'infinity' && living(poolOf(supervisor)).length > maxChildren ? 'too many' : undefined;
    },
    'nobody of the pool survives it': (supervisor) => (hasEnded(supervisor) ? living(poolOf(supervisor))[0]?.id : undefined),
    'who runs while it drains was told to finish': (supervisor) => {
      const told = poolOf(supervisor).drainers ?? [];
      return supervisor.snapshot.matches('draining') ? living(poolOf(supervisor)).find((child) => !told.includes(child))?.id : undefined;
    },
    'what its stop has ended is told once, and is in its report': (supervisor) => {
      if (!supervisor.snapshot.matches('stopped')) return undefined;
      const idsOf = (ended: unknown): readonly string[] => (ended as readonly { id: string }[]).map(({ id }) => id);
      const told = supervisor.emitted.filter(({ type }) => type === 'children.stopped');
      if (told.length !== 1) return `told ${told.length} times`;
      const reported = idsOf((supervisor.snapshot.output as unknown as { children: unknown }).children);
      const stopped = idsOf(told[0]?.['ended']);
      // Of the facts of the step in which a drain began, the later ones.
      const [from, to] = (supervisor.notes['drainBegan'] ?? [Infinity, Infinity]) as readonly [from: number, to: number];
      const ends = (since: number): readonly string[] => [
        ...supervisor.emitted.slice(since).flatMap(({ type, id }) => (type === 'child.exited' ? [String(id)] : [])),
        ...stopped,
      ];
      const isWhole =
        ends(from)
          .slice(-reported.length || Infinity)
          .join() === reported.join() && reported.length >= ends(to).length;
      return isWhole ? undefined : `ended ${ends(from).join()}, reported ${reported.join()}`;
    },
    'a drain ends with the last child': (supervisor) =>
      supervisor.snapshot.matches('draining') && living(poolOf(supervisor)).length === 0 ? 'nobody lives, and it still drains' : undefined,
    'an exit restarts exactly whom OTP restarts': (supervisor) => {
      for (const event of supervisor.emittedNow.filter(({ type }) => type === 'child.exited')) {
        const { id, run, reason, willRestart } = event as unknown as { id: string; run: number; reason: ExitReason; willRestart: boolean };
        const restart = poolOf(supervisor).children.findLast((child) => child.id === id && child.run === run)?.spec.restart;
        const wanted = restart === 'permanent' || (restart === 'transient' && !isClean(reason));
        const gaveUp = supervisor.emittedNow.some(({ type }) => type === 'supervisor.gaveUp' || type === 'child.gaveUp');
        if (willRestart && !wanted) return `${id} restarts after ${JSON.stringify(reason)}`;
        if (!willRestart && wanted && !gaveUp && supervisor.notes['drained'] !== true) return `${id} stays down after ${JSON.stringify(reason)}`;
      }
      return undefined;
    },
    'every start is told, by what came of it': untoldStart,
    'every start and every end is told once': (supervisor) => {
      const { children } = poolOf(supervisor);
      const { mailbox } = supervisor.snapshot.context;
      const said = (...types: string[]): number => supervisor.emitted.filter(({ type }) => types.includes(type)).length;
      const history = children.filter(({ end, state }) => end !== 'neverStarted' && state !== 'starting' && state !== 'abandoned');
      const inReport = supervisor.emitted.flatMap((event) => (event.type === 'children.stopped' ? (event['ended'] as readonly object[]) : []));
      const gone = history.filter(({ state }) => state === 'gone').length - mailbox.filter(({ type }) => type === 'child.exited').length;
      const ends = said('child.exited', 'child.stopped') + inReport.length;
      if (said('child.started') !== history.length) return `${history.length} starts, ${said('child.started')} told`;
      return ends === gone || supervisor.snapshot.matches('stopping') ? undefined : `${gone} ends, ${ends} told`;
    },
  },
  observe: (supervisor) => {
    noteRestarts(supervisor, books);
    if (poolOf(supervisor).drainers !== null) supervisor.notes['drainBegan'] ??= [supervisor.emittedBefore, supervisor.emitted.length];
  },
  finish: (supervisor) => {
    if (!playOn(supervisor)) orderShutdown(supervisor);
  },
};
