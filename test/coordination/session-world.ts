/** What worlds of protocols have in common: coordinators on nodes of their own, the sessions that these run, and a god that sees them end. */
import type { SessionResult } from '../../machines/coordination/session-events.js';
import type { Requests } from '../../src/comms/port.js';
import { type Coordinator, type CoordinationSession, createCoordinator } from '../../src/coordination/coordinator-handle.js';
import type { Protocol } from '../../src/coordination/protocol.js';
import { supervisorHandle } from '../../src/supervision/handle.js';
import { exit } from '../../src/supervision/watch.js';
import { childrenOf } from '../../src/supervision/xstate-internals.js';
import type { FaultWorld, Progress } from '../../src/testing/network/fault-run.js';
import type { SimulatedNetwork } from '../../src/testing/network/network.js';
import type { SimulatedNode } from '../../src/testing/network/node.js';
import { pause } from './pause.js';

/** A session, as whoever began it saw it end. */
export interface Ended<Value> {
  readonly session: string;
  /** The node that asked, and which process on it. */
  readonly asker: string;
  readonly process: string;
  readonly result: SessionResult<Value>;
}

/** @template End  what is known of a session that has ended */
export interface SessionWorld<End, Claim extends string> extends FaultWorld {
  readonly ended: readonly End[];
  /** What a god has seen go wrong, by the claim that it breaks. */
  readonly problems: ReadonlyMap<Claim, string>;
}

/** What may be wrong with sessions of any protocol, planted on purpose. */
export interface SessionDefect {
  readonly line?: (requests: Requests) => Requests;
  /** No session has a deadline that would come. */
  readonly isEndless?: boolean;
}

const once = 'each session ends once';

/** What the god of any protocol keeps. */
export class SessionGod<End, Claim extends string> {
  readonly ended: End[] = [];
  readonly problems = new Map<Claim | typeof once, string>();
  readonly #told = new Set<string>();

  /** Of each claim the first problem counts. */
  wrong(claim: Claim | typeof once, problem: string): void {
    if (!this.problems.has(claim)) this.problems.set(claim, problem);
  }

  sawTold(end: string): void {
    if (this.#told.has(end)) this.wrong(once, end);
    this.#told.add(end);
  }
}

/** A claim each: that a god has seen nothing that breaks it. */
export function seenBy<Claim extends string>(
  claims: readonly Claim[],
): Readonly<Record<string, (world: { readonly problems: ReadonlyMap<Claim, string> }) => string | undefined>> {
  return Object.fromEntries(claims.map((claim) => [claim, ({ problems }) => problems.get(claim)]));
}

/** Is it one of those that are begun once all faults are over? In these agents do what lets it decide. */
export const isLast = (session: string): boolean => session.startsWith('last');

/** Where most that happens is of the kind that sessions must outlast, so that what is wrong shows early. */
export const troubled = { faults: { slow: 2, pause: 1, partition: 2, crash: 2 }, faultShare: 0.3, steps: 30 } as const;

/** How sessions are run and looked at. */
interface Watch<Value> {
  /** How long a session may take, ms. */
  readonly withinMs: number;
  readonly isEndless: boolean;
  /** What the trace says of a result. */
  textOf(result: SessionResult<Value>): string;
  /** Hears of each end as a coordinator tells it: process and session. */
  sawTold(end: string): void;
  sawEnded(one: Ended<Value>, node: SimulatedNode): void;
}

/** The name of a process, which no other has had. */
export const processOf = (node: SimulatedNode): string => `${node.name} ${node.incarnation}`;

interface Running {
  readonly coordinator: Coordinator;
  readonly process: string;
  /** Sessions that have not ended. */
  open: number;
}

/** The coordinators of a world, one on each node of theirs. */
export class Coordinators<Value> {
  readonly #network: SimulatedNetwork;
  readonly #names: readonly string[];
  readonly #watch: Watch<Value>;
  readonly #running = new Map<string, Running>();

  constructor(network: SimulatedNetwork, names: readonly string[], watch: Watch<Value>) {
    this.#network = network;
    this.#names = names;
    this.#watch = watch;
  }

  /** Starts the one of a process that begins. */
  start(node: SimulatedNode, requests: Requests): void {
    const { withinMs, isEndless, sawTold } = this.#watch;
    const retry = { attempts: 3, backoff: { minMs: 20, maxMs: 100, jitter: 0 } };
    const bounds = { maxSessions: 2, maxWaiting: 2, withinMs: isEndless ? 1_000_000 : withinMs, retry };
    const coordinator = createCoordinator({ requests, ...bounds }, { clock: node.clock });
    const process = processOf(node);
    for (const end of ['decided', 'failed', 'cancelled', 'expired'] as const)
      coordinator.on(`coordination.${end}`, ({ session }) => sawTold(`${process} ${session}`));
    this.#running.set(node.name, { coordinator, process, open: 0 });
  }

  /** Begins a session; null where it is refused. */
  begin(node: SimulatedNode, protocol: Protocol<Value>, agents: readonly string[], id: string): CoordinationSession<Value> | null {
    const own = this.#running.get(node.name);
    const run = own?.coordinator.run(protocol, { agents, id, seed: 1 });
    if (own === undefined || run === undefined || !run.ok) return null;
    own.open++;
    void run.session.result().then((result) => {
      own.open--;
      node.note(`${id} ends: ${this.#watch.textOf(result)}`);
      this.#watch.sawEnded({ session: id, asker: node.name, process: own.process, result }, node);
    });
    return run.session;
  }

  /** Cancels the first of these sessions that runs on a node. */
  cancelOneOf(sessions: readonly string[], node: SimulatedNode): void {
    const found = sessions.map((id) => this.#running.get(node.name)?.coordinator.resultOf(id));
    for (const one of found) if (one?.state === 'active') return one.session.cancel();
  }

  /** Kills what works in the first session of a node, which is begun again. */
  async killWorker(node: SimulatedNode): Promise<void> {
    const ref = this.#running.get(node.name)?.coordinator.ref;
    const [first] = ref === undefined ? [] : await supervisorHandle(ref).whichChildren();
    const [worker] = first?.ref === null || first === undefined ? [] : childrenOf(first.ref);
    if (worker !== undefined) exit(worker, 'kill');
  }

  /**
   * What is left of the sessions that run or wait, and one of each coordinator's that decides.
   * @param forMs  what the latter may take, ms
   * @param begin  begins one of these; they are begun until one decides
   */
  progress(text: string, forMs: number, begin: (node: SimulatedNode) => CoordinationSession<Value> | null): Progress {
    const decided = new Set<string>();
    const insist = async (node: SimulatedNode): Promise<void> => {
      const result = await begin(node)?.result();
      if (result?.outcome === 'decided') decided.add(node.name);
      else {
        await pause(node, 50);
        await insist(node);
      }
    };
    return {
      withinMs: 2 * this.#watch.withinMs + forMs,
      begin: () => {
        for (const name of this.#names) this.#network.perform(name, text, insist);
      },
      reached: () => decided.size === this.#names.length && [...this.#running.values()].every(({ open }) => open === 0),
    };
  }
}
