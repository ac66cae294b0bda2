/** The model of an application's chart: its tree's part, the app's and the supervisor's; and what is known of each service without asking the chart. */
import type { AnyEventObject } from 'xstate';
import { applicationMachine } from '../../../machines/application/application.js';
import { reasonOfOutput } from '../../../machines/supervision/exit.js';
import type { EventCase, Model } from '../model/model.js';
import type { Run } from '../model/run.js';
import { corners, input, inputs } from './application-inputs.js';
import { becomes, cannotMiss, goneFor, isEnough, isIdle, isThere, lifeOf, livesOf, serves, servicesOf, wholeFault } from './application-lives.js';
import { allTold, noteTold, same, toldNow } from './looks.js';

type AppRun = Run<typeof applicationMachine>;
type Case = EventCase<typeof applicationMachine, never>;

const place = ({ snapshot: { value } }: Pick<AppRun, 'snapshot'>): string =>
  typeof value === 'string' ? value : (value as { running: string }).running;
const met = (run: AppRun): string => place({ snapshot: run.before });

/** The moment of a report, which the chart must remember. */
function now(run: Pick<AppRun, 'clock' | 'notes'>): number {
  run.notes['toldAt'] = run.clock.now();
  return run.clock.now();
}

/** The end is due, unless it was due before. */
function endsWithin(run: AppRun, ms: number): void {
  run.notes['graceAt'] = Math.min(Number(run.notes['graceAt'] ?? Infinity), run.clock.now() + ms);
}
/** Which service an order is about that was not answered yet. */
const pending = ({ notes }: Pick<AppRun, 'notes'>): AnyEventObject | undefined => notes['pending'] as AnyEventObject | undefined;

/** The facts that a report owes, among those of the step. */
function tells(run: AppRun, ...facts: readonly object[]): string | undefined {
  const said = run.emittedNow.map((fact) => JSON.stringify(fact));
  const missing = facts.find((fact) => !said.includes(JSON.stringify(fact)));
  return missing === undefined ? undefined : `it did not say ${JSON.stringify(missing)}, but ${said.join(', ')}`;
}

const answer = (ok: boolean): Case => ({
  weight: 3,
  when: (run) => run.isActive && pending(run) !== undefined,
  payload: ((run: AppRun) => ({ ok, why: ok ? '' : 'timeout', at: now(run) })) as never,
  run: (run) => {
    const { type, id } = pending(run) as unknown as { type: string; id: string };
    run.notes['answered'] = { type, id, ok };
    run.notes['pending'] = undefined;
    if (type === 'tree.stop') becomes(run, id, ['gone', 'done'].includes(lifeOf(run, id)) && run.notes['again'] !== id ? lifeOf(run, id) : 'down');
    else if (ok) becomes(run, id, 'up');
    if (run.notes['again'] === id) run.notes['again'] = undefined;
    const failures = (run.notes['failures'] ?? {}) as Record<string, number>;
    run.notes['failures'] = type === 'tree.start' ? { ...failures, [id]: ok ? 0 : (failures[id] ?? 0) + 1 } : failures;
    const { startAttempts, isLeaving } = run.snapshot.context;
    if (type === 'tree.start' && !ok && !isLeaving && (failures[id] ?? 0) + 1 >= startAttempts) endsWithin(run, input.graceMs);
    run.report('keeper', { type: 'tree.replied', ok, why: ok ? '' : 'timeout', at: now(run) });
  },
  owes: (run) => {
    const { type, id } = run.notes['answered'] as { type: string; id: string };
    if (type === 'tree.stop') {
      const why = run.before.context.isLeaving ? 'the end' : (run.before.context.services.find((one) => one.id === id)?.why ?? 'asked');
      const lost = goneFor(run, id);
      const waits = run.before.context.isLeaving || lost.length === 0 ? [] : [{ type: 'application.degraded', id, missing: lost }];
      return tells(run, { type: 'application.serviceStopped', id, why }, ...waits);
    }
    if (ok) return tells(run, { type: 'application.serviceStarted', id });
    const attempt = ((run.notes['failures'] ?? {}) as Record<string, number>)[id] ?? 0;
    const failed = tells(run, { type: 'application.startFailed', id, why: 'timeout', attempt });
    if (failed !== undefined) return failed;
    const isLast = attempt >= run.before.context.startAttempts && !run.before.context.isLeaving;
    if (isLast && tells(run, { type: 'application.stopping', because: 'failed' }) !== undefined) return 'it stops without a word';
    if (!isLast) return run.snapshot.context.failure === run.before.context.failure ? undefined : 'it has failed too early';
    return run.snapshot.context.failure?.id === id ? undefined : 'it has not failed';
  },
});

const exits = (id: string, how: 'crashes' | 'ends' | 'gives up'): Case => {
  const willRestart = how === 'crashes';
  const why = how === 'ends' ? 'normal' : 'killed';
  const report = { id, why, isClean: how === 'ends', willRestart };
  return {
    weight: 0.6,
    when: (run) => run.isActive && (lifeOf(run, id) === 'up' || (how === 'gives up' && lifeOf(run, id) === 'back')),
    payload: ((run: AppRun) => ({ ...report, at: now(run) })) as never,
    run: (run) => {
      becomes(run, id, willRestart ? 'back' : how === 'ends' ? 'done' : 'gone');
      run.report('keeper', { type: 'tree.exited', ...report, at: now(run) });
    },
    owes: (run) => {
      const waits = run.before.context.services.find(({ stage, isWanted }) => stage === 'waiting' && isWanted);
      const isLost = how === 'gives up' && id === 'db' && waits?.onDependencyLoss === 'restart' && !run.before.context.isLeaving;
      const lost = isLost ? [{ type: 'application.degraded', id: 'api', missing: ['db'] }] : [];
      return wholeFault(run, how === 'ends' ? id : null) ?? tells(run, { type: 'application.serviceLost', id, why, willRestart }, ...lost);
    },
  };
};

const restarts = (id: string): Case => ({
  when: (run) => run.isActive && lifeOf(run, id) === 'back' && pending(run)?.['id'] !== id,
  payload: ((run: AppRun) => ({ id, at: now(run) })) as never,
  run: (run) => {
    becomes(run, id, 'up');
    run.report('keeper', { type: 'tree.restarted', id, at: now(run) });
  },
  owes: (run) => tells(run, { type: 'application.serviceRestarted', id }),
});

const lackedIn = (run: AppRun, missing: readonly string[]): readonly string[] => missing.filter((id) => lifeOf(run, id) !== 'done');
const lacks = (said: readonly string[]): Case => ({
  weight: 0.3,
  when: (run) => run.isActive && lifeOf(run, 'api') === 'up',
  payload: ((run: AppRun) => {
    const was = run.snapshot.context.services.find(({ id }) => id === 'api')?.missing ?? [];
    return { id: 'api', missing: said, at: lackedIn(run, said).length + was.length > 0 ? now(run) : run.clock.now() };
  }) as never,
  owes: (run) => {
    const was = run.before.context.services.find(({ id }) => id === 'api')?.missing ?? [];
    const missing = lackedIn(run, said);
    if (JSON.stringify(run.snapshot.context.services.find(({ id }) => id === 'api')?.missing) !== JSON.stringify(missing))
      return 'it forgets what is missing';
    const isNews = JSON.stringify(missing) !== JSON.stringify(was);
    if (isNews && run.snapshot.context.now !== run.notes['toldAt']) return 'it forgets when it heard so';
    if (missing.length > 0) return tells(run, { type: 'application.degraded', id: 'api', missing });
    if (was.length > 0) return tells(run, { type: 'application.recovered', id: 'api' });
    return run.emittedNow.some(({ type }) => type === 'application.recovered') ? 'it recovered from nothing' : undefined;
  },
});

const asksFor = (id: string): Case => ({
  weight: 0.4,
  when: (run) => run.isActive && !run.snapshot.context.isLeaving,
  payload: ((run: AppRun) => ({ id, at: now(run) })) as never,
  run: (run) => {
    if (['gone', 'done'].includes(lifeOf(run, id)) && pending(run)?.['id'] !== id) becomes(run, id, 'down');
    run.notes['again'] = pending(run)?.['id'] === id ? id : run.notes['again'];
    run.notes['failures'] = { ...(run.notes['failures'] as object | undefined), [id]: 0 };
    run.send({ type: 'application.restart', id, at: now(run) });
  },
});

const stops = (payload: object, isParent = false): Case => ({
  weight: 0.2,
  payload: payload as never,
  run: (run) => {
    if (run.isActive) endsWithin(run, (payload as { graceMs?: number }).graceMs ?? input.graceMs);
    if (isParent) run.notes['reason'] = (payload as { reason?: unknown }).reason ?? 'shutdown';
    run.send({ type: isParent ? 'supervisor.shutdown' : 'application.stop', ...payload } as never);
  },
  owes: (run) => {
    const before = run.before.context;
    const said = run.emittedNow.filter(({ type }) => type === 'application.stopping').length;
    if (said !== (before.isLeaving ? 0 : 1)) return `it said ${said} times that it stops`;
    return run.snapshot.context.isLeaving ? undefined : 'it does not stop';
  },
});

/** Its tree is no more. */
const ends = (run: AppRun): string | undefined => {
  const { failure, isLeaving } = run.before.context;
  const wanted = failure !== null || !isLeaving ? 'failed' : 'stopped';
  if (place(run) !== wanted) return `it is ${place(run)}, not ${wanted}`;
  return wanted === 'stopped' ? endsFor(run, run.notes['reason'] ?? 'normal') : failsFor(run);
};

const endsFor = (run: AppRun, wanted: unknown): string | undefined => {
  const reason = JSON.stringify(reasonOfOutput(run.snapshot.output));
  return reason === JSON.stringify(wanted) ? undefined : reason;
};

/** It has failed, of what it knew before, or of the loss of a part. */
const failsFor = (run: AppRun): string | undefined => {
  const { failure } = run.before.context;
  if (place(run) !== 'failed') return place(run);
  const { id, why } = failure ?? { id: null, why: 'its tree was lost' };
  return tells(run, { type: 'application.failed', id, why }) ?? endsFor(run, { crash: id === null ? 'treeLost' : `${id}: ${why}` });
};

/** Time passes: a flush that was not met is told. */
const waits = (ms: number) => ({
  ms,
  owes: (run: AppRun) =>
    met(run) === 'flushing' && run.isActive && place(run) !== 'flushing'
      ? tells(run, { type: 'application.flushed', id: 'api', ok: false, why: 'timeout' })
      : undefined,
});

export const applicationModel: Model<typeof applicationMachine> = {
  machine: applicationMachine,
  inputs,
  corners,
  events: {
    'application.restart': { 'app: restarts db': asksFor('db'), 'app: restarts api': asksFor('api') },
    'application.stop': { 'app: stops': stops({}), 'app: stops at once': stops({ graceMs: 50 }) },
    'supervisor.shutdown': {
      'supervisor: shutdown': stops({}, true),
      'supervisor: shutdown for a reason': stops({ reason: ['shutdown', 'late'] }, true),
    },
  },
  ignored: { 'grace.ended': 'raised by the chart itself, when the time for an orderly end is over' },
  outcomes: {
    tree: {
      done: { 'the tree ends': { weight: 0.2, owes: ends } },
      error: { 'the tree crashes': { error: new Error('no more'), weight: 0.1, owes: failsFor } },
    },
    keeper: {
      reports: {
        'tree.opened': {
          'the tree is there': {
            weight: 3,
            when: (run) => place(run) === 'opening',
            payload: (run) => ({ at: now(run) }),
          },
          'the tree is there again, restored': {
            weight: 0.1,
            when: (run) => place(run) === 'resting',
            payload: (run) => ({ at: now(run) }),
            owes: (run) =>
              run.snapshot.context.services.every(({ sinceAt }) => sinceAt === run.clock.now()) ? undefined : 'it keeps times of another process',
          },
        },
        'tree.replied': { 'it is done': answer(true), 'it is not done': answer(false) },
        'tree.exited': {
          ...{ 'db crashes': exits('db', 'crashes'), 'api crashes': exits('api', 'crashes'), 'db ends': exits('db', 'ends') },
          ...{ 'db gives up': exits('db', 'gives up'), 'api ends': exits('api', 'ends') },
        },
        'tree.restarted': { 'db is back': restarts('db'), 'api is back': restarts('api') },
        'tree.lacked': { 'api lacks db': lacks(['db']), 'api lacks nothing': lacks([]) },
        'tree.gaveUp': {
          'the tree gives up': {
            weight: 0.1,
            payload: { id: 'db', why: 'killed' },
            owes: (run) => (JSON.stringify(run.snapshot.context.failure) === '{"id":"db","why":"killed"}' ? undefined : 'it has not failed of db'),
          },
        },
        'tree.ended': { 'the tree is killed': { weight: 0.1, owes: ends } },
      },
      error: {
        'the keeper crashes': { error: new Error('no more'), weight: 0.1, owes: failsFor },
      },
    },
    flush: {
      done: { 'it is written': { output: undefined, owes: (run) => tells(run, { type: 'application.flushed', id: 'api', ok: true, why: null }) } },
      error: {
        'it cannot be written': {
          error: new Error('full'),
          owes: (run) => tells(run, { type: 'application.flushed', id: 'api', ok: false, why: 'full' }),
        },
        'it cannot be written, for what is no error': {
          error: 'full',
          weight: 0.2,
          owes: (run) => tells(run, { type: 'application.flushed', id: 'api', ok: false, why: 'failed' }),
        },
      },
    },
  },
  delays: { '40 ms pass': waits(40), '100 ms pass': waits(100), 'a second passes': waits(1_000) },
  key: (run) => {
    const { snapshot, clock } = run;
    const { services, isLeaving, wasUp, failure, startAttempts, reason, turn, endWithinMs } = snapshot.context;
    const brief = services.map(({ dependsOn: _needs, canMiss: _can, why: _why, sinceAt: _since, missing, ...rest }) => [rest, missing.length]);
    const until = (clock.nextAt() ?? clock.now()) - clock.now();
    return [
      brief,
      services[1]?.onDependencyLoss,
      isLeaving,
      wasUp,
      failure !== null,
      startAttempts,
      reason,
      ...[turn, endWithinMs, livesOf(run), pending(run), until, run.notes['graceAt'] === undefined],
      ...[run.notes['flushes'], run.notes['again']],
    ];
  },
  observe: (run) => {
    const { notes } = run;
    noteTold(run, 'keeper');
    for (const order of toldNow(run)) {
      if (order.type !== 'tree.start' && order.type !== 'tree.stop') continue;
      notes['fault'] ??= faultOf(run, order);
      notes['pending'] = order;
    }
    if (toldNow(run).some(({ type }) => type === 'tree.kill')) notes['isKilled'] = true;
    if (toldNow(run).some(({ type, id }) => type === 'tree.start' && id === 'api')) notes['flushes'] = 0;
    const flushes = run.fakes.filter(({ src }) => src === 'flush').length;
    notes['flushes'] = Number(notes['flushes'] ?? 0) + flushes - Number(notes['flushesSeen'] ?? 0);
    notes['flushesSeen'] = flushes;
    const where = JSON.stringify([place(run), flushes]);
    if (where !== notes['where']) Object.assign(notes, { where, since: run.clock.now() });
  },
  invariants: {
    'it orders nothing that must not be': ({ notes }) => notes['fault'] as string | undefined,
    'it rests only where nothing is to be done': (run) => {
      if (!run.isActive || place(run) !== 'resting') return undefined;
      if (run.snapshot.context.isLeaving) return 'it rests while it is to stop';
      const idle = servicesOf(run).find((service) => isIdle(run, service));
      return idle === undefined ? undefined : `nobody starts ${idle.id}`;
    },
    'a dependent runs on only with what it cannot do without': (run) => {
      if (!run.isActive || place(run) !== 'resting') return undefined;
      const left = servicesOf(run).find(
        (service) => lifeOf(run, service.id) === 'up' && service.dependsOn.some((need) => cannotMiss(service, need) && !serves(run, need)),
      );
      return left === undefined ? undefined : `${left.id} runs on`;
    },
    'it has said once that all run, when they did': (run) => {
      const said = run.emitted.filter(({ type }) => type === 'application.started').length;
      if (said > 1) return 'it said so twice';
      const isUp = run.isActive && place(run) === 'resting' && servicesOf(run).every(({ id }) => lifeOf(run, id) === 'up');
      return isUp && said === 0 ? 'it did not say so' : undefined;
    },
    'it closes its tree when everybody is down, and not before': (run) => {
      const isClosing = run.isActive && place(run) === 'ending';
      const left = servicesOf(run).find(({ id }) => isThere(run, id));
      if (isClosing && left !== undefined) return `${left.id} is up`;
      if (isClosing && run.snapshot.context.services.some(({ stage }) => stage === 'starting' || stage === 'stopping'))
        return 'it waits for somebody';
      return isClosing && !allTold(run, 'keeper').some(({ type }) => type === 'tree.close') ? 'the tree was not closed' : undefined;
    },
    'nobody runs once it has ended': ({ isActive, snapshot: { context } }) =>
      isActive || context.services.every(({ stage }) => stage === 'stopped' || stage === 'failed') ? undefined : 'somebody runs',
    'it flushes who has something to write, and nobody else': (run) =>
      run.of('flush').every(({ input: given }) => JSON.stringify(given) === '{"id":"api"}') &&
      run.emitted.every(({ type, id }) => type !== 'application.flushed' || id === 'api')
        ? undefined
        : 'another',
    'it kills when the time for an orderly end is over, and not before': (run) => {
      const graceAt = Number(run.notes['graceAt'] ?? Infinity);
      const isOver = run.clock.now() >= graceAt;
      if (!isOver && run.notes['isKilled'] === true && graceAt === Infinity) return 'it killed';
      if (!run.isActive || !isOver) return undefined;
      if (run.notes['isKilled'] !== true) return 'it killed nobody';
      return run.emitted.some(({ type }) => type === 'application.killed') ? undefined : 'it did not say so';
    },
    'it names whom it kills': (run) => {
      const told = run.emittedNow.find(({ type }) => type === 'application.killed');
      const isAlive = (id: string): boolean => isThere(run, id) || (pending(run)?.['id'] === id && lifeOf(run, id) === 'down');
      const ids = servicesOf(run).map(({ id }) => id);
      return told && same('it names', told['running'], ids.filter(isAlive));
    },
    'it waits for no flush and no pause longer than it may': (run) => {
      const longest = { flushing: 100, pausing: 40 }[place(run)];
      if (!run.isActive || longest === undefined) return undefined;
      if (place(run) === 'pausing' && run.snapshot.context.isLeaving) return 'it pauses while it is to stop';
      return run.clock.now() - Number(run.notes['since']) < longest ? undefined : `it still is ${place(run)}`;
    },
    'it flushes who has something to write before it stops him at its end': (run) => {
      const isStopped = run.snapshot.context.isLeaving && toldNow(run).some(({ type, id }) => type === 'tree.stop' && id === 'api');
      const mustWrite = servicesOf(run).some(({ id, flushes }) => id === 'api' && flushes);
      return isStopped && mustWrite && Number(run.notes['flushes'] ?? 0) === 0 ? 'it did not' : undefined;
    },
    'it flushes a service once before it stops it': ({ notes }) => (Number(notes['flushes'] ?? 0) > 1 ? 'twice' : undefined),
    'it knows the moment of what it was told last': ({ isActive, notes, snapshot }) =>
      !isActive || notes['toldAt'] === undefined || snapshot.context.now === notes['toldAt'] ? undefined : `it is at ${snapshot.context.now}`,
    'it knows whose turn it is': ({ isActive, snapshot }) => {
      const isTurn = ['flushing', 'starting', 'stopping'].includes(place({ snapshot }));
      return !isActive || isTurn === (snapshot.context.turn !== null) ? undefined : `the turn of ${snapshot.context.turn}`;
    },
    'it says of each service what is so': (run) => {
      if (!run.isActive) return undefined;
      const wrong = run.snapshot.context.services.find(({ id, stage }) => {
        const life = lifeOf(run, id);
        if (life === 'up') return !['running', 'stopping'].includes(stage);
        if (pending(run)?.['id'] === id && !['gone', 'done', 'back'].includes(life))
          return stage !== (pending(run)?.type === 'tree.start' ? 'starting' : 'stopping');
        return life === 'back' && !['restarting', 'stopping'].includes(stage);
      });
      if (wrong !== undefined) return `${wrong.id}: ${wrong.stage}`;
      const stopping = pending(run)?.type === 'tree.stop' ? run.snapshot.context.services.find(({ id }) => id === pending(run)?.['id']) : undefined;
      return stopping?.stage === 'running' ? `${stopping.id} is being stopped` : undefined;
    },
  },
  finish: (run) => {
    if (!run.snapshot.context.isLeaving) run.send({ type: 'application.stop' });
    else if (place(run) === 'ending') run.resolve('tree', undefined);
    else if (run.find('flush') !== undefined) run.resolve('flush', undefined);
    else if (pending(run) !== undefined) {
      const { type, id } = pending(run) as unknown as { type: string; id: string };
      run.notes['pending'] = undefined;
      becomes(run, id, type === 'tree.start' ? 'up' : 'down');
      run.report('keeper', { type: 'tree.replied', ok: true, why: '', at: now(run) });
    } else if (place(run) === 'opening') run.report('keeper', { type: 'tree.opened', at: now(run) });
    else run.resolve('tree', undefined);
  },
};

/** What is wrong with an order, by what is known of the services. */
function faultOf(run: AppRun, { type, id }: AnyEventObject): string | undefined {
  if (pending(run) !== undefined && pending(run) !== null) return `two orders at a time: ${type} ${id}`;
  const services = servicesOf(run);
  const service = services.find((one) => one.id === id);
  if (service === undefined) return `${type} of nobody`;
  if (type === 'tree.start') {
    if (lifeOf(run, id as string) !== 'down') return `${id} is started where it is ${lifeOf(run, id as string)}`;
    const need = service.dependsOn.find((one) => !isEnough(run, service, one) && (cannotMiss(service, one) || lifeOf(run, one) === 'down'));
    return need === undefined ? undefined : `${id} is started without ${need}`;
  }
  const dependent = services.find(
    (one) => one.dependsOn.includes(service.id) && (cannotMiss(one, service.id) || run.snapshot.context.isLeaving) && isThere(run, one.id),
  );
  return dependent === undefined ? undefined : `${id} is stopped before ${dependent.id}`;
}
