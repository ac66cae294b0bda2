/** What the processes of one oracle have in common: who runs where, what has happened, whose turn in a start plan it is. */
import type { ExitReason } from '../../../machines/supervision/exit.js';
import type { OracleCall, OracleEffect, OracleFact, OracleReply, OracleSnapshot } from './commands.js';
import { Processes, type Body, type Message, type Process, type Wait } from './processes.js';
import type { OracleRules } from './rules.js';
import type { OracleStart } from './specs.js';

/** What came of a start. `bare`: the reason as Elixir tells it, where that differs. */
export type StartOutcome =
  | { readonly kind: 'started'; readonly process: Member; readonly info?: unknown }
  | { readonly kind: 'declined' }
  | { readonly kind: 'failed'; readonly reason: unknown; readonly bare?: unknown };

/** Messages beside exits and downs. */
export type Letter =
  /** What a supervisor that is being started tells its parent. @see OTP proc_lib:init_ack/2 */
  | { readonly type: 'acknowledged'; readonly from: Member; readonly outcome: StartOutcome }
  /** `target`: the process that the call named, when it was made. */
  | { readonly type: 'called'; readonly call: OracleCall; readonly step: number; readonly target: Member | undefined }
  /** To itself: try to restart it again. @see OTP supervisor.erl try_again_restart/1 */
  | { readonly type: 'tryAgain'; readonly child: unknown }
  /** To a worker: end by yourself. */
  | { readonly type: 'end'; readonly reason: ExitReason }
  /** To the parent of `top`. */
  | { readonly type: 'startTop'; readonly step: number }
  | { readonly type: 'shutdownTop'; readonly reason: ExitReason };

export type Member = Process<Letter>;
export type Steps<Result = ExitReason> = Body<Letter, Result>;
export type Received = Message<Letter>;

/** Takes the next message, whichever it is. */
export const anything: Wait<Letter> = { take: () => true };

/** One oracle's tree. */
export class Tree {
  readonly rules: OracleRules;
  readonly processes = new Processes<Letter>((process, reason) => {
    this.#exited(process, reason);
  });
  /** The process that runs, or ran last, at each path. */
  readonly at = new Map<string, Member>();
  /** How each supervisor answers when it is idle. */
  readonly snapshots = new Map<Member, () => OracleSnapshot>();
  readonly #up = new Set<Member>();
  /** Calls that wait for an answer, by step. */
  readonly #pending = new Map<Member, Map<number, OracleCall>>();
  /** The stop request that each supervisor is serving. */
  readonly #stopping = new Map<Member, number>();
  readonly #attempts = new Map<string, number>();
  #effects: OracleEffect[] = [];

  constructor(rules: OracleRules) {
    this.rules = rules;
  }

  get nowMs(): number {
    return this.processes.nowMs;
  }

  tell(fact: OracleFact): void {
    this.#effects.push({ ...fact, atMs: this.nowMs });
  }

  /** What happened since it was asked last. */
  takeEffects(): OracleEffect[] {
    return this.#effects.splice(0);
  }

  /** A start has come to its end: from now on the path names this process. */
  started(process: Member): void {
    this.at.set(process.path, process);
    this.#up.add(process);
    this.tell({ type: 'started', path: process.path });
  }

  /** The k-th attempt at a path does the k-th of its plan. */
  takeStart(path: string, plan: readonly OracleStart[] = []): OracleStart {
    const attempt = this.#attempts.get(path) ?? 0;
    this.#attempts.set(path, attempt + 1);
    return plan[Math.min(attempt, plan.length - 1)] ?? { do: 'ok' };
  }

  /** Paths of those who have started and run. */
  alive(): string[] {
    return [...this.#up].map(({ path }) => path);
  }

  /** A call waits in the supervisor's mailbox; a dead one answers `noproc`, and one that dies before it answers answers why. @see OTP gen_server:call/3 */
  call(step: number, call: OracleCall): void {
    const to = this.at.get(call.supervisor);
    if (to?.alive !== true || !this.snapshots.has(to))
      return this.tell({ type: 'replied', step, reply: { ok: false, reason: 'noproc', exit: true } });
    this.#pending.set(to, (this.#pending.get(to) ?? new Map<number, OracleCall>()).set(step, call));
    const target = call.type === 'terminateChild' && call.by === 'path' ? this.at.get(call.child) : undefined;
    this.processes.send(to, { type: 'called', call, step, target });
  }

  reply(from: Member, step: number, reply: OracleReply): void {
    this.#pending.get(from)?.delete(step);
    this.tell({ type: 'replied', step, reply });
  }

  /** A stop request is being served: it is answered when the supervisor has ended. */
  stopping(supervisor: Member, step: number): void {
    this.#stopping.set(supervisor, step);
  }

  #exited(process: Member, reason: ExitReason): void {
    if (this.#up.delete(process)) this.tell({ type: 'exited', path: process.path, reason });
    const stopping = this.#stopping.get(process);
    for (const [step, call] of this.#pending.get(process) ?? []) {
      // Served, and not overtaken by a kill. @see OTP proc_lib:stop/3
      const obeyed = step === stopping && call.type === 'stop' && (call.reason ?? 'normal') === reason;
      this.tell({ type: 'replied', step, reply: obeyed ? { ok: true } : { ok: false, reason, exit: true } });
    }
    for (const map of [this.#pending, this.#stopping, this.snapshots]) map.delete(process);
  }
}
