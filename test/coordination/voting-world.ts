/** Two coordinators on nodes of their own that ask voters on others, of whom one may tell each asker something else: for runs through faults. */
import { assign } from 'xstate';
import { ballotOf } from '../../machines/coordination/tally.js';
import { votingMachine } from '../../machines/coordination/voting.js';
import type { VotingContext, VotingDecision, VotingEvent, VotingRule } from '../../machines/coordination/voting-events.js';
import type { RequestOutcome } from '../../machines/comms/request.js';
import { type Protocol, questions } from '../../src/coordination/protocol.js';
import { voting } from '../../src/coordination/voting.js';
import { withInput } from '../../src/supervision/supervisors.js';
import type { FaultRunOptions } from '../../src/testing/network/fault-run-options.js';
import type { SimulatedNode } from '../../src/testing/network/node.js';
import { remoteAgents, serveAgentFromDisk } from './remote-agents.js';
import { Coordinators, type Ended, isLast, seenBy, type SessionDefect, SessionGod, type SessionWorld } from './session-world.js';
import { askingAnew, waitingForTheLate } from './wrong-lines.js';

const coordinators = ['c1', 'c2'];
/** Of whom one may tell each asker something else: the threshold is 4. */
const voters = ['v1', 'v2', 'v3', 'v4', 'v5'];
const options = ['red', 'blue'];
const sessions = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
const withinMs = 1_500;

/** A vote as a god saw it given. */
interface Given {
  readonly session: string;
  readonly voter: string;
  readonly asker: string;
  readonly answer: Answer;
}

type Answer = { readonly vote: string } | { readonly abstain: true };

export type VotingWorld = SessionWorld<Ended<VotingDecision>, Claim>;

type Claim =
  | 'each session ends once'
  | 'only true votes count, and no abstention'
  | 'who is honest votes once in a session'
  | 'a decision has the votes that its rule asks for'
  | 'no two decide for two in one session';

/** What may be wrong, planted on purpose. */
export interface VotingDefect extends SessionDefect {
  readonly protocol?: (usual: Protocol<VotingDecision>) => Protocol<VotingDecision>;
  /** Default: the last one. */
  readonly liars?: readonly string[];
}

/** Has a node vote. Who votes honestly says the same to everybody, also after a crash: it is on its disk. */
function serveVoter(node: SimulatedNode, isLiar: boolean, tell: (given: Given) => void): void {
  const answer = (session: string, asker: string): Answer => {
    const said = isLiar && !isLast(session) ? { vote: asker === 'c1' ? 'red' : 'blue' } : drawn(node, session);
    tell({ session, voter: node.name, asker, answer: said });
    return said;
  };
  const placeOf = (key: string, asker: string): string => (isLiar ? `${key} ${asker}` : key);
  serveAgentFromDisk(node, (session, _, asker) => answer(session, asker), placeOf);
}

function drawn(node: SimulatedNode, session: string): Answer {
  if (isLast(session)) return { vote: 'red' };
  return node.chance.pick<Answer>([{ vote: 'red' }, { vote: 'red' }, { vote: 'blue' }, { abstain: true }]);
}

/** Sees all votes as they are given, and whether what comes of them can come of them. */
class God extends SessionGod<Ended<VotingDecision>, Claim> {
  readonly given: Given[] = [];
  readonly #rule: VotingRule;
  readonly #liars: readonly string[];
  readonly #decided = new Map<string, string>();

  constructor(rule: VotingRule, liars: readonly string[]) {
    super();
    this.#rule = rule;
    this.#liars = liars;
  }

  sawGiven(one: Given): void {
    const { session, voter } = one;
    const isAgain = !this.#liars.includes(voter) && this.given.some((other) => other.session === session && other.voter === voter);
    if (isAgain) this.wrong('who is honest votes once in a session', `${voter} in ${session}`);
    this.given.push(one);
  }

  sawEnded(one: Ended<VotingDecision>): void {
    this.ended.push(one);
    const { session, asker, result } = one;
    if (result.outcome !== 'decided') return;
    const { option, tally } = result.value;
    for (const { agent, option: told } of tally.ballots) {
      const isTrue = ({ session: of, voter, asker: by, answer }: Given): boolean =>
        of === session && voter === agent && (!this.#liars.includes(agent) || by === asker) && 'vote' in answer && answer.vote === told;
      if (!this.given.some(isTrue)) this.wrong('only true votes count, and no abstention', `${session}: ${agent} has not voted ${told}`);
    }
    const [own, all] = [tally.ballots.filter((ballot) => ballot.option === option).length, tally.ballots.length];
    const isEnough = this.#rule === 'byzantine' ? own >= 4 : own * 2 > all + tally.unheard.length && all + tally.abstained.length >= 3;
    if (!isEnough) this.wrong('a decision has the votes that its rule asks for', `${session}: ${option} with ${own} of ${all}`);
    if (this.#rule === 'byzantine' && (this.#decided.get(session) ?? option) !== option) this.wrong('no two decide for two in one session', session);
    this.#decided.set(session, option);
  }
}

/** A run of that world. */
export function votingRun(rule: VotingRule, defect: VotingDefect = {}): FaultRunOptions<VotingWorld> {
  const { protocol = (usual) => usual, line = (requests) => requests, isEndless = false, liars = ['v5'] } = defect;
  const terms = { options, rule, withinMs: 400, ...(rule === 'byzantine' ? {} : { quorum: 0.6 }) };
  const protocols = [false, true].map((endsEarly) => protocol(voting({ ...terms, endsEarly })));
  return {
    nodes: [...coordinators, ...voters],
    steps: 20,
    network: { links: { delay: [1, 20], drop: 0.03, duplicate: 0.05 } },
    world: (network) => {
      const god = new God(rule, liars);
      const asking = new Coordinators<VotingDecision>(network, coordinators, {
        ...{ withinMs, isEndless },
        textOf: (result) => JSON.stringify(result.outcome === 'decided' ? result.value.option : result),
        sawTold: (end) => god.sawTold(end),
        sawEnded: (one) => god.sawEnded(one),
      });
      network.boot((node) => {
        if (voters.includes(node.name)) return serveVoter(node, liars.includes(node.name), (given) => god.sawGiven(given));
        asking.start(node, line(remoteAgents(node)));
      });
      const begin = (node: SimulatedNode, session: string, endsEarly: boolean) =>
        asking.begin(node, protocols[Number(endsEarly)] as Protocol<VotingDecision>, voters, session);
      const nodes = coordinators;
      let count = 0;
      return {
        ...{ ended: god.ended, problems: god.problems },
        operations: {
          // The same ids on both, so that both ask the same voters in the same session.
          vote: {
            weight: 5,
            nodes,
            input: (chance) => ({ session: chance.pick(sessions), endsEarly: chance.pick([true, false]) }),
            run: (node, input) => {
              const { session, endsEarly } = input as { readonly session: string; readonly endsEarly: boolean };
              begin(node, session, endsEarly);
            },
          },
          cancel: { nodes, run: (node) => asking.cancelOneOf(sessions, node) },
          killWorker: { weight: 2, nodes, run: (node) => asking.killWorker(node) },
        },
        progress: asking.progress('votes, until it has decided', 2_000, (node) => begin(node, `last${count++}`, true)),
      } satisfies VotingWorld;
    },
    invariants: seenBy(claims),
  };
}

const claims: readonly Claim[] = [
  ...(['each session ends once', 'only true votes count, and no abstention', 'who is honest votes once in a session'] as const),
  ...(['a decision has the votes that its rule asks for', 'no two decide for two in one session'] as const),
];

/** A vote whose count takes an abstention for the first option. */
const countsAbstentions: Protocol<VotingDecision> = {
  name: 'voting',
  requireAgents: () => {},
  logic: (requests) => {
    const count = assign(({ context, event }: { context: VotingContext; event: VotingEvent }) => {
      const { agent, outcome } = event as Extract<VotingEvent, { type: 'question.answered' }>;
      const ballot = ballotOf(outcome, context);
      return { heard: [...context.heard, { agent, ballot: ballot.sort === 'abstention' ? ({ sort: 'vote', option: 'red' } as const) : ballot }] };
    });
    const terms = { options, about: null, rule: 'majority', weights: {}, quorum: 0.6, faults: null, abstentions: 'allowed', ties: 'fail' };
    const machine = votingMachine.provide({ actors: { questions: questions(requests) }, actions: { count: count as never } });
    return withInput(machine, { ...terms, endsEarly: false, withinMs: 400 });
  },
};

/** Sessions that are wrong, each in one way. */
export const votingDefects: Readonly<
  Record<string, { readonly rule: VotingRule; readonly defect: VotingDefect; readonly breaks: Claim | 'progress' }>
> = {
  'an abstention is counted': {
    rule: 'majority',
    defect: { protocol: () => countsAbstentions },
    breaks: 'only true votes count, and no abstention',
  },
  'more lie than may': { rule: 'byzantine', defect: { liars: ['v3', 'v4', 'v5'] }, breaks: 'no two decide for two in one session' },
  'the threshold is a majority': {
    rule: 'byzantine',
    defect: { protocol: () => voting({ options, withinMs: 400 }) },
    breaks: 'a decision has the votes that its rule asks for',
  },
  'what is asked again is another question': {
    rule: 'majority',
    defect: { line: askingAnew },
    breaks: 'who is honest votes once in a session',
  },
  'an answer is taken for that of another question': {
    rule: 'majority',
    defect: {
      line: (requests) => {
        const former = new Map<string, RequestOutcome>();
        return {
          request: async (agent, body, call) => {
            const outcome = await requests.request(agent, body, call);
            const told = former.get(agent) ?? outcome;
            if (outcome.ok) former.set(agent, outcome);
            return told;
          },
        };
      },
    },
    breaks: 'only true votes count, and no abstention',
  },
  'who is late is waited for, and there is no deadline': {
    rule: 'majority',
    defect: { isEndless: true, line: waitingForTheLate },
    breaks: 'progress',
  },
};

/** Those of one rule. */
export function defectsOf(rule: VotingRule): Readonly<Record<string, { readonly defect: VotingDefect; readonly breaks: string }>> {
  return Object.fromEntries(Object.entries(votingDefects).filter(([, planted]) => planted.rule === rule));
}
