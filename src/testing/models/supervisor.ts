/** The model of a supervisor: children are records of its pool ({@link poolFake}), and each of their moves is a case. */
import type { AnyEventObject } from 'xstate';
import type { ChildSpec, SupervisorInput } from '../../../machines/supervision/child-spec.js';
import { type ExitReason, isClean } from '../../../machines/supervision/exit.js';
import { supervisorMachine } from '../../../machines/supervision/supervisor.js';
import type { SupervisorCall } from '../../../machines/supervision/supervisor-state.js';
import { initReports, lateness, living, playOn, poolCases, poolFake, poolKey, poolOf, runningAs } from './fake-pool.js';
import { asks, callClaims, callsOf, type Due, inWords, noteFacts, orderEvents, orderShutdown, rebase, unanswered } from './supervisor-calls.js';
import type { EventCase, Model } from '../model/model.js';
import type { Run } from '../model/run.js';

type Supervisor = Run<typeof supervisorMachine>;

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

// ---- what must hold

const hasEnded = (supervisor: Supervisor): boolean => supervisor.snapshot.status !== 'active';
const told = (supervisor: Supervisor, ...types: readonly string[]): readonly AnyEventObject[] =>
  supervisor.emitted.filter((event) => types.includes(event.type));

/** Indices, all known, each above the one before. */
function isRising(places: readonly number[]): boolean {
  return places.every((place, index) => place > (places[index - 1] ?? -1));
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
              return moved && snapshot.context.restarts.join() === restarts ? undefined : 'not every moment was moved';
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
    'a retry finds its child terminated': ['slow starts', 'it starts', 'it starts', 'a crashes', 'terminate a', 'its start fails'],
    'a child that is down is deleted': ['slow starts', 'it starts', 'it starts', 'terminate a', 'it ends as asked', 'delete a'],
    'a retry falls due in a drain': ['backoff and drain', 'it starts', 'it starts', 'a crashes', 'drain', '100 ms pass'],
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
  invariants: {
    'the pool is never told what it cannot do': (supervisor) => poolOf(supervisor).faults[0],
    ...callClaims(),
    'nobody is given longer than allowed': lateness,
    'what it believes of its children is so': (supervisor) => {
      const { children, mailbox } = supervisor.snapshot.context;
      const waiting = mailbox.flatMap((message) => (message.type === 'child.exited' && message.run > 0 ? [message.id] : []));
      const alive = living(poolOf(supervisor))
        .filter(({ state }) => state !== 'starting' && state !== 'abandoned')
        .map(({ id }) => id);
      const believed = children.filter(({ status, spec }) => status === 'running' && !waiting.includes(spec.id)).map(({ spec }) => spec.id);
      return [...alive].sort().join() === [...believed].sort().join() || hasEnded(supervisor)
        ? undefined
        : `alive: ${alive.join()}; believed: ${believed.join()}`;
    },
    'nobody of the pool survives it': (supervisor) =>
      hasEnded(supervisor) && living(poolOf(supervisor)).length > 0
        ? living(poolOf(supervisor))
            .map(({ id }) => id)
            .join()
        : undefined,
    'who is deleted is gone': (supervisor) => {
      const { emittedNow, snapshot } = supervisor;
      const deleted = emittedNow.filter((event) => event.type === 'call.replied' && (event['result'] as { ok: boolean }).ok);
      const made = callsOf(supervisor).filter(({ type, call }) => type === 'call.deleteChild' && deleted.some((event) => event['call'] === call));
      return made.map((call) => ('id' in call ? call.id : '')).find((id) => snapshot.context.children.some(({ spec }) => spec.id === id));
    },
    'who is significant ends it': (supervisor) => {
      const { autoShutdown, children } = supervisor.before.context;
      const { snapshot } = supervisor;
      if (autoShutdown === 'never' || hasEnded(supervisor) || snapshot.matches('stopping')) return undefined;
      const significant = children.filter(({ spec }) => spec.significant);
      const gone = significant.filter(({ spec }) =>
        supervisor.emittedNow.some((event) => event.type === 'child.exited' && event['id'] === spec.id && event['willRestart'] === false),
      );
      const others = snapshot.context.children.filter(
        ({ spec, status }) =>
          spec.significant && (status !== 'down' || (snapshot.matches('restarting') && snapshot.context.toStart.includes(spec.id))),
      );
      return gone.length > 0 && (autoShutdown === 'anySignificant' || others.length === 0) ? `${gone[0]?.spec.id} ended, and it goes on` : undefined;
    },
    'who is permanent is down only by order, or while others wait': (supervisor) => {
      const { children } = supervisor.snapshot.context;
      if (!supervisor.snapshot.matches('running') || children.some(({ status }) => status === 'restarting')) return undefined;
      const laid = supervisor.notes['laid'] as readonly string[];
      return children.find(({ spec, status }) => spec.restart === 'permanent' && status === 'down' && !laid.includes(spec.id))?.spec.id;
    },
    'nobody comes back before the time, or against an order': (supervisor) => {
      const { children, strategy } = supervisor.before.context;
      const begun = supervisor.emittedNow.filter(({ type }) => type === 'child.restarted').map(({ id }) => String(id));
      const early = children.find(({ spec, retryAt }) => begun.includes(spec.id) && retryAt !== null && retryAt > supervisor.clock.now());
      const laid =
        strategy === 'oneForOne' ? ((supervisor.notes['laidBefore'] ?? []) as readonly string[]).find((id) => begun.includes(id)) : undefined;
      return early?.spec.id ?? laid;
    },
    'an exit restarts exactly whom OTP restarts': (supervisor) => {
      const { children } = supervisor.before.context;
      for (const event of supervisor.emittedNow.filter(({ type }) => type === 'child.exited')) {
        const { id, reason, willRestart } = event as unknown as { id: string; reason: ExitReason; willRestart: boolean };
        const restart = children.find(({ spec }) => spec.id === id)?.spec.restart ?? 'temporary';
        const wanted = restart === 'permanent' || (restart === 'transient' && !isClean(reason));
        const excuses =
          ['supervisor.gaveUp', 'child.gaveUp'].some((type) => supervisor.emittedNow.some((other) => other.type === type)) ||
          supervisor.notes['drained'] === true;
        if (willRestart && !wanted) return `${id} restarts after ${JSON.stringify(reason)}`;
        if (!willRestart && wanted && !excuses) return `${id} stays down after ${JSON.stringify(reason)}`;
      }
      return undefined;
    },
    'it never restarts more often than its intensity allows': (supervisor) => {
      const { intensity, periodMs, problem } = supervisor.snapshot.context;
      const moments = supervisor.notes['restarts'] as readonly number[];
      const recent = moments.filter((at) => at >= supervisor.clock.now() - periodMs).length;
      return problem === null && recent > intensity ? `${recent} restarts within ${periodMs} ms` : undefined;
    },
    'children stop newest first': ({ snapshot }) => {
      if (!snapshot.matches('stopping') && !snapshot.matches({ restarting: 'stoppingSiblings' })) return undefined;
      const order = snapshot.context.children.map(({ spec }) => spec.id).reverse();
      const places = snapshot.context.toStop.map((id) => order.indexOf(id));
      return isRising(places) ? undefined : snapshot.context.toStop.join();
    },
    'children start in order': ({ snapshot }) => {
      if (!snapshot.matches({ starting: 'startingChildren' }) && !snapshot.matches({ restarting: 'startingChildren' })) return undefined;
      const order = snapshot.context.children.map(({ spec }) => spec.id);
      const places = snapshot.context.toStart.map((id) => order.indexOf(id));
      return isRising(places) ? undefined : snapshot.context.toStart.join();
    },
    'one child is ordered to end at a time': (supervisor) => {
      const ordered = living(poolOf(supervisor)).filter(({ state }) => state === 'asked' || state === 'killed');
      return ordered.length > 1 ? ordered.map(({ id }) => id).join() : undefined;
    },
    'every start and every end is told once': (supervisor) => {
      const history = poolOf(supervisor).children.filter(({ end, state }) => end !== 'neverStarted' && state !== 'starting' && state !== 'abandoned');
      const { mailbox } = supervisor.snapshot.context;
      for (const id of new Set(poolOf(supervisor).children.map((child) => child.id))) {
        const count = (...types: string[]): number => supervisor.emitted.filter((event) => types.includes(event.type) && event['id'] === id).length;
        const started = history.filter((child) => child.id === id);
        const ended =
          started.filter(({ state }) => state === 'gone').length -
          mailbox.filter((mail) => mail.type === 'child.exited' && mail.id === id && mail.run > 0).length;
        if (count('child.started') !== started.length) return `${id} started ${started.length} times, told ${count('child.started')}`;
        if (count('child.exited', 'child.stopped') !== ended) return `${id} ended ${ended} times, told ${count('child.exited', 'child.stopped')}`;
      }
      return undefined;
    },
    'the report names everybody who was stopped, or ended in a drain, in order': (supervisor) => {
      const { notes, snapshot } = supervisor;
      if (!hasEnded(supervisor) || !snapshot.matches('stopped')) return undefined;
      const lines = (snapshot.output as unknown as { children: readonly { id: string }[] }).children.map(({ id }) => id);
      const hasDrained = (snapshot.context as { draining: unknown }).draining !== null;
      const facts = told(supervisor, 'child.stopped', ...(hasDrained ? ['child.exited'] : [])).map(({ id }) => String(id));
      const wanted = facts.slice(facts.length - lines.length);
      const alive = (notes['aliveAtStop'] ?? []) as readonly string[];
      return lines.join() === wanted.join() && alive.every((id) => lines.includes(id))
        ? undefined
        : `reported ${lines.join()}, stopped ${wanted.join()}`;
    },
  },
  observe: (supervisor) => {
    const { notes, snapshot, before, clock } = supervisor;
    noteFacts(supervisor);
    // Who was laid down for good: by a call, by declining, by its budget, or by a start that failed for its caller.
    const laid = (notes['laid'] ??= []) as string[];
    notes['laidBefore'] = [...laid];
    for (const event of supervisor.emittedNow) {
      const ended = callsOf(supervisor).find(({ type, call }) => type === 'call.terminateChild' && call === event['call']);
      if (event.type === 'child.started') laid.splice(0, laid.length, ...laid.filter((id) => id !== event['id']));
      const lays = ['child.declined', 'child.gaveUp', ...(before.matches('startingChild') ? ['child.startFailed'] : [])];
      if (lays.includes(event.type)) laid.push(String(event['id']));
      if (ended !== undefined && 'id' in ended && (event['result'] as { ok: boolean }).ok) laid.push(ended.id);
    }
    const [newest] = snapshot.context.restarts;
    const moments = (notes['restarts'] ??= []) as number[];
    if (newest === clock.now() && snapshot.context.restarts.join() !== before.context.restarts.join()) moments.push(clock.now());
    if (snapshot.matches('stopping')) notes['aliveAtStop'] ??= living(poolOf(supervisor)).map(({ id }) => id);
  },
  finish: (supervisor) => {
    if (!playOn(supervisor)) orderShutdown(supervisor);
  },
};
