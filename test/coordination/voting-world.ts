/** Two coordinators on nodes of their own that ask voters on others, of whom one may tell each asker something else: for runs through faults. */
import { assign } from 'xstate';
import { ballotOf, endOf } from '../../machines/coordination/tally.js';
import { votingMachine } from '../../machines/coordination/voting.js';
import type { VotingContext, VotingDecision, VotingEnd, VotingEvent, VotingRule, VotingTally } from '../../machines/coordination/voting-events.js';
import type { RequestOutcome } from '../../machines/comms/request.js';
import { type Protocol, questions } from '../../src/coordination/protocol.js';
import { voting, type VotingOptions } from '../../src/coordination/voting.js';
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
/** For a plurality: of two options the most are more than half. */
const three = [...options, 'green'];
/** For the rule `weighted`: the first two have more than half, and so do the first and any two others. */
const weights: Readonly<Record<string, number>> = { v1: 4, v2: 2, v3: 2, v4: 1, v5: 1 };
/** Who takes part, at the least, by any rule but `byzantine`, as a share and in numbers. */
const [quorum, least] = [0.6, 3];
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

/** What a vote is held by, as whoever begins it says it. */
const termsOf = (rule: VotingRule): VotingOptions => ({
  ...{ options: rule === 'plurality' ? three : options, rule, withinMs: 400 },
  ...(rule === 'byzantine' ? {} : { quorum }),
  ...(rule === 'weighted' ? { weights } : {}),
});

export type VotingWorld = SessionWorld<Ended<VotingDecision>, Claim>;

type Claim =
  | 'each session ends once'
  | 'only true votes count, and no abstention'
  | 'who is honest votes once in a session'
  | 'a vote comes to what its rule makes of it'
  | 'no two decide for two in one session';

/** What may be wrong, planted on purpose. */
export interface VotingDefect extends SessionDefect {
  readonly protocol?: (usual: Protocol<VotingDecision>) => Protocol<VotingDecision>;
  /** Default: the last one. */
  readonly liars?: readonly string[];
}

/** Has a node vote. Who votes honestly says the same to everybody, also after a crash: it is on its disk. */
function serveVoter(node: SimulatedNode, rule: VotingRule, isLiar: boolean, tell: (given: Given) => void): void {
  const answer = (session: string, asker: string): Answer => {
    const said = isLiar && !isLast(session) ? { vote: asker === 'c1' ? 'red' : 'blue' } : drawn(node, rule, session);
    tell({ session, voter: node.name, asker, answer: said });
    return said;
  };
  const placeOf = (key: string, asker: string): string => (isLiar ? `${key} ${asker}` : key);
  serveAgentFromDisk(node, (session, _, asker) => answer(session, asker), placeOf);
}

function drawn(node: SimulatedNode, rule: VotingRule, session: string): Answer {
  if (isLast(session)) return { vote: 'red' };
  if (rule === 'plurality') return node.chance.pick<Answer>([...three.map((vote) => ({ vote })), { abstain: true }]);
  return node.chance.pick<Answer>([{ vote: 'red' }, { vote: 'red' }, { vote: 'blue' }, { abstain: true }]);
}

/** Votes by who gave them; null is an abstention, and who is not there has not taken part. */
type Votes = ReadonlyMap<string, string | null>;

/** What a rule makes of votes, in its plainest words: an option, or null for none. */
function chosenBy(rule: VotingRule, votes: Votes): string | null {
  const weightOf = (voter: string): number => (rule === 'weighted' ? (weights[voter] ?? Number.NaN) : 1);
  const sumOf = (counts: (option: string) => boolean): number =>
    [...votes].reduce((sum, [voter, option]) => (option !== null && counts(option) ? sum + weightOf(voter) : sum), 0);
  const wins = (option: string): boolean => {
    const [own, others] = [sumOf((other) => other === option), sumOf((other) => other !== option)];
    if (rule === 'byzantine') return own >= 4;
    if (own === 0 || votes.size < least) return false;
    if (rule === 'unanimous') return others === 0;
    if (rule === 'plurality') return three.every((one) => one === option || own > sumOf((other) => other === one));
    return own > others;
  };
  return three.find(wins) ?? null;
}

/** What all votes may be in the end, whatever those do who are not heard yet. */
function completed(votes: Votes, unheard: readonly string[]): readonly Votes[] {
  const [voter, ...others] = unheard;
  if (voter === undefined) return [votes];
  const each = [...three, null].map((option) => new Map([...votes, [voter, option]]));
  return [votes, ...each].flatMap((one) => completed(one, others));
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
    if (result.outcome === 'failed' && isTally(result.details)) this.#sawCounted(session, null, result.details);
    if (result.outcome !== 'decided') return;
    const { option, tally } = result.value;
    for (const { agent, option: told } of tally.ballots) {
      const isTrue = ({ session: of, voter, asker: by, answer }: Given): boolean =>
        of === session && voter === agent && (!this.#liars.includes(agent) || by === asker) && 'vote' in answer && answer.vote === told;
      if (!this.given.some(isTrue)) this.wrong('only true votes count, and no abstention', `${session}: ${agent} has not voted ${told}`);
    }
    this.#sawCounted(session, option, tally);
    if (this.#rule === 'byzantine' && (this.#decided.get(session) ?? option) !== option) this.wrong('no two decide for two in one session', session);
    this.#decided.set(session, option);
  }

  /** It has come to that, and to nothing else whatever those had said who were not heard. */
  #sawCounted(session: string, told: string | null, { ballots, abstained, unheard }: VotingTally): void {
    const votes = new Map([...ballots.map(({ agent, option }) => [agent, option] as const), ...abstained.map((agent) => [agent, null] as const)]);
    const isOpen = completed(votes, unheard).some((all) => chosenBy(this.#rule, all) !== told);
    if (isOpen) this.wrong('a vote comes to what its rule makes of it', `${session}: ${told ?? 'nothing'} of ${JSON.stringify([...votes])}`);
  }
}

/** Not so where a session has failed otherwise than by its count. */
const isTally = (details: unknown): details is VotingTally => typeof details === 'object' && details !== null && 'ballots' in details;

/** A run of that world. */
export function votingRun(rule: VotingRule, defect: VotingDefect = {}): FaultRunOptions<VotingWorld> {
  const { protocol = (usual) => usual, line = (requests) => requests, isEndless = false, liars = ['v5'] } = defect;
  const protocols = [false, true].map((endsEarly) => protocol(voting({ ...termsOf(rule), endsEarly })));
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
        if (voters.includes(node.name)) return serveVoter(node, rule, liars.includes(node.name), (given) => god.sawGiven(given));
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
  ...(['a vote comes to what its rule makes of it', 'no two decide for two in one session'] as const),
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
    const terms = { options, about: null, rule: 'majority', weights: {}, quorum, faults: null, abstentions: 'allowed', ties: 'fail' };
    const machine = votingMachine.provide({ actors: { questions: questions(requests) }, actions: { count: count as never } });
    return withInput(machine, { ...terms, endsEarly: false, withinMs: 400 });
  },
};

/** A plurality in which of equals that wins which was voted for first. */
const firstCome: Protocol<VotingDecision> = {
  name: 'voting',
  requireAgents: () => {},
  logic: (requests) => {
    const endIn = (context: VotingContext): VotingEnd | null => {
      const end = endOf(context, true);
      if (end?.outcome !== 'failed' || end.why !== 'tie') return end;
      const [option = ''] = context.heard.flatMap(({ ballot }) => (ballot.sort === 'vote' ? [ballot.option] : []));
      return { outcome: 'decided', value: { option, isDrawn: false, tally: end.details as VotingTally } };
    };
    const end = assign({ end: ({ context }: { context: VotingContext }) => endIn(context) });
    const isDecided = ({ context }: { context: VotingContext }): boolean => endIn(context)?.outcome === 'decided';
    const terms = { options: three, about: null, rule: 'plurality', weights: {}, quorum, faults: null, abstentions: 'allowed', ties: 'fail' };
    const machine = votingMachine.provide({ actors: { questions: questions(requests) }, guards: { isDecided }, actions: { end: end as never } });
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
    breaks: 'a vote comes to what its rule makes of it',
  },
  'weights are not looked at': {
    rule: 'weighted',
    defect: { protocol: () => voting({ ...termsOf('weighted'), weights: Object.fromEntries(voters.map((voter) => [voter, 1])) }) },
    breaks: 'a vote comes to what its rule makes of it',
  },
  'the most are taken for all': {
    rule: 'unanimous',
    defect: { protocol: () => voting({ ...termsOf('unanimous'), rule: 'majority' }) },
    breaks: 'a vote comes to what its rule makes of it',
  },
  'of equals that wins which came first': {
    rule: 'plurality',
    defect: { protocol: () => firstCome },
    breaks: 'a vote comes to what its rule makes of it',
  },
  'the most have to be more than half': {
    rule: 'plurality',
    defect: { protocol: () => voting({ ...termsOf('plurality'), rule: 'majority' }) },
    breaks: 'a vote comes to what its rule makes of it',
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
