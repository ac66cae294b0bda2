/** A house whose coordinator has four parties on other nodes negotiate, who change their minds and forget what they have said: for runs through faults. */
import { assign } from 'xstate';
import { negotiationMachine } from '../../machines/coordination/negotiation.js';
import type { NegotiationContext, NegotiationEnd, NegotiationQuestion, NegotiationResult } from '../../machines/coordination/negotiation-events.js';
import { awaited, outcomeOf } from '../../machines/coordination/negotiation-rules.js';
import { mixedHash } from '../../machines/hash.js';
import type { Requests } from '../../src/comms/port.js';
import { negotiation } from '../../src/coordination/negotiation.js';
import { type Protocol, questions } from '../../src/coordination/protocol.js';
import { withInput } from '../../src/supervision/supervisors.js';
import type { FaultRunOptions } from '../../src/testing/network/fault-run-options.js';
import type { SimulatedNode } from '../../src/testing/network/node.js';
import { claimNames, type Claim, type Ended, God, parties, terms } from './negotiation-god.js';
import { remoteAgents } from './remote-agents.js';
import { Coordinators, isLast, seenBy, type SessionDefect, type SessionWorld } from './session-world.js';
import { askingByPlace, waiting, waitingForTheLate } from './wrong-lines.js';

const withinMs = 1_500;

export type NegotiationWorld = SessionWorld<Ended, Claim>;

/** What may be wrong, planted on purpose. */
export interface NegotiationDefect extends SessionDefect {
  readonly protocol?: Protocol<NegotiationResult>;
}

/** What a party thinks: in another mood it wishes something else. */
interface Mind {
  mood: number;
  readonly answered: Map<string, unknown>;
}

/** Who wishes 9 leaves before long, and who wishes 8 may say what is no answer; the others give way from round to round. At the end all do at once. */
function answerOf(name: string, session: string, mood: number, question: NegotiationQuestion): unknown {
  const wish = isLast(session) ? 5 : mixedHash(`${session} ${name} ${mood}`) % 10;
  if (question.ask === 'offer') return { say: 'offer', offer: wish };
  const { offer, round } = question;
  if (Math.abs((offer as number) - wish) <= round + 1) return { say: 'accept' };
  if (wish === 9 && round > 1) return { say: 'leave' };
  return wish === 8 && round > 2 ? 'never' : { say: 'offer', offer: wish };
}

/** Has a node answer as the party of its name: the same by the same key, until it forgets, or is started anew. */
function serveParty(node: SimulatedNode, mind: Mind, tell: (session: string, question: NegotiationQuestion, said: unknown) => void): void {
  node.onRequest((request) => {
    const { key, body } = request as { readonly key: string; readonly body: NegotiationQuestion };
    const [session = ''] = key.split('/');
    const kept = mind.answered.get(key);
    if (kept !== undefined) return kept;
    const said = answerOf(node.name, session, mind.mood, body);
    tell(session, body, said);
    // It takes its time, so that what it answered once comes sooner.
    const thinking = new Promise((resolve) => void node.clock.setTimeout(() => resolve(said), mixedHash(`${key} ${node.name} ${mind.mood}`) % 60));
    mind.answered.set(key, thinking);
    return thinking;
  });
}

/** A run of that world. */
export function negotiationRun({
  protocol = negotiation(terms),
  line = (requests) => requests,
  isEndless = false,
}: NegotiationDefect = {}): FaultRunOptions<NegotiationWorld> {
  return {
    nodes: ['house', ...parties],
    steps: 20,
    network: { links: { delay: [1, 20], drop: 0.02, duplicate: 0.02 } },
    world: (network) => {
      const god = new God();
      const minds = new Map<string, Mind>();
      const asking = new Coordinators<NegotiationResult>(network, ['house'], {
        ...{ withinMs, isEndless },
        textOf: (result) => (result.outcome === 'decided' ? `${String(result.value.offer)} of ${result.value.by}` : JSON.stringify(result)),
        sawTold: (end) => god.sawTold(end),
        sawEnded: ({ session, result }, node) => god.sawEnded({ session, result, endedAt: node.clock.now() }),
      });
      /** What the house hears goes into the god's book. */
      const listening = (node: SimulatedNode, requests: Requests): Requests => ({
        request: async (agent, body, call = {}) => {
          const question = body as NegotiationQuestion;
          const [session = ''] = (call.key ?? '').split('/');
          const askedAt = node.clock.now();
          const { heard } = god.asks(session, question, askedAt);
          const outcome = await requests.request(agent, body, call);
          const isInTime = outcome.ok && node.clock.now() - askedAt <= terms.withinMs;
          heard.push({ agent, round: question.ask === 'offer' ? 0 : question.round, said: isInTime ? outcome.value : null, isInTime });
          return outcome;
        },
      });
      network.boot((node) => {
        if (node.name !== 'house') {
          const mind: Mind = { mood: node.incarnation * 1_000, answered: new Map() };
          minds.set(node.name, mind);
          return serveParty(node, mind, (...said) => god.sawGiven(node.name, ...said));
        }
        asking.start(node, line(listening(node, remoteAgents(node))));
      });
      let count = 0;
      const begin = (node: SimulatedNode, sort: string) => asking.begin(node, protocol, parties, `${sort}${count++}`);
      return {
        ...{ ended: god.ended, problems: god.problems },
        operations: {
          negotiate: { weight: 4, nodes: ['house'], run: async (node) => void (await begin(node, 'deal')?.result()) },
          forget: {
            weight: 2,
            nodes: parties,
            run: ({ name }) => {
              const mind = minds.get(name);
              if (mind === undefined) return;
              mind.answered.clear();
              mind.mood++;
            },
          },
          killWorker: { weight: 2, nodes: ['house'], run: (node) => asking.killWorker(node) },
        },
        progress: asking.progress('has them negotiate, until they agree', 2_000, (node) => begin(node, 'last')),
      } satisfies NegotiationWorld;
    },
    invariants: seenBy(claimNames),
  };
}

/** Where what happens is mostly of the kind that has a session begun again among parties who think otherwise. */
export const restless = {
  faults: { slow: 2, pause: 1, partition: 1, crash: 2 },
  faultShare: 0.15,
  steps: 40,
  mostGapMs: 80,
  mostFaultMs: 400,
} as const;

type Changes = Parameters<typeof negotiationMachine.provide>[0]['actions'];

/** A negotiation whose chart does something otherwise. */
function changed(actions: NonNullable<Changes>): Protocol<NegotiationResult> {
  return {
    ...{ name: 'negotiation', requireAgents: () => {} },
    logic: (requests) => withInput(negotiationMachine.provide({ actors: { questions: questions(requests) }, actions }), { subject: null, ...terms }),
  };
}

const ofMost = ({ context }: { readonly context: NegotiationContext }): NegotiationEnd | null => {
  const { agents, history, round, table } = context;
  const isMost = (history.at(-1)?.accepted.length ?? 0) * 2 > agents.length - 1;
  return table !== null && isMost
    ? { outcome: 'decided', value: { offer: table.offer, by: table.agent, rounds: round, history } }
    : outcomeOf(context);
};

const ofTheQuickest = ({ context }: { readonly context: NegotiationContext }): Partial<NegotiationContext> => {
  const { agents, counters, round } = context;
  const [table] = counters;
  if (table === undefined) return {};
  const open = agents.filter((agent) => agent !== table.agent);
  return { table, open, round: round + 1, counters: [], rows: awaited(context, open, 'offered') };
};

/** A line on which what an agent has said is heard otherwise. */
function mishearing(
  heardAs: (said: { readonly say?: unknown; readonly offer?: unknown }, place: string) => unknown,
): (requests: Requests) => Requests {
  return (requests) => ({
    request: async (agent, body, call = {}) => {
      const outcome = await requests.request(agent, body, call);
      const [session = ''] = (call.key ?? '').split('/');
      return outcome.ok ? { ok: true, value: heardAs(Object(outcome.value) as object, `${session} ${agent}`) ?? outcome.value } : outcome;
    },
  });
}

/** Negotiations that are wrong, each in one way. */
export const defects: Readonly<Record<string, { readonly defect: NegotiationDefect; readonly breaks: Claim | 'progress' }>> = {
  'most are enough': {
    defect: { protocol: changed({ weigh: assign({ end: ofMost }) as never }) },
    breaks: 'nothing is agreed that one of all others has not accepted',
  },
  'who has accepted one offer has accepted each': {
    defect: {
      line: (requests) => {
        const willing = new Set<string>();
        return mishearing(({ say }, place) => {
          if (say === 'accept') willing.add(place);
          return say === 'offer' && willing.has(place) ? { say: 'accept' } : undefined;
        })(requests);
      },
    },
    breaks: 'who is said to have accepted an offer has accepted that very one',
  },
  'who is silent has accepted': {
    defect: {
      line: (requests) => ({
        request: async (agent, body, call) => {
          const outcome = await requests.request(agent, body, call);
          const isAnswer = (body as NegotiationQuestion).ask === 'answer';
          return outcome.ok || !isAnswer ? outcome : { ok: true, value: { say: 'accept' } };
        },
      }),
    },
    breaks: 'who is said to have accepted an offer has accepted that very one',
  },
  'an answer to one offer counts for another in its place': {
    defect: { line: askingByPlace },
    breaks: 'who is said to have accepted an offer has accepted that very one',
  },
  'an offer is heard as another': {
    defect: { line: mishearing(({ say, offer }) => (say === 'offer' && offer === 3 ? { say, offer: 4 } : undefined)) },
    breaks: 'each offer was made by whose it is said to be',
  },
  'a late answer counts': {
    defect: { line: waiting(terms.withinMs * 2) },
    breaks: 'whoever is late ends it',
  },
  'the quickest has the next turn': {
    defect: { protocol: changed({ lay: assign(ofTheQuickest) as never }) },
    breaks: 'the next offer is that of whose turn it is',
  },
  'a refusal without an offer is one to leave': {
    defect: { line: mishearing(({ say }) => (say === 'offer' ? { say: 'leave' } : undefined)) },
    breaks: 'it fails by what is so',
  },
  'it goes on for as long as they like': {
    defect: { protocol: negotiation({ ...terms, maxRounds: 9 }) },
    breaks: 'no more offers are answered than may be',
  },
  'who is late is waited for, and there is no deadline': {
    defect: {
      ...{ isEndless: true, protocol: negotiation({ ...terms, deadlineMs: 1_000_000 }) },
      line: waitingForTheLate,
    },
    breaks: 'progress',
  },
};
