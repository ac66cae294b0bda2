/** Plays a scenario of kind `elixir`: each step waits for its result. @see FORMAT.md §6 */
import { differenceOfLists } from './compare.js';
import type { Json, Line, Outcome, Step } from './line.js';
import { PartitionOps } from './partition-ops.js';
import { TaskOps } from './task-ops.js';
import { World } from './world.js';

/** Plays one line and compares its results, step by step. */
export async function playElixir(line: Line): Promise<Outcome> {
  const world = new World();
  const driver = world.driver();
  const [tasks, partitions] = [new TaskOps(world, driver), new PartitionOps(world, driver)];
  const results: Json[] = [];
  for (const step of line.scenario.steps) results.push(await play(world, tasks, partitions, step));
  const found = differenceOfLists('results', line.golden['results'], results, false);
  return found === null ? { status: 'passed' } : { status: 'failed', difference: found };
}

async function play(world: World, tasks: TaskOps, partitions: PartitionOps, step: Step): Promise<Json> {
  if (step.op === 'sleep') {
    await world.advanceTo(world.clock.now() + Number(step['ms']));
    return 'ok';
  }
  const pending = step.op === 'alive' ? alive(tasks, partitions, String(step['p'])) : (tasks.play(step) ?? partitions.play(step));
  if (pending === null) throw new TypeError(`unknown op ${step.op}`);
  const result = await world.settle(pending);
  await world.flush();
  return result;
}

async function alive(tasks: TaskOps, partitions: PartitionOps, name: string): Promise<Json> {
  const found = tasks.alive(name) ?? partitions.alive(name);
  if (found === null) throw new TypeError(`no process was ever called ${name}`);
  return Promise.resolve(found);
}
