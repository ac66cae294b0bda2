/** Two coordinators on nodes of their own that ask voters on others, of whom one may tell each asker something else: for runs through faults. */
import { assign } from 'xstate';
import { ballotOf } from '../../machines/coordination/tally.js';
import { votingMachine } from '../../machines/coordination/voting.js';
import type { VotingContext, VotingDecision, VotingEvent, VotingRule } from '../../machines/coordination/voting-events.js';
import type { SessionResult } from '../../machines/coordination/session-events.js';
import type { RequestOutcome } from '../../machines/comms/request.js';
import type { Requests } from '../../src/comms/port.js';
import { createCoordinator, type Coordinator, type CoordinationSession } from '../../src/coordination/coordinator-handle.js';
import { type Protocol, questions } from '../../src/coordination/protocol.js';
import { voting } from '../../src/coordination/voting.js';
import { withInput } from '../../src/supervision/supervisors.js';
import { exit } from '../../src/supervision/watch.js';
import type { FaultRunOptions } from '../../src/testing/network/fault-run-options.js';
import type { FaultWorld } from '../../src/testing/network/fault-run.js';
import type { SimulatedNode } from '../../src/testing/network/node.js';
import { supervisorHandle } from '../../src/supervision/handle.js';
import { childrenOf } from '../../src/supervision/xstate-internals.js';
import { remoteAgents } from './remote-agents.js';

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

/** A session, as whoever began it saw it end. */
interface Ended {
  readonly session: string;
  readonly asker: string;
  readonly result: SessionResult<VotingDecision>;
}

export interface VotingWorld extends FaultWorld {
  readonly given: readonly Given[];
  readonly ended: readonly Ended[];
  /** What a god has seen go wrong, by the claim that it breaks. */
  readonly problems: ReadonlyMap<Claim, string>;
}

type Claim =
  | 'each session ends once'
  | 'only true votes count, and no abstention'
  | 'who is honest votes once in a session'
  | 'a decision has the votes that its rule asks for'
  | 'no two decide for two in one session';

/** What may be wrong, planted on purpose. */
export interface VotingDefect {
  readonly protocol?: (usual: Protocol<VotingDecision>) => Protocol<VotingDecision>;
  readonly line?: (requests: Requests) => Requests;
  /** No session has a deadline that would come. */
  readonly isEndless?: boolean;
  /** Default: the last one. */
  readonly liars?: readonly string[];
}

/** Has a node vote. Who votes honestly says the same to everybody, also after a crash: it is on its disk. */
function serveVoter(node: SimulatedNode, isLiar: boolean, tell: (given: Given) => void): void {
  node.onRequest((request, asker) => {
    const { key } = request as { readonly key: string };
    const [session = ''] = key.split('/');
    const place = isLiar ? `${key} ${asker}` : key;
    const kept = node.disk.read(place) as Answer | undefined;
    if (kept !== undefined) return kept;
    const answer = isLiar && !isLast(session) ? { vote: asker === 'c1' ? 'red' : 'blue' } : drawn(node, session);
    node.disk.write(place, answer);
    tell({ session, voter: node.name, asker, answer });
    return answer;
  });
}

/** At the end all agree. */
const isLast = (session: string): boolean => session.startsWith('last');

function drawn(node: SimulatedNode, session: string): Answer {
  if (isLast(session)) return { vote: 'red' };
  return node.chance.pick<Answer>([{ vote: 'red' }, { vote: 'red' }, { vote: 'blue' }, { abstain: true }]);
}

/** Sees all votes as they are given, and whether what comes of them can come of them. */
class God {
  readonly given: Given[] = [];
  readonly ended: Ended[] = [];
  readonly problems = new Map<Claim, string>();
  readonly #rule: VotingRule;
  readonly #liars: readonly string[];
  readonly #told = new Set<string>();
  readonly #decided = new Map<string, string>();

  constructor(rule: VotingRule, liars: readonly string[]) {
    this.#rule = rule;
    this.#liars = liars;
  }

  sawGiven(one: Given): void {
    const { session, voter } = one;
    const isAgain = !this.#liars.includes(voter) && this.given.some((other) => other.session === session && other.voter === voter);
    if (isAgain) this.problems.set('who is honest votes once in a session', `${voter} in ${session}`);
    this.given.push(one);
  }

  sawTold(end: string): void {
    if (this.#told.has(end)) this.problems.set('each session ends once', end);
    this.#told.add(end);
  }

  sawEnded(one: Ended): void {
    this.ended.push(one);
    const { session, asker, result } = one;
    if (result.outcome !== 'decided') return;
    const { option, tally } = result.value;
    for (const { agent, option: told } of tally.ballots) {
      const isTrue = ({ session: of, voter, asker: by, answer }: Given): boolean =>
        of === session && voter === agent && (!this.#liars.includes(agent) || by === asker) && 'vote' in answer && answer.vote === told;
      if (!this.given.some(isTrue)) this.problems.set('only true votes count, and no abstention', `${session}: ${agent} has not voted ${told}`);
    }
    const [own, all] = [tally.ballots.filter((ballot) => ballot.option === option).length, tally.ballots.length];
    const isEnough = this.#rule === 'byzantine' ? own >= 4 : own * 2 > all + tally.unheard.length && all + tally.abstained.length >= 3;
    if (!isEnough) this.problems.set('a decision has the votes that its rule asks for', `${session}: ${option} with ${own} of ${all}`);
    if (this.#rule === 'byzantine' && (this.#decided.get(session) ?? option) !== option)
      this.problems.set('no two decide for two in one session', session);
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
      const running = new Map<string, { readonly coordinator: Coordinator; open: number }>();
      network.boot((node) => {
        if (voters.includes(node.name)) return serveVoter(node, liars.includes(node.name), (given) => god.sawGiven(given));
        const retry = { attempts: 3, backoff: { minMs: 20, maxMs: 100, jitter: 0 } };
        const bounds = { maxSessions: 2, maxWaiting: 2, withinMs: isEndless ? 1_000_000 : withinMs, retry };
        const coordinator = createCoordinator({ requests: line(remoteAgents(node)), ...bounds }, { clock: node.clock });
        for (const end of ['decided', 'failed', 'cancelled', 'expired'] as const)
          coordinator.on(`coordination.${end}`, ({ session }) => god.sawTold(`${node.name} ${node.incarnation} ${session}`));
        running.set(node.name, { coordinator, open: 0 });
      });
      const begin = (node: SimulatedNode, session: string, endsEarly: boolean): CoordinationSession<VotingDecision> | null => {
        const own = running.get(node.name);
        const run = own?.coordinator.run(protocols[Number(endsEarly)] as Protocol<VotingDecision>, { agents: voters, id: session, seed: 1 });
        if (own === undefined || run === undefined || !run.ok) return null;
        own.open++;
        void run.session.result().then((result) => {
          own.open--;
          node.note(`${session} ends: ${JSON.stringify(result.outcome === 'decided' ? result.value.option : result)}`);
          god.sawEnded({ session, asker: node.name, result });
        });
        return run.session;
      };
      const nodes = coordinators;
      const last = new Set<string>();
      let count = 0;
      const insist = async (node: SimulatedNode): Promise<void> => {
        const result = await begin(node, `last${count++}`, true)?.result();
        if (result?.outcome === 'decided') last.add(node.name);
        else {
          await new Promise((resolve) => void node.clock.setTimeout(() => resolve(null), 50));
          await insist(node);
        }
      };
      return {
        ...{ given: god.given, ended: god.ended, problems: god.problems },
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
          cancel: {
            nodes,
            run: (node) => {
              const found = sessions.map((id) => running.get(node.name)?.coordinator.resultOf(id));
              for (const one of found) if (one?.state === 'active') return one.session.cancel();
            },
          },
          killWorker: {
            weight: 2,
            nodes,
            run: async (node) => {
              const ref = running.get(node.name)?.coordinator.ref;
              const [first] = ref === undefined ? [] : await supervisorHandle(ref).whichChildren();
              const [worker] = first?.ref === null || first === undefined ? [] : childrenOf(first.ref);
              if (worker !== undefined) exit(worker, 'kill');
            },
          },
        },
        progress: {
          // What is left of the sessions that run, and one of each coordinator's that decides.
          withinMs: 2 * withinMs + 2_000,
          begin: () => {
            for (const name of coordinators) network.perform(name, 'votes, until it has decided', insist);
          },
          reached: () => last.size === coordinators.length && [...running.values()].every(({ open }) => open === 0),
        },
      } satisfies VotingWorld;
    },
    invariants: Object.fromEntries(claims.map((claim) => [claim, ({ problems }: VotingWorld) => problems.get(claim)])),
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
    defect: {
      line: (requests) => {
        let asked = 0;
        return { request: (agent, body, call) => requests.request(agent, body, { ...call, key: `${call?.key ?? ''}/${asked++}` }) };
      },
    },
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
    defect: {
      isEndless: true,
      line: (requests) => ({
        request: async (agent, body, call) => {
          const outcome = await requests.request(agent, body, call);
          return outcome.ok ? outcome : new Promise(() => {});
        },
      }),
    },
    breaks: 'progress',
  },
};

/** Where most that happens is of the kind that votes must outlast, so that what is wrong shows early. */
export const troubled = { faults: { slow: 2, pause: 1, partition: 2, crash: 2 }, faultShare: 0.3, steps: 30 } as const;

/** Those of one rule. */
export function defectsOf(rule: VotingRule): Readonly<Record<string, { readonly defect: VotingDefect; readonly breaks: string }>> {
  return Object.fromEntries(Object.entries(votingDefects).filter(([, planted]) => planted.rule === rule));
}
