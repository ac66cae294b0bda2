/**
 * Random walks over the whole of comms: agents that answer, late, twice, wrongly or not at all, that crash, pause and come again; callers who leave. What must
 * hold is looked at after each step, and once more when all is over.
 */
import { type AnyActorRef, createActor, fromCallback } from 'xstate';
import type { AgentEvent, CommsRequest } from '../../machines/comms/message.js';
import { hash } from '../../machines/hash.js';
import type { RequestOutcome } from '../../machines/comms/request.js';
import { type Comms, createComms } from '../../src/comms/handle.js';
import type { DeliveryOutcome } from '../../src/comms/message.js';
import type { BroadcastStrategy, MailboxPolicy } from '../../src/comms/options.js';
import { credit } from '../../src/comms/respondent.js';
import type { Registry } from '../../src/registry/handle.js';
import { exit } from '../../src/supervision/watch.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';

const names = ['ann', 'bob'];
const topics = ['news', 'weather'];
const policies: readonly MailboxPolicy[] = ['refuse', 'dropOldest', 'wait'];
const maxQueued = 3;
const credits = 2;

/** One who has asked, or sent a word. */
interface Asked {
  readonly agent: string;
  readonly outcomes: (RequestOutcome | DeliveryOutcome)[];
  readonly over: AbortController;
}

/** One agent, as the walk has it: what it was sent and has not answered. */
interface Agent {
  readonly name: string;
  readonly ref: AnyActorRef;
  readonly open: Map<string, CommsRequest>;
  /** Answered or taken back: to be answered once more, which is nobody's. */
  readonly past: CommsRequest[];
  /** The most credit that it had beside what it begins with. */
  given: number;
  mostGiven: number;
}

/** Breaks comms for a walk that must find it. */
export type Defect = (comms: Comms) => void;

/** @returns what was wrong, with the step; null where nothing was */
export async function walk(seed: number, steps: number, defect: Defect = () => {}): Promise<string | null> {
  const clock = new VirtualClock();
  const agents = new Map<string, Agent>();
  /** Names that stand empty until somebody comes. */
  const awaited = new Set<string>();
  const told: ((fact: { namespace: string; key: string }) => void)[] = [];
  const registry = {
    namespace: 'default',
    whereis: (name: string) => agents.get(name)?.ref,
    awaits: (name: string) => awaited.has(name),
    select: () => [],
    on: (_: string, listener: (typeof told)[number]) => {
      told.push(listener);
      return { unsubscribe: () => void told.splice(0) };
    },
  } as unknown as Registry;
  const tell = (key: string): void => {
    for (const each of told) each({ namespace: 'default', key });
  };
  const policy = policies[seed % 3] as MailboxPolicy;
  const comms = createComms(
    { agents: registry, credits, maxQueued, policy, maxWaiting: 2, withinMs: 100, keyMs: 40, maxKeys: 3, maxDeadLetters: 4, idleMs: 300 },
    { clock },
  );
  defect(comms);
  const asked: Asked[] = [];
  const faults: string[] = [];
  let draws = 0;
  const draw = (most: number): number => hash(`${seed} ${draws++}`) % most;
  const pick = <Item>(items: readonly Item[]): Item | undefined => items[draw(Math.max(1, items.length))];

  const start = (name: string): void => {
    const open = new Map<string, CommsRequest>();
    const past: CommsRequest[] = [];
    const logic = fromCallback<AgentEvent>(({ receive }) =>
      receive((event) => {
        if (event.type === 'comms.request') {
          open.set(event.ref, event);
          if (open.size > credits + agent.mostGiven) faults.push(`${name} has ${open.size} at once`);
        } else if (event.type === 'comms.cancelled') {
          const cancelled = open.get(event.ref);
          if (cancelled === undefined) faults.push(`${name} was told of ${event.ref}, which it has not`);
          else past.push(cancelled);
          open.delete(event.ref);
        }
      }),
    );
    const ref = createActor(logic, { clock }).start();
    const agent: Agent = { name, ref, open, past, given: 0, mostGiven: 0 };
    agents.set(name, agent);
    awaited.delete(name);
    tell(name);
  };

  const send = (kind: 'request' | 'notice'): void => {
    const name = pick(names) as string;
    const over = new AbortController();
    const it: Asked = { agent: name, outcomes: [], over };
    asked.push(it);
    const options = { signal: over.signal, withinMs: 10 + draw(150), from: pick(names) as string };
    const key = draw(2) === 0 ? { key: `k${draw(3)}`, onRestart: draw(2) === 0 ? ('again' as const) : ('crashed' as const) } : {};
    const outcome = kind === 'request' ? comms.request(name, draws, { ...options, ...key }) : comms.notify(name, draws, options);
    void outcome.then((heard) => it.outcomes.push(heard));
  };

  const acts: readonly (() => unknown)[] = [
    () => send('request'),
    () => send('request'),
    () => {
      for (let more = draw(10); more >= 0; more--) send(more % 4 === 0 ? 'notice' : 'request');
    },
    () => send('notice'),
    () => {
      const strategy = pick(['bestEffort', 'atLeastOne', 'allOrNothing'] as const) as BroadcastStrategy;
      const before = names.map((name) => comms.channel(name)?.queued ?? 0);
      const room = names.every((name, index) => agents.has(name) && (before[index] ?? 0) < maxQueued && (comms.channel(name)?.waiting ?? 0) === 0);
      const it: Asked = { agent: names[0] as string, outcomes: [], over: new AbortController() };
      if (strategy === 'allOrNothing') asked.push(it);
      void comms.broadcast(names, draws, { strategy, withinMs: 10 + draw(30) }).then((outcome) => {
        if (strategy !== 'allOrNothing') return;
        it.outcomes.push(outcome.ok ? { ok: true } : { ok: false, reason: 'full' });
        if (room && !outcome.ok) faults.push('none has taken what all could');
        if (outcome.taken !== (outcome.ok ? names.length : 0)) faults.push(`${outcome.taken} have taken what was for all or none`);
      });
    },
    () => void comms.publish(pick(topics) as string, draws, { withinMs: 10 + draw(30) }),
    () => comms.subscribe(pick(topics) as string, pick(names) as string),
    () => (draw(3) === 0 ? comms.unsubscribe(pick(topics) as string, pick(names) as string) : false),
    () => {
      const agent = pick([...agents.values()].filter(({ open }) => open.size > 0));
      const request = agent && pick([...agent.open.values()]);
      if (agent === undefined || request === undefined) return;
      agent.open.delete(request.ref);
      agent.past.push(request);
      const { ref } = request;
      const answers = [
        { type: 'comms.reply', ref, ok: true, value: ref },
        { type: 'comms.reply', ref, ok: false, error: 'no' },
        { type: 'comms.reply', ref },
      ];
      request.replyTo.send(pick(answers) ?? answers[0]);
    },
    () => {
      const request = pick([...agents.values()].flatMap(({ past }) => past));
      request?.replyTo.send({ type: 'comms.reply', ref: request.ref, ok: true, value: 'twice' });
    },
    () => {
      const agent = pick([...agents.values()]);
      const request = agent && [...agent.open.values(), ...agent.past][0];
      if (agent === undefined || request === undefined) return;
      const more = draw(2) === 0 ? -1 : 1;
      agent.given += more;
      agent.mostGiven = Math.max(agent.mostGiven, agent.given);
      request.replyTo.send(credit(request, more));
    },
    () => pick(asked.filter(({ outcomes }) => outcomes.length === 0))?.over.abort(),
    () => {
      const agent = pick([...agents.values()]);
      if (agent === undefined) return;
      agents.delete(agent.name);
      if (draw(2) === 0) awaited.add(agent.name);
      exit(agent.ref, 'kill');
    },
    () => {
      const name = pick([...awaited]);
      if (name === undefined || draw(3) > 0) return;
      awaited.delete(name);
      tell(name);
    },
    () => {
      const name = pick(names.filter((each) => !agents.has(each)));
      if (name !== undefined) start(name);
    },
    () => {
      const letter = pick(comms.deadLetters());
      if (letter !== undefined) void comms.redeliver(letter.id, { withinMs: 30 });
    },
    () => clock.advanceByAsync(draw(30)),
  ];

  const look = (): string | null => {
    const { counts, queued } = comms.status();
    const accounted = counts.refused + counts.delivered + counts.dead + counts.withdrawn + queued;
    if (faults[0] !== undefined) return faults[0];
    if (accounted !== counts.sent) return `${accounted} of ${counts.sent} messages are accounted for`;
    if (asked.some(({ outcomes }) => outcomes.length > 1)) return 'one was answered twice';
    const forsaken = asked.find(({ agent, outcomes }) => outcomes.length === 0 && !agents.has(agent) && !awaited.has(agent));
    if (forsaken !== undefined) return `one waits for ${forsaken.agent}, who is not there`;
    const heard = topics.flatMap((topic) => comms.subscribers(topic)).find((name) => !agents.has(name) && !awaited.has(name));
    if (heard !== undefined) return `${heard} hears a topic, and is not there`;
    for (const name of names) {
      const channel = comms.channel(name);
      if (channel === undefined) continue;
      if (channel.queued > maxQueued) return `${channel.queued} in the mailbox of ${name}`;
      if (channel.waiting > 2) return `${channel.waiting} wait for a place at ${name}`;
      if (channel.waiting > 0 && channel.queued < maxQueued) return `${name} has room, and somebody waits for it`;
      if (channel.out > (agents.get(name)?.open.size ?? 0)) return `${channel.out} out at ${name}`;
      if (channel.state === 'flowing' && channel.credits > 0 && channel.queued > 0) return `${name} could have more`;
      if (channel.state !== 'vacant' && (channel.state === 'flowing') !== channel.credits > 0)
        return `${name} is ${channel.state} with ${channel.credits} credits`;
    }
    return comms.deadLetters().length > 4 ? 'too many dead letters' : null;
  };

  for (const name of names) start(name);
  let wrong: string | null = null;
  for (let step = 0; step < steps && wrong === null; step++) {
    await (pick(acts) as () => unknown)();
    await clock.advanceByAsync(0);
    const found = look();
    if (found !== null) wrong = `step ${step}: ${found}`;
  }
  await clock.advanceByAsync(1_000);
  const { counts, out, queued, channels } = comms.status();
  if (wrong === null && asked.some(({ outcomes }) => outcomes.length !== 1)) wrong = 'at last: one was not answered';
  const held = [...agents.values()].reduce((sum, agent) => sum + agent.open.size, 0);
  if (wrong === null && out + held > 0) wrong = `at last: ${out} out, ${held} at agents`;
  await comms.close();
  for (const agent of agents.values()) agent.ref.stop();
  if (wrong === null && clock.pending() > 0) wrong = `at last: ${clock.pending()} timers`;
  if (wrong === null && counts.sent !== counts.refused + counts.delivered + counts.dead + counts.withdrawn + queued)
    wrong = 'at last: messages are missing';
  return wrong === null && channels > names.length ? 'too many channels' : wrong;
}
