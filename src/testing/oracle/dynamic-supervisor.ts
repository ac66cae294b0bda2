/**
 * Supervisors whose children come and go: OTP's simple_one_for_one, where all are instances of one template, and Elixir's DynamicSupervisor, where each
 * brings its own spec. Instances know nothing of each other, and are stopped all at once.
 *
 * @see OTP supervisor.erl (clauses of simple_one_for_one) · Elixir DynamicSupervisor. Where OTP 25 differs from its successors, the successors
 *   hold: an instance that declines its restart is dropped, and none that was terminated between two attempts is subtracted from the active ones.
 */
import type { ExitReason } from '../../../machines/supervision/exit.js';
import type { OracleCall, OracleReply, OracleSnapshot } from './commands.js';
import { faultOfFlags, faultOfSpec, faultOfSpecs, resolve, type OracleSpec, type ResolvedOracleSpec } from './specs.js';
import { replyOf, Supervising, type SupervisorSelf, type Verdict } from './supervising.js';
import type { Member, StartOutcome, Steps } from './tree.js';

/** One child: the process that runs, or ran last while it is being restarted. */
interface Instance {
  readonly spec: ResolvedOracleSpec;
  process: Member;
  restarting: boolean;
}

/** The body of a supervisor whose children come and go. */
export function dynamicSupervisor(given: SupervisorSelf): Steps {
  return given.flags.strategy === 'dynamic' ? new DynamicSupervisor(given).run() : new SimpleSupervisor(given).run();
}

/** What both have in common. */
abstract class Instances extends Supervising {
  protected instances: readonly Instance[] = [];

  protected override *exited(process: Member, reason: ExitReason): Steps<Verdict> {
    const instance = this.instances.find((one) => one.process === process && !one.restarting);
    if (instance === undefined) return 'goOn';
    const { rules } = this.tree;
    const { restart } = instance.spec;
    if (rules.isReported(restart, reason)) this.report('childTerminated', process.path, reason);
    if (rules.isRestarted(restart, reason)) return yield* this.#restart(instance);
    this.drop(instance);
    return 'goOn';
  }

  protected override *tryAgain(instance: unknown): Steps<Verdict> {
    return this.instances.includes(instance as Instance) ? yield* this.#restart(instance as Instance) : 'goOn';
  }

  /** @see restart/2, restart/3 · DynamicSupervisor restart_child/3 */
  *#restart(instance: Instance): Steps<Verdict> {
    const { path } = instance.process;
    if (!this.mayRestart(path)) {
      this.drop(instance);
      return 'shutdown';
    }
    const outcome = yield* this.start(instance.spec);
    if (outcome.kind === 'failed') {
      this.report('startError', path, this.reasonOf(outcome));
      instance.restarting = true;
      this.tryAgainLater(instance);
    } else if (outcome.kind === 'started') {
      instance.process = outcome.process;
      instance.restarting = false;
    } else this.drop(instance);
    return 'goOn';
  }

  /** Of one that declines or fails nothing is kept. */
  protected *startNew(spec: ResolvedOracleSpec): Steps<OracleReply> {
    const outcome = yield* this.start(spec);
    if (outcome.kind === 'failed') return { ok: false, reason: this.reasonOf(outcome) };
    if (outcome.kind === 'started') this.instances = [...this.instances, { spec, process: outcome.process, restarting: false }];
    return replyOf(outcome);
  }

  protected abstract reasonOf(outcome: StartOutcome & { kind: 'failed' }): unknown;

  protected drop(instance: Instance): void {
    this.instances = this.instances.filter((one) => one !== instance);
  }

  /** The instance that runs, or ran last, as this process; undefined once it has been replaced. */
  protected instanceOf(process: Member | undefined): Instance | undefined {
    return this.instances.find((one) => one.process === process);
  }

  /** Waits for all of `asked`, each no longer than its own limit; then it is killed. @returns why each ended */
  protected *awaitEnds(asked: readonly Instance[]): Steps<ReadonlyMap<Instance, ExitReason>> {
    const { processes } = this.tree;
    const ends = new Map<Instance, ExitReason>();
    const left = new Map(asked.map((instance) => [instance.process, instance]));
    const since = this.tree.nowMs;
    const limits = asked.flatMap(({ spec }) => (typeof spec.shutdownMs === 'number' ? [since + spec.shutdownMs] : []));
    const deadlines = [...new Set(limits)].sort((a, b) => a - b);
    while (left.size > 0) {
      const untilMs = deadlines[0];
      const message = yield { take: (it) => it.type === 'down' && left.has(it.from), ...(untilMs === undefined ? {} : { untilMs }) };
      if (message?.type === 'down') {
        const instance = left.get(message.from) as Instance;
        left.delete(message.from);
        ends.set(instance, processes.unlink(this.self, message.from) ?? message.reason);
        continue;
      }
      deadlines.shift();
      for (const [process, { spec }] of left) if (typeof spec.shutdownMs === 'number' && since + spec.shutdownMs === untilMs) processes.kill(process);
    }
    return ends;
  }

  protected ask({ process, spec }: Instance): void {
    if (spec.shutdownMs === 'brutalKill') this.tree.processes.kill(process);
    else this.tree.processes.exit(this.self, process, 'shutdown');
  }

  protected override snapshot(): OracleSnapshot {
    const supervisors = this.instances.filter(({ spec }) => spec.type === 'supervisor').length;
    return {
      which: this.instances.toReversed().map(({ process, spec, restarting }) => ({
        id: null,
        child: restarting ? null : process.path,
        restarting,
        type: spec.type,
      })),
      count: {
        specs: this.countSpecs(),
        active: this.instances.filter(({ restarting }) => !restarting).length,
        supervisors,
        workers: this.instances.length - supervisors,
      },
    };
  }

  protected abstract countSpecs(): number;
}

/** @see OTP supervisor.erl, strategy simple_one_for_one */
class SimpleSupervisor extends Instances {
  /** @see init_dynamic/2 */
  protected override *init(): Steps<{ reason: unknown } | null> {
    const faultyFlags = faultOfFlags(this.flags);
    if (faultyFlags !== null) return { reason: ['supervisorData', faultyFlags] };
    if (this.specs.length !== 1) return { reason: ['badStartSpec', this.specs] };
    const faultySpec = faultOfSpecs(this.specs, this.flags.autoShutdown);
    return faultySpec === null ? null : { reason: ['startSpec', faultySpec] };
  }

  get #template(): ResolvedOracleSpec {
    return resolve(this.specs[0] as OracleSpec);
  }

  protected override *answer(call: Exclude<OracleCall, { type: 'stop' }>, target: Member | undefined): Steps<OracleReply> {
    if (call.type === 'startChild') {
      const { id, start, stop } = call.spec;
      return yield* this.startNew({ ...this.#template, id, ...(start === undefined ? {} : { start }), ...(stop === undefined ? {} : { stop }) });
    }
    if (call.type === 'childSpec') return call.child === this.#template.id ? { ok: true, spec: this.#template } : { ok: false, reason: 'notFound' };
    if (call.type !== 'terminateChild' || call.by !== 'path') return { ok: false, reason: 'simpleOneForOne' };
    const instance = this.instanceOf(target);
    // A stranger that is dead may have been one of them. @see find_child/2
    if (instance === undefined) return target?.alive === true ? { ok: false, reason: 'notFound' } : { ok: true };
    if (!instance.restarting) {
      const reason = yield* this.shutdown(instance.process, instance.spec);
      if (!this.tree.rules.isExpectedEnd(instance.spec, reason, 'otp')) this.report('shutdownError', instance.process.path, reason);
    }
    this.drop(instance);
    return { ok: true };
  }

  /** All at once, one limit for all; those who ended alike in a wrong way are reported as one. @see terminate_dynamic_children/1 */
  protected override *terminate(): Steps<void> {
    const running = this.instances.filter(({ restarting }) => !restarting);
    for (const { process } of running) this.tree.processes.monitor(this.self, process);
    for (const instance of running) this.ask(instance);
    const alike = new Map<string, { readonly reason: ExitReason; count: number }>();
    for (const [{ spec }, reason] of yield* this.awaitEnds(running)) {
      if (this.tree.rules.isExpectedEnd(spec, reason, 'otp')) continue;
      const key = JSON.stringify(reason);
      alike.set(key, { reason, count: (alike.get(key)?.count ?? 0) + 1 });
    }
    for (const { reason, count } of alike.values()) this.report('shutdownError', this.pathOf(this.#template.id), reason, count);
  }

  protected override reasonOf({ reason }: StartOutcome & { kind: 'failed' }): unknown {
    return reason;
  }

  protected override countSpecs(): number {
    return 1;
  }
}

/** @see Elixir DynamicSupervisor */
class DynamicSupervisor extends Instances {
  protected override *init(): Steps<{ reason: unknown } | null> {
    const faultyFlags = faultOfFlags(this.flags);
    return faultyFlags === null ? null : { reason: ['supervisorData', faultyFlags] };
  }

  /** Those between two attempts take a place too. @see handle_call/3 */
  protected override *answer(call: Exclude<OracleCall, { type: 'stop' }>, target: Member | undefined): Steps<OracleReply> {
    if (call.type === 'startChild') {
      const { maxChildren } = this.flags;
      if (maxChildren !== 'infinity' && this.instances.length >= maxChildren) return { ok: false, reason: 'maxChildren' };
      const fault = faultOfSpec(call.spec, 'never');
      return fault === null ? yield* this.startNew(resolve(call.spec)) : { ok: false, reason: fault };
    }
    const instance = call.type === 'terminateChild' ? this.instanceOf(target) : undefined;
    if (instance === undefined) return { ok: false, reason: 'notFound' };
    yield* this.#terminateAll([instance]);
    this.drop(instance);
    return { ok: true };
  }

  protected override *terminate(): Steps<void> {
    yield* this.#terminateAll(this.instances);
  }

  /** All at once, each with its own limit, then reported one by one. One that died a moment ago is not asked. @see terminate_children/2 */
  *#terminateAll(instances: readonly Instance[]): Steps<void> {
    const { processes, rules } = this.tree;
    const wrong: [Instance, ExitReason][] = [];
    const asked: Instance[] = [];
    for (const instance of instances.filter(({ restarting }) => !restarting)) {
      const ended = processes.unlink(this.self, instance.process);
      if (ended === null) {
        processes.monitor(this.self, instance.process);
        this.ask(instance);
        asked.push(instance);
      } else if (ended !== 'normal' || instance.spec.restart === 'permanent') wrong.push([instance, ended]);
    }
    wrong.push(...[...(yield* this.awaitEnds(asked))].filter(([{ spec }, reason]) => !rules.isExpectedEnd(spec, reason, 'elixir')));
    for (const [{ process }, reason] of wrong) this.report('shutdownError', process.path, reason);
  }

  /** @see DynamicSupervisor exit_reason/3: it catches what a start function throws, and tells it as it is */
  protected override reasonOf(outcome: StartOutcome & { kind: 'failed' }): unknown {
    return 'bare' in outcome ? outcome.bare : outcome.reason;
  }

  protected override countSpecs(): number {
    return this.instances.length;
  }
}
