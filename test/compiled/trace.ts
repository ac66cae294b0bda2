/** What a machine does when things are done to it, as text: the same of a compiled one as of the interpreted. */
import { createActor, type AnyActorLogic, type AnyActorRef, type AnyStateMachine, type EventObject } from 'xstate';

import { Seen } from '../../src/testing/equality/seen.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';

/** What is done to a machine. */
export type Deed = { readonly send: EventObject } | { readonly wait: number } | { readonly stop: true } | { readonly restart: true };

/** Runs a machine through deeds and writes down what it did. */
export function traceOf(machine: AnyStateMachine, deeds: readonly Deed[], probes: readonly EventObject[] = []): readonly string[] {
  const seen = new Seen();
  const clock = new VirtualClock();
  const begin = (persisted?: unknown): AnyActorRef => {
    const actor = createActor(machine as AnyActorLogic, {
      clock: clock,
      logger: (...words: unknown[]) => seen.note('logged', words),
      inspect: seen.inspect,
      ...(persisted === undefined ? {} : { snapshot: persisted as never }),
    });
    actor.on('*', (emitted: EventObject) => seen.note('emitted', emitted));
    actor.subscribe({ error: (error: unknown) => seen.note('error', error), complete: () => seen.note('complete') });
    return actor as AnyActorRef;
  };
  let actor = begin();
  actor.start();
  for (const deed of deeds) {
    seen.note('deed', deed);
    if ('send' in deed) actor.send(deed.send);
    else if ('wait' in deed) clock.advanceBy(deed.wait);
    else if ('stop' in deed) actor.stop();
    else {
      let persisted: unknown;
      try {
        persisted = JSON.parse(JSON.stringify(actor.getPersistedSnapshot()));
      } catch (error) {
        seen.note('not persisted', error);
        continue;
      }
      seen.note('persisted', persisted);
      actor.stop();
      actor = begin(persisted);
      actor.start();
    }
    seen.note('now', actor.getSnapshot(), seen.asked(actor, probes));
  }
  actor.stop();
  return seen.take().map((line) => seen.lineText(line));
}
