/** A process that records and is killed leaves a file that opens. */
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { sceneAt } from '../../src/recording/scene.js';
import { parseRecording } from '../../src/wire/recording/parse.js';
import { build, type Built } from '../cli/built.js';

const program = `
import { existsSync, statSync } from 'node:fs';
import { createActor, createMachine } from 'xstate';
import { recorder } from './dist/src/inspector/recorder.js';
const path = process.argv[2];
const live = recorder();
const actor = createActor(createMachine({ id: 'm', on: { up: {} } }), { id: 'm' });
live.attach(actor);
actor.start();
live.toFile(path);
let isTold = false;
const turn = () => {
  for (let n = 0; n < 50; n++) actor.send({ type: 'up', n });
  if (!isTold && existsSync(path) && statSync(path).size > 50_000) {
    isTold = true;
    process.stdout.write('at work');
  }
  setImmediate(turn);
};
turn();
`;

/** Its last turn, which is more than is handed on at once, ends with the process. */
const dying = `
import { createActor, createMachine, assign } from 'xstate';
import { recorder } from './dist/src/inspector/recorder.js';
const [, , path, way] = process.argv;
const live = recorder();
const machine = createMachine({ id: 'm', context: { count: 0 }, on: { up: { actions: assign({ count: ({ context }) => context.count + 1 }) } } });
const actor = createActor(machine, { id: 'm' });
live.attach(actor);
actor.start();
live.toFile(path);
setImmediate(function turn(left = 50) {
  if (left > 0) {
    actor.send({ type: 'up' });
    setImmediate(turn, left - 1);
    return;
  }
  for (let n = 0; n < 2_000; n++) actor.send({ type: 'up', text: 'é'.repeat(200) });
  if (way === 'exit') process.exit(0);
  throw new Error('nobody catches it');
});
`;

let built: Built;

beforeAll(() => {
  built = build();
}, 120_000);

afterAll(() => {
  built.remove();
});

it('the file of a process that was killed opens, as far as it was written', async () => {
  const [file, path] = [join(built.folder, 'program.mjs'), join(built.folder, 'killed.ndjson')];
  writeFileSync(file, program);
  const child = spawn(process.execPath, [file, path], { stdio: ['ignore', 'pipe', 'inherit'] });
  const gone = new Promise((resolve) => child.once('close', resolve));
  await new Promise((told) => child.stdout.once('data', told));
  child.kill('SIGKILL');
  await gone;
  const { lines, cut } = parseRecording(readFileSync(path, 'utf8'), { allowUnfinished: true });
  expect(cut).toEqual({ why: 'the file was not ended', dropped: 0 });
  expect(sceneAt(lines).actors.get('m')?.counts.transitions).toBeGreaterThan(50);
});

it.each(['exit', 'exception'])('the file of a process that dies by an %s has all that happened before', async (way) => {
  const [file, path] = [join(built.folder, 'dying.mjs'), join(built.folder, `${way}.ndjson`)];
  writeFileSync(file, dying);
  const child = spawn(process.execPath, [file, path, way], { stdio: 'ignore' });
  await new Promise((resolve) => child.once('close', resolve));
  const { lines } = parseRecording(readFileSync(path, 'utf8'), { allowUnfinished: true });
  expect(sceneAt(lines).actors.get('m')).toMatchObject({ context: { count: 2_050 }, counts: { transitions: 2_050 } });
});
