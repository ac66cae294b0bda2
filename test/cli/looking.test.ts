/** What the commands that look make of an inspector that is slow, lost, or has nobody of that name. */
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { afterEach, beforeEach, describe, it } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { createMachine, fromPromise } from 'xstate';

import type { CommandWorld } from '../../src/cli/command-line.js';
import { sceneOf } from '../../src/cli/scene-source.js';
import { LineShow } from '../../src/cli/screen/line-show.js';
import { tree } from '../../src/cli/tree.js';
import { watch } from '../../src/cli/watch.js';
import { inspect } from '../../src/inspector/inspector.js';
import { protocolVersion, subprotocol } from '../../src/inspector/protocol.js';
import { orchestrator } from '../../src/supervision/orchestrator.js';
import { recordingVersion } from '../../src/wire/recording/lines.js';

const token = 'a'.repeat(43);
let interruption: AbortController;

beforeEach(() => {
  interruption = new AbortController();
});
afterEach(() => interruption.abort());

/** A command's world; what it is noted is handed on. */
function world(note: (text: string) => void): CommandWorld {
  const show = new LineShow({ write: () => undefined }, false);
  const world: Partial<CommandWorld> = { note, tell: () => 0, attend: (_flags, work) => work(show, interruption.signal) };
  return world as CommandWorld;
}

const urlOf = (server: Server | WebSocketServer): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}/#token=${token}`;

/** An inspector that lets in who comes, and answers as it is told. */
async function inspectorThatSays(hear: (message: string, tell: (message: object) => void, socket: WebSocket) => void) {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', handleProtocols: () => subprotocol });
  await once(server, 'listening');
  server.on('connection', (socket) => {
    const tell = (message: object): void => socket.send(JSON.stringify(message));
    const head = { type: 'recording', v: recordingVersion, secret: null, contexts: 'patches' };
    const app = { title: 'app', root: 'app', pid: 1, runtime: 'Node 24.1.0', version: '0.1.0' };
    tell({ type: 'welcome', v: protocolVersion, control: false, app, head, wallAt: 0, at: 0, seq: 1 });
    socket.on('message', (data: Buffer) => hear(data.toString(), tell, socket));
  });
  const end = async (): Promise<void> => {
    for (const client of server.clients) client.terminate();
    await new Promise((resolve) => server.close(resolve));
  };
  return { url: urlOf(server), [Symbol.asyncDispose]: end };
}

describe('the commands that look', () => {
  it('watch says so when nobody is at the branch yet, and goes on', async ({ expect }) => {
    const lamp = createMachine({ id: 'lamp' });
    await using app = orchestrator({ actors: { lamp }, children: [{ id: 'lamp', src: 'lamp' }] }).start();
    await using eye = inspect(app);
    const ready = await eye.ready();
    if (!ready.ok) throw new Error('the inspector is not there');
    const watching = (branch: string, note: (text: string) => void): Promise<number> => watch([ready.url, '--branch', branch], world(note));
    const noted: string[] = [];
    const there = watching('app/pool/lamp', (text) => noted.push(text));
    let ends: Promise<number> | undefined;
    const said = await new Promise((resolve) => {
      ends = watching('app/pool/later', resolve);
    });
    expect(said).toBe('nobody is at app/pool/later yet: waiting');
    interruption.abort();
    await expect(Promise.all([there, ends])).resolves.toEqual([0, 0]);
    expect(noted).toEqual([]);
  });

  it('watch ends when it is interrupted while it still connects', async ({ expect }) => {
    // Takes the connection, and says nothing.
    await using silent = createServer().listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const notes: string[] = [];
    const watching = watch(
      [urlOf(silent)],
      world((text) => notes.push(text)),
    );
    await once(silent, 'connection');
    interruption.abort();
    await expect(watching).resolves.toBe(0);
    expect(notes).toEqual([]);
  });

  it('tree finds who was restarted by its place and by its run, with the reasons of all runs, though nobody had watched', async ({ expect }) => {
    let runs = 0;
    let isThere: () => void = () => undefined;
    const fourth = new Promise<void>((resolve) => (isThere = resolve));
    const db = fromPromise(async () => {
      if (++runs < 4) throw new Error(`no connection ${runs}`);
      isThere();
      await new Promise(() => undefined);
    });
    await using app = orchestrator({ intensity: 9, actors: { db }, children: [{ id: 'db', src: 'db' }] }).start();
    await using eye = inspect(app);
    const ready = await eye.ready();
    if (!ready.ok) throw new Error('the inspector is not there');
    const told: string[] = [];
    const tell = (text: string): number => told.push(text) && 0;
    const shown = async (...args: readonly string[]): Promise<string> => {
      await tree([ready.url, ...args], { env: {}, isTerminal: false, directory: '.', tell } as Partial<CommandWorld> as CommandWorld);
      return told.pop() ?? '';
    };
    await fourth;
    expect(await shown()).toMatch(/^└── db#4 +running +3 +after crash: Error: no connection 3$/m);
    const sheet = await shown('--actor', 'app/pool/db');
    expect(sheet).toMatch(/^actor +app\/pool\/db#4$/m);
    expect(sheet.match(/^run .*ended at line.*$/gm)?.map((row) => row.replace(/line \d+/, 'a line'))).toEqual(
      [3, 2, 1].map((run) => `run ${run}           app/pool/db${run === 1 ? '' : `#${run}`}: ended at a line: crash: Error: no connection ${run}`),
    );
    expect(await shown('--actor', 'app/pool/db#2')).toMatch(/^status +error: crash: Error: no connection 2$/m);
  });

  it('watch shows the trees of all roots, those of other viewers too', async ({ expect }) => {
    let text = '';
    const show = new LineShow({ write: (written: string) => (text += written) }, false);
    const all: Partial<CommandWorld> = { note: () => undefined, attend: (_flags, work) => work(show, interruption.signal) };
    const root = (actor: string, seq: number): object => {
      const about = { parent: null, id: actor, logic: 'callback', src: null, machine: null, from: 'joined', replaces: null, run: 1 };
      return { type: '@xstate.actor', seq, at: 0, actor, ...about };
    };
    await using server = await inspectorThatSays((_message, tell, socket) => {
      tell({ type: 'result', id: 1, ok: true });
      tell({ type: 'keyframe', branch: '', detail: 'full', part: 0, last: true, seq: 1, at: 0, lines: [root('app', 1), root('~statelyai-1', 1)] });
      socket.close(1000);
    });
    await watch([server.url], all as CommandWorld);
    expect(text).toMatch(/^app +running/m);
    expect(text).toMatch(/^~statelyai-1 +running/m);
  });

  it('a tree that the inspector refuses to tell is an error, not a wait', async ({ expect }) => {
    await using server = await inspectorThatSays((_message, tell) =>
      tell({ type: 'result', id: 1, ok: false, error: { code: 'too-many', words: 'too many' } }),
    );
    await expect(sceneOf(server.url, '.')).rejects.toMatchObject({ code: 'inspector/unreachable', details: { got: 'too many' } });
  });

  it('a tree of which not all was told is refused, not printed', async ({ expect }) => {
    await using server = await inspectorThatSays((_message, tell, socket) => {
      tell({ type: 'result', id: 1, ok: true });
      tell({ type: 'keyframe', branch: '', detail: 'full', part: 0, last: false, seq: 1, at: 0, lines: [] });
      socket.close(1011, 'gone');
    });
    await expect(sceneOf(server.url, '.')).rejects.toMatchObject({ code: 'inspector/unreachable', details: { expected: 'the whole tree' } });
  });
});
