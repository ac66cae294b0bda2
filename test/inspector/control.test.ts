import { type AnyActorRef, createMachine, fromCallback } from 'xstate';
import { describe, expect, it } from 'vitest';
import { type App, dynamicSupervisor, exitReason, supervisorHandle } from '../../src/index.js';
import { control } from '../../src/inspector/control.js';
import { recorder } from '../../src/inspector/recorder.js';
import { stage } from '../supervision/stage.js';

const lamp = createMachine({ id: 'lamp', initial: 'off', states: { off: { on: { 'lamp.on': 'on', 'flash.*': 'on' } }, on: {} } });
const idle = fromCallback(() => undefined);

/** By the path, a child of the app. */
function feedOf(app: App): { actorAt(path: string): AnyActorRef | undefined } {
  return { actorAt: (path) => (path === 'app' ? app.ref : app.child(path)) };
}

async function started(): Promise<App> {
  const app = stage().app({
    actors: { lamp, idle, many: dynamicSupervisor({ actors: { idle } }) },
    children: [
      { id: 'lamp', src: 'lamp' },
      { id: 'once', src: 'lamp', restart: 'temporary' },
      { id: 'many', src: 'many', type: 'supervisor' },
    ],
  });
  await app.started();
  return app;
}

const ask = (app: App, actor: string, action: 'stop' | 'kill' | 'restart') => control(feedOf(app), { type: 'control', id: 1, actor, action }, {});
const send = (app: App, actor: string, event: { type: string }) => control(feedOf(app), { type: 'control', id: 1, actor, action: 'send', event }, {});

describe('control', () => {
  it('sends an event that the machine knows, and no other', async () => {
    const app = await started();
    await expect(send(app, 'lamp', { type: 'lamp.off' })).resolves.toEqual({ code: 'unknown-event', words: 'it knows lamp.on, flash.*' });
    await expect(send(app, 'lamp', { type: 'xstate.stop' })).resolves.toMatchObject({ code: 'unknown-event' });
    expect(app.child('lamp')?.getSnapshot()).toMatchObject({ value: 'off' });
    await expect(send(app, 'lamp', { type: 'lamp.on' })).resolves.toBeNull();
    expect(app.child('lamp')?.getSnapshot()).toMatchObject({ value: 'on' });
    await expect(send(app, 'once', { type: 'flash.twice' })).resolves.toBeNull();
    expect(app.child('once')?.getSnapshot()).toMatchObject({ value: 'on' });
    await expect(send(app, 'nobody', { type: 'lamp.on' })).resolves.toMatchObject({ code: 'unknown-actor' });
  });

  it('sends nothing that does not fit the schema of its event', async () => {
    const app = await started();
    const schemas = { lamp: { 'lamp.on': { type: 'object', properties: { watt: { type: 'number' } }, required: ['watt'] } } };
    const lit = (event: { type: string; watt?: unknown }) =>
      control(feedOf(app), { type: 'control', id: 1, actor: 'lamp', action: 'send', event }, schemas);
    await expect(lit({ type: 'lamp.on' })).resolves.toEqual({ code: 'invalid-event', words: 'event.watt: is missing' });
    await expect(lit({ type: 'lamp.on', watt: 'many' })).resolves.toEqual({ code: 'invalid-event', words: 'event.watt: must be number' });
    expect(app.child('lamp')?.getSnapshot()).toMatchObject({ value: 'off' });
    await expect(lit({ type: 'lamp.on', watt: 7 })).resolves.toBeNull();
    expect(app.child('lamp')?.getSnapshot()).toMatchObject({ value: 'on' });
  });

  it("holds the house's own machines to the schemas of the house, and no machine of an app's that has the id of one", async () => {
    await using own = recorder();
    const session = createMachine({ id: 'supervisor', on: { 'supervisor.shutdown': { actions: () => undefined } } });
    const app = stage().app({ actors: { session }, children: [{ id: 'session', src: 'session' }] });
    await app.started();
    const event = { type: 'supervisor.shutdown', why: 'of its own' };
    const ordered = (actor: string) => control(feedOf(app), { type: 'control', id: 1, actor, action: 'send', event }, own.schemas);
    await expect(ordered('session')).resolves.toBeNull();
    await expect(ordered('app')).resolves.toMatchObject({ code: 'invalid-event' });
  });

  it('stops a child as its supervisor does: its place stays', async () => {
    const app = await started();
    const ref = app.child('lamp') as AnyActorRef;
    await expect(ask(app, 'lamp', 'stop')).resolves.toBeNull();
    expect(exitReason(ref)).toBe('shutdown');
    await expect(app.restartChild('lamp')).resolves.toMatchObject({ ok: true });
    await expect(control({ actorAt: () => ref }, { type: 'control', id: 1, actor: 'lamp', action: 'stop' }, {})).resolves.toMatchObject({
      code: 'ended',
    });
  });

  it('restarts a child without a restart of its budget', async () => {
    const app = await started();
    const ref = app.child('lamp');
    await expect(ask(app, 'lamp', 'restart')).resolves.toBeNull();
    expect(app.child('lamp')).not.toBe(ref);
    expect((app.ref.getSnapshot() as { context: { restarts: unknown[] } }).context.restarts).toEqual([]);
    await expect(ask(app, 'once', 'restart')).resolves.toMatchObject({ code: 'refused', words: expect.stringContaining('temporary') });
    expect(exitReason(app.child('once') as AnyActorRef)).toBeNull();
  });

  it('says why a child did not come back, without what is secret', async () => {
    let starts = 0;
    const login = createMachine({
      id: 'login',
      context: () => {
        if (starts++ > 0) throw new Error('login at https://bob:hunter22@a.example/ with t0psecret99');
        return {};
      },
    });
    const app = stage().app({ actors: { login }, children: [{ id: 'login', src: 'login' }] });
    await app.started();
    const redaction = { secret: /password/i, secrets: ['t0psecret99'] };
    const refusal = await control(feedOf(app), { type: 'control', id: 1, actor: 'login', action: 'restart' }, {}, redaction);
    expect(refusal).toMatchObject({ code: 'refused', words: expect.stringContaining('login at https://bob:[hidden]@a.example/ with [hidden]') });
  });

  it('kills a child, and its supervisor does what it does then', async () => {
    const app = await started();
    const ref = app.child('lamp') as AnyActorRef;
    await expect(ask(app, 'lamp', 'kill')).resolves.toBeNull();
    expect(exitReason(ref)).toBe('killed');
    expect(app.child('lamp')).not.toBe(ref);
    expect((app.ref.getSnapshot() as { context: { restarts: unknown[] } }).context.restarts).toHaveLength(1);
  });

  it('stops a child of a dynamic supervisor, which has no place to come back to', async () => {
    const app = await started();
    const many = supervisorHandle(app.child('many') as AnyActorRef);
    const child = await many.startChild({ id: 'x', src: 'idle' });
    const ref = child.ok ? (child.ref as AnyActorRef) : null;
    const feed = { actorAt: () => ref ?? undefined };
    await expect(control(feed, { type: 'control', id: 1, actor: 'x', action: 'restart' }, {})).resolves.toMatchObject({ code: 'refused' });
    await expect(control(feed, { type: 'control', id: 1, actor: 'x', action: 'stop' }, {})).resolves.toBeNull();
    expect(exitReason(ref as AnyActorRef)).toBe('shutdown');
  });

  it('stops a task', async () => {
    const app = await started();
    const outcome = app.tasks.run(() => new Promise<never>(() => undefined));
    await app.started();
    const { tasks } = app;
    const task = tasks.start(() => new Promise<never>(() => undefined));
    if (!task.ok) throw new Error(task.reason);
    const { ref } = task.task;
    await expect(control({ actorAt: () => ref }, { type: 'control', id: 1, actor: 'x', action: 'stop' }, {})).resolves.toBeNull();
    expect(exitReason(ref)).not.toBeNull();
    await app.stop();
    await expect(outcome).resolves.toMatchObject({ ok: false });
  });

  it('ends nobody whom no supervisor has as its child: not the root, not a pool', async () => {
    const app = await started();
    for (const action of ['stop', 'kill', 'restart'] as const)
      await expect(ask(app, 'app', action)).resolves.toMatchObject({ code: 'not-supervised' });
    expect(exitReason(app.ref)).toBeNull();
  });
});
