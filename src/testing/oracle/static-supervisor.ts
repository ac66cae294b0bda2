/** OTP's supervisor with a list of children: one_for_one, one_for_all, rest_for_one. @see OTP supervisor.erl, whose functions each method names */
import type { Strategy } from '../../../machines/supervision/child-spec.js';
import type { ExitReason } from '../../../machines/supervision/exit.js';
import type { OracleCall, OracleReply, OracleSnapshot } from './commands.js';
import type { OracleChildStatus } from './rules.js';
import { faultOfFlags, faultOfSpec, faultOfSpecs, resolve, type OracleSpec, type ResolvedOracleSpec } from './specs.js';
import { replyOf, Supervising, type SupervisorSelf, type Verdict } from './supervising.js';
import type { Member, StartOutcome, Steps } from './tree.js';

/** The record of a child: `process` is OTP's `pid`, undefined, or `{restarting, _}`. */
interface Child {
  readonly spec: ResolvedOracleSpec;
  readonly process: Member | 'restarting' | null;
}

/** The body of a supervisor with a list of children. */
export function staticSupervisor(given: SupervisorSelf): Steps {
  return new StaticSupervisor(given).run();
}

class StaticSupervisor extends Supervising {
  /** In start order. */
  #children: readonly Child[] = [];

  /** Everything is checked before anybody starts; when one fails, those before it are stopped. @see init_children/2 */
  protected override *init(): Steps<{ reason: unknown } | null> {
    const faultyFlags = faultOfFlags(this.flags);
    if (faultyFlags !== null) return { reason: ['supervisorData', faultyFlags] };
    const faultySpecs = faultOfSpecs(this.specs, this.flags.autoShutdown);
    if (faultySpecs !== null) return { reason: ['startSpec', faultySpecs] };
    this.#children = this.specs.map((spec) => ({ spec: resolve(spec), process: null }));
    const failed = yield* this.#startChildren(this.#ids());
    if (failed === null) return null;
    yield* this.terminate();
    return { reason: ['shutdown', ['failedToStartChild', failed.id, failed.reason]] };
  }

  /** One after the other, in start order, until one fails. @see start_children/2 */
  *#startChildren(ids: readonly string[]): Steps<{ id: string; reason: unknown } | null> {
    for (const id of ids) {
      const { spec } = this.#child(id);
      const outcome = yield* this.start(spec);
      if (outcome.kind === 'failed') {
        this.report('startError', this.pathOf(id), outcome.reason);
        return { id, reason: outcome.reason };
      }
      if (outcome.kind === 'declined' && !this.tree.rules.isKept(spec.restart)) this.#remove(id);
      else this.#set(id, processOf(outcome));
    }
    return null;
  }

  /** Somebody unknown is nobody's business. @see restart_child/3, do_restart/3 */
  protected override *exited(process: Member, reason: ExitReason): Steps<Verdict> {
    const child = this.#children.find((one) => one.process === process);
    if (child === undefined) return 'goOn';
    const { rules } = this.tree;
    const { spec } = child;
    if (rules.isReported(spec.restart, reason)) this.report('childTerminated', process.path, reason);
    if (rules.isRestarted(spec.restart, reason)) return yield* this.#restart(child);
    this.#delete(spec.id);
    const others = this.#children.filter((one) => one.spec.significant && one.spec.id !== spec.id);
    return rules.endsSupervisor(this.flags.autoShutdown, spec, others.map(statusOf)) ? 'shutdown' : 'goOn';
  }

  /** @see handle_cast/2, try_again_restart: one that was terminated or started meanwhile is left alone */
  protected override *tryAgain(id: unknown): Steps<Verdict> {
    const child = this.#children.find(({ spec }) => spec.id === id);
    return child?.process === 'restarting' ? yield* this.#restart(child) : 'goOn';
  }

  /** @see restart/2, restart/3, restart_multiple_children/3 */
  *#restart({ spec: { id } }: Child): Steps<Verdict> {
    if (!this.mayRestart(this.pathOf(id))) {
      this.#delete(id);
      return 'shutdown';
    }
    const failed = this.flags.strategy === 'oneForOne' ? yield* this.#restartOne(id) : yield* this.#restartGroup(id);
    if (failed !== null) {
      this.#set(failed, 'restarting');
      this.tryAgainLater(failed);
    }
    return 'goOn';
  }

  *#restartOne(id: string): Steps<string | null> {
    const outcome = yield* this.start(this.#child(id).spec);
    if (outcome.kind === 'failed') {
      this.report('startError', this.pathOf(id), outcome.reason);
      return id;
    }
    this.#set(id, processOf(outcome));
    return null;
  }

  /** The next attempt concerns the group of the one that failed. */
  *#restartGroup(id: string): Steps<string | null> {
    const group = this.tree.rules.groupOf(this.flags.strategy as Strategy, this.#ids(), id);
    this.#set(id, null);
    yield* this.#terminateChildren(group);
    const failed = yield* this.#startChildren(group.filter((one) => this.#ids().includes(one)));
    return failed?.id ?? null;
  }

  protected override *terminate(): Steps<void> {
    yield* this.#terminateChildren(this.#ids());
  }

  /** @see terminate_children/2 */
  *#terminateChildren(ids: readonly string[]): Steps<void> {
    for (const id of this.tree.rules.stopOrder(ids)) {
      yield* this.#terminateChild(this.#child(id));
      this.#delete(id);
    }
  }

  /** @see do_terminate/2 */
  *#terminateChild({ spec, process }: Child): Steps<void> {
    if (process === null || process === 'restarting') return;
    const reason = yield* this.shutdown(process, spec);
    if (!this.tree.rules.isExpectedEnd(spec, reason, 'otp')) this.report('shutdownError', process.path, reason);
  }

  /** @see handle_call/3 */
  protected override *answer(call: Exclude<OracleCall, { type: 'stop' }>): Steps<OracleReply> {
    if (call.type === 'startChild') return yield* this.#startNew(call.spec);
    const child = call.type === 'terminateChild' && call.by === 'path' ? undefined : this.#children.find(({ spec }) => spec.id === call.child);
    if (child === undefined) return { ok: false, reason: 'notFound' };
    switch (call.type) {
      case 'terminateChild':
        yield* this.#terminateChild(child);
        this.#delete(child.spec.id);
        return { ok: true };
      case 'restartChild': {
        if (child.process !== null) return { ok: false, reason: statusOf(child) };
        const outcome = yield* this.start(child.spec);
        if (outcome.kind === 'failed') return { ok: false, reason: outcome.reason };
        this.#set(child.spec.id, processOf(outcome));
        return replyOf(outcome);
      }
      case 'deleteChild':
        if (child.process !== null) return { ok: false, reason: statusOf(child) };
        this.#remove(child.spec.id);
        return { ok: true };
      case 'childSpec':
        return { ok: true, spec: child.spec };
    }
  }

  /** Of one whose start fails nothing is kept. @see handle_start_child/2 */
  *#startNew(given: OracleSpec): Steps<OracleReply> {
    const fault = faultOfSpec(given, this.flags.autoShutdown);
    if (fault !== null) return { ok: false, reason: fault };
    const spec = resolve(given);
    const known = this.#children.find((one) => one.spec.id === spec.id)?.process;
    if (known === null || known === 'restarting') return { ok: false, reason: 'alreadyPresent' };
    if (known !== undefined) return { ok: false, reason: ['alreadyStarted', known.path] };
    const outcome = yield* this.start(spec);
    if (outcome.kind === 'failed') return { ok: false, reason: outcome.reason, spec: given };
    if (outcome.kind === 'started' || this.tree.rules.isKept(spec.restart))
      this.#children = [...this.#children, { spec, process: processOf(outcome) }];
    return replyOf(outcome);
  }

  /** @see handle_call/3: which_children, count_children */
  protected override snapshot(): OracleSnapshot {
    const supervisors = this.#children.filter(({ spec }) => spec.type === 'supervisor').length;
    return {
      which: this.#children.toReversed().map((child) => ({
        id: child.spec.id,
        child: statusOf(child) === 'running' ? this.pathOf(child.spec.id) : null,
        restarting: child.process === 'restarting',
        type: child.spec.type,
      })),
      count: {
        specs: this.#children.length,
        active: this.#children.filter((child) => statusOf(child) === 'running').length,
        supervisors,
        workers: this.#children.length - supervisors,
      },
    };
  }

  #ids(): string[] {
    return this.#children.map(({ spec }) => spec.id);
  }

  #child(id: string): Child {
    return this.#children.find(({ spec }) => spec.id === id) as Child;
  }

  /** @see set_pid/3 */
  #set(id: string, process: Child['process']): void {
    this.#children = this.#children.map((child) => (child.spec.id === id ? { ...child, process } : child));
  }

  /** It is down; whether its spec stays is up to the rules. @see del_child/2 */
  #delete(id: string): void {
    if (this.tree.rules.isKept(this.#child(id).spec.restart)) this.#set(id, null);
    else this.#remove(id);
  }

  /** @see remove_child/2 */
  #remove(id: string): void {
    this.#children = this.#children.filter(({ spec }) => spec.id !== id);
  }
}

function statusOf({ process }: Child): OracleChildStatus {
  if (process === null) return 'down';
  return process === 'restarting' ? 'restarting' : 'running';
}

function processOf(outcome: StartOutcome): Member | null {
  return outcome.kind === 'started' ? outcome.process : null;
}
