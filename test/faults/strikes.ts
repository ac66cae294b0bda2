/** What strikes a tower, and where. */
import { exit } from '../../src/supervision/watch.js';
import { supervisorHandle } from '../../src/supervision/handle.js';
import type { Tower } from './tower.js';

/** One blow. It may find nobody any more. */
export interface Strike {
  readonly name: string;
  strike(tower: Tower): void;
}

/** Kinds of blows, each with those that there are while these live. */
export const strikes: Readonly<Record<string, (living: readonly string[]) => readonly Strike[]>> = {
  'a worker is killed': (living) => workersIn(living).map((path) => ended(path, 'kill')),
  'a worker is told to end by a stranger': (living) => workersIn(living).map((path) => ended(path, 'shutdown')),
  'an actor of a worker is killed': (living) => partsIn(living).map((path) => ended(path, 'kill')),
  'an actor of a worker is told to end by a stranger': (living) => partsIn(living).map((path) => ended(path, 'shutdown')),
  'the target is killed': () => [{ name: 'kill the target', strike: (tower) => tower.endTarget((target) => exit(target, 'kill')) }],
  'the gate is killed': () => [ended('app/models', 'kill')],
  'the gate is closed': () => [{ name: 'close the gate', strike: ({ gate }) => void gate.close() }],
  'an actor of the gate is killed': (living) => living.filter((path) => path.startsWith('app/models/')).map((path) => ended(path, 'kill')),
  'the supervisor is killed': () => [ended('app/work', 'kill')],
  'the whole app is killed': () => [ended('app', 'kill')],
  'the socket is cut': () => [{ name: 'cut the sockets', strike: cutAll }],
  'the app cancels': (living) => workersIn(living).map(cancelled),
  'the signal aborts': () => [{ name: 'abort', strike: (tower) => tower.abort() }],
  'the supervisor ends it': (living) => workersIn(living).map(terminated),
  'the app is stopped': () => [{ name: 'stop the app', strike: (tower) => tower.stop() }],
};

function cutAll({ server, sockets }: Tower): void {
  server.drop();
  sockets.drop();
}

function workersIn(living: readonly string[]): readonly string[] {
  return living.filter((path) => /^app\/work\/(?!pool$)\w+$/.test(path));
}

function partsIn(living: readonly string[]): readonly string[] {
  return living.filter((path) => /^app\/work\/\w+\//.test(path));
}

/** An exit signal, which an actor that does not trap it dies of. */
function ended(path: string, reason: 'kill' | 'shutdown'): Strike {
  return {
    name: `${reason} ${path}`,
    strike: (tower) => {
      const actor = tower.find(path);
      if (actor !== undefined) exit(actor, reason);
    },
  };
}

/** How those are told to end that are no streams. */
const orders: Readonly<Record<string, string>> = { chat: 'conversation.cancel', voice: 'session.close' };

function cancelled(path: string): Strike {
  return {
    name: `cancel ${path}`,
    strike: (tower) => {
      const type = orders[path.slice('app/work/'.length)] ?? 'stream.cancel';
      tower.find(path)?.send({ type, by: 'app', reason: 'enough' });
    },
  };
}

function terminated(path: string): Strike {
  return {
    name: `terminate ${path}`,
    strike: (tower) => {
      const work = tower.find('app/work');
      if (work !== undefined) void supervisorHandle(work).terminateChild(path.slice('app/work/'.length));
    },
  };
}
