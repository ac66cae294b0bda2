/** What is folded from the lines is what the system is, at every moment. */
import fc from 'fast-check';
import { createActor, type AnyActorRef, type AnyMachineSnapshot } from 'xstate';
import { describe, expect, it } from 'vitest';
import { recorder } from '../../src/inspector/recorder.js';
import { PortableWriter, secretKeys } from '../../src/recording/portable.js';
import { Reader } from '../../src/recording/reader.js';
import { Scene, sceneAt } from '../../src/recording/scene.js';
import { contain } from '../../src/supervision/contain.js';
import { indexTimers, pendingEvents } from '../../src/supervision/scheduler.js';
import type { RecordedLine } from '../../src/wire/recording/lines.js';
import { parseRecording } from '../../src/wire/recording/parse.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import { forest, livingBelow, orders, type Order } from './forest.js';

/** What a system really is, in the words of a scene. */
function truthOf(root: AnyActorRef, names: Reader['names']): Record<string, unknown> {
  const writer = new PortableWriter({ pathOf: (actor) => names.pathOf(actor), textOf: (text) => names.textOf(text) }, { secret: secretKeys });
  return Object.fromEntries(
    livingBelow(root).map((actor) => {
      const snapshot = actor.getSnapshot() as AnyMachineSnapshot;
      const isMachine = snapshot.machine !== undefined;
      const told = isMachine ? { value: writer.write(snapshot.value), context: writer.write(snapshot.context) } : {};
      const children = livingBelow(actor).filter((child) => child._parent === actor);
      const timers = pendingEvents(actor).map(({ id, event, dueAt, target }) => `${names.textOf(id)} ${event.type} ${dueAt} ${names.pathOf(target)}`);
      return [
        names.pathOf(actor),
        { status: snapshot.status, ...told, children: children.map((child) => names.pathOf(child)).sort(), timers: timers.sort() },
      ];
    }),
  );
}

function toldOf(scene: Scene): Record<string, unknown> {
  return Object.fromEntries(
    [...scene.actors.values()]
      .filter(({ exit }) => exit === null)
      .map(({ path, status, value, context, machine, timers }) => [
        path,
        {
          status,
          ...(machine === null ? {} : { value, context }),
          children: [...scene.childrenOf(path)].sort(),
          timers: timers.map(({ id, event, dueAt, to }) => `${id} ${event} ${dueAt} ${to}`).sort(),
        },
      ]),
  );
}

/** Plays orders on a system whose root is given, and looks after each. */
function play(root: AnyActorRef, clock: VirtualClock, list: readonly Order[], look: () => void): void {
  for (const order of list) {
    if ('ms' in order) clock.advanceBy(order.ms);
    else {
      const living = livingBelow(root).filter((actor) => 'machine' in (actor.getSnapshot() as object));
      living[order.who % Math.max(1, living.length)]?.send(order.event);
    }
    look();
  }
}

function plant(clock: VirtualClock, options: object = {}): AnyActorRef {
  const root = createActor(forest, { id: 'tree', clock, ...options }) as AnyActorRef;
  root.subscribe({ error: () => undefined });
  contain(root);
  indexTimers(root);
  return root;
}

const runs = { numRuns: 300, seed: 6 };

describe('a scene', () => {
  it.each(['whole', 'patches'] as const)('is what the system is, after every event, with contexts in %s', (contexts) => {
    fc.assert(
      fc.property(orders, (list) => {
        const scene = new Scene();
        const reader = new Reader({ contexts, machines: null, secret: secretKeys, tell: (line) => scene.take(line) });
        const clock = new VirtualClock();
        const root = plant(clock, { inspect: (event: never) => reader.take(event) });
        root.start();
        play(root, clock, list, () => {
          reader.findCrashes();
          expect(toldOf(scene)).toEqual(truthOf(root, reader.names));
        });
        root.stop();
        expect(toldOf(scene)).toEqual({});
      }),
      runs,
    );
  });

  it('goes on from a keyframe as from the beginning, and what comes after it is a recording of its own', () => {
    fc.assert(
      fc.property(orders, orders, (before, after) => {
        const clock = new VirtualClock();
        const root = plant(clock);
        const live = recorder();
        live.attach(root);
        const all: RecordedLine[] = [];
        const first = live.subscribe({ lines: (lines) => all.push(...lines) });
        root.start();
        play(root, clock, before, () => undefined);
        const late: RecordedLine[] = [];
        const second = live.subscribe({ lines: (lines) => late.push(...lines) });
        const fromScene = [...sceneAt(all).lines()];
        const begun = all.length;
        play(root, clock, after, () => undefined);
        root.stop();
        fromScene.push(...all.slice(begun));
        const whole = toldOf(sceneAt(all));
        expect(toldOf(sceneAt(late))).toEqual(whole);
        expect(toldOf(sceneAt(fromScene))).toEqual(whole);
        for (const lines of [all, late, fromScene]) {
          const text = [
            JSON.stringify(live.head),
            ...lines.map((line) => JSON.stringify(line)),
            JSON.stringify({ type: 'end', lines: lines.length, cut: null }),
          ];
          expect(parseRecording(text.join('\n')).lines).toEqual(JSON.parse(JSON.stringify(lines)));
        }
        first.dispose();
        second.dispose();
      }),
      runs,
    );
  });
});
