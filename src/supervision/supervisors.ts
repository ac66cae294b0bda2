/** Supervisors as XState logic: to be a child of another, invoked or spawned by a machine of the app's own, or a root. */
import type { AnyActorLogic, AnyStateMachine } from 'xstate';

import {
  dynamicSupervisorKeys,
  problemOfDynamicSupervisor,
  problemOfSupervisor,
  supervisorKeys,
  type DynamicSupervisorInput,
  type Problem,
  type SupervisorInput,
} from '../../machines/supervision/child-spec.js';
import { dynamicSupervisorMachine as bareDynamicSupervisor } from '../../machines/supervision/dynamic-supervisor.js';
import { faultOfKeys, isRecord } from '../../machines/supervision/option-keys.js';
import { supervisorMachine as bareSupervisor } from '../../machines/supervision/supervisor.js';
import { EspalierError } from '../errors.js';
import { dynamicPoolLogic } from './dynamic-pool.js';
import { poolLogic } from './pool.js';

/** The logics that children run, by the name that their specs' `src` gives. */
export type ActorMap = Readonly<Record<string, AnyActorLogic>>;

/**
 * The supervisor machine with its pool, as XState logic: `supervisorMachine.provide({ actors })` adds the children's logics; `createActor`, `invoke`
 * and `spawn` give it {@link SupervisorInput} as input. {@link supervisor} has both bound.
 *
 * It emits `SupervisorEmitted`. Its output is the exit reason and who ended how, or why it could not start. It throws nothing: an input with a fault
 * starts nobody, and the machine is done at once with `failStart(term)`, which `started()` of its handle tells as `{ ok: false, reason: term }`.
 */
export const supervisorMachine = knowingItsActors(bareSupervisor.provide({ actors: { pool: poolLogic as never } }));

/**
 * The dynamic supervisor machine with its pool, as XState logic: `.provide({ actors })` adds the children's logics; `createActor`, `invoke` and
 * `spawn` give it {@link DynamicSupervisorInput} as input. {@link dynamicSupervisor} has both bound. It emits `DynamicEmitted`; its output, and what
 * it does about an input with a fault, are those of {@link supervisorMachine}.
 */
export const dynamicSupervisorMachine = knowingItsActors(bareDynamicSupervisor.provide({ actors: { pool: dynamicPoolLogic as never } }));

/** Options of {@link supervisor}: its input, and the children's logics. */
export interface SupervisorOptions<Actors extends ActorMap = ActorMap> extends SupervisorInput<Extract<keyof Actors, string>> {
  /** By the names that specs give as `src`; any but `pool`. */
  readonly actors?: Actors;
}

/** Options of {@link dynamicSupervisor}: its input, and the children's logics. */
export interface DynamicSupervisorOptions<Actors extends ActorMap = ActorMap> extends DynamicSupervisorInput<Extract<keyof Actors, string>> {
  /** By the names that specs give as `src`; any but `pool`. */
  readonly actors?: Actors;
}

/**
 * A supervisor with its options bound: started in order, stopped in reverse, restarted by strategy.
 * @throws EspalierError with a `supervision/…` code for the first fault of the options, before anything starts
 */
export function supervisor<const Actors extends ActorMap>(options: SupervisorOptions<Actors> = {}): typeof supervisorMachine {
  requireOptions(options, supervisorOptions, 'the options of a supervisor');
  const { actors, ...input } = options;
  requireActors(actors);
  refuse(problemOfSupervisor({ ...input, srcs: srcsOf(actors) }));
  return withInput(supervisorMachine.provide({ actors: actors ?? {} }), {
    ...input,
    children: (input.children ?? []).map((spec) => ({ ...spec })),
  });
}

/**
 * A dynamic supervisor with its options bound: children on demand, each on its own, stopped all at once. With `template`, OTP's simple_one_for_one.
 * @throws EspalierError with a `supervision/…` code for the first fault of the options, before anything starts
 */
export function dynamicSupervisor<const Actors extends ActorMap>(options: DynamicSupervisorOptions<Actors> = {}): typeof dynamicSupervisorMachine {
  requireOptions(options, [...dynamicSupervisorKeys, 'actors'], 'the options of a dynamic supervisor');
  const { actors, ...input } = options;
  requireActors(actors);
  refuse(problemOfDynamicSupervisor({ ...input, srcs: srcsOf(actors) }));
  return withInput(
    dynamicSupervisorMachine.provide({ actors: actors ?? {} }),
    input.template === undefined ? input : { ...input, template: { ...input.template } },
  );
}

/** What the options of a supervisor may hold. */
export const supervisorOptions = [...supervisorKeys, 'actors'];

/**
 * Refuses options that are no object, and names that nobody knows: a misspelt option would be silently the default.
 * @throws EspalierError `supervision/invalid-options`
 */
export function requireOptions(options: unknown, known: readonly string[], what: string): void {
  const fault = faultOfKeys(options, known, what);
  if (fault !== null) throw new EspalierError('supervision/invalid-options', { ...fault });
}

/** Refuses what cannot be told anything. @throws EspalierError `supervision/invalid-options` */
export function requireListener(listener: unknown): void {
  if (typeof listener === 'function') return;
  throw new EspalierError('supervision/invalid-options', { expected: '`listener` to be a function', got: listener });
}

/** Throws what is wrong with a spec or an option, when something is. */
export function refuse(problem: Problem | null): void {
  if (problem === null) return;
  const { code, expected, got, term } = problem;
  throw new EspalierError(code, { expected, got, term });
}

/** The names that a `src` may be: those of logics. The supervisor's own pool is none of its children's. */
export function srcsOf(actors: Readonly<Record<string, unknown>> = {}): readonly string[] {
  return Object.keys(actors).filter((name) => name !== 'pool' && isLogic(actors[name]));
}

function isLogic(value: unknown): value is AnyActorLogic {
  const { transition, getInitialSnapshot } = (value ?? {}) as Partial<AnyActorLogic>;
  return typeof transition === 'function' && typeof getInitialSnapshot === 'function';
}

/**
 * The machine, told as it starts which actors it was provided with by then. So a `src` that names none of them is found with the other faults of its
 * input, and not when that child's turn comes and others have started.
 */
function knowingItsActors<Machine extends AnyStateMachine>(machine: Machine): Machine {
  const { getInitialSnapshot, provide, implementations } = machine;
  const bound = (input: unknown): unknown =>
    input === undefined || input === null || isRecord(input) ? { ...input, srcs: srcsOf(implementations.actors) } : input;
  return Object.assign(machine, {
    getInitialSnapshot: (scope: never, input: unknown) => getInitialSnapshot(scope, bound(input)) as unknown,
    provide: (more: never) => knowingItsActors(provide.call(machine, more) as Machine),
  });
}

function requireActors(actors: unknown): void {
  if (actors === undefined) return;
  if (!isRecord(actors))
    throw new EspalierError('supervision/invalid-actor', { expected: '`actors` to be an object of XState logics by name', got: actors });
  if ('pool' in actors)
    throw new EspalierError('supervision/reserved-actor', {
      expected: "an actor name other than 'pool', which is the supervisor's own",
      got: 'pool',
    });
  for (const [name, logic] of Object.entries(actors) as [string, unknown][])
    if (!isLogic(logic)) throw new EspalierError('supervision/invalid-actor', { expected: `the actor '${name}' to be XState logic`, got: logic });
}

/** The machine with some of its input given; input that comes later is laid over it. */
export function withInput<Machine extends AnyStateMachine>(machine: Machine, input: object): Machine {
  const { getInitialSnapshot, provide } = machine;
  return Object.assign(machine, {
    getInitialSnapshot: (scope: never, later: object | undefined) => getInitialSnapshot(scope, { ...input, ...later }) as unknown,
    provide: (implementations: never) => withInput(provide.call(machine, implementations) as Machine, input),
  });
}
