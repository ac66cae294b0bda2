/** Agents by their names, comms with them, and one virtual clock, all of which end with their test. */
import { type AnyActorLogic, type AnyActorRef, createActor, fromCallback } from 'xstate';
import type { AgentEvent, CommsRequest } from '../../machines/comms/message.js';
import { type Comms, createComms } from '../../src/comms/handle.js';
import type { CommsOptions } from '../../src/comms/options.js';
import { refuse, reply } from '../../src/comms/respondent.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import { ends } from '../ends.js';

/** An agent that does nothing by itself: the test answers for it. */
export interface Puppet {
  readonly ref: AnyActorRef;
  /** All that it was sent, in order. */
  readonly heard: AgentEvent[];
  /** Of a type. */
  of<Type extends AgentEvent['type']>(type: Type): Extract<AgentEvent, { type: Type }>[];
  /** The bodies of the requests, in order. */
  asked(): unknown[];
  /** Answers the request with that body, the last one where there are several. */
  answer(body: unknown, value: unknown): void;
  refuse(body: unknown, error: unknown): void;
}

export function puppet(clock?: VirtualClock): Puppet {
  const heard: AgentEvent[] = [];
  const logic = fromCallback<AgentEvent>(({ receive }) => receive((event) => heard.push(event)));
  const ref = createActor(logic, clock === undefined ? {} : { clock }).start();
  ends.push(() => ref.stop());
  const of = <Type extends AgentEvent['type']>(type: Type) =>
    heard.filter((event): event is Extract<AgentEvent, { type: Type }> => event.type === type);
  const requestOf = (body: unknown): CommsRequest => {
    const found = of('comms.request').findLast((event) => event.body === body);
    if (found === undefined) throw new Error(`it was not asked ${String(body)}`);
    return found;
  };
  return {
    ref,
    heard,
    of,
    asked: () => of('comms.request').map(({ body }) => body),
    answer: (body, value) => requestOf(body).replyTo.send(reply(requestOf(body), value)),
    refuse: (body, error) => requestOf(body).replyTo.send(refuse(requestOf(body), error)),
  };
}

export interface Room {
  readonly clock: VirtualClock;
  readonly comms: Comms;
  readonly agents: Map<string, AnyActorRef>;
  /** A puppet under a name. */
  puppet(name: string): Puppet;
  /** Any logic under a name. */
  add(name: string, logic: AnyActorLogic): AnyActorRef;
  pass(ms: number): Promise<void>;
}

/** @param options  without who finds the agents: a map does */
export function room(options: Partial<CommsOptions> = {}): Room {
  const clock = new VirtualClock();
  const agents = new Map<string, AnyActorRef>();
  const comms = createComms({ agents: (name) => agents.get(name), ...options }, { clock });
  ends.push(() => comms.close());
  return {
    clock,
    comms,
    agents,
    puppet: (name) => {
      const made = puppet(clock);
      agents.set(name, made.ref);
      return made;
    },
    add: (name, logic) => {
      const ref = createActor(logic, { clock });
      ref.subscribe({ error: () => {} });
      ref.start();
      agents.set(name, ref);
      ends.push(() => ref.stop());
      return ref;
    },
    pass: (ms) => clock.advanceByAsync(ms),
  };
}

/** Are all counts of a message in order? */
export function balance(comms: Comms): { readonly sent: number; readonly accounted: number } {
  const { counts, queued } = comms.status();
  return { sent: counts.sent, accounted: counts.refused + counts.delivered + counts.dead + counts.withdrawn + queued };
}
