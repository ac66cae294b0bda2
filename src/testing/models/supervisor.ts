/** The model of a supervisor: children are records of its pool ({@link poolFake}), and each of their moves is a case. */
import type { ChildSpec, SupervisorInput } from '../../../machines/supervision/child-spec.js';
import { supervisorMachine } from '../../../machines/supervision/supervisor.js';
import type { SupervisorCall } from '../../../machines/supervision/supervisor-state.js';
import type { EventCase, Model } from '../model/model.js';
import { initReports, playOn, poolCases, poolFake, poolKey, runningAs } from './fake-pool.js';
import { asks, type Due, inWords, orderEvents, orderShutdown, rebase, rebaseFault, unanswered } from './supervisor-calls.js';
import { noteSupervisor, type Supervisor, supervisorClaims } from './supervisor-claims.js';

// ---- the starts

const a: ChildSpec = { id: 'a', src: 'worker', shutdownMs: 100 };
const b: ChildSpec = { id: 'b', src: 'worker', restart: 'transient', shutdownMs: 'brutalKill' };
const c: ChildSpec = { id: 'c', src: 'worker', restart: 'temporary', shutdownMs: 'infinity', input: { drains: true } };
const once = { intensity: 1, periodMs: 1_000 };
const backoff = { minMs: 100, maxMs: 200, factor: 2, jitter: 0, resetAfterMs: 1_000 };

const inputs: Readonly<Record<string, SupervisorInput>> = {
  oneForOne: { ...once, children: [a, b, c], maxPending: 1 },
  oneForAll: { ...once, strategy: 'oneForAll', children: [a, b, c] },
  restForOne: { ...once, strategy: 'restForOne', children: [a, b, c] },
  empty: {},
  'with init': { init: { src: 'prepare' }, children: [c] },
  'slow starts': { ...once, intensity: 3, children: [{ ...a, startMs: 100 }, b] },
  'any significant': { autoShutdown: 'anySignificant', children: [a, { ...b, significant: true }] },
  'all significant': {
    autoShutdown: 'allSignificant',
    children: [
      { ...b, significant: true },
      { ...c, significant: true },
    ],
  },
  'a budget of its own': { children: [{ ...b, budget: once }] },
  'two backoffs': {
    ...once,
    strategy: 'restForOne',
    intensity: 3,
    children: [
      { ...a, backoff },
      { ...b, backoff: { ...backoff, minMs: 150 } },
    ],
  },
  'a budget in a group': {
    strategy: 'oneForAll',
    intensity: 3,
    children: [a, { ...b, budget: once }, { ...c, restart: 'permanent', shutdownMs: 100 }],
  },
  'backoff and drain': { children: [{ ...a, backoff }, c] },
  invalid: { intensity: -1 },
};

// ---- the cases

/** OTP's answers of an idle supervisor. */
function due({ before }: Supervisor, call: SupervisorCall): Due {
  const { children } = before.context;
  const id = call.type === 'call.startChild' ? call.spec.id : 'id' in call ? call.id : '';
  const child = children.find(({ spec }) => spec.id === id);
  const no = (reason: unknown): Due => ({ answer: { ok: false, reason } });
  switch (call.type) {
    case 'call.whichChildren':
      return { answer: { which: children.map(({ spec, status }) => ({ id: spec.id, key: spec.id, status, type: spec.type })).reverse() } };
    case 'call.countChildren': {
      const active = children.filter(({ status }) => status === 'running').length;
      return { answer: { count: { specs: children.length, active, supervisors: 0, workers: children.length } } };
    }
    case 'call.startChild':
      return child === undefined ? { becomes: 'startingChild' } : no(child.status === 'running' ? ['alreadyStarted', id] : 'alreadyPresent');
    case 'call.getChildspec':
      return child === undefined ? no('notFound') : { answer: { ok: true, spec: child.spec } };
    case 'call.terminateChild':
      return child === undefined ? no('notFound') : child.status === 'running' ? { becomes: 'terminatingChild' } : { answer: { ok: true } };
    default:
      if (child === undefined) return no('notFound');
      if (child.status !== 'down') return no(child.status);
      return call.type === 'call.restartChild' ? { becomes: 'startingChild' } : { answer: { ok: true } };
  }
}

type ByIdCall = Exclude<SupervisorCall, { type: 'call.startChild' | 'call.whichChildren' | 'call.countChildren' }>['type'];

/** One case for each of the ids. */
function each(type: ByIdCall, words: string, ids: readonly string[]): Readonly<Record<string, EventCase<typeof supervisorMachine, never>>> {
  return Object.fromEntries(ids.map((id) => [`${words} ${id}`, asks<typeof supervisorMachine>({ type, id }, { due })]));
}

export const supervisorModel: Model<typeof supervisorMachine> = {
  machine: supervisorMachine,
  inputs,
  events: {
    'call.startChild': {
      'start x': asks({ type: 'call.startChild', spec: { id: 'x', src: 'worker', restart: 'temporary', shutdownMs: 50, startMs: 100 } }, { due }),
      'start a': asks({ type: 'call.startChild', spec: a }, { due }),
      'start nonsense': asks(
        { type: 'call.startChild', spec: { id: 'y' } as ChildSpec },
        { due: () => ({ answer: { ok: false, reason: 'missingStart' } }) },
      ),
    },
    'call.restartChild': each('call.restartChild', 'restart', ['a', 'ghost', 'b']),
    'call.terminateChild': each('call.terminateChild', 'terminate', ['a', 'ghost', 'b']),
    'call.deleteChild': each('call.deleteChild', 'delete', ['a', 'ghost']),
    'call.getChildspec': each('call.getChildspec', 'spec of', ['a', 'ghost']),
    ...({ 'call.unheardOf': { 'what nobody knows': asks({ type: 'call.unheardOf' } as never, { due }) } } as object),
    'call.whichChildren': { which: asks({ type: 'call.whichChildren' }, { due }) },
    'call.countChildren': { count: asks({ type: 'call.countChildren' }, { due }) },
    ...orderEvents<typeof supervisorMachine>(),
    'child.retry': {
      'a stale retry is told': {
        weight: 0.25,
        when: (supervisor) => supervisor.notes['staleRetry'] !== true,
        payload: (supervisor) => {
          supervisor.notes['staleRetry'] = true;
          return { id: 'nobody', at: supervisor.clock.now(), counted: false, cause: null };
        },
      },
    },
  },
  outcomes: {
    pool: {
      ...poolFake,
      cases: poolCases<typeof supervisorMachine>(Object.fromEntries(['a', 'b', 'c'].map((id) => [id, runningAs(id)]))),
      sends: ['child.started', 'child.declined', 'child.startFailed', 'child.exited', 'pool.draining'],
      reports: {
        ...initReports<typeof supervisorMachine>(),
        'child.exited': {
          'a stale exit of a is told': {
            weight: 0.25,
            when: (supervisor) => supervisor.notes['stale'] !== true,
            payload: (supervisor) => {
              supervisor.notes['stale'] = true;
              return { id: 'a', run: 0, at: supervisor.clock.now(), reason: 'normal', tookMs: 0, killed: false };
            },
          },
        },
        'clock.rebased': {
          'its clock is another': {
            weight: 0.25,
            when: ({ notes, start }) => notes['rebased'] !== true && !start.includes('backoff'),
            payload: rebase,
            owes: ({ before, snapshot }) => {
              const moved = before.context.children.every((child, index) => snapshot.context.children[index]?.startedAt === child.startedAt + 10);
              const restarts = before.context.restarts.map((at) => at + 10).join();
              if (!moved || snapshot.context.restarts.join() !== restarts) return 'not every moment was moved';
              return rebaseFault(before.context, snapshot.context);
            },
          },
        },
      },
    },
  },
  delays: { '100 ms pass': 100, 'two seconds pass': 2_000 },
  key: (supervisor) => {
    const { children, restarts, mailbox, job, toStart, toStop, draining } = supervisor.snapshot.context;
    const now = supervisor.clock.now();
    const ages = (moments: readonly number[]): readonly number[] => moments.map((at) => now - at).filter((age) => age <= 1_000);
    return [
      children.map(({ spec, status, attempt, retryAt, restarts: own }) => [
        spec.id,
        status,
        Math.min(attempt, 2),
        retryAt === null ? null : retryAt - now,
        ages(own).length,
      ]),
      ages(restarts).length,
      mailbox.map(inWords),
      job === null ? null : [job.kind, job.id],
      toStart,
      toStop,
      draining,
      poolKey(supervisor),
      unanswered(supervisor).length,
      supervisor.notes['exits'],
      (supervisor.clock.nextAt() ?? 0) - now,
    ];
  },
  corners: {
    'a retry falls due while it is busy': [
      'backoff and drain',
      'it starts',
      'it starts',
      'a crashes',
      'start x',
      '100 ms pass',
      'its start is given up',
    ],
    'siblings end as asked': ['oneForAll', 'it starts', 'it starts', 'it starts', 'b crashes', 'it ends as asked', 'it ends as asked'],
    'a start fails, and those before it are stopped': ['oneForOne', 'it starts', 'it starts', 'its start fails', 'it is killed', '100 ms pass'],
    'a significant child ends': ['any significant', 'it starts', 'it starts', 'b ends'],
    'more callers than may wait': ['oneForOne', 'start x', 'start x'],
    'a drain is given no new deadline': ['oneForOne', 'it starts', 'it starts', 'it starts', 'drain', 'drain without a deadline'],
    'a drain finds mail': ['oneForOne', 'it starts', 'drain', 'a crashes', 'it starts', 'it starts'],
    'a start takes too long': ['slow starts', '100 ms pass', 'its start is given up'],
    'siblings are asked, and killed when late': [
      'oneForAll',
      'it starts',
      'it starts',
      'it starts',
      'b crashes',
      'it ends as asked',
      '100 ms pass',
      'it is killed',
    ],
    'a budget is spent': ['a budget of its own', 'it starts', 'b crashes', 'it starts', 'b crashes'],
    'a budget is spent by a start that fails': ['a budget of its own', 'it starts', 'b crashes', 'its start fails', '100 ms pass'],
    'a budget is spent while others of the group wait': [
      'a budget in a group',
      ...['it starts', 'it starts', 'it starts', 'b crashes', 'it ends as asked', 'it ends as asked', 'it starts', 'its start fails'],
      ...['start x', 'it starts', '100 ms pass', 'it starts'],
    ],
    'too many crashes': [
      'oneForOne',
      'it starts',
      'it starts',
      'it starts',
      'a crashes',
      'it starts',
      'a crashes',
      'it ends as asked',
      'it is killed',
    ],
    'a retry finds its child terminated': ['slow starts', 'it starts', 'it starts', 'a crashes', 'terminate a', 'its start fails', '100 ms pass'],
    'a child that is down is deleted': ['slow starts', 'it starts', 'it starts', 'terminate a', 'it ends as asked', 'delete a'],
    'a retry falls due in a drain': ['backoff and drain', 'it starts', 'it starts', 'a crashes', 'drain', '100 ms pass'],
    'a start that is tried again is one too many': [
      'oneForOne',
      'it starts',
      'it starts',
      'it starts',
      'a crashes',
      'its start fails',
      '100 ms pass',
    ],
    'mail after a call about a child between two attempts': [
      'oneForOne',
      ...['it starts', 'it starts', 'it starts', 'a crashes', 'restart a', 'shutdown', 'its start fails'],
    ],
    'mail after a deletion of a child between two attempts': [
      'oneForOne',
      ...['it starts', 'it starts', 'it starts', 'a crashes', 'delete a', 'shutdown', 'its start fails'],
    ],
    'mail after a retry that must wait': [
      'two backoffs',
      ...['it starts', 'it starts', 'a crashes', 'it is killed', 'restart b', 'it starts', 'b crashes', 'start x', '100 ms pass', 'shutdown'],
      'its start is given up',
    ],
    'a child dies before its termination is served': [
      'oneForOne',
      ...['it starts', 'it starts', 'it starts', 'start x', 'terminate a', 'a crashes', 'it starts'],
    ],
    'a crash waits while a start is given up': [
      'slow starts',
      'it starts',
      'it starts',
      'a crashes',
      'b crashes',
      '100 ms pass',
      'its start is given up',
    ],
    'a crash waits while a start is declined': ['any significant', 'it starts', 'it starts', 'a crashes', 'b crashes', '100 ms pass', 'it declines'],
    'a crash waits while another is stopped': [
      'any significant',
      'it starts',
      'it starts',
      'terminate a',
      'b crashes',
      '100 ms pass',
      'it is killed',
    ],
    'somebody was stopped before a drain': ['oneForOne', 'it starts', 'it starts', 'it starts', 'terminate a', 'it ends as asked', 'drain'],
    'a drain is given a deadline': ['oneForOne', 'it starts', 'it starts', 'it starts', 'drain without a deadline', 'drain'],
    'a drain is given another deadline': ['oneForOne', 'it starts', 'it starts', 'it starts', 'drain', '100 ms pass', 'drain'],
    'overlapping delays of one group': [
      'two backoffs',
      'it starts',
      'it starts',
      'a crashes',
      'it is killed',
      'restart b',
      'it starts',
      'b crashes',
      '100 ms pass',
    ],
  },
  invariants: supervisorClaims,
  observe: noteSupervisor,
  finish: (supervisor) => {
    if (!playOn(supervisor)) orderShutdown(supervisor);
  },
};
