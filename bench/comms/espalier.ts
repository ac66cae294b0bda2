/** Comms as an app uses them: agents that are respondents, found by their names. */
import { type AnyActorRef, createActor } from 'xstate';
import { type Comms, createComms } from '../../src/comms/handle.js';
import { respondent } from '../../src/comms/respondent.js';
import type { Rig, Subject } from './subject.js';

/** No request ends by its deadline while it is measured. */
const withinMs = 600_000;
const topic = 'topic';

/** Credits and places of a mailbox: the defaults, said here for whoever fills one. */
const credits = 16;
const maxQueued = 100;

interface Crew {
  readonly rig: Rig;
  readonly comms: Comms;
  /** Some of the agents' names; a subscriber's follow. */
  readonly names: readonly string[];
}

async function crew(agents: number, subscribers: number, others: ReadonlyMap<string, AnyActorRef> = new Map()): Promise<Crew> {
  let heard = 0;
  const hear = (): void => void heard++;
  const logic = respondent({ request: (body) => (body as number) + 1, notice: hear, event: hear });
  const names = Array.from({ length: agents + subscribers }, (_, index) => `agent ${index}`);
  const refs = new Map<string, AnyActorRef>(others);
  for (const name of names) refs.set(name, createActor(logic).start());
  const comms = createComms({ agents: (name) => refs.get(name), credits, maxQueued, withinMs, idleMs: withinMs });
  // A channel is made when it is first used; what that costs is not of what is measured.
  for (const name of names) await comms.request(name, 0);
  for (const name of names.slice(agents)) comms.subscribe(topic, name);
  const rig: Rig = {
    request: async (agent, body) => {
      const outcome = await comms.request(names[agent] as string, body);
      if (!outcome.ok) throw new Error(`expected an answer, got: ${outcome.reason}`);
      return outcome.value;
    },
    notify: async (agent, body) => {
      const outcome = await comms.notify(names[agent] as string, body);
      if (!outcome.ok) throw new Error(`expected that it is taken, got: ${outcome.reason}`);
    },
    publish: async (body) => {
      const outcome = await comms.publish(topic, body);
      if (!outcome.ok || outcome.taken !== subscribers) throw new Error(`expected that all ${subscribers} take it, got: ${JSON.stringify(outcome)}`);
    },
    heard: () => heard,
    close: async () => {
      await comms.close();
      for (const ref of refs.values()) (ref as AnyActorRef & { stop(): void }).stop();
    },
  };
  return { rig, comms, names };
}

export const espalierSubject: Subject = {
  name: 'espalier',
  open: async (agents, subscribers) => (await crew(agents, subscribers)).rig,
};

/** Agents among whom one can be stalled. */
export interface Stage {
  readonly rig: Rig;
  /** One agent answers nothing from now on, with as much out at it as it may have and its mailbox full. */
  stall(): void;
  /** It answers all of it. */
  resume(): Promise<void>;
  /** The stalled one answers one question, and is asked the next: its mailbox is full again. */
  crawl(): Promise<void>;
  /** How much lies before the stalled one: out at it, and in its mailbox. */
  backlog(): number;
}

/** @param agents  how many there are beside the one that can be stalled */
export async function openStage(agents: number): Promise<Stage> {
  const name = 'stalled';
  let isStalled = false;
  const held: (() => void)[] = [];
  const logic = respondent({
    request: () => (isStalled ? new Promise<void>((resolve) => held.push(resolve)) : undefined),
  });
  const { rig, comms } = await crew(agents, 0, new Map([[name, createActor(logic).start()]]));
  const asked: Promise<unknown>[] = [];
  const ask = (): void => void asked.push(comms.request(name, 0));
  await comms.request(name, 0);
  return {
    rig,
    stall: () => {
      isStalled = true;
      for (let question = 0; question < credits + maxQueued; question++) ask();
    },
    resume: async () => {
      isStalled = false;
      for (const answer of held.splice(0)) answer();
      await Promise.all(asked.splice(0));
    },
    crawl: async () => {
      const oldest = asked.shift();
      held.shift()?.();
      await oldest;
      ask();
    },
    backlog: () => {
      const channel = comms.channel(name);
      return channel === undefined ? 0 : channel.out + channel.queued;
    },
  };
}
