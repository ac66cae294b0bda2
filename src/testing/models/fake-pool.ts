/**
 * The pool of a supervisor under the model's hand: children are records, and each of their moves is a case.
 *
 * It holds the chart to its side of the protocol (machines/supervision/pool.ts): no second incarnation beside a living one, orders only for
 * incarnations that are known, one start at a time.
 */
import type { AnyStateMachine } from 'xstate';
import type { ResolvedSpec } from '../../../machines/supervision/child-spec.js';
import type { ExitReason } from '../../../machines/supervision/exit.js';
import type { PoolCommand } from '../../../machines/supervision/pool.js';
import type { Fake, FakeOptions } from '../model/fake.js';
import type { EventModels, Move } from '../model/model.js';
import type { Run } from '../model/run.js';

/** One incarnation, as the pool knows it. `gone` ones are kept: they are the history. */
export interface Pooled {
  readonly id: string;
  readonly run: number;
  readonly spec: ResolvedSpec;
  state: 'starting' | 'abandoned' | 'running' | 'asked' | 'killed' | 'gone';
  /** When its start began. */
  readonly since: number;
  /** When it was asked or killed. */
  orderedAt: number | null;
  killedAt: number | null;
  /** When it ended, once it had started. */
  endedAt: number | null;
  /** What came of its start. */
  start: 'pending' | 'started' | 'declined' | 'failed';
  /** How it ended, once it has; `neverStarted` after a start that came to nothing. */
  end: ExitReason | 'neverStarted' | null;
}

export interface PoolDouble {
  /** Oldest first. */
  readonly children: Pooled[];
  /** Commands that no chart may give, in words. */
  readonly faults: string[];
  /** Every command, oldest first. */
  readonly commands: PoolCommand[];
  initialising: boolean;
  /** Who was told to finish, once it was told to drain. */
  drainers: readonly Pooled[] | null;
  /** What is told of a fact about children: a pool may add to it, or keep it to itself. */
  readonly tell: (fact: PooledFact, child: Pooled) => object | undefined;
}

/** A start or an end of a child. */
export interface PooledFact {
  readonly [extra: string]: unknown;
  readonly type: 'child.started' | 'child.declined' | 'child.startFailed' | 'child.exited';
  readonly at: number;
  readonly reason?: unknown;
}

/** The double of a run's pool. */
export function poolOf<M extends AnyStateMachine>(run: Run<M>): PoolDouble {
  const fake = run.fakes.findLast(({ src }) => src === 'pool');
  return (fake?.notes['double'] ?? newDouble()) as PoolDouble;
}

function newDouble(): PoolDouble {
  return { children: [], faults: [], commands: [], initialising: false, drainers: null, tell: (fact) => fact };
}

/** An incarnation whose start begins now. */
export function newPooled(id: string, run: number, spec: ResolvedSpec, at: number): Pooled {
  return { id, run, spec, state: 'starting', since: at, orderedAt: null, killedAt: null, endedAt: null, start: 'pending', end: null };
}

/** The incarnations that are not gone. */
export function living(pool: PoolDouble): readonly Pooled[] {
  return pool.children.filter(({ state }) => state !== 'gone');
}

/** For `outcomes: { pool: poolFake }`. A child whose input is `{ drains: true }` takes part in a drain. */
export const poolFake: FakeOptions = {
  onStart: (fake) => {
    fake.notes['double'] = newDouble();
    return undefined;
  },
  onEvent: (fake, event, run) => {
    obey(fake, fake.notes['double'] as PoolDouble, event as unknown as PoolCommand, run.clock.now());
    return undefined;
  },
};

function obey(fake: Fake, pool: PoolDouble, command: PoolCommand, at: number): void {
  pool.commands.push(command);
  const alive = living(pool);
  switch (command.type) {
    case 'pool.init':
      if (command.init.src === '') pool.faults.push('told to run an init that is not given');
      pool.initialising = true;
      return;
    case 'pool.start':
      if (alive.some(({ id }) => id === command.id)) pool.faults.push(`started ${command.id}, which lives`);
      if (alive.some(({ state }) => state === 'starting')) pool.faults.push(`started ${command.id} while another starts`);
      pool.children.push(newPooled(command.id, command.run, command.spec, at));
      return;
    case 'pool.drain':
      pool.drainers = alive.filter(drains);
      fake.ref._parent?.send({ type: 'pool.draining', ids: pool.drainers.map(({ id }) => id) });
      return;
    default: {
      const child = pool.children.findLast(({ id, run }) => id === command.id && run === command.run);
      if (child === undefined || child.state === 'gone') {
        pool.faults.push(`${command.type} for ${command.id}, which does not live`);
        return;
      }
      if (command.type === 'pool.abandon') {
        if (child.state !== 'starting') pool.faults.push(`abandoned ${child.id}, which does not start`);
        child.state = 'abandoned';
        return;
      }
      if (command.type === 'pool.ask' && child.state !== 'running') pool.faults.push(`asked ${child.id} while it is ${child.state}`);
      child.state = command.type === 'pool.ask' ? 'asked' : 'killed';
      child.orderedAt ??= at;
      if (child.state === 'killed') child.killedAt ??= at;
    }
  }
}

function drains({ spec, state }: Pooled): boolean {
  return state === 'running' && (spec.input as { drains?: boolean } | undefined)?.drains === true;
}

// ---- the moves of children

/** What the pool shows of a chart that keeps its deadlines: nobody is asked who is to be killed, nobody has longer than allowed. */
export function lateness<M extends AnyStateMachine>(run: Run<M>): string | undefined {
  const now = run.clock.now();
  for (const { id, spec, state, orderedAt, since } of living(poolOf(run))) {
    if (state === 'asked' && spec.shutdownMs === 'brutalKill') return `${id} was asked`;
    if (state === 'asked' && typeof spec.shutdownMs === 'number' && now - (orderedAt ?? now) >= spec.shutdownMs)
      return `${id} was not killed in time`;
    if (state === 'starting' && spec.startMs !== undefined && now - since >= spec.startMs) return `${id} starts for too long`;
  }
  return undefined;
}

/** Who may take its time is asked first, and has it. */
export function tooEarly<M extends AnyStateMachine>(run: Run<M>): string | undefined {
  for (const { id, spec, killedAt, orderedAt } of living(poolOf(run))) {
    if (killedAt === null || orderedAt === null || spec.shutdownMs === 'brutalKill') continue;
    if (spec.shutdownMs === 'infinity' || killedAt - orderedAt < spec.shutdownMs) return `${id} was killed after ${killedAt - orderedAt} ms`;
  }
  return undefined;
}

/** Which child a case is about, if it can happen now. */
export type Pick = (pool: PoolDouble) => Pooled | undefined;

export const runningAs =
  (id: string): Pick =>
  ({ children }) =>
    children.find((child) => child.id === id && child.state === 'running');

/** A start succeeds, is declined, or fails. */
function endStart<M extends AnyStateMachine>(
  run: Run<M>,
  child: Pooled,
  type: Exclude<PooledFact['type'], 'child.exited'>,
  extra: object = {},
): void {
  child.state = type === 'child.started' ? 'running' : 'gone';
  child.start = ({ 'child.started': 'started', 'child.declined': 'declined', 'child.startFailed': 'failed' } as const)[type];
  if (type !== 'child.started') child.end = 'neverStarted';
  tell(run, child, { type, id: child.id, run: child.run, at: run.clock.now(), ...extra });
}

/** A child that had started ends. */
function endChild<M extends AnyStateMachine>(run: Run<M>, child: Pooled, reason: ExitReason): void {
  const { id, run: incarnation, orderedAt } = child;
  const killed = child.state === 'killed';
  const at = run.clock.now();
  child.state = 'gone';
  child.end = reason;
  child.endedAt = at;
  tell(run, child, { type: 'child.exited', id, run: incarnation, at, reason, tookMs: orderedAt === null ? 0 : at - orderedAt, killed });
}

function tell<M extends AnyStateMachine>(run: Run<M>, child: Pooled, fact: PooledFact): void {
  const told = poolOf(run).tell(fact, child);
  if (told !== undefined) run.report('pool', told as never);
}

/** What the children of a pool can do, by themselves and as ordered. `own`: by name, whose own ends are cases. */
export function poolCases<M extends AnyStateMachine>(own: Readonly<Record<string, Pick>>): Readonly<Record<string, Move<M>>> {
  const move = (pick: Pick, act: (run: Run<M>, child: Pooled) => void, weight = 1): Move<M> => ({
    when: (run) => pick(poolOf(run)) !== undefined,
    run: (run) => act(run, pick(poolOf(run)) as Pooled),
    weight,
  });
  const inState =
    (state: Pooled['state']): Pick =>
    ({ children }) =>
      children.find((child) => child.state === state);
  return {
    'it starts': move(inState('starting'), (run, child) => endStart(run, child, 'child.started', { info: 7 })),
    'it declines': move(inState('starting'), (run, child) => endStart(run, child, 'child.declined'), 0.25),
    'its start fails': move(inState('starting'), (run, child) => endStart(run, child, 'child.startFailed', { reason: 'no' }), 0.25),
    'its start is given up': move(inState('abandoned'), (run, child) => endStart(run, child, 'child.startFailed', { reason: 'timeout' })),
    'it ends as asked': move(inState('asked'), (run, child) => endChild(run, child, 'shutdown')),
    'it crashes when asked': move(inState('asked'), (run, child) => endChild(run, child, { crash: 'asked' }), 0.25),
    'it is killed': move(inState('killed'), (run, child) => endChild(run, child, 'killed')),
    ...Object.fromEntries(
      Object.entries(own).flatMap(([name, pick]) => [
        [`${name} crashes`, move(pick, (run, child) => endChild(run, child, { crash: name }))],
        [`${name} ends`, move(pick, (run, child) => endChild(run, child, 'normal'))],
      ]),
    ),
  };
}

/** How `init` can end. */
export function initReports<M extends AnyStateMachine>(): EventModels<M> {
  const end = (type: string, payload: object): object => ({
    [type]: {
      [type]: {
        when: (run: Run<M>) => poolOf(run).initialising,
        payload: (run: Run<M>) => {
          poolOf(run).initialising = false;
          run.notes['init'] = type;
          return payload;
        },
      },
    },
  });
  return { ...end('init.succeeded', {}), ...end('init.declined', {}), ...end('init.failed', { reason: 'unprepared' }) };
}

/** Every start is told once, by what came of it. */
export function untoldStart<M extends AnyStateMachine>(run: Run<M>): string | undefined {
  const told = { started: 'child.started', declined: 'child.declined', failed: 'child.startFailed' } as const;
  const { children } = poolOf(run);
  for (const [outcome, type] of Object.entries(told)) {
    const [done, said] = [children.filter(({ start }) => start === outcome).length, run.emitted.filter((event) => event.type === type).length];
    if (done !== said) return `${done} starts have ${outcome}, ${said} were told`;
  }
  return undefined;
}

/** What the search must know of a pool. */
export function poolKey<M extends AnyStateMachine>(run: Run<M>): unknown {
  const now = run.clock.now();
  return living(poolOf(run)).map(({ id, state, orderedAt }) => [id, state, orderedAt === null ? null : now - orderedAt]);
}

/** Plays the pool's next move as the chart wants it: a start succeeds, one that is told to end does. False when it has none to make. */
export function playOn<M extends AnyStateMachine>(run: Run<M>): boolean {
  const pool = poolOf(run);
  const child = living(pool).find(({ state }) => state !== 'running');
  if (pool.initialising) {
    pool.initialising = false;
    run.report('pool', { type: 'init.succeeded' } as never);
  } else if (child === undefined) return false;
  else if (child.state === 'starting') endStart(run, child, 'child.started');
  else if (child.state === 'abandoned') endStart(run, child, 'child.startFailed', { reason: 'timeout' });
  else endChild(run, child, child.state === 'killed' ? 'killed' : 'shutdown');
  return true;
}
