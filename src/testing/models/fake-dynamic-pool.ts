/**
 * The pool of a dynamic supervisor under the model's hand. Like {@link poolFake}, but it gives the keys, remembers what a restart needs, and ends
 * everybody by itself when told to.
 */
import type { AnyEventObject, AnyStateMachine } from 'xstate';
import type { ResolvedSpec } from '../../../machines/supervision/child-spec.js';
import type { ChildMemory, DynamicPoolCommand, EndedChild, PooledEntry } from '../../../machines/supervision/pool.js';
import { living, newPooled, type PoolDouble, type Pooled, type PooledFact, poolOf } from './fake-pool.js';
import type { Fake, FakeOptions } from '../model/fake.js';
import type { Run } from '../model/run.js';

export interface Entry {
  readonly spec: ResolvedSpec;
  run: number;
  attempt: number;
  startedAt: number;
  restarts: readonly number[];
}

interface DynamicDouble extends PoolDouble {
  /** What is remembered, by key. */
  readonly entries: Map<string, Entry>;
  /** Who ended since everybody was told to; null before. */
  ended: (EndedChild & { readonly spec: ResolvedSpec })[] | null;
}

/** How many children the pool of a dynamic supervisor remembers: those that live, start, or are to be restarted. */
export function entriesOf<M extends AnyStateMachine>(run: Run<M>): ReadonlyMap<string, Entry> {
  return (poolOf(run) as Partial<DynamicDouble>).entries ?? new Map();
}

/** The oldest or the newest child that runs. */
export const oldest = ({ children }: PoolDouble): Pooled | undefined => children.find(({ state }) => state === 'running');
export const newest = ({ children }: PoolDouble): Pooled | undefined => children.findLast(({ state }) => state === 'running');

/** For `outcomes: { pool: dynamicPoolFake }`. */
export const dynamicPoolFake: FakeOptions = {
  onStart: (fake) => {
    const pool: DynamicDouble = {
      children: [],
      faults: [],
      commands: [],
      initialising: false,
      drainers: null,
      entries: new Map(),
      ended: null,
      tell: (fact, child) => tell(fake, pool, fact, child),
    };
    fake.notes['double'] = pool;
    return undefined;
  },
  onEvent: (fake, event, run) => {
    obey(fake, fake.notes['double'] as DynamicDouble, event as unknown as DynamicPoolCommand, run.clock.now());
    return undefined;
  },
};

function answer(fake: Fake, fact: AnyEventObject): void {
  fake.ref._parent?.send(fact);
}

function tell(fake: Fake, pool: DynamicDouble, fact: PooledFact, { id, spec }: Pooled): object | undefined {
  const entry = pool.entries.get(id);
  if (fact.type === 'child.started' && entry !== undefined) entry.startedAt = fact.at;
  if (fact.type !== 'child.exited') return fact;
  if (pool.ended !== null) {
    const { reason, tookMs, killed } = fact as unknown as EndedChild;
    pool.ended.push({ id, reason, tookMs, killed, spec });
    pool.entries.delete(id);
    if (living(pool).length === 0) answer(fake, { type: 'pool.emptied', ended: pool.ended });
    return undefined;
  }
  if (entry === undefined) {
    pool.faults.push(`${id} was forgotten while it lived`);
    return undefined;
  }
  const { attempt, startedAt, restarts } = entry;
  return { ...fact, memory: { spec, attempt, startedAt, restarts } satisfies ChildMemory };
}

function obey(fake: Fake, pool: DynamicDouble, command: DynamicPoolCommand, at: number): void {
  pool.commands.push(command as never);
  const alive = living(pool);
  const child = 'id' in command ? alive.find(({ id }) => id === command.id) : undefined;
  const entry = 'id' in command ? pool.entries.get(command.id) : undefined;
  const fault = (words: string): void => void pool.faults.push(`${command.type}: ${words}`);
  switch (command.type) {
    case 'pool.init':
      if (command.init.src === '') fault('no init is given');
      pool.initialising = true;
      return;
    case 'pool.add': {
      let key = command.spec.id;
      for (let suffix = 2; pool.entries.has(key); suffix++) key = `${command.spec.id}.${suffix}`;
      pool.entries.set(key, { spec: command.spec, run: 0, attempt: 0, startedAt: 0, restarts: [] });
      start(pool, key, at);
      return;
    }
    case 'pool.restart':
      if (entry === undefined) fault(`${command.id} is not known`);
      else if (child !== undefined) fault(`${command.id} lives`);
      else {
        const { attempt = entry.attempt, restarts = entry.restarts } = command;
        Object.assign(entry, { attempt, restarts });
        start(pool, command.id, at);
      }
      return;
    case 'pool.hold':
      if (entry === undefined) fault(`${command.id} is not known`);
      else Object.assign(entry, { attempt: command.attempt, restarts: command.restarts });
      return;
    case 'pool.forget':
      if (child !== undefined) fault(`${command.id} lives`);
      pool.entries.delete(command.id);
      return;
    case 'pool.find':
      if (entry === undefined || (command.run !== undefined && command.run !== entry.run)) answer(fake, { type: 'child.missing', id: command.id });
      else answer(fake, { type: 'child.found', id: command.id, status: child === undefined ? 'restarting' : 'running', spec: entry.spec });
      return;
    case 'pool.ask':
    case 'pool.kill':
      if (child === undefined) fault(`${command.id} does not live`);
      else order(child, command.type === 'pool.kill' ? 'killed' : 'asked', at);
      return;
    case 'pool.abandon': {
      const slow = alive.find(({ state }) => state === 'starting');
      if (slow === undefined) fault('nobody starts');
      else slow.state = 'abandoned';
      return;
    }
    case 'pool.stopAll':
      pool.ended = [];
      for (const one of alive) order(one, one.spec.shutdownMs === 'brutalKill' ? 'killed' : 'asked', at);
      if (alive.length === 0) answer(fake, { type: 'pool.emptied', ended: [] });
      return;
    case 'pool.drain':
      pool.drainers = alive;
      return;
    case 'pool.list': {
      const which = [...pool.entries].map(([key, { spec }]): PooledEntry => {
        return { key, status: alive.some(({ id }) => id === key) ? 'running' : 'restarting', type: spec.type };
      });
      answer(fake, { type: 'pool.listed', call: command.call, question: command.question, which });
    }
  }
}

function start(pool: DynamicDouble, key: string, at: number): void {
  const entry = pool.entries.get(key) as Entry;
  if (living(pool).some(({ state }) => state === 'starting')) pool.faults.push(`started ${key} while another starts`);
  entry.run++;
  pool.children.push(newPooled(key, entry.run, entry.spec, at));
}

function order(child: Pooled, state: 'asked' | 'killed', at: number): void {
  child.state = state;
  child.orderedAt ??= at;
  if (state === 'killed') child.killedAt ??= at;
}
