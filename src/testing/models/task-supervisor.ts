/** The model of a task supervisor: its pool reports, its owner orders, callers ask. */
import { type ExitReason, reasonOfOutput, startOfOutput } from '../../../machines/supervision/exit.js';
import type { SupervisorOrder } from '../../../machines/supervision/supervisor-state.js';
import { type TaskPoolCommand, type TaskSupervisorInput, taskSupervisorMachine } from '../../../machines/supervision/task-supervisor.js';
import type { FakeOptions } from '../model/fake.js';
import type { EventCase, Model } from '../model/model.js';
import type { Run } from '../model/run.js';

type Supervisor = Run<typeof taskSupervisorMachine>;
type SupervisorCase = EventCase<typeof taskSupervisorMachine, never>;

const inputs: Readonly<Record<string, TaskSupervisorInput>> = {
  'one restart a second': { intensity: 1, periodMs: 1_000 },
  'no restart': { intensity: 0 },
  invalid: { periodMs: 0 },
};

const orders = (supervisor: Supervisor): readonly TaskPoolCommand[] =>
  supervisor.fakes.filter(({ src }) => src === 'pool').flatMap(({ received }) => received as unknown as readonly TaskPoolCommand[]);
const ordered = (supervisor: Supervisor, type: TaskPoolCommand['type']): number => orders(supervisor).filter((order) => order.type === type).length;
const hasEnded = (supervisor: Supervisor): boolean => supervisor.snapshot.status !== 'active';
/** The pool says that it is empty once, after it was told to drain or to stop. */
const mayEmpty = (supervisor: Supervisor): boolean => ordered(supervisor, 'pool.drain') + ordered(supervisor, 'pool.stopAll') > 0;
const ended = [{ id: 't1', reason: 'shutdown' as const, tookMs: 3, killed: false }];

/** An order is taken where the machine still has a choice; a later one may replace the reason, and a drain becomes a stop. */
function order(event: SupervisorOrder, exits: ExitReason): SupervisorCase {
  const isDrain = event.type === 'supervisor.drain';
  const isTaken = (state: unknown): boolean => state === 'running' || (state === 'draining' && !isDrain);
  return {
    weight: 0.25,
    run: (supervisor) => {
      if (isTaken(supervisor.snapshot.value)) supervisor.notes['exits'] = exits;
      if (isDrain) supervisor.notes['drains'] = Number(supervisor.notes['drains'] ?? 0) + 1;
      const isNewDeadline =
        supervisor.snapshot.matches('running') ||
        (supervisor.snapshot.matches('draining') && event.type === 'supervisor.drain' && event.deadlineMs !== undefined);
      if (isDrain && isNewDeadline) supervisor.notes['drainedBy'] = supervisor.clock.now() + (event.deadlineMs ?? Infinity);
      supervisor.send(event);
    },
    owes: ({ before, snapshot }) => {
      const wanted = isTaken(before.value) ? (isDrain ? 'draining' : 'stopping') : before.value;
      return snapshot.value === wanted ? undefined : `it was ${before.value}, it is ${snapshot.value}`;
    },
  };
}

const which = [{ key: 't1', status: 'running' as const, type: 'worker' as const }];

/** Questions are answered at once, whatever it does. */
function asks(result: object): SupervisorCase {
  return {
    payload: () => ({ call: '#1' }) as never,
    owes: ({ emittedNow }) => {
      const answers = JSON.stringify(emittedNow);
      return answers === JSON.stringify([{ type: 'call.replied', call: '#1', result }]) ? undefined : `answered ${answers}`;
    },
  };
}

/** OTP's word for a restart intensity that is exceeded. */
const spent = 'reachedMaxRestartIntensity';

/** The moments of the restarts that were told, within the period before now. */
function recentRestarts({ snapshot, clock, notes }: Supervisor): readonly number[] {
  return (notes['restarts'] as readonly number[]).filter((at) => at >= clock.now() - snapshot.context.periodMs);
}

/** A pool of one task. */
const poolFake: FakeOptions = {
  onEvent: (fake, event) => {
    if (event.type === 'pool.list') fake.ref._parent?.send({ ...event, type: 'pool.listed', which });
    return undefined;
  },
};

export const taskSupervisorModel: Model<typeof taskSupervisorMachine> = {
  machine: taskSupervisorMachine,
  inputs,
  events: {
    'supervisor.shutdown': {
      shutdown: order({ type: 'supervisor.shutdown', reason: ['shutdown', 'deploy'] }, ['shutdown', 'deploy']),
      'shutdown without a word': order({ type: 'supervisor.shutdown' }, 'shutdown'),
    },
    'supervisor.stop': {
      stop: order({ type: 'supervisor.stop' }, 'normal'),
      'stop for a reason': order({ type: 'supervisor.stop', reason: ['shutdown', 'moved'] }, ['shutdown', 'moved']),
    },
    'supervisor.drain': {
      'drain within 300 ms': order({ type: 'supervisor.drain', deadlineMs: 300 }, 'shutdown'),
      drain: order({ type: 'supervisor.drain' }, 'shutdown'),
    },
    'call.whichChildren': { which: asks({ ok: true, which: [{ id: null, key: 't1', status: 'running', type: 'worker' }] }) },
    'call.countChildren': { count: asks({ ok: true, count: { specs: 1, active: 1, supervisors: 0, workers: 1 } }) },
    ...({ 'call.unheardOf': { 'what nobody knows': asks({ ok: false, reason: 'unknownCall' }) } } as object),
  },
  outcomes: {
    pool: {
      ...poolFake,
      sends: ['pool.listed'],
      reports: {
        'task.exited': {
          'a task crashes': {
            // A pool that was told to drain or to stop restarts nobody, and asks nobody.
            when: (supervisor) => !mayEmpty(supervisor),
            payload: (supervisor) => {
              supervisor.notes['crashes'] = Number(supervisor.notes['crashes'] ?? 0) + 1;
              return { id: 't1', reason: { crash: 'boom' }, at: supervisor.clock.now() + (supervisor.notes['rebased'] === true ? 10 : 0) };
            },
          },
        },
        'task.lost': {
          'a task is lost': {
            payload: (supervisor) => {
              supervisor.notes['lost'] = Number(supervisor.notes['lost'] ?? 0) + 1;
              return { id: 't2', name: 'upload' };
            },
          },
        },
        'pool.emptied': { 'the pool is empty': { when: mayEmpty, payload: { ended } } },
        'clock.rebased': {
          'its clock is another': {
            weight: 0.25,
            when: (supervisor) => supervisor.notes['rebased'] !== true,
            payload: (supervisor) => {
              supervisor.notes['rebased'] = true;
              return { offsetMs: 10 };
            },
            owes: ({ before, snapshot }) =>
              snapshot.context.restarts.join() === before.context.restarts.map((at) => at + 10).join() ? undefined : 'its restarts were not moved',
          },
        },
      },
    },
  },
  delays: { 'half a second passes': 500, 'two seconds pass': 2_000 },
  key: ({ snapshot, clock, notes }) => {
    const { restarts, drainMs, reason } = snapshot.context;
    const ages = restarts.map((at) => clock.now() - at).filter((age) => age <= 1_000);
    return [ages, drainMs, reason, notes['exits'], (clock.nextAt() ?? 0) - clock.now()];
  },
  invariants: {
    'a crash is answered once: by a restart, or by giving up': (supervisor) => {
      const crashes = Number(supervisor.notes['crashes'] ?? 0);
      const said = (type: string): number => supervisor.emitted.filter((event) => event.type === type).length;
      const restarts = ordered(supervisor, 'pool.restart');
      if (restarts !== said('task.restarted')) return `${restarts} restarts, ${said('task.restarted')} told`;
      return restarts + said('supervisor.gaveUp') === crashes
        ? undefined
        : `${crashes} crashes, ${restarts} restarts, ${said('supervisor.gaveUp')} times gave up`;
    },
    'it restarts as often as its intensity allows, and gives up at one more': (supervisor) => {
      const { intensity, periodMs } = supervisor.snapshot.context;
      const recent = recentRestarts(supervisor).length;
      if (recent > intensity) return `${recent} restarts within ${periodMs} ms`;
      const gaveUp = supervisor.emittedNow.some(({ type }) => type === 'supervisor.gaveUp');
      return gaveUp && recent < intensity ? `gave up after ${recent} restarts within ${periodMs} ms` : undefined;
    },
    'a restart says which it is within the period': (supervisor) => {
      const told = supervisor.emittedNow.find(({ type }) => type === 'task.restarted');
      const recent = recentRestarts(supervisor).length;
      return told === undefined || told['attempt'] === recent ? undefined : `attempt ${String(told['attempt'])}, it is ${recent}`;
    },
    'who gives up says why, in a report before the fact': ({ emitted }) => {
      const reports = emitted.filter(({ type }) => type === 'supervisor.report').length;
      const facts = emitted.flatMap(({ type, id }, index) => (type === 'supervisor.gaveUp' ? [{ id, report: emitted[index - 1] }] : []));
      if (reports !== facts.length) return `gave up ${facts.length} times, ${reports} reports`;
      return facts
        .map(({ id, report }) => [JSON.stringify(report), JSON.stringify({ type: 'supervisor.report', context: 'shutdown', id, reason: spent })])
        .find(([told, wanted]) => told !== wanted)
        ?.join(', not ');
    },
    'who gives up stops': ({ snapshot, emitted }) =>
      emitted.some(({ type }) => type === 'supervisor.gaveUp') && !snapshot.matches('stopping') && !snapshot.matches('stopped')
        ? `it is ${snapshot.value}`
        : undefined,
    'a lost task is told, whatever it does': ({ emitted, notes }) => {
      const told = emitted.filter(({ type }) => type === 'task.lost').length;
      return told === Number(notes['lost'] ?? 0) ? undefined : `told ${told} times`;
    },
    'the pool is told to end once, and to drain no more often than ordered': (supervisor) => {
      const [drain, stop] = [ordered(supervisor, 'pool.drain'), ordered(supervisor, 'pool.stopAll')];
      if (drain > Number(supervisor.notes['drains'] ?? 0) || stop > 1) return `drain ${drain} times, stop ${stop} times`;
      const { snapshot } = supervisor;
      return snapshot.matches('stopping') === (stop === 1) || hasEnded(supervisor)
        ? undefined
        : `it is ${snapshot.value}, told to stop ${stop} times`;
    },
    'it exits with the reason that it was told last, and the report of its pool': (supervisor) => {
      const { snapshot } = supervisor;
      if (!hasEnded(supervisor)) return undefined;
      if (snapshot.matches('failed')) return startOfOutput(snapshot.output)?.kind === 'failed' ? undefined : 'no failed start';
      const { children } = snapshot.output as { children: readonly object[] };
      if (children.length !== 1) return `${children.length} children reported`;
      const reason = JSON.stringify(reasonOfOutput(snapshot.output));
      const gaveUp = supervisor.emitted.some(({ type }) => type === 'supervisor.gaveUp');
      const wanted = JSON.stringify(gaveUp ? 'shutdown' : supervisor.notes['exits']);
      return reason === wanted ? undefined : `exits ${reason}, not ${wanted}`;
    },
    'an invalid input fails the start, a valid one does not': ({ start, snapshot }) =>
      (start === 'invalid') === snapshot.matches('failed') ? undefined : `it is ${snapshot.value}`,
    'a drain has the deadline that it was given last': ({ snapshot, clock, notes }) =>
      snapshot.matches('draining') && clock.nextAt() !== notes['drainedBy'] ? `it drains until ${String(clock.nextAt())}` : undefined,
    'its tags say what it is': ({ snapshot }) => {
      if (snapshot.status !== 'active') return undefined;
      return (['accepting', 'stopping'] as const).find(
        (tag) => snapshot.hasTag(tag) !== snapshot.matches(tag === 'accepting' ? 'running' : 'stopping'),
      );
    },
  },
  observe: ({ notes, emittedNow, clock }) => {
    const moments = (notes['restarts'] ??= []) as number[];
    if (emittedNow.some(({ type }) => type === 'task.restarted')) moments.push(clock.now());
  },
  finish: (supervisor) => {
    if (mayEmpty(supervisor)) supervisor.report('pool', { type: 'pool.emptied', ended });
    else {
      supervisor.notes['exits'] = 'shutdown';
      supervisor.send({ type: 'supervisor.shutdown' });
    }
  },
};
