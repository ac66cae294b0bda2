/** The doors to a world: made by hand, around a supervised tree, or around one function. */
import { App, type Orchestrator } from '../../supervision/orchestrator.js';
import type { ActorMap, SupervisorOptions } from '../../supervision/supervisors.js';
import type { Leftover } from './leftovers.js';
import { endWith, refuse, requireWorldOptions, type WorldOptions } from './options.js';
import { World } from './world.js';

type End = () => Promise<void>;

/** Joins an end to the test that runs: `joined`; not where it is `oneOfMany` that run side by side, nor where `none` does. */
export type JoinTest = (end: End) => 'joined' | 'oneOfMany' | 'none';

let joinTest: JoinTest | undefined;

const ownTest = "`test`, the test's context: vitest does not tell of tests that run side by side which one calls, and outside of tests none does";

/** Says how worlds find the test that runs; `espalier/testing/vitest` does. */
export function setJoinTest(join: JoinTest): void {
  joinTest = join;
}

/**
 * Makes a world. It ends with `await using`, with {@link World.end}, or with its test: the one given as `test`, else, where `espalier/testing/vitest` is
 * imported, the one that runs. Tests that run side by side (`test.concurrent`) must give their own.
 * @throws EspalierError `testing/invalid-options`, also where such a test gives none
 */
export function createWorld(options: WorldOptions = {}): World {
  requireWorldOptions(options);
  const end: End = () => world.end();
  if (options.test !== undefined) endWith(options.test)(end);
  else if (joinTest?.(end) === 'oneOfMany') refuse(ownTest, undefined);
  const world = new World(options);
  return world;
}

/** A supervised tree in a world of its own. */
export class SupervisedApp extends App {
  readonly world: World;

  constructor(app: App, world: World) {
    super(app.ref);
    this.world = world;
  }

  /** `await using app = await startSupervised(…)`: ends the world, and fails when something is left. */
  override [Symbol.asyncDispose](): Promise<void> {
    return this.world.end();
  }
}

/** Options of {@link startSupervised}. */
export interface StartSupervisedOptions extends WorldOptions {
  /** The root's id. Default `app`. */
  readonly id?: string;
}

/**
 * Starts a supervised tree for one test, in a world of its own. It ends with the test: with `test`, its context (in tests that run side by side it must
 * be given); else, under vitest, with the test that runs; else with `await using`. For a tree of many tests use {@link createWorld}.
 * @param spec  the options of an orchestrator, or an orchestrator
 * @throws EspalierError for the first fault of the options, before anything starts
 */
export async function startSupervised<const Actors extends ActorMap>(
  spec: SupervisorOptions<Actors> | Orchestrator,
  { id, ...options }: StartSupervisedOptions = {},
): Promise<SupervisedApp> {
  requireWorldOptions(options);
  const world = new World(options);
  const end: End = () => world.end();
  if (options.test !== undefined) endWith(options.test)(end);
  else if (((await joinOfRunner())?.(end) ?? 'joined') !== 'joined') {
    await world.finish();
    refuse(ownTest, undefined);
  }
  try {
    return new SupervisedApp(await world.startSupervised(spec, id === undefined ? {} : { id }), world);
  } catch (error) {
    await world.finish();
    throw error;
  }
}

async function joinOfRunner(): Promise<JoinTest | undefined> {
  if (joinTest !== undefined || process.env['VITEST'] === undefined) return joinTest;
  return (await import('./join-vitest.js')).joinVitest;
}

/**
 * What a world, or a function that is run in a world of its own, leaves behind: empty when nothing. The world is ended.
 * @param options  of the function's world; `allow`ed leftovers are none
 * @throws what the function throws, after its world has ended
 */
export async function leftovers(subject: World | ((world: World) => unknown), options: WorldOptions = {}): Promise<readonly Leftover[]> {
  if (subject instanceof World) return subject.finish();
  if (typeof subject !== 'function') return refuse('a world, or a function to be run in one', subject);
  requireWorldOptions(options);
  const world = new World({ name: 'leftovers', ...options });
  try {
    await world.run(async () => {
      await subject(world);
    });
  } catch (error) {
    await world.finish();
    throw error;
  }
  return world.finish();
}
