/**
 * Four nodes that agree on a log through a backend on a fifth, of five voters: one is never there. For runs through faults. A god records each vote that is given,
 * and each write that is done.
 */
import type { ConsensusProposal, ConsensusRecord, ConsensusVote, Decision } from '../../machines/coordination/consensus-record.js';
import { memoryBackend } from '../../src/backend/memory.js';
import type { Backend } from '../../src/backend/port.js';
import { type Consensus, createConsensus, type ProposeOutcome } from '../../src/coordination/consensus-handle.js';
import type { FaultRunOptions } from '../../src/testing/network/fault-run-options.js';
import type { FaultWorld } from '../../src/testing/network/fault-run.js';
import type { SimulatedNode } from '../../src/testing/network/node.js';
import { pause } from './pause.js';
import { altered, remoteBackend, serve, withLateWrites } from './remote-backend.js';

const members = ['ann', 'bob', 'eve', 'joe'];
const ttlMs = 2_000;
export const quorum = 3;
const voters = [...members, 'kim'];
export const logKey = 'consensus/a/log';

/** A value that says who proposed it, of no other proposal. */
type Value = string;

/** What must hold, always. */
export const claims = {
  one: 'never two values at an index',
  once: 'no value at two indexes',
  quorum: 'no decision without a quorum of true accepts',
  participation: 'no decision without as many votes as are asked for',
  outvoted: 'nothing is voted down that could still be accepted',
  token: 'a token, the same for all, that rises from index to index',
  ends: 'what is open ends decided or aborted',
  there: 'who asks for an index is answered of that one',
  aborted: 'what was aborted is never decided',
  order: 'everyone hears all of it in order',
} as const;

export interface ConsensusWorld extends FaultWorld {
  /** By index: the value that somebody was told first, or that stood in the backend as decided. */
  readonly decided: Map<number, Value>;
  /** By claim: what breaks it. It is looked for when something is told, and not at each event: that is dear. */
  readonly broken: Map<string, string>;
  /** How proposals ended. */
  readonly endings: Set<string>;
}

/** What an app does that is asked for its vote: the last two are no votes. */
type Judgement = ConsensusVote | 'throws' | 'is late';

/** What may be wrong with a member, or with what it stands on, planted on purpose. */
export interface Defect {
  /** The backend, as a member that is wrong would use it. */
  readonly line?: (backend: Backend) => Backend;
  /** What it takes an app's judgement for. */
  readonly hears?: (said: Judgement) => Judgement;
  /** Which index it takes for the one that was asked for. */
  readonly asks?: (index: number) => number | undefined;
}

/** A run of that world. */
export function consensusRun({
  line = (backend) => backend,
  hears = (said) => said,
  asks = (index) => index,
}: Defect = {}): FaultRunOptions<ConsensusWorld> {
  return {
    nodes: ['backend', ...members],
    // A backend whose clock is wrong breaks its own promise: what a lease lasts.
    spared: ['backend'],
    steps: 14,
    network: { links: { delay: [1, 20], drop: 0.02, duplicate: 0.02 } },
    world: (network) => {
      const world: ConsensusWorld = { decided: new Map(), broken: new Map(), endings: new Set(), operations: {} };
      const { decided, broken } = world;
      const running = new Map<string, Consensus>();
      const lines = new Map<string, ReturnType<typeof withLateWrites>>();
      const learned = new Map<string, number>();
      const won = new Set<string>();
      /** Every third run asks for more votes than decide. */
      const participation = network.seed % 3 === 0 ? quorum + 1 : quorum;
      /** By value: who truly accepted it, and who was asked. */
      const [accepts, asked] = [new Map<Value, Set<string>>(), new Map<Value, Set<string>>()];
      const add = (to: Map<Value, Set<string>>, value: Value, name: string): void => void to.set(value, (to.get(value) ?? new Set()).add(name));
      /** By index. */
      const tokens = new Map<number, number>();
      /** Values of which the proposer was told that they are not decided, nor will be. */
      const refused = new Set<Value>();
      /** By value: where it was decided. */
      const places = new Map<Value, number>();
      let values = 0;
      const note = ({ index, value: told, token }: Pick<Decision, 'index' | 'value' | 'token'>): void => {
        const value = typeof told === 'string' ? told : JSON.stringify(told);
        const [first, place] = [decided.get(index) ?? value, places.get(value) ?? index];
        if (first !== value) broken.set(claims.one, `${index}: ${first}, ${value}`);
        if (place !== index) broken.set(claims.once, `${value}: ${place}, ${index}`);
        const by = accepts.get(value) ?? new Set();
        if (by.size < quorum) broken.set(claims.quorum, `${value}, by ${[...by].join(', ') || 'nobody'}`);
        if ((asked.get(value)?.size ?? 0) < participation) broken.set(claims.participation, `${value}, by ${asked.get(value)?.size}`);
        const [before, own, after] = [tokens.get(index - 1) ?? -1, tokens.get(index) ?? token, tokens.get(index + 1) ?? Number.POSITIVE_INFINITY];
        if (!(before < token && token < after && own === token)) broken.set(claims.token, `${index}: ${before}, ${token}, ${own}, ${after}`);
        tokens.set(index, own);
        if (refused.has(value)) broken.set(claims.aborted, value);
        decided.set(index, first);
        places.set(value, place);
      };
      network.boot((node) => {
        const memory = memoryBackend({ clock: node.clock });
        // The truth: what a write has done, whoever hears of it.
        let stood: ConsensusProposal | null = null;
        const watched = altered(memory, {
          compareAndSet: async (key, expected, value, options) => {
            const outcome = await memory.compareAndSet(key, expected, value, options);
            if (outcome.outcome !== 'ok' || key !== logKey) return outcome;
            const { last, open, past } = value as ConsensusRecord;
            if (last !== null) note(last);
            const hasEnded = stood === null || [open?.id, last?.id, ...past.map(({ id }) => id)].includes(stood.id);
            if (!hasEnded) broken.set(claims.ends, `${JSON.stringify(stood?.value)} is not there any more`);
            stood = open;
            return outcome;
          },
        });
        serve(node, watched);
      }, 'backend');
      const boot = (node: SimulatedNode): void => {
        let told = 0;
        const late = withLateWrites(node, remoteBackend(node), (key) => key === logKey);
        lines.set(node.name, late);
        const member = createConsensus(
          line(late.line),
          {
            ...{ name: 'a', id: node.name, voters, participation },
            ...{ ttlMs, renewEveryMs: ttlMs * 0.15, marginMs: ttlMs * 0.55, withinMs: 2_500, voteMs: 300, window: 200 },
            vote: (proposed) => {
              const value = proposed as Value;
              const said = judge(node.name, value);
              node.note(`says ${said} to ${value}`);
              add(asked, value, node.name);
              if (said === 'accept') add(accepts, value, node.name);
              const heard = hears(said);
              if (heard === 'throws') throw new Error('it does not know what to say');
              return heard === 'is late' ? new Promise<never>(() => {}) : heard;
            },
          },
          { clock: node.clock },
        );
        running.set(node.name, member);
        learned.set(node.name, 0);
        member.on('consensus.decided', ({ index, value, token }) => {
          if (network.node(node.name) !== node || running.get(node.name) !== member) return;
          note({ index, value, token });
          if (index !== told + 1) broken.set(claims.order, `${node.name} heard of ${index} after ${told}`);
          told = index;
          learned.set(node.name, index);
        });
        member.on('consensus.missed', ({ from, to }) => void broken.set(claims.order, `${node.name} missed ${from} to ${to}`));
      };
      for (const name of members) network.boot(boot, name);

      const ended = (value: Value, outcome: ProposeOutcome, index: number | undefined): boolean => {
        world.endings.add(outcome.ok ? 'decided' : outcome.reason);
        const of = outcome.ok ? outcome : outcome.reason === 'beaten' ? outcome.winner : null;
        if (of !== null) note(of);
        if (index !== undefined && (of?.index ?? index) !== index) broken.set(claims.there, `${value}: ${of?.index}, not ${index}`);
        if (outcome.ok) {
          if (outcome.value !== value) broken.set(claims.one, `${value} was answered ${JSON.stringify(outcome.value)}`);
        } else if (outcome.reason !== 'unknown') {
          refused.add(value);
          if (places.has(value)) broken.set(claims.aborted, value);
        }
        const hopes = (accepts.get(value)?.size ?? 0) + voters.length - (asked.get(value)?.size ?? 0);
        if (!outcome.ok && ['rejected', 'noQuorum'].includes(outcome.reason) && hopes >= quorum)
          broken.set(claims.outvoted, `${value}: ${outcome.reason}`);
        return outcome.ok;
      };
      const propose = async (node: SimulatedNode, options: Parameters<Consensus['propose']>[1] = {}, sort = 'fair'): Promise<boolean> => {
        const value: Value = `${node.name} ${++values} ${sort}`;
        const { index, ...rest } = options;
        const wanted = index === undefined ? undefined : asks(index);
        const outcome = await (running.get(node.name) as Consensus).propose(value, { ...rest, ...(wanted === undefined ? {} : { index: wanted }) });
        node.note(`${value}: ${outcome.ok ? `decided at ${outcome.index}` : outcome.reason}`);
        return ended(value, outcome, index);
      };
      const ask = async (node: SimulatedNode, index: number): Promise<void> => {
        const wasDecided = decided.has(index);
        const outcome = await (running.get(node.name) as Consensus).decided(index);
        if (outcome.ok) note(outcome.decision);
        const isWrong = outcome.ok ? outcome.decision.index !== index : wasDecided && ['undecided', 'truncated', 'mismatch'].includes(outcome.reason);
        if (isWrong) broken.set(claims.there, `${index} was asked for, and answered ${JSON.stringify(outcome)}`);
      };
      const insist = async (node: SimulatedNode): Promise<void> => {
        if (await propose(node, {}, 'wanted')) {
          won.add(node.name);
          return;
        }
        await pause(node, 100);
        await insist(node);
      };
      const nodes = members;
      return Object.assign(world, {
        operations: {
          propose: {
            weight: 4,
            nodes,
            input: (chance) => chance.pick(['fair', 'fair', 'wanted', 'doubtful', 'bad', 'vague', 'hard']),
            run: async (node, sort) => void (await propose(node, {}, String(sort))),
          },
          proposeThere: {
            weight: 2,
            nodes,
            input: (chance) => chance.pick([0, 0, 1, -1]),
            run: async (node, off) => {
              const { next } = (running.get(node.name) as Consensus).status();
              await propose(node, { index: Math.max(1, next + Number(off)) });
            },
          },
          ask: {
            nodes,
            input: (chance) => chance.pick([0, 1, 2, 3]),
            run: (node, back) => ask(node, Math.max(1, (learned.get(node.name) ?? 0) + 1 - Number(back))),
          },
          proposeInVain: {
            weight: 2,
            nodes,
            input: (chance) => chance.pick([20, 60, 120, 300]),
            run: async (node, ms) => {
              const vain = new AbortController();
              node.clock.setTimeout(() => vain.abort(), Number(ms));
              await propose(node, { signal: vain.signal });
            },
          },
          proposeLate: {
            // What it writes next comes when it may have given up.
            weight: 2,
            nodes,
            input: (chance) => chance.pick([200, 400, 800]),
            run: async (node, ms) => {
              lines.get(node.name)?.delay(Number(ms));
              await propose(node, { withinMs: Number(ms) });
            },
          },
          leave: {
            nodes,
            run: async (node) => {
              await running.get(node.name)?.close();
              boot(node);
            },
          },
        },
        progress: {
          // What is left of the lease of a dead one, what is under way, and a proposal for each of them, one after the other.
          withinMs: 15_000,
          begin: () => {
            for (const name of members) network.perform(name, 'propose, until it is decided', insist);
          },
          reached: () => {
            const most = decided.size;
            return won.size === members.length && members.every((name) => learned.get(name) === most);
          },
        },
      } satisfies Partial<ConsensusWorld>);
    },
    invariants: Object.fromEntries(Object.values(claims).map((claim) => [claim, ({ broken }: ConsensusWorld) => broken.get(claim)])),
  };
}

/** What each of the four does that is asked. The fifth voter says nothing ever, so what is doubtful or hard is open until somebody ends it. */
const judgements: Readonly<Record<string, readonly Judgement[]>> = {
  fair: ['accept', 'accept', 'accept', 'accept'],
  wanted: ['accept', 'accept', 'accept', 'abstain'],
  doubtful: ['accept', 'accept', 'abstain', 'reject'],
  hard: ['accept', 'accept', 'throws', 'is late'],
  bad: ['accept', 'reject', 'reject', 'reject'],
  vague: ['accept', 'abstain', 'abstain', 'reject'],
};

function judge(name: string, value: Value): Judgement {
  return judgements[value.split(' ').at(-1) ?? '']?.[members.indexOf(name)] ?? 'abstain';
}
