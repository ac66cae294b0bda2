/**
 * A network of nodes in one process and on one virtual clock: what a distributed program meets (messages lost, late, twice and out of order; partitions;
 * nodes that stand still, crash, come back, and whose clocks are wrong), drawn from a seed and the same in every run.
 *
 * Each thing that happens (a message is handled, a timer fires) is an event of its own; every promise has settled before the next. Work that waits for
 * real input or output, or for the runtime's timers, is outside of it.
 */
import { Chance } from '../world/chance.js';
import { refuse, requireMs } from '../world/options.js';
import { VirtualClock } from '../virtual-clock.js';
import { type NetworkCounts, type Tally, tally } from './counts.js';
import { type Happening, Host } from './host.js';
import { type Disturbance, leastOf, type LinkOptions, requireDisturbance, requireLink, usualDelay } from './link.js';
import { NetworkFailure } from './network-failure.js';
import { type NetworkOptions, requireNetworkOptions, requireRun, type RunOptions } from './network-options.js';
import { NetworkTrace, shownMs } from './network-trace.js';
import { type DueTimer, NodeClock } from './node-clock.js';
import { type Carrier, NodeProcess, type SimulatedNode } from './node.js';
import { Traffic } from './traffic.js';

/** Ends a fault: its own effect and no other's. Calling it twice does nothing more. */
export type EndFault = () => void;

/** N nodes, the links between them, and the faults that strike both. Made by {@link simulatedNetwork}. */
export class SimulatedNetwork {
  readonly seed: number;
  /** The nodes' names. */
  readonly names: readonly string[];
  readonly trace: NetworkTrace;
  readonly #clock = new VirtualClock();
  readonly #hosts = new Map<string, Host>();
  readonly #inbox: { readonly most: number; readonly whenFull: 'refuse' | 'dropOldest' };
  readonly #mostEvents: number;
  readonly #counts: Tally = tally();
  readonly #carrier: Carrier;
  readonly #traffic: Traffic;
  /** What happens at this moment, in order. */
  #ready: Happening[] = [];
  #isRunning = false;
  #failure: NetworkFailure | undefined;

  constructor(options: NetworkOptions) {
    const { seed = 1, nodes, links = {}, inbox = {}, mostCalls = 1_000, mostInFlight = 10_000, mostEvents = 1_000_000 } = options;
    this.seed = seed;
    this.names = typeof nodes === 'number' ? Array.from({ length: nodes }, (_, index) => `n${index + 1}`) : [...nodes];
    this.#inbox = { most: inbox.most ?? 1_000, whenFull: inbox.whenFull ?? 'refuse' };
    this.#mostEvents = mostEvents;
    this.trace = new NetworkTrace(() => this.#clock.now(), options.maxTraceLines ?? 100_000);
    const calm = options.isCalm === true ? { delay: leastOf(links.delay ?? usualDelay) } : links;
    for (const name of this.names) this.#hosts.set(name, new Host(name, this.#clock));
    this.#traffic = new Traffic({
      names: this.names,
      seed,
      links: calm,
      mostInFlight,
      clock: this.#clock,
      counts: this.#counts,
      trace: this.trace,
      arrived: (to, arrival) => this.#ready.push({ host: this.#host(to), process: undefined, takesPlace: true, ...arrival }),
    });
    this.#carrier = {
      names: this.names,
      trace: this.trace,
      counts: this.#counts,
      mostCalls,
      carry: (from, to, envelope) => this.#traffic.carry(from.name, to, envelope),
      failed: ({ label }, error) => this.#failed(error, label),
    };
  }

  /** Ms since the network was made: the time of nobody's clock. */
  now(): number {
    return this.#clock.now();
  }

  get counts(): NetworkCounts {
    return { ...this.#counts };
  }

  // ---- nodes

  /**
   * Says what runs on a node and starts it, now and after each crash. Without a name, on all nodes that have nothing yet.
   * @throws whatever `start` throws; EspalierError `testing/invalid-options` for a name that is none, or a node that has something
   */
  boot(start: (node: SimulatedNode) => void, name?: string): void {
    const hosts = name === undefined ? [...this.#hosts.values()].filter((host) => host.boot === undefined) : [this.#host(name)];
    for (const host of hosts) {
      if (host.boot !== undefined) refuse('a node on which nothing runs yet', name);
      host.boot = start;
      this.#start(host);
    }
  }

  /** The process that runs on a node; undefined while it is down. */
  node(name: string): SimulatedNode | undefined {
    return this.#host(name).process;
  }

  isPaused(name: string): boolean {
    return this.#host(name).isPaused;
  }

  /** Messages and jobs in a node's inbox: those that wait for it to run again. */
  waiting(name: string): number {
    return this.#host(name).waiting;
  }

  /**
   * Has a node do something, as a client on it would: now; once it runs again, if it is paused (with a place in its inbox); not at all while it is down.
   * A rejected promise is a failure of the run, as a throw is.
   */
  perform(name: string, what: string, job: (node: SimulatedNode) => void | Promise<void>): void {
    const host = this.#host(name);
    const run = (process: NodeProcess): void => {
      this.trace.add('do', `${process.label} ${what}`);
      job(process)?.catch(process.fail);
    };
    if (host.process === undefined) this.trace.add('lost', `${name} ${what}: the node is down`);
    else this.#ready.push({ host, process: host.process, message: undefined, takesPlace: true, what, run });
  }

  // ---- faults of nodes

  /**
   * Stops a process as a debugger or a swapped-out machine does: it handles nothing, its timers and its inbox stand still, and its clock goes on. What came
   * due meanwhile happens when it goes on, in the order in which it came.
   */
  pause(name: string): EndFault {
    const [host, pause] = [this.#host(name), Symbol(name)];
    if (!host.isPaused) this.trace.add('fault', `pause ${name}`);
    host.pauses.add(pause);
    return () => {
      if (host.pauses.delete(pause)) this.#goOn(host);
    };
  }

  /** Ends all pauses of a node. */
  resume(name: string): void {
    const host = this.#host(name);
    if (!host.isPaused) return;
    host.pauses.clear();
    this.#goOn(host);
  }

  /**
   * Ends a process at once, without a word: its memory, inbox, timers and calls are gone; its disk and what it has sent are not.
   * @returns starts another one, unless somebody has
   */
  crash(name: string): EndFault {
    const host = this.#host(name);
    const { process, waiting, incarnations } = host;
    if (process === undefined) return () => undefined;
    this.trace.add('fault', `crash ${process.label}${waiting === 0 ? '' : `, with ${waiting} in its inbox`}`);
    this.#counts.lost += host.held.reduce((count, { message }) => count + (message === undefined ? 0 : 1), 0);
    host.held = [];
    // A process that is started anew is not a stopped one.
    host.pauses.clear();
    host.process = undefined;
    process.end();
    return () => {
      if (host.incarnations === incarnations) this.restart(name);
    };
  }

  /** Starts a process on a node that is down. */
  restart(name: string): void {
    const host = this.#host(name);
    if (host.process !== undefined || host.boot === undefined) return;
    try {
      this.#start(host);
    } catch (error) {
      this.#failed(error, `the start of ${name}`);
    }
  }

  /** A node's clock jumps ahead, the wall clock with it, as after a suspended machine. What came due fires late. */
  jumpClock(name: string, byMs: number): void {
    requireMs(byMs, 'byMs');
    const host = this.#host(name);
    this.trace.add('fault', `clockJump ${name} by ${byMs} ms`);
    host.time.jump(byMs);
    host.process?.clock.rearm();
  }

  /** Sets a node's wall clock, ahead or back. Its monotonic clock and its timers do not mind. */
  jumpWall(name: string, byMs: number): void {
    if (!Number.isFinite(byMs)) refuse('`byMs`, a number of ms', byMs);
    this.trace.add('fault', `wallJump ${name} by ${byMs} ms`);
    this.#host(name).time.jumpWall(byMs);
  }

  /** A node's clock goes `rate` times as fast, until it is ended or set anew. */
  drift(name: string, rate: number): EndFault {
    if (!(Number.isFinite(rate) && rate > 0)) refuse('`rate`, a number above 0', rate);
    const [host, drift] = [this.#host(name), Symbol(name)];
    this.trace.add('fault', `drift ${name} × ${rate}`);
    this.#setRate(host, rate, drift);
    return () => {
      if (host.drift !== drift) return;
      this.trace.add('heal', `drift ${name}`);
      this.#setRate(host, 1, null);
    };
  }

  #setRate(host: Host, rate: number, drift: symbol | null): void {
    host.drift = drift;
    host.time.rate = rate;
    host.process?.clock.rearm();
  }

  // ---- faults of links

  /** Cuts the links from one side to the other and, unless it is one-way, back. What is under way on them is lost as well. */
  partition(side: readonly string[], other: readonly string[], { oneWay = false }: { readonly oneWay?: boolean } = {}): EndFault {
    const cut = Symbol('partition');
    const pairs = side.flatMap((from) =>
      other.flatMap(
        (to) =>
          (oneWay
            ? [[from, to]]
            : [
                [from, to],
                [to, from],
              ]) as [string, string][],
      ),
    );
    const links = pairs.map(([from, to]) => this.#traffic.link(from, to));
    const what = `partition ${side.join(', ')} ${oneWay ? '↛' : '|'} ${other.join(', ')}`;
    this.trace.add('fault', what);
    for (const { cuts } of links) cuts.add(cut);
    return () => {
      const ended = links.map(({ cuts }) => cuts.delete(cut));
      if (ended.includes(true)) this.trace.add('heal', what);
    };
  }

  /** Makes one direction between two nodes worse than it is. */
  disturb(from: string, to: string, disturbance: Disturbance): EndFault {
    const [link, key] = [this.#traffic.link(from, to), Symbol('disturbance')];
    const what = `${from} → ${to} ${this.trace.brief(requireDisturbance(disturbance))}`;
    this.trace.add('fault', `disturb ${what}`);
    link.disturbances.set(key, disturbance);
    return () => {
      if (link.disturbances.delete(key)) this.trace.add('heal', `disturb ${what}`);
    };
  }

  /** Gives one direction between two nodes options of its own, in the place of the network's. */
  setLink(from: string, to: string, options: LinkOptions): void {
    this.#traffic.link(from, to).options = requireLink(options);
  }

  /**
   * Ends every fault: partitions, disturbances, pauses, drifts; nodes that are down start again. Clocks that have jumped stay where they are, and what is
   * under way stays as late as it is.
   */
  heal(): void {
    this.trace.add('heal', 'everything');
    this.#traffic.heal();
    for (const host of this.#hosts.values()) {
      this.resume(host.name);
      this.restart(host.name);
      this.#setRate(host, 1, null);
    }
  }

  // ---- time

  /**
   * Lets things happen: for some time, or until something is true.
   * @returns true; false when it did not become true in `withinMs`
   * @throws NetworkFailure when a program throws or rejects, or when more than `mostEvents` happen; whatever `check` throws
   */
  async run(options: RunOptions): Promise<boolean> {
    requireRun(options);
    if (this.#isRunning) refuse('one `run` at a time', 'another');
    this.#isRunning = true;
    try {
      return await this.#run(options);
    } finally {
      this.#isRunning = false;
    }
  }

  /** Ends every process, without a restart: nothing of them is left behind. */
  end(): void {
    for (const { name } of this.#hosts.values()) this.crash(name);
  }

  async #run({ forMs, until, withinMs = 60_000, check = () => undefined }: RunOptions): Promise<boolean> {
    const endsAt = this.now() + (forMs ?? withinMs);
    const settle = async (): Promise<void> => {
      await this.#clock.flush();
      if (this.#failure !== undefined) throw this.#failure;
      check();
    };
    await settle();
    for (let events = 0; ; ) {
      if (until?.() === true) return true;
      const next = this.#ready.shift();
      if (next !== undefined) {
        if (++events > this.#mostEvents) throw new NetworkFailure(`${this.#mostEvents} events and no end by ${shownMs(this.now())} ms`);
        this.#happen(next);
        await settle();
        continue;
      }
      const nextAt = this.#clock.nextAt();
      if (nextAt === undefined || nextAt > endsAt) {
        this.#clock.advanceTo(endsAt);
        return until === undefined || until();
      }
      this.#clock.advanceTo(nextAt);
    }
  }

  #happen(next: Happening): void {
    const { host, process = host.process, message, takesPlace, isOver, what, run } = next;
    if (process === undefined || host.process !== process) {
      if (message !== undefined) this.#traffic.lost(message, 'lost', 'the node is down');
      else if (takesPlace) this.trace.add('lost', `${host.name} ${what}: the process is gone`);
      return;
    }
    if (isOver?.() === true) return;
    if (host.isPaused) {
      this.#hold(host, next);
      return;
    }
    this.#counts.events++;
    try {
      run(process);
    } catch (error) {
      this.#failed(error, `${process.label} ${what}`);
    }
  }

  /** Lays by what comes to a node that is paused. A full inbox refuses it, or throws out the oldest. */
  #hold(host: Host, next: Happening): void {
    if (next.takesPlace && host.waiting >= this.#inbox.most) {
      const oldest = host.held.findIndex(({ takesPlace }) => takesPlace);
      const [out] = this.#inbox.whenFull === 'dropOldest' ? host.held.splice(oldest, 1) : [next];
      if (out?.message !== undefined) this.#traffic.lost(out.message, 'refused', 'the inbox is full');
      else this.trace.add('lost', `${host.name} ${out?.what ?? ''}: the inbox is full`);
      if (out === next) return;
    }
    if (next.takesPlace) this.trace.add('wait', `${host.process?.label ?? host.name} ${next.what}`);
    host.held.push(next);
  }

  #goOn(host: Host): void {
    if (host.isPaused || host.process === undefined) return;
    this.trace.add('heal', `pause ${host.name}`);
    // Before what has come for it since: that is younger.
    this.#ready.unshift(...host.held);
    host.held = [];
  }

  #start(host: Host): void {
    const { name } = host;
    const incarnation = ++host.incarnations;
    const due = (timer: DueTimer): void => {
      const what = `after ${shownMs(timer.ms)} ms`;
      const run = ({ label }: NodeProcess): void => {
        this.trace.add('timer', `${label} ${what}`);
        timer.fire();
      };
      this.#ready.push({ host, process, message: undefined, takesPlace: false, isOver: () => !timer.isSet(), what, run });
    };
    const process: NodeProcess = new NodeProcess(this.#carrier, {
      name,
      incarnation,
      clock: new NodeClock(this.#clock, host.time, due),
      chance: new Chance(this.seed, `node ${name}#${incarnation}`),
      disk: host.disk,
      wallNow: () => host.time.wallNow(),
    });
    host.process = process;
    this.trace.add('boot', process.label);
    host.boot?.(process);
  }

  #failed(error: unknown, where: string): void {
    this.#failure ??= new NetworkFailure(`${where}, at ${shownMs(this.now())} ms: ${String(error)}`, error);
  }

  #host(name: string): Host {
    return this.#hosts.get(name) ?? refuse(`one of the nodes ${this.names.join(', ')}`, name);
  }
}

/**
 * Makes a network; nothing runs on it until {@link SimulatedNetwork.boot}, and nothing happens until {@link SimulatedNetwork.run}.
 * @throws EspalierError `testing/invalid-options`
 */
export function simulatedNetwork(options: NetworkOptions): SimulatedNetwork {
  requireNetworkOptions(options);
  return new SimulatedNetwork(options);
}
