/** An actor alone, with a no-op inspector, and with our recorder: not watched, watched, and written to a file. */
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { createActor, type AnyActorRef } from 'xstate';
import { recorder } from '../../src/inspector/recorder.js';
import type { Machine, Subject } from './subject.js';

function actorOf(machine: Machine, size: number, options: object = {}): AnyActorRef {
  return createActor(machine, { input: { size }, ...options }) as AnyActorRef;
}

function started(actor: AnyActorRef): AnyActorRef {
  actor.start();
  return actor;
}

export const nothing: Subject = {
  name: 'nothing',
  open: (machine, size) => ({ actor: started(actorOf(machine, size)), watcher: { close: () => undefined } }),
};

export const noOp: Subject = {
  name: 'no-op-inspector',
  open: (machine, size) => ({ actor: started(actorOf(machine, size, { inspect: () => undefined })), watcher: { close: () => undefined } }),
};

export const unwatched: Subject = {
  name: 'recorder-unwatched',
  open: (machine, size) => {
    const live = recorder();
    const actor = actorOf(machine, size);
    live.attach(actor);
    return { actor: started(actor), watcher: { close: () => live.dispose() } };
  },
};

export const watched: Subject = {
  name: 'recorder-watched',
  open: (machine, size) => {
    const live = recorder();
    const actor = actorOf(machine, size);
    live.attach(actor);
    const subscription = live.subscribe({ lines: () => undefined });
    const close = (): Promise<void> => {
      subscription.dispose();
      return live.dispose();
    };
    return { actor: started(actor), watcher: { close } };
  },
};

let files = 0;

export const toFile: Subject = {
  name: 'recorder-file',
  share: 0.2,
  open: (machine, size) => {
    const live = recorder();
    const actor = actorOf(machine, size);
    live.attach(actor);
    const path = join(tmpdir(), `espalier-bench-${process.pid}-${files++}.ndjson`);
    const file = live.toFile(path);
    const close = async (): Promise<void> => {
      await live.dispose();
      rmSync(path, { force: true });
    };
    // A file that lacks lines was cheaper than one that has them.
    const settle = async (): Promise<void> => {
      const outcome = await file.stop();
      if (!outcome.ok || outcome.cut !== null) throw new Error(`the file is not whole: ${outcome.ok ? outcome.cut : String(outcome.reason)}`);
    };
    return { actor: started(actor), watcher: { breathe: () => nextTurn(), settle, close } };
  },
};
