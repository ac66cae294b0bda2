/** Two coordinators on nodes of their own that have agents on others come to agree, round after round: for runs through faults. */
import { assign } from 'xstate';
import { roundOf, standOf } from '../../machines/coordination/agreement.js';
import { iterativeConsensusMachine } from '../../machines/coordination/iterative-consensus.js';
import type { IterativeContext, IterativeDecision, IterativeStand, Proposal } from '../../machines/coordination/iterative-consensus-events.js';
import type { SessionResult } from '../../machines/coordination/session-events.js';
import type { RequestOutcome } from '../../machines/comms/request.js';
import type { Requests } from '../../src/comms/port.js';
import { iterativeConsensus, type IterativeConsensusOptions } from '../../src/coordination/iterative-consensus.js';
import { type Protocol, questions } from '../../src/coordination/protocol.js';
import { withInput } from '../../src/supervision/supervisors.js';
import type { FaultRunOptions } from '../../src/testing/network/fault-run-options.js';
import type { SimulatedNode } from '../../src/testing/network/node.js';
import { remoteAgents, serveAgentFromDisk } from './remote-agents.js';
import { Coordinators, type Ended, isLast, processOf, seenBy, type SessionDefect, SessionGod, type SessionWorld } from './session-world.js';
import { askingAnew, askingByPlace, waitingForTheLate } from './wrong-lines.js';

const coordinators = ['c1', 'c2'];
const agents = ['a1', 'a2', 'a3', 'a4', 'a5'];
const sessions = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
const rounds = 3;
const agreement = 0.75;
const quorum = 0.6;
const withinMs = 3_000;
const terms: IterativeConsensusOptions = { about: 'where to meet', rounds, agreement, quorum, withinMs: 300 };

/** Two of them are the same, and do not look so. */
const places = [
  { at: 9, in: 'den' },
  { in: 'den', at: 9 },
  { at: 14, in: 'hall' },
  { at: 20, in: 'inn' },
] as const;
type Place = (typeof places)[number];

/** What an agent is asked. */
interface Asked {
  readonly round: number;
  readonly proposals: readonly { readonly value: Place; readonly count: number }[];
}

/** What a round has come to, as it went over the line of who asks. */
interface Round {
  /** Who was asked, and what each was shown. */
  readonly shown: Map<string, Asked['proposals']>;
  /** What was heard of each: a place, or null for what is none. */
  readonly heard: Map<string, Place | null>;
}

type Claim =
  | 'each session ends once'
  | 'an agent proposes once to what it is shown'
  | 'only what was proposed in the round counts'
  | 'who has left is not asked again'
  | 'all are shown what was proposed in the round before'
  | 'it ends as its rounds come out';

export type IterativeWorld = SessionWorld<Ended<IterativeDecision>, Claim>;

/** What may be wrong, planted on purpose. */
export interface IterativeDefect extends SessionDefect {
  readonly protocol?: Protocol<IterativeDecision>;
}

/** By which values are the same. */
const nameOf = ({ at, in: room }: Place): string => `${at} ${room}`;

function isPlace(value: unknown): value is Place {
  return places.some((place) => JSON.stringify(place) === JSON.stringify(value));
}

/** How often each was proposed: as text, in whatever order. */
function countsOf(proposed: readonly Place[]): string {
  const counts = new Map<string, number>();
  for (const place of proposed) counts.set(nameOf(place), (counts.get(nameOf(place)) ?? 0) + 1);
  return JSON.stringify([...counts].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Sees all that is proposed, asked and heard, and whether what comes of it can come of it. */
export class God extends SessionGod<Ended<IterativeDecision>, Claim> {
  readonly #given = new Map<string, Place | null>();
  /** The rounds of the attempt that runs, or ran last, by who asks and session. */
  readonly #courses = new Map<string, Round[]>();

  sawGiven(session: string, agent: string, asked: Asked, place: Place | null): void {
    const name = givenName(session, agent, asked);
    if (this.#given.has(name)) this.wrong('an agent proposes once to what it is shown', name);
    this.#given.set(name, place);
  }

  /** Who asks begins a question. @returns tells what was heard */
  sawAsked(asker: string, session: string, agent: string, { round, proposals }: Asked): (place: Place | null) => void {
    const name = `${asker} ${session}`;
    // Whoever is asked in the first round again is asked by another attempt.
    const before = this.#courses.get(name);
    const course = before === undefined || (round === 1 && before[0]?.shown.has(agent) === true) ? [] : before;
    this.#courses.set(name, course);
    const own = (course[round - 1] ??= { shown: new Map(), heard: new Map() });
    own.shown.set(agent, proposals);
    const former = course[round - 2];
    if (former !== undefined) {
      if ((former.heard.get(agent) ?? null) === null) this.wrong('who has left is not asked again', `${agent} in round ${round} of ${session}`);
      const proposed = [...former.heard.values()].filter((place) => place !== null);
      const shown = proposals.flatMap(({ value, count }) => Array.from({ length: count }, () => value));
      if (countsOf(shown) !== countsOf(proposed)) this.wrong('all are shown what was proposed in the round before', `round ${round} of ${session}`);
    }
    return (place) => void own.heard.set(agent, place);
  }

  sawEnded(one: Ended<IterativeDecision>): void {
    this.ended.push(one);
    const { session, process, result } = one;
    const stand = standOfResult(result);
    if (stand === null || !('outcome' in result)) return;
    const course = this.#courses.get(`${process} ${session}`) ?? [];
    const shown = course[stand.round - 1]?.shown;
    for (const { agent, value } of stand.proposals) {
      const asked = { round: stand.round, proposals: shown?.get(agent) ?? [] };
      if (this.#said(session, agent, asked) !== nameIn(value)) this.wrong('only what was proposed in the round counts', `${agent} in ${session}`);
    }
    const due = dueOf(course);
    const told = result.outcome === 'decided' ? nameIn(result.value.value) : result.outcome === 'failed' ? result.why : null;
    if (due !== `${told} in round ${stand.round}`)
      this.wrong('it ends as its rounds come out', `${session}: ${told} in round ${stand.round}, not ${due}`);
  }

  #said(session: string, agent: string, asked: Asked): string | null {
    const place = this.#given.get(givenName(session, agent, asked)) ?? null;
    return place === null ? null : nameOf(place);
  }
}

/**
 * A proposal is made to what is shown: shown otherwise, as by another coordinator, it is another question. Places that only look otherwise are shown alike: two
 * coordinators, or two attempts of one, may have the same of them from different agents, as each wrote it.
 */
function givenName(session: string, agent: string, { round, proposals }: Asked): string {
  return [session, agent, round, ...proposals.map(({ value, count }) => `${count} ${nameOf(value)}`)].join();
}

const nameIn = (value: unknown): string => (isPlace(value) ? nameOf(value) : 'no place');

/** How it stood where it came to an end of its own; null where it did not. */
function standOfResult(result: SessionResult<IterativeDecision>): IterativeStand | null {
  if (result.outcome === 'decided') return result.value;
  const isOwn = result.outcome === 'failed' && ['noAgreement', 'noQuorum'].includes(result.why);
  return isOwn ? (result.details as IterativeStand) : null;
}

/** What such rounds have to come to, and in which of them. */
function dueOf(course: readonly Round[]): string {
  for (const [index, { heard }] of course.entries()) {
    const here = [...heard.values()].filter((place) => place !== null);
    if (here.length < agents.length * quorum) return `noQuorum in round ${index + 1}`;
    const most = places.find((place) => here.filter((other) => nameOf(other) === nameOf(place)).length >= here.length * agreement);
    if (most !== undefined) return `${nameOf(most)} in round ${index + 1}`;
    if (index + 1 === rounds) return `noAgreement in round ${rounds}`;
  }
  return 'another round';
}

/** Has a node take part. What it has proposed it proposes again, also after a crash: it is on its disk. */
function serve(node: SimulatedNode, god: God): void {
  serveAgentFromDisk(node, (session, body) => {
    const asked = body as Asked;
    const place = proposalOf(node, session, asked);
    god.sawGiven(session, node.name, asked, place);
    return place === null ? { place: 'none' } : { value: place };
  });
}

/** Most join what most want; some stay with what they like, and some say nothing that is a proposal. */
function proposalOf({ chance }: SimulatedNode, session: string, { proposals }: Asked): Place | null {
  if (isLast(session)) return places[0];
  const own = chance.pick<Place>([places[0], places[1], places[1], places[2], places[3]]);
  const [first = { value: own }] = proposals;
  const what = chance.pick(['join', 'join', 'join', 'stay', 'stay', 'stay', 'nonsense'] as const);
  return what === 'nonsense' && proposals.length > 0 ? null : what === 'join' ? first.value : own;
}

/** All that is asked and heard goes into the god's book. */
function listening(asker: string, god: God, requests: Requests): Requests {
  return {
    request: async (agent, body, call) => {
      const [session = ''] = (call?.key ?? '').split('/');
      const heard = god.sawAsked(asker, session, agent, body as Asked);
      const outcome = await requests.request(agent, body, call);
      const value = outcome.ok ? (outcome.value as { readonly value?: unknown }).value : null;
      heard(isPlace(value) ? value : null);
      return outcome;
    },
  };
}

/** A run of that world. */
export function iterativeRun(defect: IterativeDefect = {}): FaultRunOptions<IterativeWorld> {
  const { protocol = iterativeConsensus(terms), line = (requests) => requests, isEndless = false } = defect;
  return {
    nodes: [...coordinators, ...agents],
    steps: 20,
    network: { links: { delay: [1, 20], drop: 0.02, duplicate: 0.05 } },
    world: (network) => {
      const god = new God();
      const asking = new Coordinators<IterativeDecision>(network, coordinators, {
        ...{ withinMs, isEndless },
        textOf: (result) => JSON.stringify(result.outcome === 'decided' ? result.value.value : result),
        sawTold: (end) => god.sawTold(end),
        sawEnded: (one) => god.sawEnded(one),
      });
      network.boot((node) => {
        if (agents.includes(node.name)) return serve(node, god);
        asking.start(node, line(listening(processOf(node), god, remoteAgents(node))));
      });
      const begin = (node: SimulatedNode, session: string) => asking.begin(node, protocol, agents, session);
      let count = 0;
      const nodes = coordinators;
      return {
        ...{ ended: god.ended, problems: god.problems },
        operations: {
          // The same ids on both, so that both ask the same agents in the same session.
          agree: {
            weight: 5,
            nodes,
            input: (chance) => chance.pick(sessions),
            run: (node, session) => void begin(node, session as string),
          },
          cancel: { nodes, run: (node) => asking.cancelOneOf(sessions, node) },
          killWorker: { weight: 2, nodes, run: (node) => asking.killWorker(node) },
        },
        progress: asking.progress('has them agree, until they have', 2_000, (node) => begin(node, `last${count++}`)),
      } satisfies IterativeWorld;
    },
    invariants: seenBy(claims),
  };
}

const claims: readonly Claim[] = [
  ...(['each session ends once', 'an agent proposes once to what it is shown', 'only what was proposed in the round counts'] as const),
  ...(['who has left is not asked again', 'all are shown what was proposed in the round before', 'it ends as its rounds come out'] as const),
];

/** A consensus whose next round begins otherwise. */
function beginning(
  next: (context: IterativeContext, stand: IterativeStand) => { readonly present?: readonly string[]; readonly former?: readonly Proposal[] },
) {
  const { about, withinMs: roundMs } = terms;
  const input = { about, rounds, agreement, departures: 'goOn', quorum, proposals: 'anonymous', withinMs: roundMs };
  const beginRound = assign(({ context }: { context: IterativeContext }) => {
    const stand = standOf(context);
    const usual = {
      round: context.round + 1,
      present: stand.proposals.map(({ agent }) => agent),
      former: stand.proposals,
      left: stand.left,
    };
    const round = { ...usual, ...next(context, stand) };
    return { ...round, ...roundOf(round.present) };
  });
  const protocol: Protocol<IterativeDecision> = {
    name: 'iterativeConsensus',
    requireAgents: () => {},
    logic: (requests) => {
      const actors = { questions: questions(requests) };
      return withInput(iterativeConsensusMachine.provide({ actors, actions: { beginRound: beginRound as never } }), input);
    },
  };
  return { protocol };
}

/** Ways to agree that are wrong, each in one way. */
export const defects: Readonly<Record<string, { readonly defect: IterativeDefect; readonly breaks: Claim | 'progress' }>> = {
  'more than half are enough': {
    defect: { protocol: iterativeConsensus({ ...terms, agreement: 0.51 }) },
    breaks: 'it ends as its rounds come out',
  },
  'who has left is asked again': {
    defect: beginning(({ agents: all }) => ({ present: all })),
    breaks: 'who has left is not asked again',
  },
  'agents are shown what was proposed before that': {
    defect: beginning(({ former }, { proposals }) => ({ former: former.length === 0 ? proposals : former })),
    breaks: 'all are shown what was proposed in the round before',
  },
  'in the last round whoever is silent is taken to stay with what it proposed': {
    defect: {
      line: (requests) => {
        const former = new Map<string, RequestOutcome>();
        return {
          request: async (agent, body, call) => {
            const outcome = await requests.request(agent, body, call);
            const place = `${call?.from} ${agent}`;
            if (outcome.ok) former.set(place, outcome);
            return outcome.ok || (body as Asked).round < rounds ? outcome : (former.get(place) ?? outcome);
          },
        };
      },
    },
    breaks: 'only what was proposed in the round counts',
  },
  'what is asked again is another question': {
    defect: { line: askingAnew },
    breaks: 'an agent proposes once to what it is shown',
  },
  'what is asked of other proposals is the same question': {
    defect: { line: askingByPlace },
    breaks: 'only what was proposed in the round counts',
  },
  'who is late is waited for, and there is no deadline': {
    defect: { isEndless: true, line: waitingForTheLate },
    breaks: 'progress',
  },
};
