/** Supervisors as XState logic: to be a child of another, invoked or spawned by a machine of the app's own, or a root. */
import type { AnyActorLogic, AnyStateMachine } from 'xstate';

import {
  problemOfDynamicSupervisor,
  problemOfSupervisor,
  type ChildSpec,
  type DynamicSupervisorInput,
  type Problem,
  type SupervisorInput,
} from '../../machines/supervision/child-spec.js';
import { dynamicSupervisorMachine as bareDynamicSupervisor } from '../../machines/supervision/dynamic-supervisor.js';
import { supervisorMachine as bareSupervisor } from '../../machines/supervision/supervisor.js';
import { EspalierError } from '../errors.js';
import { dynamicPoolLogic } from './dynamic-pool.js';
import { poolLogic } from './pool.js';

/** The logics that children run, by the name that their specs' `src` gives. */
export type ActorMap = Readonly<Record<string, AnyActorLogic>>;

/** The supervisor machine with its pool: takes {@link SupervisorInput} as input; `.provide({ actors })` adds the children's logics. */
export const supervisorMachine = bareSupervisor.provide({ actors: { pool: poolLogic as never } });

/** The dynamic supervisor machine with its pool: takes {@link DynamicSupervisorInput} as input. */
export const dynamicSupervisorMachine = bareDynamicSupervisor.provide({ actors: { pool: dynamicPoolLogic as never } });

/** Options of {@link supervisor}: its input, and the children's logics. */
export interface SupervisorOptions<Actors extends ActorMap = ActorMap> extends SupervisorInput<Extract<keyof Actors, string>> {
  readonly actors?: Actors;
}

/** Options of {@link dynamicSupervisor}. */
export interface DynamicSupervisorOptions<Actors extends ActorMap = ActorMap> extends DynamicSupervisorInput<Extract<keyof Actors, string>> {
  readonly actors?: Actors;
}

/**
 * A supervisor with its options bound: started in order, stopped in reverse, restarted by strategy.
 * @throws EspalierError with a `supervision/…` code for the first fault of the options, before anything starts
 */
export function supervisor<const Actors extends ActorMap>(options: SupervisorOptions<Actors> = {}): typeof supervisorMachine {
  requireOptions(options, supervisorKeys, 'the options of a supervisor');
  const { actors, ...input } = options;
  refuse(problemOfSupervisor(input));
  requireActors(actors);
  for (const spec of input.children ?? []) {
    requireSpecKeys(spec);
    requireSrc(spec.src, actors ?? {});
  }
  if (input.init !== undefined) requireSrc(input.init.src, actors ?? {});
  return withInput(provideActors(supervisorMachine, actors ?? {}), { ...input, children: (input.children ?? []).map((spec) => ({ ...spec })) });
}

/**
 * A dynamic supervisor with its options bound: children on demand, each on its own, stopped all at once. With `template`, OTP's simple_one_for_one.
 * @throws EspalierError with a `supervision/…` code for the first fault of the options, before anything starts
 */
export function dynamicSupervisor<const Actors extends ActorMap>(options: DynamicSupervisorOptions<Actors> = {}): typeof dynamicSupervisorMachine {
  requireOptions(options, dynamicSupervisorKeys, 'the options of a dynamic supervisor');
  refuseAutoShutdown(options);
  const { actors, ...input } = options;
  refuse(problemOfDynamicSupervisor(input));
  requireActors(actors);
  if (input.template !== undefined) {
    requireSpecKeys(input.template);
    requireSrc(input.template.src, actors ?? {});
  }
  return withInput(
    provideActors(dynamicSupervisorMachine, actors ?? {}),
    input.template === undefined ? input : { ...input, template: { ...input.template } },
  );
}

const flagKeys = ['intensity', 'periodMs', 'init', 'maxPending'];
/** What a supervisor's options may hold. */
export const supervisorKeys = [...flagKeys, 'actors', 'strategy', 'autoShutdown', 'children'];
const dynamicSupervisorKeys = [...flagKeys, 'actors', 'maxChildren', 'template', 'autoShutdown'];
const specKeys = ['id', 'src', 'input', 'restart', 'shutdownMs', 'type', 'significant', 'startMs', 'backoff', 'budget'];

/** Refuses options that are no object, and names that nobody knows: a misspelt option would be silently the default. */
export function requireOptions(options: unknown, known: readonly string[], what: string): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options))
    throw new EspalierError('supervision/invalid-options', { expected: `${what} to be an object`, got: options });
  for (const key of Object.keys(options)) {
    if (!known.includes(key))
      throw new EspalierError('supervision/invalid-options', { expected: `${what} with the keys ${known.join(', ')}`, got: key });
  }
}

/** The same for a child spec that has proven to be one. */
export function requireSpecKeys(spec: object): void {
  requireOptions(spec, specKeys, 'a child spec');
}

/** Throws what is wrong with a spec or an option, when something is. */
export function refuse(problem: Problem | null): void {
  if (problem === null) return;
  const { code, expected, got, term } = problem;
  throw new EspalierError(code, { expected, got, term });
}

/** Refuses a `src` that names no logic. The supervisor's own pool is none of its children's. */
export function requireSrc(src: ChildSpec['src'], actors: Readonly<Record<string, unknown>>): void {
  if (src !== 'pool' && Object.hasOwn(actors, src)) return;
  const known = Object.keys(actors).filter((name) => name !== 'pool');
  throw new EspalierError('supervision/unknown-src', { expected: `a src among the actors ${known.join(', ') || '(none)'}`, got: src });
}

/** Children that come and go have none among them that is significant. @see OTP supervisor.erl, since OTP 26: bad_combination */
function refuseAutoShutdown(options: object): void {
  const { autoShutdown = 'never' } = options as { autoShutdown?: unknown };
  if (autoShutdown === 'never') return;
  const got = ['autoShutdown', autoShutdown];
  throw new EspalierError('supervision/bad-combination', {
    expected: 'no autoShutdown in a dynamic supervisor',
    got,
    term: ['supervisorData', ['badCombination', [['strategy', 'simpleOneForOne'], got]]],
  });
}

function requireActors(actors: unknown): void {
  if (actors !== undefined && (typeof actors !== 'object' || actors === null || Array.isArray(actors)))
    throw new EspalierError('supervision/invalid-actor', { expected: '`actors` to be an object of XState logics by name', got: actors });
}

function provideActors<Machine extends AnyStateMachine>(machine: Machine, actors: ActorMap): Machine {
  if ('pool' in actors)
    throw new EspalierError('supervision/reserved-actor', {
      expected: "an actor name other than 'pool', which is the supervisor's own",
      got: 'pool',
    });
  for (const [name, logic] of Object.entries(actors) as [string, Partial<AnyActorLogic> | null | undefined][]) {
    if (typeof logic?.transition !== 'function' || typeof logic.getInitialSnapshot !== 'function')
      throw new EspalierError('supervision/invalid-actor', { expected: `the actor '${name}' to be XState logic`, got: logic });
  }
  return machine.provide({ actors } as never) as Machine;
}

/** The machine with some of its input given; input that comes later is laid over it. */
export function withInput<Machine extends AnyStateMachine>(machine: Machine, input: object): Machine {
  const { getInitialSnapshot, provide } = machine;
  return Object.assign(machine, {
    getInitialSnapshot: (scope: never, later: object | undefined) => getInitialSnapshot(scope, { ...input, ...later }) as unknown,
    provide: (implementations: never) => withInput(provide.call(machine, implementations) as Machine, input),
  });
}
