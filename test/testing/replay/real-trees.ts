/** Real trees, played and recorded: what the tests and the committed recordings are made of. */
import type { AnyStateMachine } from 'xstate';
import { catalogue } from '../../../machines/index.js';
import { dynamicSupervisor, liveSession, orchestrator, taskSupervisor, supervisorHandle, type App, type LiveTools } from '../../../src/index.js';
import { liveSessionHandle } from '../../../src/live/handle.js';
import type { LiveSessionRef } from '../../../src/live/session.js';
import { geminiServer } from '../../../src/testing/gemini-server/server.js';
import type { Step } from '../../../src/testing/gemini-server/steps.js';
import { record } from '../../../src/testing/replay/recorder.js';
import { VirtualClock } from '../../../src/testing/virtual-clock.js';
import { trapper, worker } from '../../supervision/stage.js';

const workerMachine = worker();
const trapperMachine = trapper([], 50);

/** Every machine that appears in them. */
export const allMachines: Readonly<Record<string, AnyStateMachine>> = { ...catalogue, worker: workerMachine, trapper: trapperMachine };

/** Calls of a handle have random ids; here they are counted, so that a play has one text. */
function withCountedCalls(text: string): string {
  const calls = new Map<string, string>();
  return text.replaceAll(/[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}\.\d+/g, (id) => {
    const name = calls.get(id) ?? `call-${calls.size + 1}`;
    calls.set(id, name);
    return name;
  });
}

/** Moves time until a promise has settled. */
async function settle<Value>(clock: VirtualClock, pending: Promise<Value>): Promise<Value> {
  let isOpen = true;
  const done = pending.finally(() => {
    isOpen = false;
  });
  for (;;) {
    await clock.flush();
    const due = clock.nextAt();
    if (!isOpen || due === undefined || due === Infinity) return done;
    clock.advanceTo(due);
  }
}

/** Workers that crash and are restarted until their supervisor gives up; a subtree of its own; an orderly end. */
export async function crashingTree(): Promise<string> {
  const clock = new VirtualClock();
  const recorder = record();
  const actors = { worker: workerMachine, trapper: trapperMachine };
  const app = orchestrator({
    strategy: 'restForOne',
    intensity: 2,
    actors: { ...actors, crowd: dynamicSupervisor({ actors, maxChildren: 2 }) },
    children: [
      { id: 'first', src: 'worker' },
      { id: 'second', src: 'trapper', shutdownMs: 100 },
      { id: 'third', src: 'worker', restart: 'transient', backoff: { minMs: 10, maxMs: 40, factor: 2, jitter: 0, resetAfterMs: 1_000 } },
      { id: 'crowd', src: 'crowd', type: 'supervisor' },
    ],
  }).start({ clock, inspect: recorder.inspect });
  await settle(clock, app.started());
  for (const id of ['third', 'second']) {
    app.child(id)?.send({ type: 'crash' });
    await clock.advanceByAsync(20_000);
  }
  const crowd = supervisorHandle(app.child('crowd') as never);
  for (const id of ['x', 'y', 'z']) await settle(clock, crowd.startChild({ id, src: 'worker', restart: 'temporary' }));
  crowd.child('x')?.send({ type: 'crash' });
  await settle(clock, crowd.terminateChild('y'));
  await settle(clock, app.terminateChild('third'));
  await settle(clock, app.restartChild('third'));
  app.child('third')?.send({ type: 'finish' });
  for (const id of ['first', 'first', 'first']) {
    app.child(id)?.send({ type: 'crash' });
    await clock.advanceByAsync(200);
  }
  await settle(clock, app.stop());
  return withCountedCalls(recorder.recording());
}

/** Functions that succeed, fail, are restarted, time out and are stopped. */
export async function tasksAtWork(): Promise<string> {
  const clock = new VirtualClock();
  const recorder = record();
  const app: App = orchestrator({
    actors: { jobs: taskSupervisor({ intensity: 1 }) },
    children: [{ id: 'jobs', src: 'jobs', type: 'supervisor' }],
  }).start({
    clock,
    inspect: recorder.inspect,
  });
  await settle(clock, app.started());
  await settle(
    clock,
    app.tasks.run(() => Promise.resolve(1)),
  );
  const endings = [app.tasks.run(() => Promise.reject(new RangeError('no'))), app.tasks.run(() => new Promise(() => undefined), { deadlineMs: 40 })];
  await settle(clock, Promise.allSettled(endings));
  await settle(clock, app.stop());
  return withCountedCalls(recorder.recording());
}

/** A supervised session against a local Gemini: a tool is called, the connection is lost and resumed, then refused; restarted, it is closed in order. */
export async function liveConversation(): Promise<string> {
  const clock = new VirtualClock();
  const setUp: readonly Step[] = [{ expect: 'setup' }, { send: { setupComplete: {} } }];
  const script: readonly Step[] = [
    ...setUp,
    { expect: 'clientContent' },
    { callTools: [{ id: 'call-1', name: 'weather', args: { city: 'Ghent' } }] },
    { awaitAnswers: ['call-1'] },
    { resumption: { handle: 'handle-1' } },
    { say: ['Sunny', ' in Ghent'] },
    { expect: 'clientContent' },
    { drop: true },
    { accept: { handle: 'handle-1' } },
    ...setUp,
    { close: { code: 1008, reason: 'enough' } },
    { accept: true },
    ...setUp,
    { expectClose: { code: 1000 } },
  ];
  const server = await geminiServer({ script });
  const tools: LiveTools = { weather: { description: 'the weather', execute: () => ({ sky: 'clear' }) } };
  const voice = liveSession({ baseUrl: server.url, model: 'gemini-live', apiKey: 'the-key', tools });
  const recorder = record();
  const app = orchestrator({ actors: { voice }, children: [{ id: 'voice', src: 'voice' }] }).start({ clock, inspect: recorder.inspect });
  const session = () => liveSessionHandle(app.child('voice') as unknown as LiveSessionRef);
  await app.started();
  const first = session();
  const said = new Promise<void>((resolve) => {
    first.on('session.message', ({ message }) => {
      if (JSON.stringify(message).includes('turnComplete')) resolve();
    });
  });
  first.sendText('how is the weather?');
  await said;
  const lost = new Promise<number>((resolve) => first.on('session.reconnecting', ({ delayMs }) => resolve(delayMs)));
  const restarted = new Promise((resolve) => app.on('child.restarted', resolve));
  first.sendText('last words');
  clock.advanceBy(await lost);
  await restarted;
  await session().ready();
  await app.stop();
  await server.close();
  return recorder.recording();
}
