/** A session as a supervisor's child, over real sockets: awaited at the start, restarted after a loss, closed in order at the end. */
import { afterEach, expect, it } from 'vitest';
import { type Actor, type AnyActorLogic, createActor, type Snapshot } from 'xstate';
import { liveSessionHandle } from '../../src/live/handle.js';
import { liveSession, type LiveSessionRef } from '../../src/live/session.js';
import { supervisorHandle, type SupervisorHandle } from '../../src/supervision/handle.js';
import { supervisor } from '../../src/supervision/supervisors.js';
import { geminiServer, type GeminiServer } from '../../src/testing/gemini-server/server.js';
import type { Step } from '../../src/testing/gemini-server/steps.js';

const servers: GeminiServer[] = [];
const trees: SupervisorHandle[] = [];

afterEach(async () => {
  for (const tree of trees.splice(0)) await tree.stop();
  for (const server of servers.splice(0)) await server.close();
});

function logicFor(server: GeminiServer) {
  const voice = liveSession({ baseUrl: server.url, model: 'm', apiKey: 'k', reconnect: { intensity: 0 } });
  return supervisor({ actors: { voice }, children: [{ id: 'voice', src: 'voice' }] });
}

async function grow(
  script: readonly Step[],
): Promise<{ tree: SupervisorHandle; server: GeminiServer; session: () => ReturnType<typeof liveSessionHandle> }> {
  const server = await geminiServer({ script });
  servers.push(server);
  const root = createActor(logicFor(server));
  root.start();
  const tree = supervisorHandle(root);
  trees.push(tree);
  return { tree, server, session: () => liveSessionHandle(tree.child('voice') as unknown as LiveSessionRef) };
}

const setUp: readonly Step[] = [{ expect: 'setup' }, { send: { setupComplete: {} } }];

it('is awaited by its supervisor, restarted when the connection is lost for good, and closed in order at the end', async () => {
  const { tree, server, session } = await grow([
    ...setUp,
    { expect: 'clientContent' },
    { drop: true },
    { accept: true },
    ...setUp,
    { expectClose: { code: 1000 } },
  ]);
  expect(await tree.started()).toEqual({ ok: true });
  const first = session();
  expect(await first.ready()).toEqual({ ok: true });
  const restarted = new Promise((resolve) => tree.on('child.restarted', resolve));
  const lost = first.ended();
  first.sendText('last words');
  expect(await lost).toMatchObject({ ok: false, failure: { kind: 'connectionLost', code: 1006 } });
  expect(await restarted).toMatchObject({ id: 'voice' });
  expect(session().ref).not.toBe(first.ref);
  expect(await session().ready()).toEqual({ ok: true });
  const report = await tree.stop();
  expect(report.children).toMatchObject([{ id: 'voice', reason: 'shutdown', killed: false }]);
  expect(await server.outcome).toEqual({ ok: true });
});

it('restored with its tree, it is set up again before it accepts anything', async () => {
  const { tree, server } = await grow([...setUp, { expectClose: true }, { accept: true }, ...setUp, { expectClose: { code: 1000 } }]);
  expect(await tree.started()).toEqual({ ok: true });
  const snapshot = JSON.parse(JSON.stringify(tree.ref.getPersistedSnapshot())) as Snapshot<unknown>;
  (tree.ref as Actor<AnyActorLogic>).stop();
  const root = createActor(logicFor(server), { snapshot });
  root.start();
  const again = supervisorHandle(root);
  trees.push(again);
  const session = liveSessionHandle(again.child('voice') as unknown as LiveSessionRef);
  expect([...session.ref.getSnapshot().tags]).toEqual([]);
  expect(await session.ready()).toEqual({ ok: true });
  await again.stop();
  expect(await server.outcome).toEqual({ ok: true });
});

it('fails its supervisor’s start with the session’s own reason', async () => {
  const { tree } = await grow([{ expect: 'setup' }, { close: { code: 1007, reason: 'no such model' } }]);
  const started = await tree.started();
  expect(started.ok).toBe(false);
  expect(JSON.stringify(started)).toContain('{"kind":"closedBeforeSetup","code":1007,"reason":"no such model"}');
});
