/** Whatever a test starts and does not end is named, with the line that started it. Each kind is planted, and each has a twin that cleans up. */
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { readFileSync, watch, type FSWatcher } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { createActor, fromCallback, setup, type AnyActorRef } from 'xstate';
import { describe, expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../../../src/supervision/clock.js';
import { createWorld, leftovers } from '../../../src/testing/world/create-world.js';
import { WorldFailure, type Leftover } from '../../../src/testing/world/leftovers.js';
import { trapper, worker } from '../../supervision/stage.js';

const file = fileURLToPath(import.meta.url);
const lines = readFileSync(file, 'utf8').split('\n');

/** The line of this file that ends with a mark. */
function line(mark: string): unknown {
  const number = lines.findIndex((text) => text.endsWith(`// ${mark}`)) + 1;
  return expect.stringMatching(new RegExp(`^test/testing/world/leftovers\\.test\\.ts:${number}:\\d+$`, 'u'));
}

/** Sockets are planted for good: nobody need wait for them to close. */
const quick = { graceMs: 0 };

const idle = setup({}).createMachine({ id: 'idle', initial: 'waiting', states: { waiting: { after: { 5_000: 'late' } }, late: {} } });

describe('an actor', () => {
  it('that does not end when it is told to is left, and so is its tree', async () => {
    const found = await leftovers(async (world) => {
      await world.startSupervised({ actors: { worker: trapper() }, children: [{ id: 'a', src: 'worker', shutdownMs: 'infinity' }] }); // tree
    });
    expect(found.filter(({ kind }) => kind === 'actor')).toEqual([
      { kind: 'actor', what: 'app', where: line('tree') },
      { kind: 'actor', what: 'app/a', where: line('tree') },
      { kind: 'actor', what: 'app/a/held', where: line('tree') },
    ]);
  });

  it('that is told to end and does, in whatever time, is not left', async () => {
    const found = await leftovers(async (world) => {
      await world.startSupervised({ actors: { worker: trapper([], 60_000) }, children: [{ id: 'a', src: 'worker', shutdownMs: 'infinity' }] });
      world.start(idle);
    });
    expect(found).toEqual([]);
  });

  it('that a worker starts beside the tree is left, on whatever clock it runs', async () => {
    const strays: AnyActorRef[] = [];
    const careless = fromCallback(() => {
      const stray = createActor(setup({}).createMachine({ id: 'stray' }), { id: 'stray' });
      strays.push(stray.start()); // stray
    });
    const found = await leftovers(async (world) => {
      await world.startSupervised({ actors: { careless }, children: [{ id: 'a', src: 'careless' }] });
    });
    expect(found).toEqual([{ kind: 'actor', what: 'stray', where: line('stray') }]);
    for (const stray of strays) stray.stop();
  });

  it('that joined the world from elsewhere is left, with its timer', async () => {
    const found = await leftovers((world) => {
      createActor(idle, { ...world.environment, id: 'mine' }).start(); // mine
    });
    expect(found).toEqual([
      { kind: 'actor', what: 'mine', where: line('mine') },
      { kind: 'timer', what: expect.stringMatching(/^due at 5000 ms/u) as unknown, where: line('mine') },
    ]);
  });

  it('that was started before its world, or never, is not left in it', async () => {
    const other = createActor(setup({}).createMachine({})).start();
    onTestFinished(() => void other.stop());
    const found = await leftovers((world) => {
      other.send({ type: 'hello' });
      createActor(idle, world.environment);
    });
    expect(found).toEqual([]);
  });
});

describe('a timer', () => {
  it("of the world's clock is left when its owner forgets it", async () => {
    const forgetful = fromCallback<{ type: string }, { clear: boolean }>(({ system, input }) => {
      const timer = system._clock.setTimeout(() => {}, 500); // owner
      return () => {
        if (input.clear) system._clock.clearTimeout(timer);
      };
    });
    const treeOf = (clear: boolean) => ({ actors: { forgetful }, children: [{ id: 'a', src: 'forgetful' as const, input: { clear } }] });
    expect(await leftovers((world) => world.startSupervised(treeOf(false)))).toEqual([
      { kind: 'timer', what: "due at 500 ms of the world's clock", where: line('owner') },
    ]);
    expect(await leftovers((world) => world.startSupervised(treeOf(true)))).toEqual([]);
  });

  it('of the runtime is left', async () => {
    const timers: unknown[] = [];
    const found = await leftovers(() => {
      timers.push(systemClock.setTimeout(() => {}, 1e9)); // runtime
    });
    for (const timer of timers) systemClock.clearTimeout(timer);
    expect(found).toEqual([{ kind: 'timer', what: 'a timer of the runtime', where: line('runtime') }]);
  });

  it('of the runtime that was cleared, and one that the runtime set for itself, are not left', async () => {
    const found = await leftovers(() => {
      systemClock.clearTimeout(systemClock.setTimeout(() => {}, 1e9));
      AbortSignal.timeout(1e9);
    });
    expect(found).toEqual([]);
  });
});

describe('a subscription', () => {
  const longLived = () => {
    const actor = createActor(setup({}).createMachine({ id: 'config' }), { id: 'config' }).start();
    onTestFinished(() => void actor.stop());
    return actor;
  };

  it('to an actor that outlives the world is left when nobody gives it back', async () => {
    const config = longLived();
    const found = await leftovers((world) => {
      const reader = fromCallback(() => {
        config.subscribe(() => {}); // reader
        config.on('changed' as never, () => {}); // listener
      });
      return world.startSupervised({ actors: { reader }, children: [{ id: 'a', src: 'reader' }] });
    });
    expect(found).toEqual([
      { kind: 'subscription', what: 'subscribe() of config', where: line('reader') },
      { kind: 'subscription', what: "on('changed') of config", where: line('listener') },
    ]);
  });

  it('that is given back, or whose actor ends with the world, is not left', async () => {
    const config = longLived();
    const found = await leftovers(async (world) => {
      const reader = fromCallback(() => {
        const subscription = config.subscribe(() => {});
        return () => subscription.unsubscribe();
      });
      const app = await world.startSupervised({ actors: { reader }, children: [{ id: 'a', src: 'reader' }] });
      app.on('*', () => {});
      app.ref.subscribe(() => {});
    });
    expect(found).toEqual([]);
  });
});

describe('a socket', () => {
  it('is left open: the server, and both ends of its connection', async () => {
    let server: Server | undefined;
    let socket: Socket | undefined;
    const found = await leftovers(async () => {
      server = createServer();
      const listening = new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve)); // server
      await listening;
      const accepted = new Promise((resolve) => server?.once('connection', resolve));
      socket = connect((server.address() as AddressInfo).port, '127.0.0.1'); // client
      await accepted;
    }, quick);
    socket?.destroy();
    server?.close();
    expect(found).toEqual([
      { kind: 'socket', what: 'a TCP server', where: line('server') },
      { kind: 'socket', what: 'a TCP connection', where: line('client') },
      { kind: 'socket', what: 'a TCP connection', where: line('server') },
    ]);
  });

  it('of UDP is left open', async () => {
    const sockets: UdpSocket[] = [];
    const found = await leftovers(async () => {
      const socket = createSocket('udp4'); // udp
      sockets.push(socket);
      await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
    }, quick);
    for (const socket of sockets) socket.close();
    expect(found).toEqual([{ kind: 'socket', what: 'a UDP socket', where: line('udp') }]);
  });

  it('that was told to close is waited for', async () => {
    const found = await leftovers(async () => {
      const server = createServer((peer) => peer.resume().end());
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
      await new Promise((resolve) => server.once('connection', resolve));
      socket.resume().end();
      server.close();
    });
    expect(found).toEqual([]);
  });
});

describe('a handle', () => {
  it('is left open: a file and a watcher', async () => {
    const files: FileHandle[] = [];
    const watchers: FSWatcher[] = [];
    const found = await leftovers(async () => {
      watchers.push(watch(file)); // watcher
      const opening = open(file); // file
      files.push(await opening);
    }, quick);
    for (const one of watchers) one.close();
    await Promise.all(files.map((one) => one.close()));
    expect(found).toEqual([
      { kind: 'handle', what: 'a file watcher', where: line('watcher') },
      { kind: 'handle', what: 'an open file', where: line('file') },
    ]);
  });

  it('that is closed is not left', async () => {
    const found = await leftovers(async () => {
      watch(file).close();
      await (await open(file)).close();
    });
    expect(found).toEqual([]);
  });
});

describe('a look around', () => {
  it('tells what there is now, and nothing of what the kit does for itself', async () => {
    await using world = createWorld();
    world.start(idle, { id: 'a' });
    world.faults.strike({ fault: 'hang', actor: 'a', forMs: 10, when: 'anytime' });
    expect(world.leftovers().map(({ kind, what }) => `${kind} ${what}`)).toEqual([
      'actor a',
      'timer xstate.after.5000.idle.waiting after 5000 ms, in a',
    ]);
  });

  it('of two worlds of one test finds with each what its own actors have started', async () => {
    const starter = setup({ actions: { begin: () => void timers.push(systemClock.setTimeout(() => {}, 1e9)) } }).createMachine({
      on: { begin: { actions: 'begin' } },
    });
    const timers: unknown[] = [];
    const [one, other] = [createWorld({ name: 'one' }), createWorld({ name: 'other' })];
    const ref = one.start(starter);
    other.start(starter);
    ref.send({ type: 'begin' });
    expect((await leftovers(other)).map(({ kind }) => kind)).toEqual([]);
    expect((await leftovers(one)).map(({ kind }) => kind)).toEqual(['timer']);
    for (const timer of timers) systemClock.clearTimeout(timer);
  });
});

describe('the end of a world', () => {
  it('fails with all that is left, by kind, name and place, and its seed', async () => {
    const world = createWorld({ seed: 9, name: 'mine' });
    createActor(idle, { ...world.environment, id: 'mine' }).start(); // ending
    const failure = await world.end().then(
      () => undefined,
      (error: unknown) => error as WorldFailure,
    );
    expect(failure).toBeInstanceOf(WorldFailure);
    expect(failure?.message).toMatch(
      /^the world 'mine' \(seed 9\) has left 2 behind:\n {2}actor +mine\n +started at test\/testing\/world\/leftovers/u,
    );
    expect(failure?.leftovers.map(({ kind }: Leftover) => kind)).toEqual(['actor', 'timer']);
  });

  it('is told once: asked again, it only waits for the end', async () => {
    const world = createWorld();
    createActor(setup({}).createMachine({ id: 'x' }), world.environment).start();
    await expect(world.end()).rejects.toThrow(WorldFailure);
    await world.end();
  });

  it('lets pass what is allowed, with a reason, and nothing else', async () => {
    const found = await leftovers(
      (world) => {
        for (const id of ['pooled', 'forgotten']) createActor(setup({}).createMachine({}), { ...world.environment, id }).start();
      },
      { allow: [{ kind: 'actor', holding: 'pooled', because: 'shared by all tests of the file' }] },
    );
    expect(found.map(({ what }) => what)).toEqual(['forgotten']);
  });

  it('comes before what the function itself throws is thrown on', async () => {
    let app: { ref: AnyActorRef } | undefined;
    const failing = leftovers(async (world) => {
      app = await world.startSupervised({ actors: { worker: worker() }, children: [{ id: 'a', src: 'worker' }] });
      throw new Error('mine');
    });
    await expect(failing).rejects.toThrow('mine');
    expect(app?.ref.getSnapshot()).toMatchObject({ status: 'done' });
  });

  it("does not count what the tests' runner does for itself", async () => {
    // The runner sends this line to its parent, with a timer for the answer.
    const found = await leftovers(() => {
      process.stdout.write('');
      structuredClone({});
      expect({ a: 1 }).toEqual({ a: 1 });
    });
    expect(found).toEqual([]);
  });
});
