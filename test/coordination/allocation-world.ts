/** A house that shares what it has among four agents on other nodes, and goes on after a crash with what is on its disk: for runs through faults. */
import { createActor } from 'xstate';
import type { allocationMachine } from '../../machines/coordination/allocation.js';
import type { AllocationEnd, AllocationInput, AllocationRule, Amounts, ClaimantRow } from '../../machines/coordination/allocation-events.js';
import { hash } from '../../machines/hash.js';
import type { Requests } from '../../src/comms/port.js';
import { allocation, type AllocationOptions } from '../../src/coordination/allocation.js';
import type { FaultRunOptions } from '../../src/testing/network/fault-run-options.js';
import type { FaultWorld } from '../../src/testing/network/fault-run.js';
import type { SimulatedNode } from '../../src/testing/network/node.js';
import type { Chance } from '../../src/testing/world/chance.js';
import { at, due, type Said } from './naive-allocation.js';
import { remoteAgents, serveAgent } from './remote-agents.js';
import { waiting, waitingForTheLate } from './wrong-lines.js';

const claimants = ['ann', 'bob', 'eve', 'joe'];
const withinMs = 200;

/** What the house is to share, and by what draw. */
interface Plan {
  readonly options: Pick<AllocationOptions, 'resources' | 'rule' | 'priorities'>;
  readonly seed: number;
}

/** One allocation, as a god sees it. */
interface Sharing extends Plan {
  readonly session: string;
  /** What the house heard first of each agent; null: nothing, in its time. */
  readonly heard: Map<string, Said | 'nonsense' | null>;
  readonly ends: AllocationEnd[];
}

export interface AllocationWorld extends FaultWorld {
  readonly sharings: ReadonlyMap<string, Sharing>;
  /** Every demand that an agent really had: session, name, demand. */
  readonly given: ReadonlySet<string>;
  /** Allocations that a house has gone on with after a crash. */
  readonly resumed: { count: number };
  /** What was wrong with one as it ended, by the claim that it breaks. */
  readonly faults: Partial<Record<Claim, string>>;
}

type Changes = Parameters<(typeof allocationMachine)['provide']>[0];

/** What may be wrong with an allocation, planted on purpose. */
export interface Defect {
  /** The rules that are followed in place of those that were named. */
  readonly rules?: (plan: Plan) => Plan;
  /** How agents are asked in place of how they should be. */
  readonly line?: (requests: Requests) => Requests;
  readonly chart?: Changes;
}

/** Whoever has been started anew wants something else; demands are small, so that there are ties. */
function answerOf(node: SimulatedNode, session: string): unknown {
  const drawn = (what: string, below: number): number => hash(`${what} ${session} ${node.name} ${node.incarnation}`) % below;
  if (drawn('sort', 8) === 0) return { demand: { gpu: 'all' } };
  const demand = { gpu: drawn('gpu', 7), disk: drawn('disk', 4) };
  if (drawn('needs', 3) > 0) return { demand };
  return { demand, least: { gpu: Math.min(demand.gpu, 1 + drawn('least', 4)), disk: Math.min(demand.disk, 1) } };
}

/** What was said, by hand; nonsense is in one way only here. */
function saidIn(answer: unknown): Said | 'nonsense' {
  const { demand, least = { gpu: 0, disk: 0 } } = answer as { readonly demand: Amounts; readonly least?: Amounts };
  return typeof demand['gpu'] === 'number' ? { demand, least } : 'nonsense';
}

const rowsOf = (end: AllocationEnd): readonly ClaimantRow[] => (end.outcome === 'decided' ? end.value.claimants : end.details.claimants);
const wants = ({ demand }: Said): boolean => Object.values(demand).some((amount) => amount > 0);
const hasAny = ({ granted }: ClaimantRow): boolean => Object.values(granted).some((amount) => amount > 0);

/** What an agent was heard to say, if that was a demand. */
function demandOf({ heard }: Sharing, agent: string): Said | null {
  const said = heard.get(agent) ?? null;
  return said === 'nonsense' ? null : said;
}

/** What must be called what: by what a god saw, and by what it has. */
function statusDue(sharing: Sharing, row: ClaimantRow): string {
  const said = sharing.heard.get(row.agent) ?? null;
  if (said === null) return 'late';
  if (said === 'nonsense') return 'invalid';
  if (!wants(said)) return 'passed';
  const share = due(inputOf(sharing), saidBy(sharing))[row.agent] ?? null;
  return share === null ? 'leastNotMet' : hasAny(row) ? 'granted' : 'unserved';
}

const saidBy = (sharing: Sharing): readonly (Said | null)[] => claimants.map((agent) => demandOf(sharing, agent));

function inputOf({ session, seed, options: { resources, rule = 'maxMin', priorities = {} } }: Sharing): AllocationInput {
  return { session, agents: claimants, seed, resources, rule, priorities, about: null, withinMs };
}

/** What has to hold of an allocation that has ended, by what a god saw: what is wrong, or undefined. */
const claims = {
  'each answer that counts was given, and came in time': (end, sharing, { given }) => {
    const bad = rowsOf(end).find(({ agent, status, demand }) => {
      if (status !== 'late' && (sharing.heard.get(agent) ?? null) === null) return true;
      const said = demandOf(sharing, agent);
      const isTrue = said !== null && given.has([sharing.session, agent, JSON.stringify(said.demand)].join());
      return demand !== null && !(isTrue && Object.keys(demand).every((name) => demand[name] === at(said.demand, name)));
    });
    return bad === undefined ? undefined : `${bad.agent} ${bad.status} ${JSON.stringify(bad.demand)}`;
  },
  'no more is shared than there is, and nothing is lost': (end, { options: { resources } }) => {
    for (const [name, amount] of Object.entries(resources)) {
      const shared = rowsOf(end).reduce((sum, { granted }) => sum + at(granted, name), 0);
      const left = end.outcome === 'decided' ? at(end.value.left, name) : amount;
      if (left < 0 || shared + left !== amount) return `${shared} ${name} and ${left} left of ${amount}`;
    }
    return undefined;
  },
  'nobody has more than it asked for': (end, sharing) => {
    const bad = rowsOf(end).find(({ agent, granted }) => {
      const said = demandOf(sharing, agent);
      return Object.entries(granted).some(([name, amount]) => amount > (said === null ? 0 : at(said.demand, name)));
    });
    return bad === undefined ? undefined : `${bad.agent} ${JSON.stringify(bad.granted)}`;
  },
  'each has its least, or nothing': (end, sharing) => {
    const bad = rowsOf(end).find((row) => {
      const said = demandOf(sharing, row.agent);
      return hasAny(row) && Object.entries(said?.least ?? {}).some(([name, amount]) => at(row.granted, name) < amount);
    });
    return bad === undefined ? undefined : `${bad.agent} ${JSON.stringify(bad.granted)}`;
  },
  'each has what the rule gives it': (end, sharing) => {
    const shares = due(inputOf(sharing), saidBy(sharing));
    const bad = rowsOf(end).find(({ agent, granted }) => Object.entries(granted).some(([name, amount]) => amount !== at(shares[agent] ?? {}, name)));
    return bad === undefined ? undefined : `${bad.agent} ${JSON.stringify([bad.granted, shares[bad.agent]])}`;
  },
  'each who was asked is named once, with why': (end, sharing) => {
    const rows = rowsOf(end);
    if (rows.map(({ agent }) => agent).join() !== claimants.join()) return rows.map(({ agent }) => agent).join();
    const bad = rows.find((row) => row.status !== statusDue(sharing, row));
    return bad === undefined ? undefined : `${bad.agent} is ${bad.status}, not ${statusDue(sharing, bad)}`;
  },
  'an allocation has one end': (_, { ends }) => (ends.length > 1 ? `${ends.length}` : undefined),
} satisfies Readonly<Record<string, (end: AllocationEnd, sharing: Sharing, world: AllocationWorld) => string | undefined>>;
type Claim = keyof typeof claims;
const claimNames = Object.keys(claims) as Claim[];

const files = 'sessions';

/** A run of that world. */
export function allocationRun({ rules = (plan) => plan, line = (requests) => requests, chart = {} }: Defect = {}): FaultRunOptions<AllocationWorld> {
  return {
    nodes: ['house', ...claimants],
    steps: 30,
    mostGapMs: 100,
    network: { links: { delay: [10, 60], drop: 0.02, duplicate: 0.02 } },
    world: (network) => {
      const [sharings, given, open] = [new Map<string, Sharing>(), new Set<string>(), new Set<string>()];
      const resumed = { count: 0 };
      let isShared = false;
      /** What the house hears first of an agent goes into the god's book. */
      const listening = (node: SimulatedNode, { heard }: Sharing, requests: Requests): Requests => ({
        request: async (agent, body, call) => {
          const askedAt = node.clock.now();
          const outcome = await requests.request(agent, body, call);
          const isInTime = outcome.ok && node.clock.now() - askedAt <= withinMs;
          if (!heard.has(agent) && !call?.signal?.aborted) heard.set(agent, isInTime ? saidIn(outcome.value) : null);
          return outcome;
        },
      });
      const go = (node: SimulatedNode, sharing: Sharing, snapshot?: unknown): Promise<AllocationEnd> => {
        const { session } = sharing;
        const plan = rules(sharing);
        const requests = line(listening(node, sharing, remoteAgents(node)));
        const logic = allocation({ ...plan.options, withinMs }).logic(requests);
        const input = { session, agents: claimants, seed: plan.seed };
        const machine = (logic as unknown as typeof allocationMachine).provide(chart);
        const restored = snapshot === undefined ? {} : { snapshot: snapshot as never };
        const actor = createActor(machine, { clock: node.clock, input: input as never, ...restored });
        return new Promise((resolve) => {
          actor.subscribe({
            next: () => node.disk.write(session, JSON.parse(JSON.stringify(actor.getPersistedSnapshot()))),
            error: node.fail,
            complete: () => {
              const end = actor.getSnapshot().output as AllocationEnd;
              sharing.ends.push(end);
              open.delete(session);
              for (const claim of claimNames) {
                const problem = claims[claim](end, sharing, world);
                if (problem !== undefined) world.faults[claim] ??= `${session}: ${problem}`;
              }
              const shares = rowsOf(end).map(({ agent, status, granted }) => `${agent} ${status} ${Object.values(granted).join('+')}`);
              node.note(`${session}: ${shares.join(', ')}`);
              resolve(end);
            },
          });
          actor.start();
        });
      };
      const share = (node: SimulatedNode, plan: Plan): Promise<AllocationEnd> => {
        const session = `s${sharings.size + 1}`;
        const sharing: Sharing = { ...plan, session, heard: new Map(), ends: [] };
        sharings.set(session, sharing);
        open.add(session);
        node.disk.write(files, [...((node.disk.read(files) as string[] | undefined) ?? []), session]);
        return go(node, sharing);
      };
      network.boot((node) => {
        for (const session of (node.disk.read(files) as string[] | undefined) ?? []) {
          const saved = node.disk.read(session) as { readonly status: string } | undefined;
          if (saved?.status !== 'active') continue;
          resumed.count++;
          void go(node, sharings.get(session) as Sharing, saved);
        }
      }, 'house');
      for (const name of claimants) {
        network.boot((node) => {
          serveAgent(node, (_, key = '') => {
            const [session = ''] = key.split('/');
            const answer = answerOf(node, session);
            const said = saidIn(answer);
            if (said !== 'nonsense') given.add([session, name, JSON.stringify(said.demand)].join());
            return answer;
          });
        }, name);
      }
      const draw = (chance: Chance): Plan => {
        const rule = chance.pick<AllocationRule>(['maxMin', 'proportional', 'priority']);
        const resources = { gpu: chance.pick([0, 3, 6, 9, 12]), disk: chance.pick([1, 3, 6]) };
        const priorities = { ann: chance.pick([0, 1]), joe: chance.pick([-1, 0]) };
        return { seed: chance.pick([1, 2, 3, 4]), options: { resources, rule, ...(rule === 'priority' ? { priorities } : {}) } };
      };
      const insist = async (node: SimulatedNode, seed: number): Promise<void> => {
        const end = await share(node, { seed, options: { resources: { gpu: 9, disk: 3 } } });
        isShared ||= end.outcome === 'decided' && rowsOf(end).every(({ status }) => status !== 'late');
        if (!isShared) await insist(node, seed + 1);
      };
      const world: AllocationWorld = {
        ...{ sharings, given, resumed, faults: {} },
        operations: {
          share: {
            nodes: ['house'],
            input: draw,
            run: async (node, input) => {
              await share(node, input as Plan);
            },
          },
        },
        progress: {
          withinMs: 8_000,
          begin: () => network.perform('house', 'shares, until all are heard', (node) => insist(node, 1)),
          reached: () => isShared && open.size === 0,
        },
      };
      return world;
    },
    // Each is judged once, as it ends: nothing of it changes later.
    invariants: Object.fromEntries(claimNames.map((claim) => [claim, ({ faults }: AllocationWorld) => faults[claim]])),
  };
}

/** Answers that are heard otherwise than they were given. */
const hearing = (heard: (value: { readonly demand?: object; readonly least?: object }) => unknown, silent?: unknown): Defect => ({
  line: (requests) => ({
    request: async (agent, body, call = {}) => {
      const outcome = await requests.request(agent, body, call);
      if (!outcome.ok) return silent === undefined ? outcome : { ok: true, value: silent };
      return { ok: true, value: heard(outcome.value as object) };
    },
  }),
});

/** Allocations that are wrong, each in one way. */
export const defects: Readonly<Record<string, { readonly defect: Defect; readonly breaks: Claim | 'progress' }>> = {
  'a late demand counts': {
    defect: { line: waiting(withinMs * 4) },
    breaks: 'each answer that counts was given, and came in time',
  },
  'a demand is made up for who was silent': {
    defect: hearing((value) => value, { demand: { gpu: 2 } }),
    breaks: 'each answer that counts was given, and came in time',
  },
  'more is promised than there is': {
    defect: {
      rules: ({ options, seed }) => ({ seed, options: { ...options, resources: { ...options.resources, gpu: at(options.resources, 'gpu') + 1 } } }),
    },
    breaks: 'no more is shared than there is, and nothing is lost',
  },
  'what agents need at least is forgotten': { defect: hearing(({ demand }) => ({ demand })), breaks: 'each has its least, or nothing' },
  'who has priority is not before the others': {
    defect: { rules: ({ options: { resources }, seed }) => ({ seed, options: { resources } }) },
    breaks: 'each has what the rule gives it',
  },
  'nothing is drawn by the seed': {
    defect: { rules: (plan) => ({ ...plan, seed: 0 }) },
    breaks: 'each has what the rule gives it',
  },
  'who is asked again after a crash counts twice': {
    defect: { chart: { guards: { isAwaited: () => true } } },
    breaks: 'each has what the rule gives it',
  },
  'who is silent is waited for': {
    defect: { line: waitingForTheLate },
    breaks: 'progress',
  },
};
