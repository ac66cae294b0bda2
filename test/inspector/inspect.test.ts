/** The inspector of a real app: what a viewer makes of what it is told is what the recorder tells. */
import { type AnyActorRef, assign, createActor, createMachine, fromCallback } from 'xstate';
import { describe, expect, it } from 'vitest';
import { dynamicSupervisor, exitReason, orchestrator, supervisorHandle } from '../../src/index.js';
import { inspect, inspector, inspectorHandle } from '../../src/inspector/inspector.js';
import { maxFrameBytes } from '../../src/inspector/protocol.js';
import { recorder } from '../../src/inspector/recorder.js';
import { Scene } from '../../src/recording/scene.js';
import { rootOf } from '../../src/supervision/xstate-internals.js';
import { Look } from './look.js';

const counter = createMachine({
  id: 'counter',
  initial: 'even',
  context: { count: 0, password: 'open sesame', long: 'x'.repeat(100) },
  on: {
    BOOM: {
      actions: () => {
        throw new Error('boom');
      },
    },
  },
  states: {
    even: { on: { TICK: { target: 'odd', actions: assign({ count: ({ context }) => context.count + 1 }) } } },
    odd: { on: { TICK: { target: 'even', actions: assign({ count: ({ context }) => context.count + 1 }) } } },
  },
});

function startApp(options: Parameters<ReturnType<typeof orchestrator>['start']>[0] = {}) {
  return orchestrator({
    intensity: 10,
    actors: { counter, idle: fromCallback(() => undefined), many: dynamicSupervisor({ actors: { counter } }), eye: inspector() },
    children: [
      { id: 'counter', src: 'counter' },
      { id: 'other', src: 'counter' },
      { id: 'many', src: 'many', type: 'supervisor' },
    ],
  }).start(options);
}

/** What a viewer makes of what it was told. */
function sceneOf(look: Look): Scene {
  const scene = new Scene();
  for (const message of look.told) if (message.type === 'keyframe' || message.type === 'lines') for (const line of message.lines) scene.take(line);
  return scene;
}

/** What of a scene has to be the same, however it was come by. */
const living = (scene: Scene) =>
  [...scene.actors.values()]
    .filter(({ exit }) => exit === null)
    .map(({ path, status, value, context, run, logic }) => ({ path, status, value, context, run, logic }));

describe('inspect', () => {
  it.each([
    [{}, 'app'],
    [{ title: 'a shop' }, 'a shop'],
  ])('calls the app by %j', async (options, title) => {
    const app = startApp();
    await app.started();
    await using seen = inspect(app, options);
    const ready = await seen.ready();
    if (!ready.ok) throw new Error('it does not listen');
    const look = await Look.at(ready.port, ready.token);
    await expect(look.first('welcome')).resolves.toMatchObject({ app: { title, root: app.ref.id } });
    expect(app.ref.id).toBe('app');
    await app.stop();
  });

  it('shows a running app: a viewer folds what it is told to the scene that the recorder tells', async () => {
    const eye = recorder();
    const app = startApp({ inspect: eye });
    await app.started();
    await using seen = inspect(app, { recorder: eye });
    const ready = await seen.ready();
    if (!ready.ok) throw new Error('it does not listen');
    const look = await Look.at(ready.port, ready.token);
    await expect(look.first('welcome')).resolves.toMatchObject({ app: { root: 'app' }, head: { contexts: 'patches' } });
    const child = app.child('counter') as AnyActorRef;
    child.send({ type: 'TICK' });
    expect(eye.isWatched).toBe(false);
    await look.watch('', 'full');
    expect(eye.isWatched).toBe(true);
    for (let index = 0; index < 5; index++) child.send({ type: 'TICK' });
    child.send({ type: 'BOOM' });
    (app.child('counter') as AnyActorRef).send({ type: 'TICK' });
    await look.line(eye.seq);
    const told = new Scene();
    for (const line of eye.keyframe()) told.take(line);
    expect(living(sceneOf(look))).toEqual(living(told));
    const again = [...sceneOf(look).actors.values()].find(({ id, run }) => id === 'counter' && run === 2);
    expect(again).toMatchObject({ value: 'odd', replaces: expect.stringMatching(/counter$/) });
    expect(JSON.stringify(look.told)).not.toContain('open sesame');
    await look.ask({ type: 'unwatch', branch: '' });
    expect(eye.isWatched).toBe(false);
    await look.watch('', 'full');
    await app.stop();
    await expect(look.first('bye')).resolves.toMatchObject({ type: 'bye' });
    await eye.dispose();
  });

  it('tells a value whole but for what is secret, and the recording to who shows the token', async () => {
    await using app = startApp();
    await app.started();
    await using seen = inspect(app);
    const ready = await seen.ready();
    if (!ready.ok) throw new Error('it does not listen');
    const look = await Look.at(ready.port, ready.token);
    const lines = await look.watch('', 'full');
    const path = lines.flatMap((line) => (line.type === '@xstate.actor' && line.id === 'counter' ? [line.actor] : []))[0] as string;
    await expect(look.ask({ type: 'value', actor: path })).resolves.toMatchObject({ ok: true, value: { count: 0, password: { $redacted: true } } });
    await expect(look.ask({ type: 'value', actor: path, pointer: '/count' })).resolves.toMatchObject({ ok: true, value: 0 });
    await expect(look.ask({ type: 'value', actor: `${path}/none` })).resolves.toMatchObject({ ok: false, error: { code: 'unknown-actor' } });
    const answer = await fetch(`http://127.0.0.1:${ready.port}/recording`, { headers: { Authorization: `Bearer ${ready.token}` } });
    const { parseRecording } = await import('../../src/wire/recording/parse.js');
    const recording = parseRecording(await answer.text());
    expect(recording.lines.some((line) => line.type === '@xstate.actor' && line.actor === path)).toBe(true);
  });

  it('controls where the app allows it: an event reaches the actor, a restart is seen', async () => {
    await using app = startApp();
    await app.started();
    await using seen = inspect(app, { control: true });
    const ready = await seen.ready();
    if (!ready.ok) throw new Error('it does not listen');
    const look = await Look.at(ready.port, ready.token);
    const lines = await look.watch('', 'full');
    const path = lines.flatMap((line) => (line.type === '@xstate.actor' && line.id === 'counter' ? [line.actor] : []))[0] as string;
    await expect(look.ask({ type: 'control', actor: path, action: 'send', event: { type: 'TICK' } })).resolves.toMatchObject({ ok: true });
    expect(app.child('counter')?.getSnapshot()).toMatchObject({ value: 'odd' });
    await expect(look.ask({ type: 'control', actor: path, action: 'restart' })).resolves.toMatchObject({ ok: true });
    const born = await look.until(() => look.lines().find((line) => line.type === '@xstate.actor' && line.id === 'counter'));
    expect(born).toMatchObject({ run: 2, replaces: path });
  });

  it('stays below 64 kB a message with ten thousand children', { timeout: 120_000 }, async () => {
    await using app = startApp();
    await app.started();
    const many = supervisorHandle(app.child('many') as AnyActorRef);
    for (let index = 0; index < 10_000; index++) await many.startChild({ id: `c${index}`, src: 'counter' });
    await using seen = inspect(app);
    const ready = await seen.ready();
    if (!ready.ok) throw new Error('it does not listen');
    const look = await Look.at(ready.port, ready.token);
    expect((await look.watch('', 'full')).length).toBeGreaterThan(10_000);
    await look.watch('', 'summary');
    many.child('c17')?.send({ type: 'TICK' });
    await many.terminateChild('c18').catch(() => undefined);
    expect(look.largest).toBeLessThanOrEqual(maxFrameBytes);
  });

  it('can be killed without harm to the app, which is told where it is its child', async () => {
    await using app = startApp();
    await app.started();
    const ended = new Promise((resolve) => app.on('*', (fact) => fact.type === 'child.exited' && fact.id === 'eye' && resolve(fact)));
    const { ref } = (await app.startChild({ id: 'eye', src: 'eye', restart: 'temporary' })) as { ref: AnyActorRef };
    const ready = await inspectorHandle(ref).ready();
    if (!ready.ok) throw new Error('it does not listen');
    const look = await Look.at(ready.port, ready.token);
    await look.watch('', 'full');
    const { exit } = await import('../../src/supervision/watch.js');
    exit(ref, 'kill');
    await expect(ended).resolves.toMatchObject({ reason: 'killed', willRestart: false });
    await expect(look.closed).resolves.toMatchObject({ code: 1006 });
    await expect(fetch(`http://127.0.0.1:${ready.port}/health`)).rejects.toThrow('fetch failed');
    const child = app.child('counter') as AnyActorRef;
    child.send({ type: 'TICK' });
    expect(child.getSnapshot()).toMatchObject({ value: 'odd' });
    expect(exitReason(app.ref)).toBeNull();
  });

  it('fails by itself where its server is killed, and says so', async () => {
    await using app = startApp();
    await app.started();
    await using seen = inspect(app);
    await seen.ready();
    const { exit } = await import('../../src/supervision/watch.js');
    const [server] = Object.values((seen.ref.getSnapshot() as { children: Record<string, AnyActorRef> }).children);
    exit(server as AnyActorRef, 'kill');
    await expect(seen.ended()).resolves.toEqual({ crash: 'serverLost' });
    expect(exitReason(app.ref)).toBeNull();
  });

  it('says that a port is taken, and ends; the app goes on', async () => {
    await using app = startApp();
    await app.started();
    await using first = inspect(app);
    const ready = await first.ready();
    if (!ready.ok) throw new Error('it does not listen');
    const second = inspect(app, { port: ready.port });
    await expect(second.ready()).resolves.toMatchObject({ ok: false, reason: { crash: expect.stringContaining('EADDRINUSE') } });
    expect(exitReason(app.ref)).toBeNull();
  });

  it('looks at any actor system, and ends with it', async () => {
    const actor = createActor(counter).start() as unknown as AnyActorRef;
    const seen = inspect(actor);
    const ready = await seen.ready();
    if (!ready.ok) throw new Error('it does not listen');
    const look = await Look.at(ready.port, ready.token);
    await look.watch('', 'full');
    expect(rootOf(actor)).toBe(actor);
    actor.stop();
    await expect(look.first('bye')).resolves.toMatchObject({ why: 'the inspector is closing' });
    await expect(seen.ended()).resolves.toBe('normal');
    expect(look.lines().at(-1)).toMatchObject({ type: '@espalier.exit' });
  });

  it('refuses what it does not know, before anything starts', () => {
    const wrong = [
      { prot: 1 },
      { port: -1 },
      { control: 'yes' },
      { origins: ['https://a.example/'] },
      { redact: 'key' },
      { redact: /x/u },
      null,
      { maxQueueBytes: 1 },
      { schemas: 7 },
      { schemas: { m: { go: 1 } } },
    ];
    for (const options of wrong) expect(() => inspector(options as never)).toThrow(expect.objectContaining({ code: 'inspector/invalid-options' }));
    const half = { getSnapshot: () => undefined, subscribe: () => undefined };
    for (const app of [{}, half]) expect(() => inspect(app as never)).toThrow(expect.objectContaining({ code: 'inspector/invalid-options' }));
    // What one was told to hide, the other would show.
    expect(() => inspector({ redact: /x/, recorder: recorder() })).toThrow(/`redact` or `recorder`, and not both/);
    expect(() => inspector({ redact: undefined, recorder: recorder() } as never)).not.toThrow();
  });
});
