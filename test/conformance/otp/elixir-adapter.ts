/** Plays a scenario of kind `elixir`: each step waits for its result. @see FORMAT.md §6 */
import { differenceOfLists } from './compare.js';
import type { Json, Line, Outcome, Step } from './line.js';
import { PartitionOps } from './partition-ops.js';
import { RegistryOps } from './registry-ops.js';
import { TaskOps } from './task-ops.js';
import { World } from './world.js';

/** Plays one line and compares its results, step by step. */
export async function playElixir(line: Line): Promise<Outcome> {
  const world = new World();
  const driver = world.driver();
  const ops: Ops = [new RegistryOps(world, driver), new TaskOps(world, driver), new PartitionOps(world, driver)];
  const results: Json[] = [];
  for (const step of line.scenario.steps) results.push(await play(world, ops, step));
  const found = differenceOfLists('results', line.golden['results'], results, false);
  return found === null ? { status: 'passed' } : { status: 'failed', difference: found };
}

/** Whoever plays ops: the first that knows one plays it. */
type Ops = readonly { play(step: Step): Promise<Json> | null; alive(name: string): boolean | null }[];

async function play(world: World, ops: Ops, step: Step): Promise<Json> {
  if (step.op === 'sleep') {
    await world.advanceTo(world.clock.now() + Number(step['ms']));
    return 'ok';
  }
  const pending = step.op === 'alive' ? alive(ops, String(step['p'])) : first(ops, (each) => each.play(step));
  if (pending === null) throw new TypeError(`unknown op ${step.op}`);
  const result = await world.settle(pending);
  await world.flush();
  return result;
}

async function alive(ops: Ops, name: string): Promise<Json> {
  const found = first(ops, (each) => each.alive(name));
  if (found === null) throw new TypeError(`no process was ever called ${name}`);
  return Promise.resolve(found);
}

function first<Result>(ops: Ops, ask: (each: Ops[number]) => Result | null): Result | null {
  for (const each of ops) {
    const answer = ask(each);
    if (answer !== null) return answer;
  }
  return null;
}
