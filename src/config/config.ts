/**
 * A configuration as supervised logic: the chart with its sources and its schema.
 *
 *   const settings = config({ schema, sources: [fileSource('app.json'), environmentSource({ prefix: 'APP_' })] });
 *   orchestrator({ actors: { settings }, children: [{ id: 'settings', src: 'settings' }] })
 *
 * The handle that an app holds is in handle.ts.
 */
import { type ActorLogic, type ActorRefFrom, type AnyActorRef, fromCallback, type SnapshotFrom } from 'xstate';
import { configMachine } from '../../machines/config/config.js';
import type { CheckCommand, CheckFault, CheckInput, ConfigEmitted, ConfigEvent, Issue, SourcesCommand } from '../../machines/config/config-events.js';
import { clockOf } from '../supervision/clock.js';
import { withInput } from '../supervision/supervisors.js';
import { onLoss } from '../supervision/watch.js';
import { parentOf } from '../supervision/xstate-internals.js';
import type { StandardResult } from '../wire/standard-schema.js';
import { Keep } from './keep.js';
import { type ConfigOptions, type ConfigPlan, planConfig } from './options.js';
import { copied } from './paths.js';
import { Reading } from './reading.js';

/** The logic of one configuration; it needs no input. `Value` is what its schema makes. */
export type ConfigLogic<Value = unknown> = ActorLogic<
  SnapshotFrom<typeof configMachine>,
  ConfigEvent,
  undefined,
  AnyActorRef['system'],
  ConfigEmitted
> & {
  /** Never there: for the type alone. */
  readonly '~value'?: Value;
};

/** A running configuration. */
export type ConfigRef = ActorRefFrom<typeof configMachine>;

/** What the actors of one logic have in common, one after the other. */
export interface Cell {
  keep: Keep;
  /** What was served last in each seat, by parent and id: where several run at a time, each goes on with its own. */
  readonly seats: WeakMap<AnyActorRef, Map<string, Keep>>;
}

const cells = new WeakMap<object, Cell>();
const keeps = new WeakMap<AnyActorRef, Keep>();

/** What the actors of a logic keep; undefined where config() did not make it. */
export function cellOf(logic: object): Cell | undefined {
  return cells.get(logic);
}

/** What a configuration keeps; of one that has ended too, and undefined for one that never ran. */
export function keepOf(ref: AnyActorRef): Keep | undefined {
  return keeps.get(ref);
}

/**
 * The logic of a configuration with these options: for `createActor`, `invoke`, `spawn`, or as a supervisor's child. Values, versions, updates and
 * subscribers belong to it: the next actor of the same logic goes on with them, unless the one before was closed; of several
 * at a time, the next in its seat. On `supervisor.shutdown` it ends at once.
 * @throws EspalierError `config/invalid-options`
 */
export function config<Value>(options: ConfigOptions<Value>): ConfigLogic<Value> {
  const plan = planConfig(options);
  const cell: Cell = { keep: new Keep(plan), seats: new WeakMap() };
  const machine = configMachine.provide({ actors: { sources: sources(plan, cell), check: check(plan) } });
  const logic: ConfigLogic<Value> = withInput(machine, plan.input);
  cells.set(logic, cell);
  return logic;
}

/**
 * What an actor is to serve: what it does already, else what is left in its seat, or, in a new one, by any other of its logic. Two at a time have nothing in
 * common.
 */
function keepFor(owner: AnyActorRef, plan: ConfigPlan, cell: Cell): Keep {
  const own = keeps.get(owner);
  if (own !== undefined) return own;
  const parent = parentOf(owner);
  const seats = (parent === undefined ? undefined : cell.seats.get(parent)) ?? new Map<string, Keep>();
  if (parent !== undefined) cell.seats.set(parent, seats);
  const left = seats.get(owner.id) ?? cell.keep;
  const keep = left.isFree ? left : new Keep(plan);
  if (cell.keep.isClosed) cell.keep = keep;
  seats.set(owner.id, keep);
  return keep;
}

/** The actor `sources` of the chart. */
function sources(plan: ConfigPlan, cell: Cell): ReturnType<typeof fromCallback<SourcesCommand>> {
  return fromCallback<SourcesCommand>(({ self, sendBack, receive }) => {
    const owner = parentOf(self) as AnyActorRef;
    const keep = keepFor(owner, plan, cell);
    keeps.set(owner, keep);
    keep.adopt(owner, clockOf(self.system));
    const reading = new Reading(keep, sendBack);
    receive((command) => {
      if (command.type === 'sources.giveUp') reading.giveUp();
      else {
        keep.resume(command.version, command.kept);
        reading.read();
      }
    });
    sendBack(keep.opening());
    onLoss(self, owner, () => tellLoss(owner));
    return () => reading.close();
  });
}

/** The actor `check` of the chart: one candidate. Whatever it does, it does within one turn, so that no kill falls between. */
function check(plan: ConfigPlan): ReturnType<typeof fromCallback<CheckCommand, CheckInput>> {
  return fromCallback<CheckCommand, CheckInput>(({ self, input: { ticket }, sendBack, receive }) => {
    const owner = parentOf(self) as AnyActorRef;
    const keep = keepOf(owner);
    const made = keep?.prepare(ticket);
    // Restored, before anything was read: the sources speak next.
    if (keep === undefined || made === undefined) return undefined;
    let isOver = false;
    const refuse = (fault: CheckFault, issues: readonly Issue[] = []): void => {
      if (isOver) return;
      isOver = true;
      keep.refuse(ticket, fault, issues);
      sendBack({ type: 'check.refused', ticket, fault, issues });
    };
    receive(() => refuse('timeout'));
    onLoss(self, owner, () => tellLoss(owner));
    if (typeof made === 'string') {
      refuse(made);
      return undefined;
    }
    const judge = (result: StandardResult<unknown>): void => {
      if (isOver) return;
      if (result.issues !== undefined) return refuse('invalid', keep.issuesOf(result.issues, made));
      // Neither issues nor a value: that is no word of a schema.
      if (!('value' in result)) return fail();
      const passed = keep.commit(ticket, made, result.value);
      if (passed === null) return refuse('gone');
      isOver = true;
      sendBack(passed);
    };
    const fail = (): void => refuse('schemaFailed');
    try {
      // A copy: the schema's may be the very object that it was given.
      const result: unknown = plan.schema['~standard'].validate(copied(made.input)?.value);
      // Not every promise is one of this realm's.
      const isPromise = typeof (result as { then?: unknown } | undefined)?.then === 'function';
      if (isPromise)
        Promise.resolve(result as PromiseLike<StandardResult<unknown>>)
          .then(judge, fail)
          .catch(fail);
      else judge(result as StandardResult<unknown>);
    } catch {
      fail();
    }
    return () => {
      isOver = true;
    };
  });
}

function tellLoss(owner: AnyActorRef): void {
  owner.send({ type: 'part.ended', at: clockOf(owner.system).now() } satisfies ConfigEvent);
}
