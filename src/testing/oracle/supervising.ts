/** What every kind of supervisor does: takes one message after the other, counts restarts, stops children with their own deadlines, ends in order. */
import type { ExitReason } from '../../../machines/supervision/exit.js';
import type { OracleCall, OracleReply, OracleReport, OracleSnapshot } from './commands.js';
import type { OracleSpec, ResolvedOracleFlags, ResolvedOracleSpec } from './specs.js';
import { anything, type Member, type Received, type StartOutcome, type Steps, type Tree } from './tree.js';

/** Goes on, or ends with `shutdown`: what OTP's functions return as `{ok, State}` and `{shutdown, State}`. */
export type Verdict = 'goOn' | 'shutdown';

/** Runs a child's start function in the parent's own turn, to its end. */
export type StartChild = (tree: Tree, parent: Member, path: string, spec: OracleSpec) => Steps<StartOutcome>;

/** Who a supervisor is, and what it was given. */
export interface SupervisorSelf {
  readonly tree: Tree;
  readonly self: Member;
  readonly parent: Member;
  readonly flags: ResolvedOracleFlags;
  /** As they were given: nobody has checked them. */
  readonly specs: readonly OracleSpec[];
  readonly startChild: StartChild;
}

/** One supervisor: the process, its history of restarts, and the moves that both kinds share. */
export abstract class Supervising {
  protected readonly tree: Tree;
  protected readonly self: Member;
  protected readonly parent: Member;
  protected readonly flags: ResolvedOracleFlags;
  protected readonly specs: readonly OracleSpec[];
  readonly #startChild: StartChild;
  #restarts: readonly number[] = [];

  constructor({ tree, self, parent, flags, specs, startChild }: SupervisorSelf) {
    this.tree = tree;
    this.self = self;
    this.parent = parent;
    this.flags = flags;
    this.specs = specs;
    this.#startChild = startChild;
  }

  /** Starts what is there from the beginning. @returns why it failed, or null */
  protected abstract init(): Steps<{ readonly reason: unknown } | null>;
  /** A child ended by itself. */
  protected abstract exited(child: Member, reason: ExitReason): Steps<Verdict>;
  /** The start of a restart failed, and its turn has come again. */
  protected abstract tryAgain(child: unknown): Steps<Verdict>;
  /** @param target  the process that the caller meant, where it named one: it may have ended since */
  protected abstract answer(call: Exclude<OracleCall, { type: 'stop' }>, target: Member | undefined): Steps<OracleReply>;
  /** Stops all children. */
  protected abstract terminate(): Steps<void>;
  protected abstract snapshot(): OracleSnapshot;

  /**
   * The process from its start to its end.
   * @see OTP supervisor.erl init/1, handle_info/2, handle_cast/2, terminate/2 · gen_server.erl decode_msg/9: the parent's exit ends it
   */
  *run(): Steps {
    const failure = yield* this.init();
    if (failure !== null) {
      this.tree.processes.unlink(this.parent, this.self);
      this.#acknowledge({ kind: 'failed', reason: failure.reason });
      return { crash: failure.reason };
    }
    this.tree.snapshots.set(this.self, () => (this.self.wait?.idle === true ? this.snapshot() : 'busy'));
    // Nobody waits for the start of an orphan.
    if (this.parent.alive) this.tree.started(this.self);
    this.#acknowledge({ kind: 'started', process: this.self });
    const reason = yield* this.#serve();
    yield* this.terminate();
    return reason;
  }

  #acknowledge(outcome: StartOutcome): void {
    this.tree.processes.send(this.parent, { type: 'acknowledged', from: this.self, outcome });
  }

  /** Until somebody orders it to end or it gives up. @returns the reason to exit with */
  *#serve(): Steps {
    for (;;) {
      const message = yield { ...anything, idle: true };
      if (message?.type === 'exit') {
        if (message.from === this.parent) return message.reason;
        if ((yield* this.exited(message.from, message.reason)) === 'shutdown') return 'shutdown';
      } else if (message?.type === 'letter') {
        const { letter } = message;
        if (letter.type === 'tryAgain' && (yield* this.tryAgain(letter.child)) === 'shutdown') return 'shutdown';
        if (letter.type !== 'called') continue;
        const { call, step, target } = letter;
        if (call.type === 'stop') {
          this.tree.stopping(this.self, step);
          return call.reason ?? 'normal';
        }
        this.tree.reply(this.self, step, yield* this.answer(call, target));
      }
    }
  }

  protected pathOf(id: string): string {
    return `${this.self.path}/${id}`;
  }

  protected start(spec: OracleSpec): Steps<StartOutcome> {
    return this.#startChild(this.tree, this.self, this.pathOf(spec.id), spec);
  }

  /** Counts a restart. @returns may it be done? If not that is reported, and the supervisor must end. @see OTP supervisor.erl restart/2 */
  protected mayRestart(childPath: string): boolean {
    const { restarts, exceeded } = this.tree.rules.addRestart(this.#restarts, this.tree.nowMs, this.flags);
    this.#restarts = restarts;
    if (exceeded) this.report('shutdown', childPath, 'reachedMaxRestartIntensity');
    return !exceeded;
  }

  /** To itself, behind everything that waits: calls are served between the attempts. */
  protected tryAgainLater(child: unknown): void {
    this.tree.processes.send(this.self, { type: 'tryAgain', child });
  }

  /**
   * Ends one child in the way its spec says, and waits for it.
   * @returns why it ended: not always what was asked
   * @see OTP supervisor.erl shutdown/1
   */
  protected *shutdown(child: Member, { shutdownMs }: ResolvedOracleSpec): Steps {
    const { processes } = this.tree;
    const take = (message: Received): boolean => message.type === 'down' && message.from === child;
    processes.monitor(this.self, child);
    if (shutdownMs === 'brutalKill') processes.kill(child);
    else processes.exit(this.self, child, 'shutdown');
    let down = yield { take, ...(typeof shutdownMs === 'number' ? { untilMs: this.tree.nowMs + shutdownMs } : {}) };
    if (down === null) {
      processes.kill(child);
      down = yield { take };
    }
    const reason = down?.type === 'down' ? down.reason : 'killed';
    return processes.unlink(this.self, child) ?? reason;
  }

  protected report(context: OracleReport['context'], child: string, reason: unknown, count?: number): void {
    this.tree.tell({ type: 'reported', supervisor: this.self.path, context, child, reason, ...(count === undefined ? {} : { count }) });
  }
}

/** The answer to a start that did not fail. */
export function replyOf(outcome: StartOutcome): OracleReply {
  if (outcome.kind !== 'started') return { ok: true, child: null };
  return { ok: true, child: outcome.process.path, ...(outcome.info === undefined ? {} : { info: outcome.info }) };
}
