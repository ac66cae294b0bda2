/** A compiled machine beside the interpreted: what is played, and what comes of it. */
import type { AnyStateMachine } from 'xstate';

import { compile, interpretedParts, isCompiled } from '../../compiled/compile.js';
import type { AnyModel } from '../model/model.js';
import { type Piece, remade } from '../mutation/edits.js';
import { explorePaths, exploreWalks } from './explore.js';
import { Pair, type Sides } from './pair.js';
import { stageOfMachine, type Samples } from './stage-of-machine.js';
import { bounded, stageOfModel } from './stage.js';
import { Watch } from './watch.js';

/** What came of one path, one walk, or one part of a machine. */
export interface ComparedCase {
  readonly name: string;
  readonly status: 'passed' | 'failed' | 'skipped';
  /** In words, of one that did not pass: what differed after which steps, or why there is nothing to compare. */
  readonly reason?: string;
}

/** How far it goes. */
export interface Reach {
  /** Steps that are taken from the ends of paths, after which no further state is looked at. */
  readonly pathSteps: number;
  /** Steps of the random walks, together. */
  readonly walkSteps: number;
  readonly seed: number;
}

/** What is compared: a machine, or a model of one. */
export type Subject = { readonly machine: AnyStateMachine; readonly samples: Samples } | { readonly model: AnyModel };

/** Plays it all. @param compileIt  what is held to XState's interpreter */
export function* sideBySide(subject: Subject, { pathSteps, walkSteps, seed }: Reach, compileIt: typeof compile = compile): Generator<ComparedCase> {
  const given = 'model' in subject ? subject.model.machine : subject.machine;
  if (!isCompiled(compile(given))) {
    return yield { name: given.id, status: 'skipped', reason: `it is interpreted: ${interpretedParts(given)[0]?.why}` };
  }
  // One that is compiled already would be compared with itself.
  const machine = remade(given, given.config as Piece);
  const watch = new Watch();
  const stage = 'model' in subject ? stageOfModel({ ...subject.model, machine }, watch) : stageOfMachine(machine, subject.samples, watch);
  const sides = { stage, watch, interpreted: bounded(stage.machine.provide({})), compiled: bounded(compileIt(stage.machine)) };
  const dead = deadAtStart(sides);
  if (dead !== undefined) return yield { name: machine.id, status: 'skipped', reason: dead };
  const paths = explorePaths(sides, pathSteps);
  let found = paths.next();
  for (; found.done !== true; found = paths.next()) yield verdictOn(found.value);
  if (found.value > 0) {
    const reason = `after ${pathSteps} steps ${found.value} states were known that nobody had looked into; the walks go beyond them`;
    yield { name: 'the states beyond', status: 'skipped', reason };
  }
  for (const walk of exploreWalks(sides, walkSteps, seed)) yield verdictOn(walk);
}

function verdictOn({ name, difference }: { readonly name: string; readonly difference: string | undefined }): ComparedCase {
  return difference === undefined ? { name, status: 'passed' } : { name, status: 'failed', reason: difference };
}

/** A machine that fails at its every start proves nothing. */
function deadAtStart(sides: Sides): string | undefined {
  const problems = Object.keys(sides.stage.starts).map((start) => {
    const pair = new Pair(sides, start);
    const { failure } = pair.run;
    const problem = pair.difference === undefined && failure !== undefined ? String(failure.error) : undefined;
    pair.leave();
    return problem;
  });
  const [first] = problems;
  return first === undefined || problems.includes(undefined)
    ? undefined
    : `it fails as it starts (give it an \`input\` that it can start with): ${first}`;
}
