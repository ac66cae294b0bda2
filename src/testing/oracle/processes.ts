/**
 * As much of Erlang's processes as its supervisors stand on: mailboxes with selective receive, links, monitors, exit signals, timers. Time and turns
 * are the caller's: nothing here runs but in {@link Processes.run} and {@link Processes.advance}.
 *
 * A process is a generator: it yields what it waits for and is resumed with the message, as Erlang's `receive … after` is.
 *
 * @see Erlang reference manual, "Processes": links, monitors, exit signals
 */
import { EspalierError } from '../../errors.js';
import type { ExitReason } from '../../../machines/supervision/exit.js';

/** A message in a mailbox. `exit`: of a linked process that ended, or of one that orders this one to · `down`: of a monitored one · `letter`: any other. */
export type Message<Letter> =
  | { readonly type: 'exit'; readonly from: Process<Letter>; readonly reason: ExitReason }
  | { readonly type: 'down'; readonly from: Process<Letter>; readonly reason: ExitReason }
  | { readonly type: 'letter'; readonly letter: Letter };

/** `receive` with a pattern, `after` a deadline. */
export interface Wait<Letter> {
  /** Which message it takes; the others stay in the mailbox. */
  readonly take: (message: Message<Letter>) => boolean;
  /** Until when, ms of the clock; then it goes on with `null`. Default for ever. */
  readonly untilMs?: number;
  /** Nothing is under way: this is a supervisor that would answer. */
  readonly idle?: true;
}

/** What a process does: waits, and in the end returns why it exits. */
export type Body<Letter, Result = ExitReason> = Generator<Wait<Letter>, Result, Message<Letter> | null>;

type Signal<Letter> =
  | { readonly type: 'message'; readonly message: Message<Letter> }
  | { readonly type: 'exit'; readonly from: Process<Letter>; readonly reason: ExitReason }
  | { readonly type: 'kill' };

/** One process, one incarnation. */
export class Process<Letter> {
  readonly path: string;
  /** Does an exit signal become a message? */
  readonly traps: boolean;
  alive = true;
  wait: Wait<Letter> | null = null;
  readonly links = new Set<Process<Letter>>();
  readonly monitoredBy: Process<Letter>[] = [];
  readonly signals: Signal<Letter>[] = [];
  readonly mailbox: Message<Letter>[] = [];
  body: Body<Letter> | null = null;

  constructor(path: string, traps: boolean) {
    this.path = path;
    this.traps = traps;
  }
}

interface Timer<Letter> {
  readonly atMs: number;
  readonly process: Process<Letter>;
  readonly wait: Wait<Letter>;
}

/** Most messages and deadlines that may be taken while no time passes. A tree that spends them restarts for ever. */
const mostTaken = 10_000;

/** All processes of one oracle. */
export class Processes<Letter> {
  nowMs = 0;
  readonly #ready: Process<Letter>[] = [];
  readonly #onExit: (process: Process<Letter>, reason: ExitReason) => void;
  #timers: Timer<Letter>[] = [];
  #taken = 0;

  /** @param onExit  hears of every end as it happens */
  constructor(onExit: (process: Process<Letter>, reason: ExitReason) => void) {
    this.#onExit = onExit;
  }

  /** `spawn_link`: it has its first turn after those who are ready now. */
  spawn(path: string, parent: Process<Letter> | null, traps: boolean, body: (self: Process<Letter>) => Body<Letter>): Process<Letter> {
    const process = new Process<Letter>(path, traps);
    process.body = body(process);
    if (parent !== null) {
      process.links.add(parent);
      parent.links.add(process);
    }
    this.#ready.push(process);
    return process;
  }

  send(to: Process<Letter>, letter: Letter): void {
    this.#signal(to, { type: 'message', message: { type: 'letter', letter } });
  }

  /** `exit(Pid, Reason)`: ends a process that does not trap exits, and is a message to one that does. */
  exit(from: Process<Letter>, to: Process<Letter>, reason: ExitReason): void {
    this.#signal(to, { type: 'exit', from, reason });
  }

  /** `exit(Pid, kill)`: ends anybody, as `killed`. */
  kill(to: Process<Letter>): void {
    this.#signal(to, { type: 'kill' });
  }

  /** `monitor(process, Pid)`: one `down` when it ends, at once when it has. */
  monitor(by: Process<Letter>, of: Process<Letter>): void {
    if (of.alive) of.monitoredBy.push(by);
    else this.#signal(by, { type: 'message', message: { type: 'down', from: of, reason: { crash: 'noproc' } } });
  }

  /**
   * Unlinks, and takes the exit message of the other out of the mailbox.
   * @returns its reason, or null when there is none
   * @see OTP supervisor.erl unlink_flush/2
   */
  unlink(self: Process<Letter>, other: Process<Letter>): ExitReason | null {
    self.links.delete(other);
    other.links.delete(self);
    this.#receiveSignals(self);
    const index = self.mailbox.findIndex((message) => message.type === 'exit' && message.from === other);
    const [message] = index < 0 ? [] : self.mailbox.splice(index, 1);
    return message?.type === 'exit' ? message.reason : null;
  }

  /**
   * Gives everybody turns, until all wait for a message or for time.
   * @throws EspalierError `supervision/invalid-intensity` when they never do
   */
  run(): void {
    this.#taken = 0;
    while (this.#ready.length > 0) this.#turn(this.#ready.shift() as Process<Letter>);
  }

  /** Moves to `ms` (absolute); whoever is due on the way goes on at its time. */
  advance(ms: number): void {
    for (;;) {
      this.#timers = this.#timers.filter(({ process, wait }) => process.alive && process.wait === wait);
      // The first one of those due earliest: timers of one moment fire in the order in which they were set.
      const due = this.#timers.reduce<Timer<Letter> | null>((first, timer) => (first === null || timer.atMs < first.atMs ? timer : first), null);
      if (due === null || due.atMs > ms) break;
      this.nowMs = due.atMs;
      this.#ready.push(due.process);
      this.#timers.splice(this.#timers.indexOf(due), 1);
      this.run();
    }
    this.nowMs = ms;
  }

  #signal(to: Process<Letter>, signal: Signal<Letter>): void {
    if (!to.alive) return;
    to.signals.push(signal);
    if (!this.#ready.includes(to)) this.#ready.push(to);
  }

  #turn(process: Process<Letter>): void {
    for (;;) {
      this.#receiveSignals(process);
      if (!process.alive) return;
      const { wait } = process;
      const index = wait === null ? -1 : process.mailbox.findIndex((message) => wait.take(message));
      if (wait !== null && index < 0 && !(wait.untilMs !== undefined && wait.untilMs <= this.nowMs)) return;
      const [message = null] = index < 0 ? [] : process.mailbox.splice(index, 1);
      if (++this.#taken > mostTaken)
        throw new EspalierError('supervision/invalid-intensity', {
          expected: 'an `intensity` with which the tree comes to rest',
          got: `${mostTaken} messages at ${this.nowMs} ms`,
        });
      const next = (process.body as Body<Letter>).next(message);
      if (next.done === true) return this.#end(process, next.value);
      process.wait = next.value;
      if (next.value.untilMs !== undefined) this.#timers.push({ atMs: next.value.untilMs, process, wait: next.value });
    }
  }

  #receiveSignals(process: Process<Letter>): void {
    for (const signal of process.signals.splice(0)) {
      if (!process.alive) return;
      if (signal.type === 'message') process.mailbox.push(signal.message);
      else if (signal.type === 'kill') this.#end(process, 'killed');
      else if (process.traps) process.mailbox.push(signal);
      else if (signal.reason !== 'normal') this.#end(process, signal.reason);
    }
  }

  #end(process: Process<Letter>, reason: ExitReason): void {
    process.alive = false;
    this.#onExit(process, reason);
    for (const linked of process.links) {
      linked.links.delete(process);
      this.exit(process, linked, reason);
    }
    for (const by of process.monitoredBy) this.#signal(by, { type: 'message', message: { type: 'down', from: process, reason } });
  }
}
