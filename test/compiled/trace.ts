/** Everything that can be seen of a machine at work, as text: what a compiled one must have in common with the interpreted, word for word. */
import {
  createActor,
  isMachineSnapshot,
  type AnyActorLogic,
  type AnyActorRef,
  type AnyStateMachine,
  type EventObject,
  type InspectionEvent,
} from 'xstate';

import { VirtualClock } from '../../src/testing/virtual-clock.js';

/** What is done to a machine. */
export type Deed = { readonly send: EventObject } | { readonly wait: number } | { readonly stop: true } | { readonly restart: true };

/** A name for each actor that does not depend on the order of the process. */
function namer(): (ref: unknown) => string {
  const names = new Map<unknown, string>();
  return (ref) => {
    if (ref === undefined || ref === null) return 'nobody';
    let name = names.get(ref);
    if (name === undefined) names.set(ref, (name = `actor${names.size}`));
    return name;
  };
}

function plain(value: unknown, nameOf: (ref: unknown) => string): unknown {
  return JSON.parse(
    JSON.stringify(value, (_key, part: unknown) => {
      if (part instanceof Error) return `${part.name}: ${part.message}`;
      if (typeof part === 'function') return `function ${part.name}`;
      // XState numbers its actors through the whole process.
      if (typeof part === 'string' && /^x:\d+$/.test(part)) return nameOf(part);
      return part;
    }) ?? 'null',
  ) as unknown;
}

function snapshotText(snapshot: unknown, nameOf: (ref: unknown) => string): unknown {
  if (!isMachineSnapshot(snapshot)) return plain(snapshot, nameOf);
  const nodes = (snapshot as unknown as { _nodes: { id: string }[] })._nodes.map(({ id }) => id);
  const history = Object.entries((snapshot.historyValue ?? {}) as Record<string, { id: string }[]>).map(([id, kept]) => [
    id,
    kept.map((node) => node.id),
  ]);
  return {
    keys: Object.keys(snapshot),
    status: snapshot.status,
    value: JSON.stringify(snapshot.value),
    context: plain(snapshot.context, nameOf),
    nodes,
    history,
    tags: [...snapshot.tags],
    children: Object.entries(snapshot.children).map(([id, child]) => [id, nameOf(child)]),
    output: plain(snapshot.output ?? null, nameOf),
    error: plain(snapshot.error ?? null, nameOf),
    meta: plain(snapshot.getMeta(), nameOf),
  };
}

/** Runs a machine through deeds and writes down what it did. */
export function traceOf(machine: AnyStateMachine, deeds: readonly Deed[], probes: readonly EventObject[] = []): unknown[] {
  const seen: unknown[] = [];
  const nameOf = namer();
  const clock = new VirtualClock();
  const begin = (persisted?: unknown): AnyActorRef => {
    const actor = createActor(machine as AnyActorLogic, {
      clock: clock,
      logger: (...words: unknown[]) => seen.push(['logged', plain(words, nameOf)]),
      inspect: (event: InspectionEvent) => {
        const { type, actorRef } = event;
        const who = nameOf(actorRef);
        if (type === '@xstate.actor') seen.push([type, who]);
        else if (type === '@xstate.action') seen.push([type, who, event.action.type, plain(event.action.params ?? null, nameOf)]);
        else if (type === '@xstate.event') seen.push([type, nameOf(event.sourceRef), who, plain(event.event, nameOf)]);
        else if (type === '@xstate.snapshot') seen.push([type, who, plain(event.event, nameOf), snapshotText(event.snapshot, nameOf)]);
        else if (type === '@xstate.microstep') {
          const taken = event._transitions.map(({ source, eventType, target }) => [
            source.id,
            eventType,
            target?.map(({ id }: { id: string }) => id),
          ]);
          seen.push([type, who, plain(event.event, nameOf), snapshotText(event.snapshot, nameOf), taken]);
        }
      },
      ...(persisted === undefined ? {} : { snapshot: persisted as never }),
    });
    actor.on('*', (emitted: EventObject) => seen.push(['emitted', plain(emitted, nameOf)]));
    actor.subscribe({ error: (error: unknown) => seen.push(['error', String(error)]), complete: () => seen.push(['complete']) });
    return actor as AnyActorRef;
  };
  let actor = begin();
  actor.start();
  for (const deed of deeds) {
    seen.push(['deed', plain(deed, nameOf)]);
    if ('send' in deed) actor.send(deed.send);
    else if ('wait' in deed) clock.advanceBy(deed.wait);
    else if ('stop' in deed) actor.stop();
    else {
      let persisted: unknown;
      try {
        persisted = JSON.parse(JSON.stringify(actor.getPersistedSnapshot()));
      } catch (error) {
        seen.push(['not persisted', String(error)]);
        continue;
      }
      seen.push(['persisted', persisted]);
      actor.stop();
      actor = begin(persisted);
      actor.start();
    }
    const snapshot = actor.getSnapshot() as ReturnType<AnyStateMachine['resolveState']>;
    seen.push(['now', snapshotText(snapshot, nameOf), probes.map((probe) => [probe.type, canDo(snapshot, probe)])]);
  }
  actor.stop();
  return seen;
}

function canDo(snapshot: ReturnType<AnyStateMachine['resolveState']>, event: EventObject): unknown {
  try {
    return snapshot.status === 'active' ? snapshot.can(event) : null;
  } catch (error) {
    return String(error);
  }
}
