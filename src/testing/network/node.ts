/** One process on a node of a simulated network: what a program is given to run on. */
import type { Clock } from '../../supervision/clock.js';
import type { Chance } from '../world/chance.js';
import { refuse, requireKeys, requireMs } from '../world/options.js';
import type { Tally } from './counts.js';
import type { NodeClock } from './node-clock.js';
import type { NetworkTrace } from './network-trace.js';

/**
 * How a call has ended: with a reply, or unknown. Unknown is no failure: the request, or only its reply, may be lost or late, so what was asked for may have
 * been done, be done later, or never.
 */
export type NetworkReply<Reply = unknown> = { readonly ok: true; readonly reply: Reply } | { readonly ok: false; readonly reason: 'unknown' };

/** What outlives the process: values by key, copied in and out, written at once and whole. */
export interface NodeDisk {
  /** A copy of what was last written; undefined for nothing. */
  read(key: string): unknown;
  /** @throws EspalierError `testing/invalid-options` for what cannot be copied */
  write(key: string, value: unknown): void;
  erase(key: string): void;
}

/**
 * A process on a node. After a crash another one is started there, with a clock, listeners and calls of its own; the one before is dead, and whatever it
 * still does reaches nobody. Messages are copied (`structuredClone`): no two nodes have an object in common.
 */
export interface SimulatedNode {
  readonly name: string;
  /** 1 for the first process on this node. */
  readonly incarnation: number;
  /** All other nodes, in the order in which they were named. */
  readonly others: readonly string[];
  /** Monotonic, from 0 when the process starts; also for actors: `createActor(logic, { clock: node.clock })`. */
  readonly clock: Clock;
  /** Chance of this process's own, which repeats with the seed. */
  readonly chance: Chance;
  readonly disk: NodeDisk;
  /** Ms since epoch, as the machine's wall clock shows it: it may be wrong, and go back. */
  wallNow(): number;
  /**
   * Sends a message, and never says whether it arrives. To itself a node sends without fault or delay.
   * @throws EspalierError `testing/invalid-options` for a node that is not of the network, or a message that cannot be copied
   */
  send(to: string, message: unknown): void;
  /** Hears every message that {@link SimulatedNode.send} has brought. @returns takes the listener back */
  onMessage(listener: (message: unknown, from: string) => void): () => void;
  /**
   * Asks a node and waits for its reply, at most `timeoutMs` of this node's clock. The network may bring the request twice; the reply counts once.
   * @throws EspalierError as {@link SimulatedNode.send} does, and for more calls at once than the network's `mostCalls`
   */
  call<Reply = unknown>(to: string, request: unknown, options: { readonly timeoutMs: number }): Promise<NetworkReply<Reply>>;
  /**
   * Answers calls, at once or by promise; a throw is a failure of the run. One for each process: who has several things to answer for tells them apart by
   * the request.
   */
  onRequest(answer: (request: unknown, from: string) => unknown): void;
  /** Writes a line into the trace of the network: what the program decides. */
  note(text: string): void;
  /**
   * Ends the run as a throw would: for what fails where nobody else hears it (`actor.subscribe({ error: node.fail })`; a promise that nobody awaits).
   * Of a process that is gone it says nothing.
   */
  readonly fail: (error: unknown) => void;
}

/** What goes over a link. */
export type Envelope =
  | { readonly kind: 'message'; readonly body: unknown }
  | { readonly kind: 'request' | 'reply'; readonly id: string; readonly body: unknown };

/** What a process needs of its network. */
export interface Carrier {
  readonly names: readonly string[];
  readonly trace: NetworkTrace;
  readonly counts: Tally;
  readonly mostCalls: number;
  carry(from: NodeProcess, to: string, envelope: Envelope): void;
  failed(from: NodeProcess, error: unknown): void;
}

interface OpenCall {
  readonly timer: unknown;
  readonly done: (outcome: NetworkReply) => void;
}

/** What a process is made of. */
export interface NodeParts {
  readonly name: string;
  readonly incarnation: number;
  readonly clock: NodeClock;
  readonly chance: Chance;
  readonly disk: NodeDisk;
  readonly wallNow: () => number;
}

/** A {@link SimulatedNode} as its network sees it. */
export class NodeProcess implements SimulatedNode {
  readonly name: string;
  readonly incarnation: number;
  readonly others: readonly string[];
  readonly clock: NodeClock;
  readonly chance: Chance;
  readonly disk: NodeDisk;
  readonly wallNow: () => number;
  readonly #carrier: Carrier;
  readonly #listeners = new Set<(message: unknown, from: string) => void>();
  readonly #calls = new Map<string, OpenCall>();
  #answer: ((request: unknown, from: string) => unknown) | undefined;
  #callCount = 0;
  #isAlive = true;

  constructor(carrier: Carrier, { name, incarnation, clock, chance, disk, wallNow }: NodeParts) {
    this.name = name;
    this.incarnation = incarnation;
    this.others = carrier.names.filter((other) => other !== name);
    this.clock = clock;
    this.chance = chance;
    this.disk = {
      read: (key) => disk.read(key),
      write: (key, value) => {
        if (this.#isAlive) disk.write(key, value);
      },
      erase: (key) => {
        if (this.#isAlive) disk.erase(key);
      },
    };
    this.wallNow = wallNow;
    this.#carrier = carrier;
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  /** `a`, or `a#2` for the second process on it. */
  get label(): string {
    return this.incarnation === 1 ? this.name : `${this.name}#${this.incarnation}`;
  }

  send(to: string, message: unknown): void {
    this.#carry(to, { kind: 'message', body: message });
  }

  onMessage(listener: (message: unknown, from: string) => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  call<Reply = unknown>(to: string, request: unknown, options: { readonly timeoutMs: number }): Promise<NetworkReply<Reply>> {
    requireKeys(options, ['timeoutMs'], 'the options of a call');
    requireMs(options.timeoutMs, 'timeoutMs');
    const id = `${this.name}#${this.incarnation}.${++this.#callCount}`;
    // An outcome that comes at once would have a program that asks again and again go on for ever without a moment passing.
    if (this.#calls.size >= this.#carrier.mostCalls) refuse(`at most ${this.#carrier.mostCalls} open calls of ${this.label} (\`mostCalls\`)`, to);
    // Of a process that is gone, nobody learns anything: its calls stay open for ever.
    this.#carry(to, { kind: 'request', id, body: request });
    return new Promise((resolve) => {
      const timer = this.clock.setTimeout(() => {
        this.#calls.delete(id);
        this.#unknown(id, to, `no reply in ${options.timeoutMs} ms`);
        resolve({ ok: false, reason: 'unknown' });
      }, options.timeoutMs);
      if (this.#isAlive) this.#calls.set(id, { timer, done: resolve as (outcome: NetworkReply) => void });
    });
  }

  onRequest(answer: (request: unknown, from: string) => unknown): void {
    if (this.#answer !== undefined) refuse(`one \`onRequest\` for a process (${this.label})`, 'another');
    this.#answer = answer;
  }

  note(text: string): void {
    if (this.#isAlive) this.#carrier.trace.add('note', `${this.label} ${this.#carrier.trace.mask(text)}`);
  }

  /** Is there anybody on this process who takes it? */
  listensTo({ kind }: Envelope): boolean {
    return kind === 'message' ? this.#listeners.size > 0 : kind === 'reply' || this.#answer !== undefined;
  }

  readonly fail = (error: unknown): void => {
    if (this.#isAlive) this.#carrier.failed(this, error);
  };

  /** Handles what has arrived. @throws whatever a listener throws */
  handle(envelope: Envelope, from: string): void {
    if (envelope.kind === 'message') for (const listener of [...this.#listeners]) listener(envelope.body, from);
    else if (envelope.kind === 'request') this.#serve(envelope.id, envelope.body, from);
    else this.#settle(envelope.id, envelope.body);
  }

  /** Is this a call that still waits? */
  isOpen(id: string): boolean {
    return this.#calls.has(id);
  }

  end(): void {
    this.#isAlive = false;
    this.#calls.clear();
    this.#listeners.clear();
    this.clock.end();
  }

  #serve(id: string, request: unknown, from: string): void {
    const reply = (body: unknown): void => this.#carry(from, { kind: 'reply', id, body });
    const answer = this.#answer?.(request, from);
    if (isPromise(answer)) answer.then(reply).catch(this.fail);
    else reply(answer);
  }

  #settle(id: string, reply: unknown): void {
    const call = this.#calls.get(id);
    this.#calls.delete(id);
    this.clock.clearTimeout(call?.timer);
    call?.done({ ok: true, reply });
  }

  #carry(to: string, envelope: Envelope): void {
    if (!this.#carrier.names.includes(to)) refuse(`one of the nodes ${this.#carrier.names.join(', ')}`, to);
    if (this.#isAlive) this.#carrier.carry(this, to, { ...envelope, body: copied(envelope.body) });
  }

  #unknown(id: string, to: string, why: string): void {
    this.#carrier.counts.unknown++;
    this.#carrier.trace.add('unknown', `${this.label} → ${to} call ${id}: ${why}`);
  }
}

function isPromise(value: unknown): value is Promise<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function';
}

/** @throws EspalierError `testing/invalid-options` */
export function copied<Value>(value: Value): Value {
  try {
    return structuredClone(value);
  } catch (cause) {
    return refuse('what can be copied (structuredClone): data, without functions and actors', String(cause));
  }
}

/** A disk in memory. */
export class MemoryDisk implements NodeDisk {
  readonly #values = new Map<string, unknown>();

  read(key: string): unknown {
    return copied(this.#values.get(key));
  }

  write(key: string, value: unknown): void {
    this.#values.set(key, copied(value));
  }

  erase(key: string): void {
    this.#values.delete(key);
  }
}
