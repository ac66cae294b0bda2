/** Two coordinators on nodes of their own that delegate to agents on others, through a tree of two levels: for runs through faults. */
import type { DelegationQuestion, DelegationResult } from '../../machines/coordination/delegation-events.js';
import type { RequestOutcome } from '../../machines/comms/request.js';
import { delegation } from '../../src/coordination/delegation.js';
import type { DelegationOptions } from '../../src/coordination/delegation-options.js';
import type { FaultRunOptions } from '../../src/testing/network/fault-run-options.js';
import type { SimulatedNode } from '../../src/testing/network/node.js';
import { remoteAgents, serveAgentFromDisk } from './remote-agents.js';
import { Coordinators, type Ended, isLast, seenBy, type SessionDefect, SessionGod, type SessionWorld } from './session-world.js';
import { askingAnew, askingByPlace, waitingForTheLate } from './wrong-lines.js';

const coordinators = ['c1', 'c2'];
const options: DelegationOptions = {
  task: 'count',
  clusters: [
    { name: 'north', agents: ['n1', 'n2', 'n3', 'n4'] },
    { name: 'south', agents: ['s1', 's2'], clusters: [{ name: 'coast', agents: ['k1', 'k2'] }] },
  ],
  combine: 'sum',
  levels: [{ required: 'any' }, { required: { quorum: 0.6 } }, { required: 'all' }],
  deadlineMs: 1_500,
};
const agents = delegation(options).agents;
const sessions = ['a', 'b', 'c', 'd', 'e', 'f'];
const withinMs = 3_000;

/** What an agent really did, or really said. */
interface Done {
  readonly session: string;
  readonly agent: string;
  readonly question: DelegationQuestion;
  readonly answer: Readonly<Record<string, unknown>>;
}

export type DelegationWorld = SessionWorld<Ended<DelegationResult>, Claim>;

type Claim =
  | 'each session ends once'
  | 'nobody does the same thing twice in a session'
  | 'a key is that of one question'
  | 'only true results count'
  | 'each result counts once'
  | 'what a cluster delivers is what whoever speaks for it has approved'
  | 'as many have delivered as are required'
  | 'nobody speaks for a cluster who was replaced';

/** What may be wrong, planted on purpose. */
export interface DelegationDefect extends SessionDefect {
  readonly terms?: Partial<DelegationOptions>;
}

function drawn(node: SimulatedNode, session: string, question: DelegationQuestion): Done['answer'] {
  const pick = (often: Done['answer'], ...seldom: Done['answer'][]): Done['answer'] =>
    isLast(session) ? often : node.chance.pick([often, often, often, often, ...seldom]);
  if (question.ask === 'delegate') {
    const [{ name } = { name: '' }] = question.parts;
    return pick({ accept: true }, { tasks: { [name]: 'count more' } }, { decline: true }, { accept: 'perhaps' });
  }
  if (question.ask === 'work') return pick({ result: node.chance.pick([1, 2, 3, 4, 5]) }, { decline: true }, { result: 'many' });
  return pick({ approve: true }, { decline: true });
}

/** Has a node be an agent. What it has done it keeps on its disk, by its key, and does not do again. */
function serve(node: SimulatedNode, god: God): void {
  const answer = (session: string, body: unknown): Done['answer'] => {
    const question = body as DelegationQuestion;
    const said = drawn(node, session, question);
    god.sawDone({ session, agent: node.name, question, answer: said });
    return said;
  };
  serveAgentFromDisk(node, answer, (key, _, body) => {
    god.sawKey(`${node.name} ${key}`, JSON.stringify(body));
    return key;
  });
}

/** Sees all that is done and said, and whether what comes of it can come of it. */
class God extends SessionGod<Ended<DelegationResult>, Claim> {
  readonly done: Done[] = [];
  readonly #asked = new Map<string, string>();

  sawKey(key: string, question: string): void {
    const former = this.#asked.get(key) ?? question;
    if (former !== question) this.wrong('a key is that of one question', `${key}: ${former}, then ${question}`);
    this.#asked.set(key, question);
  }

  sawDone(one: Done): void {
    const isSame = ({ session, agent, question }: Done): boolean =>
      session === one.session && agent === one.agent && JSON.stringify(question) === JSON.stringify(one.question);
    if (this.done.some(isSame)) this.wrong('nobody does the same thing twice in a session', `${one.agent} in ${one.session}`);
    this.done.push(one);
  }

  sawEnded(one: Ended<DelegationResult>): void {
    this.ended.push(one);
    const { session, result } = one;
    if (result.outcome === 'decided') this.#judge(session, result.value);
  }

  #judge(session: string, { value, clusters, agents: rows }: DelegationResult): void {
    const own = this.done.filter((done) => done.session === session);
    for (const { agent, work, result } of rows) {
      const isTrue = own.some((done) => done.agent === agent && done.question.ask === 'work' && done.answer['result'] === result);
      if (work === 'delivered' && !isTrue) this.wrong('only true results count', `${session}: ${agent} has not said ${String(result)}`);
    }
    const delivered = (above: string | null): number[] =>
      clusters.flatMap((one) => (one.above === above && one.status === 'delivered' ? [Number(one.value)] : []));
    const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0);
    const tops = clusters.filter(({ above }) => above === null).length;
    if (value !== sum(delivered(null))) this.wrong('each result counts once', `${session}: ${String(value)}`);
    if (delivered(null).length === 0) this.wrong('as many have delivered as are required', `${session}: none of ${tops}`);
    for (const { cluster, status, by, replaced, value: part } of clusters) {
      if (status !== 'delivered') continue;
      const worked = rows.filter((row) => row.cluster === cluster && row.work !== null);
      const results = worked.flatMap(({ work, result }) => (work === 'delivered' ? [Number(result)] : []));
      const all = [...results, ...delivered(cluster)];
      if (part !== sum(all)) this.wrong('each result counts once', `${session}: ${cluster} ${String(part)}`);
      const below = clusters.filter((one) => one.above === cluster && one.status !== 'unasked').length;
      const share = all.length / (worked.length + below);
      if (share < (cluster === 'coast' ? 1 : 0.6)) this.wrong('as many have delivered as are required', `${session}: ${cluster} ${share}`);
      const isApproved = own.some(
        ({ agent, question, answer }) =>
          agent === by && question.ask === 'approve' && question.cluster === cluster && question.combined === part && answer['approve'] === true,
      );
      if (!isApproved) this.wrong('what a cluster delivers is what whoever speaks for it has approved', `${session}: ${cluster} ${by}`);
      if (replaced.some(({ agent }) => agent === by)) this.wrong('nobody speaks for a cluster who was replaced', `${session}: ${by}`);
    }
  }
}

/** A run of that world. */
export function delegationRun({
  terms = {},
  line = (requests) => requests,
  isEndless = false,
}: DelegationDefect = {}): FaultRunOptions<DelegationWorld> {
  const protocol = delegation({ ...options, ...terms });
  return {
    nodes: [...coordinators, ...agents],
    steps: 20,
    network: { links: { delay: [1, 20], drop: 0.02, duplicate: 0.05 } },
    world: (network) => {
      const god = new God();
      const asking = new Coordinators<DelegationResult>(network, coordinators, {
        ...{ withinMs, isEndless },
        textOf: (result) => JSON.stringify(result.outcome === 'decided' ? result.value.value : result.outcome),
        sawTold: (end) => god.sawTold(end),
        sawEnded: (one) => god.sawEnded(one),
      });
      network.boot((node) => {
        if (agents.includes(node.name)) return serve(node, god);
        asking.start(node, line(remoteAgents(node)));
      });
      const begin = (node: SimulatedNode, session: string) => asking.begin(node, protocol, protocol.agents, session);
      let count = 0;
      return {
        ...{ ended: god.ended, problems: god.problems },
        operations: {
          // The same ids on both, so that both ask the same agents in the same session.
          delegate: {
            weight: 5,
            nodes: coordinators,
            input: (chance) => chance.pick(sessions),
            run: (node, session) => void begin(node, session as string),
          },
          killWorker: { weight: 3, nodes: coordinators, run: (node) => asking.killWorker(node) },
        },
        progress: asking.progress('delegates, until it has decided', 3_000, (node) => begin(node, `last${count++}`)),
      } satisfies DelegationWorld;
    },
    invariants: seenBy(claims),
  };
}

const claims: readonly Claim[] = [
  ...(['each session ends once', 'nobody does the same thing twice in a session', 'a key is that of one question'] as const),
  ...(['only true results count', 'each result counts once'] as const),
  ...(['what a cluster delivers is what whoever speaks for it has approved', 'as many have delivered as are required'] as const),
  'nobody speaks for a cluster who was replaced',
];

const askOf = (body: unknown): string => (body as DelegationQuestion).ask;

/** Delegations that are wrong, each in one way. */
export const defects: Readonly<Record<string, { readonly defect: DelegationDefect; readonly breaks: Claim | 'progress' }>> = {
  'what is asked again is another question': {
    defect: { line: askingAnew },
    breaks: 'nobody does the same thing twice in a session',
  },
  'an old word is taken for the answer to a new question': {
    defect: { line: askingByPlace },
    breaks: 'a key is that of one question',
  },
  'a result is counted twice': {
    defect: {
      terms: { combine: (results) => results.reduce((sum, { value }, nth) => sum + (nth === 0 ? 2 : 1) * Number(value), 0) },
    },
    breaks: 'each result counts once',
  },
  'an answer is taken for that of another session': {
    defect: {
      line: (requests) => {
        const former = new Map<string, RequestOutcome>();
        return {
          request: async (agent, body, call) => {
            const outcome = await requests.request(agent, body, call);
            const place = `${agent} ${askOf(body)}`;
            const told = askOf(body) === 'work' ? (former.get(place) ?? outcome) : outcome;
            if (outcome.ok) former.set(place, outcome);
            return told;
          },
        };
      },
    },
    breaks: 'only true results count',
  },
  'silence is taken for approval': {
    defect: {
      line: (requests) => ({
        request: async (agent, body, call) => {
          const outcome = await requests.request(agent, body, call);
          return outcome.ok || askOf(body) !== 'approve' ? outcome : { ok: true, value: { approve: true } };
        },
      }),
    },
    breaks: 'what a cluster delivers is what whoever speaks for it has approved',
  },
  'one part is enough': {
    defect: { terms: { levels: [{}, {}, {}], required: 'any' } },
    breaks: 'as many have delivered as are required',
  },
  'who is late is waited for, and there is no deadline': {
    defect: { isEndless: true, line: waitingForTheLate },
    breaks: 'progress',
  },
};
