/** The model of an agent's chart: its keeper, the app that wants it up or down or other than it is, and the supervisor. */
import { agentMachine } from '../../../machines/agents/agent.js';
import type { AgentContext, AgentInput, AgentPast, AgentRefusal, AgentResult } from '../../../machines/agents/agent-events.js';
import { reasonOfOutput } from '../../../machines/supervision/exit.js';
import type { EventCase, Model } from '../model/model.js';
import type { Run } from '../model/run.js';
import { noteTold, same, toldNow } from './looks.js';

type AgentRun = Run<typeof agentMachine>;
type Owes = NonNullable<EventCase<typeof agentMachine, never>['owes']>;
type Fact = Readonly<Record<string, unknown>>;
type State = 'down' | 'launching' | 'retreating' | 'running' | 'stopping' | 'leaving' | 'gone';

const id = 'ann';
const spec: AgentContext['spec'] = {
  ...{ id, src: 'writer', capabilities: ['write'], restart: 'permanent', shutdownMs: 100 },
  budget: { intensity: 3, periodMs: 5_000 },
};

const firsts = new WeakMap<AgentRun, AgentRun['snapshot']>();

/** As what it began: the snapshot before its first step. */
function firstOf(run: AgentRun): AgentRun['snapshot'] {
  const first = firsts.get(run) ?? run.before;
  firsts.set(run, first);
  return first;
}

/** Where it is, by the name of its innermost state. */
function stateOf({ value }: AgentRun['snapshot']): State {
  if (typeof value === 'string') return value;
  return typeof value.up === 'string' ? value.up : value.up.starting;
}

/** What a step leads to; what is not named stays as it was. */
interface Next {
  readonly to?: State;
  readonly facts?: readonly Fact[];
  readonly changes?: Partial<AgentContext>;
}

/** Where it leads, what is told of it and what is remembered, by the state that it meets; where nothing is said, nothing happens. */
function leads(by: Partial<Record<State, (context: AgentContext, run: AgentRun) => Next>>): Owes {
  return (run) => {
    const [met, context] = [stateOf(run.before), run.before.context];
    const { to = met, facts = [], changes = {} } = by[met]?.(context, run) ?? {};
    const stops = to !== met && (to === 'retreating' || to === 'stopping') ? [{ type: 'supervisor.shutdown', reason: 'shutdown' }] : [];
    return (
      same(`state after ${met}`, stateOf(run.snapshot), to) ??
      same('emitted', run.emittedNow, facts) ??
      same('told', toldNow(run), stops) ??
      same('context', run.snapshot.context, { ...context, ...changes })
    );
  };
}

const answer = (call: string, outcome: AgentResult): Fact => ({ type: 'agent.answered', id, call, outcome });
/** Nobody is answered of a start that nobody asked for. */
const answers = (call: string | null | undefined, outcome: AgentResult): Fact[] =>
  call === null || call === undefined ? [] : [answer(call, outcome)];
const end: AgentContext['end'] = { status: 'failed', why: 'worn' };
const past = (was: AgentPast['was']): AgentInput => ({ spec, past: { spec: { ...spec, src: 'clerk' }, was, restarts: 1, end } });

const refused = (reason: AgentRefusal) => (_: AgentContext, run: AgentRun) => ({ facts: [answer(callOf(run), { ok: false, reason })] });
const unregistered: Fact = { type: 'agent.unregistered', id };

/** Calls are numbered; the last one has the last number. */
const callOf = ({ notes }: AgentRun): string => `c${Number(notes['calls'] ?? 0)}`;
const numbered = (run: AgentRun): { call: string } => {
  run.notes['calls'] = Number(run.notes['calls'] ?? 0) + 1;
  return { call: callOf(run) };
};

/** What it was at work on comes to nothing, and it is told to stop. */
function abandons({ job, next, spec: now }: AgentContext): Required<Next> {
  const call = job?.call ?? next?.call;
  const result: AgentResult = { ok: false, reason: 'stopped', ...(job?.kind === 'rollBack' ? { why: job.why } : {}) };
  return {
    to: 'stopping',
    facts: answers(call, result),
    changes: { job: null, next: null, failure: null, spec: job?.former ?? now },
  };
}

/** In each state in which it is up. */
const up = (by: (context: AgentContext, run: AgentRun) => Next) => ({ launching: by, retreating: by, running: by, stopping: by });
const starting = (by: (context: AgentContext, run: AgentRun) => Next) => ({ launching: by, retreating: by });

const stops: Owes = leads({
  ...up((context, run) => {
    const { changes, ...rest } = abandons(context);
    if (context.stops.length >= 100) return refused('overloaded')(context, run);
    return { ...rest, changes: { ...changes, stops: [...context.stops, callOf(run)] } };
  }),
  down: refused('notRunning'),
  leaving: refused('notRunning'),
});

const leaves = (changes: Partial<AgentContext>): Owes => {
  const through = leads({
    down: () => ({ to: 'gone', facts: [unregistered], changes: { isLeaving: true, ...changes } }),
    ...up((context) => {
      const given = abandons(context);
      return { ...given, changes: { ...given.changes, isLeaving: true, ...changes } };
    }),
    leaving: () => ({ changes }),
  });
  return (run) => through(run) ?? ending(run);
};

/** One that is gone says why. */
const ending: Owes = ({ snapshot }) => {
  const { status, output, context } = snapshot;
  return status === 'done' ? same('exit', reasonOfOutput(output), context.reason) : undefined;
};

const changed = (changes: object): EventCase<typeof agentMachine, { call: string; changes: object }> => ({
  payload: (run) => ({ ...numbered(run), changes }),
  owes: leads({
    down: (context, run) => ({
      facts: [{ type: 'agent.updated', id, isRunning: false }, answer(callOf(run), { ok: true })],
      changes: { spec: { ...context.spec, ...changes } },
    }),
    ...up(refused('busy')),
    leaving: refused('busy'),
    running: (context, run) => ({ to: 'stopping', changes: { next: { call: callOf(run), spec: { ...context.spec, ...changes } } } }),
  }),
});

/** Its start has come to nothing. */
function notStarted({ job, spec: now, failure }: AgentContext, reason: unknown): Next {
  const why = failure === null ? reason : failure.why;
  const call = job?.call ?? null;
  const told: Fact = { type: 'agent.startFailed', id, why };
  if (job?.kind === 'update')
    return {
      to: 'launching',
      facts: [told],
      changes: { spec: job.former ?? now, job: { kind: 'rollBack', call, former: null, why }, failure: null, isKeeperDone: false },
    };
  const first = job?.kind === 'rollBack' ? job.why : why;
  const result: AgentResult = { ok: false, reason: 'failed', why: first };
  return {
    to: 'down',
    facts: [told, { type: 'agent.failed', id, why }, ...answers(call, result)],
    changes: { job: null, end: { status: 'failed', why } },
  };
}

/** It has stopped, as it was told to. */
function stopped({ stops: calls, failure, isLeaving, next, spec: now }: AgentContext, reason: unknown, isDone = false): Next {
  const why = failure === null ? reason : failure.why;
  const status = failure === null ? 'stopped' : 'failed';
  const told: Fact = failure === null ? { type: 'agent.stopped', id, reason } : { type: 'agent.failed', id, why };
  const facts = [told, ...calls.map((call) => answer(call, { ok: true }))];
  const changes: Partial<AgentContext> = { stops: [], end: { status, why } };
  if (isLeaving && isDone) return { to: 'leaving', facts, changes };
  if (isLeaving) return { to: 'gone', facts: [...facts, unregistered], changes };
  if (next === null) return { to: 'down', facts, changes };
  const job = { kind: 'update', call: next.call, former: now, why: null } as const;
  return { to: 'launching', facts, changes: { ...changes, spec: next.spec, next: null, failure: null, isKeeperDone: false, job } };
}

type Reason = 'normal' | 'shutdown' | { readonly crash: string };

/** @param isSaid  XState has said already that the keeper is done */
function endedOwes(reason: Reason, isSpent: boolean, isDone: boolean, isSaid: boolean): Owes {
  const isOver = !isSpent && typeof reason === 'string';
  const said = ({ changes, ...next }: Next): Next => ({ ...next, changes: { ...(isSaid ? { isKeeperDone: true } : {}), ...changes } });
  const through = leads({
    ...starting((context) => said(notStarted(context, reason))),
    running: () =>
      said({
        to: 'down',
        facts: [isOver ? { type: 'agent.stopped', id, reason } : { type: 'agent.failed', id, why: reason }],
        changes: { end: { status: isOver ? 'stopped' : 'failed', why: reason } },
      }),
    stopping: (context) => said(stopped(context, reason, isDone && !isSaid)),
  });
  return (run) => through(run) ?? ending(run);
}

const ended = (reason: Reason, isSpent: boolean, isDone = true) => ({
  payload: { reason, isSpent, isDone },
  owes: endedOwes(reason, isSpent, isDone, false),
});

/** Its keeper itself has crashed. */
const crashes: Owes = (run) => {
  const failure = { why: 'keeperCrashed' };
  const through = leads({
    leaving: () => ({
      to: 'gone',
      facts: [{ type: 'agent.failed', id, why: 'keeperCrashed' }, unregistered],
      changes: { failure, end: { status: 'failed', why: 'keeperCrashed' } },
    }),
    ...up((context) => {
      if (context.isLeaving) {
        const left = stopped({ ...context, failure }, null);
        return { ...left, changes: { ...left.changes, failure } };
      }
      const { facts, changes } = abandons(context);
      const left = stopped({ ...context, ...changes, failure }, null);
      return { to: 'down', facts: [...facts, ...(left.facts ?? [])], changes: { ...changes, ...left.changes, failure } };
    }),
  });
  return through(run) ?? ending(run);
};

export const agentModel: Model<typeof agentMachine> = {
  machine: agentMachine,
  inputs: { 'an agent': { spec }, 'one that ran': past('up'), 'one that was down': past('down'), 'one that was to be forgotten': past('leaving') },
  events: {
    'agent.start': {
      'app: starts it': {
        payload: numbered,
        owes: leads({
          down: (_, run) => ({
            to: 'launching',
            changes: { job: { kind: 'start', call: callOf(run), former: null, why: null }, failure: null, end: null, isKeeperDone: false },
          }),
          ...up(refused('alreadyRunning')),
          stopping: refused('stopping'),
          leaving: refused('alreadyRunning'),
        }),
      },
    },
    'agent.stop': {
      'app: stops it': { payload: numbered, owes: stops },
      'app: stops it, a hundred times': {
        weight: 0.05,
        when: ({ snapshot }) => stateOf(snapshot) === 'stopping' && snapshot.context.stops.length === 0,
        run: (run) => {
          for (let count = 0; count < 100; count++) run.send({ type: 'agent.stop', ...numbered(run) });
        },
        owes: (run) => same('waiting', run.snapshot.context.stops.length, 100),
      },
    },
    'agent.update': { 'app: changes it': changed({ src: 'reader' }), 'app: changes what it can do': changed({ capabilities: [] }) },
    'agent.unregister': { 'app: unregisters it': { weight: 0.3, owes: leaves({}) } },
    'supervisor.shutdown': {
      'supervisor: shutdown': { weight: 0.2, owes: leaves({ reason: 'shutdown' }) },
      'supervisor: shutdown for a reason': { weight: 0.2, payload: { reason: ['shutdown', 'late'] }, owes: leaves({ reason: ['shutdown', 'late'] }) },
    },
  },
  outcomes: {
    keeper: {
      reports: {
        'keeper.up': {
          'it runs': {
            owes: leads({
              launching: ({ job }) => {
                const { kind = 'start', call = null, why } = job ?? {};
                const update = kind === 'update' ? [{ type: 'agent.updated', id, isRunning: true }] : [];
                const back = kind === 'rollBack' ? [{ type: 'agent.rolledBack', id, why }] : [];
                const result: AgentResult = kind === 'rollBack' ? { ok: false, reason: 'rolledBack', why } : { ok: true };
                return {
                  to: 'running',
                  facts: [{ type: 'agent.started', id }, ...update, ...back, ...answers(call, result)],
                  changes: { job: null, failure: null },
                };
              },
              running: ({ restarts }) => ({
                facts: [{ type: 'agent.restarted', id, restarts: restarts + 1 }],
                changes: { restarts: restarts + 1 },
              }),
            }),
          },
        },
        'keeper.refused': {
          'its name is taken': {
            payload: { why: 'taken' },
            owes: leads({
              launching: () => ({ to: 'retreating', changes: { failure: { why: 'taken' } } }),
              running: () => ({ to: 'stopping', changes: { failure: { why: 'taken' } } }),
            }),
          },
        },
        'keeper.startFailed': {
          'it does not start': {
            payload: { why: 'no room' },
            owes: leads({
              launching: () => ({ changes: { failure: { why: 'no room' } } }),
              running: () => ({ facts: [{ type: 'agent.startFailed', id, why: 'no room' }] }),
            }),
          },
        },
        'keeper.crashed': {
          'it crashed': {
            payload: { reason: { crash: 'lost' }, willRestart: true },
            owes: leads({ running: () => ({ facts: [{ type: 'agent.crashed', id, reason: { crash: 'lost' }, willRestart: true }] }) }),
          },
        },
        'keeper.ended': {
          'it is over': ended('normal', false),
          'it was shut down': ended('shutdown', false),
          'it was killed': ended('shutdown', false, false),
          'it crashed for good': ended({ crash: 'lost' }, false),
          'its restarts are spent': ended('normal', true),
        },
      },
      done: {
        'XState says so': {
          when: ({ snapshot }) => stateOf(snapshot) === 'leaving',
          owes: (run) => leads({ leaving: () => ({ to: 'gone', facts: [unregistered] }) })(run) ?? ending(run),
        },
      },
      sends: ['keeper.ended'],
      cases: {
        'XState says so first': {
          when: ({ snapshot }) => stateOf(snapshot) !== 'leaving',
          run: (run) => {
            run.resolve('keeper');
            run.send({ type: 'keeper.ended', reason: 'normal', isSpent: false, isDone: true });
          },
          owes: endedOwes('normal', false, true, true),
        },
      },
      error: { 'it crashes': { error: new Error('no more'), weight: 0.2, owes: crashes } },
    },
  },
  key: ({ snapshot: { context } }) => [
    ...[context.spec.src, context.spec.capabilities.length, context.job?.kind, context.job?.former?.src, context.job?.why, context.next?.spec.src],
    ...[
      Math.min(context.stops.length, 2),
      context.stops.length >= 100,
      context.failure,
      Math.min(context.restarts, 1),
      context.end,
      context.isLeaving,
    ],
    context.reason,
  ],
  corners: {
    'a roll-back after a refusal': ['one that ran', 'it runs', 'app: changes it', 'it was shut down', 'its name is taken', 'it was shut down'],
    'one stop too many': ['one that ran', 'app: unregisters it', 'app: stops it, a hundred times', 'app: stops it'],
  },
  invariants: {
    'it has a keeper exactly while it is up, and one': (run) =>
      same('keepers', run.running().length, run.isActive && stateOf(run.snapshot) !== 'down' ? 1 : 0),
    'it takes a start exactly while it is down': ({ snapshot }) =>
      snapshot.hasTag('accepting') === (stateOf(snapshot) === 'down') ? undefined : stateOf(snapshot),
    'a start is under way exactly while it starts': ({ snapshot }) =>
      same('job', snapshot.context.job !== null, ['launching', 'retreating'].includes(stateOf(snapshot))),
    'it waits for its end only on its way down': ({ snapshot }) =>
      snapshot.context.next === null && snapshot.context.stops.length === 0 ? undefined : same('state', stateOf(snapshot), 'stopping'),
    'every call is answered once': ({ emitted, snapshot: { context }, notes }) => {
      const answers = emitted.filter(({ type }) => type === 'agent.answered').map(({ call }) => call as string);
      const open = context.stops.length + ((context.job?.call ?? null) === null ? 0 : 1) + (context.next === null ? 0 : 1);
      return new Set(answers).size === answers.length && answers.length + open === Number(notes['calls'] ?? 0) ? undefined : answers.join();
    },
    'it is registered before all else, or recovered': ({ emitted: [first], start }) =>
      same(
        'first fact',
        first,
        start === 'an agent'
          ? { type: 'agent.registered', id, src: spec.src, capabilities: spec.capabilities }
          : { type: 'agent.recovered', id, state: start === 'one that ran' ? 'starting' : end.status },
      ),
    'it goes on as what it was': (run) => {
      const { start } = run;
      if (start === 'an agent') return undefined;
      const snapshot = firstOf(run);
      const state = { 'one that ran': 'launching', 'one that was down': 'down', 'one that was to be forgotten': 'gone' }[start] ?? '';
      const isUp = state === 'launching';
      return (
        same('state', stateOf(snapshot), state) ??
        same('what it was', snapshot.context, {
          spec: { ...spec, src: 'clerk' },
          job: isUp ? { kind: 'start', call: null, former: null, why: null } : null,
          ...{ next: null, stops: [], failure: null, restarts: 1, end: isUp ? null : end },
          ...{ isKeeperDone: false, isLeaving: false, reason: 'normal' },
          was: { launching: null, down: 'down', gone: 'leaving' }[state],
        }) ??
        (snapshot.status === 'done' ? same('exit', reasonOfOutput(snapshot.output), 'normal') : undefined)
      );
    },
    'its name is its own for ever': ({ snapshot }) => same('id', snapshot.context.spec.id, id),
  },
  observe: (run) => {
    noteTold(run, 'keeper');
    firstOf(run);
  },
  finish: (run) => {
    const state = stateOf(run.snapshot);
    if (state === 'leaving') run.resolve('keeper');
    else if (state === 'stopping') run.report('keeper', { type: 'keeper.ended', reason: 'shutdown', isSpent: false, isDone: true });
    else run.send({ type: 'agent.unregister' });
  },
};
