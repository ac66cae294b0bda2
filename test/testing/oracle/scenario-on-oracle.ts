/** Plays a scenario of the conformance corpus (test/conformance/otp/FORMAT.md §3) on the oracle, and writes down what comes of it as a golden trace is. */
import type { OracleCommand, OracleEffect, OracleReply, OracleSnapshot } from '../../../src/testing/oracle/commands.js';
import { supervisorOracle, type SupervisorOracle } from '../../../src/testing/oracle/oracle.js';
import { otpRules, type OracleRules } from '../../../src/testing/oracle/rules.js';
import type { OracleFlags, OracleSpec, OracleStart, OracleStop } from '../../../src/testing/oracle/specs.js';
import type { Interval, Snapshot, Traced } from '../../conformance/otp/compare.js';
import type { Child, Json, Scenario, StartAction, Step, StopBehaviour, Sup } from '../../conformance/otp/line.js';
import { fromTerm, toExit, toOurs } from '../../conformance/otp/terms.js';
import { kindOf, type Instance, type SupervisorKind } from '../../conformance/otp/tree.js';
import { normalAction } from '../../conformance/otp/worker.js';

/** How long before the next step the supervisors are asked, ms. @see FORMAT.md §4 */
const snapshotLeadMs = 10;
const defaultTailMs = 300;

/** Plays a scenario. @returns one interval for each step, as the adapter of the real tree records them */
export function playOnOracle(scenario: Scenario, rules: OracleRules = otpRules): Interval[] {
  return new OraclePlay(scenario, rules).play();
}

class OraclePlay {
  readonly #scenario: Scenario;
  readonly #oracle: SupervisorOracle;
  /** What kind of supervisor is at each path. */
  readonly #kinds = new Map<string, SupervisorKind>();
  /** Which step each command that is answered came from. */
  readonly #stepOf = new Map<number, number>();
  readonly #trace: Interval[] = [];
  #commands = 0;

  constructor(scenario: Scenario, rules: OracleRules) {
    const { sup = {}, start } = scenario.top as Child;
    this.#scenario = scenario;
    const { children, ...flags } = this.#supervisor(sup, 'top', start);
    this.#oracle = supervisorOracle(flags, children, rules);
  }

  play(): Interval[] {
    const { steps, tail = defaultTailMs } = this.#scenario;
    for (const [index, step] of steps.entries()) {
      const at = step.at ?? 0;
      this.#advanceTo(at);
      this.#trace.push({ step: index, events: [], replies: [], sups: {}, reports: [] });
      this.#stepOf.set(this.#commands, index);
      for (const command of this.#commandsOf(step)) this.#do(command);
      const endMs = steps[index + 1]?.at ?? at + tail;
      this.#advanceTo(endMs - snapshotLeadMs);
      this.#snapshot();
      if (index === steps.length - 1) this.#advanceTo(endMs);
    }
    return this.#trace;
  }

  get #now(): Interval {
    return this.#trace.at(-1) as Interval;
  }

  #do(command: OracleCommand): void {
    this.#commands++;
    for (const effect of this.#oracle.step(command)) this.#note(effect);
  }

  #advanceTo(at: number): void {
    this.#do({ type: 'advance', ms: at - this.#oracle.state.atMs });
  }

  // ---- from the scenario's words to the oracle's

  #commandsOf(step: Step): OracleCommand[] {
    const [path, supervisor, child] = [String(step['id']), String(step['sup']), String(step['id'])];
    const reason = toExit((step['reason'] as Json | undefined) ?? 'normal');
    switch (step.op) {
      case 'start':
        return [{ type: 'start' }];
      case 'wait':
        return [];
      case 'crash':
        return [{ type: 'exit', path, reason }];
      case 'kill':
        return [{ type: 'kill', path }];
      case 'exit_top':
        return [{ type: 'shutdown', reason }];
      case 'stop':
        return [{ type: 'stop', supervisor, reason }];
      case 'start_child':
        return [{ type: 'startChild', supervisor, spec: this.#newChild(step, supervisor) }];
      case 'terminate_child': {
        if (step['by'] !== 'name' && step['by'] !== 'path') return [{ type: 'terminateChild', supervisor, child }];
        return [{ type: 'terminateChild', supervisor, child: step['by'] === 'path' ? child : `${supervisor}/${child}`, by: 'path' }];
      }
      case 'restart_child':
        return [{ type: 'restartChild', supervisor, child }];
      case 'delete_child':
        return [{ type: 'deleteChild', supervisor, child }];
      case 'get_childspec':
        return [{ type: 'childSpec', supervisor, child }];
      default:
        throw new TypeError(`unknown op ${step.op}`);
    }
  }

  #newChild(step: Step, supervisor: string): OracleSpec {
    const { name, start, stop } = (step['args'] as Instance | undefined) ?? {};
    if (name === undefined) return this.#spec(step['child'] as Child, supervisor);
    return { id: name, ...behaviour(start, stop) };
  }

  #spec(child: Child, parent: string): OracleSpec {
    const { id, sup, start, stop, restart, type, significant, shutdown, no_start } = child;
    const path = `${parent}/${String(id)}`;
    return {
      ...given({ id, restart, type, significant, shutdownMs: shutdown }),
      ...(sup === undefined ? behaviour(no_start === true ? [] : start, stop) : { supervisor: this.#supervisor(sup, path, start) }),
    } as OracleSpec;
  }

  #supervisor(sup: Sup, path: string, start: readonly StartAction[] | undefined): OracleFlags & { children: readonly OracleSpec[] } {
    this.#kinds.set(path, kindOf(sup));
    const { strategy, period = 5, intensity = kindOf(sup) === 'dynamic' ? 3 : 1, auto_shutdown, max_children, children = [] } = sup;
    return {
      ...given({ strategy: strategy === 'simple_one_for_one' ? 'simpleOneForOne' : strategy, intensity, autoShutdown: auto_shutdown }),
      ...given({ periodMs: typeof period === 'number' ? period * 1000 : period, maxChildren: max_children }),
      ...(start === undefined ? {} : { start: start.map(startOf) }),
      children: children.map((child) => this.#spec(child, path)),
    };
  }

  // ---- from the oracle's words to the trace's

  #note(effect: OracleEffect): void {
    switch (effect.type) {
      case 'started':
        return this.#event(['start', effect.path]);
      case 'startFailed':
        return this.#event(['start_error', effect.path, fromTerm(effect.reason)]);
      case 'declined':
        return this.#event(['ignore', effect.path]);
      case 'exited':
        return this.#event(['exit', effect.path, fromTerm(effect.reason)], this.#group(effect.path.slice(0, effect.path.lastIndexOf('/'))));
      case 'replied': {
        const step = this.#stepOf.get(effect.step) as number;
        this.#now.replies.push([step, this.#reply(this.#scenario.steps[step] as Step, effect.reply)]);
        return;
      }
      case 'reported': {
        const { supervisor, context, child, reason, count } = effect;
        const entry = [supervisor, fromTerm(context), child, fromTerm(reason), ...(count === undefined ? [] : [count])];
        this.#now.reports.push({ entry, group: this.#group(supervisor) });
      }
    }
  }

  #event(entry: Traced['entry'], group: string | null = null): void {
    this.#now.events.push({ entry, group });
  }

  #group(supervisor: string): string | null {
    const kind = this.#kinds.get(supervisor);
    return kind === undefined || kind === 'static' ? null : supervisor;
  }

  #reply(step: Step, reply: OracleReply): Json {
    if (!reply.ok) {
      const reason = fromTerm(reply.reason);
      const crashed = step.op === 'start' && Array.isArray(reason) && reason[0] === 'EXIT';
      if (crashed) return ['exit', (reason as readonly Json[])[1] ?? null];
      if (reply.exit === true) return ['exit', reason];
      return reply.spec === undefined ? ['error', reason] : ['error', reason, '$child'];
    }
    if (reply.spec !== undefined) {
      const { id, restart, shutdownMs, significant, type } = reply.spec;
      return ['ok', { id, restart, shutdown: fromTerm(shutdownMs), significant, type }];
    }
    if (reply.child === undefined) return 'ok';
    if (reply.child === null) return step.op === 'start' || this.#kinds.get(String(step['sup'])) === 'dynamic' ? 'ignore' : ['ok', null];
    return reply.info === undefined ? ['ok', reply.child] : ['ok', reply.child, fromTerm(reply.info)];
  }

  #snapshot(): void {
    for (const [path, snapshot] of Object.entries(this.#oracle.state.supervisors)) this.#now.sups[path] = snapshotOf(snapshot);
  }
}

function snapshotOf(snapshot: OracleSnapshot): Snapshot {
  if (snapshot === 'busy') return snapshot;
  const { which, count } = snapshot;
  return {
    which: which.map(({ id, child, restarting, type }) => [id, restarting ? 'restarting' : child, type]),
    count: [count.specs, count.active, count.supervisors, count.workers],
  };
}

function startOf(action: StartAction): OracleStart {
  const { do: what, delayMs, reason, extra, dieAfterMs } = normalAction(action);
  if (what === 'ok') return { do: 'ok', delayMs, reason: toExit(reason), ...given({ info: extra, endsAfterMs: dieAfterMs }) };
  if (what === 'ignore') return { do: 'decline', delayMs };
  return what === 'exit' ? { do: 'crash', delayMs, reason } : { do: 'fail', delayMs, reason: what === 'bad' ? 'bad_value' : reason };
}

function behaviour(start: readonly StartAction[] | undefined, stop: StopBehaviour | undefined): Pick<OracleSpec, 'start' | 'stop'> {
  return { ...(start === undefined ? {} : { start: start.map(startOf) }), ...(stop === undefined ? {} : { stop: stopOf(stop) }) };
}

function stopOf(stop: StopBehaviour): OracleStop {
  if (typeof stop === 'string') return stop;
  return { ...(stop.delay === undefined ? {} : { delayMs: stop.delay }), ...(stop.reason === undefined ? {} : { reason: toExit(stop.reason) }) };
}

/** The fields that a scenario gives, in our words. */
function given(fields: Readonly<Record<string, Json | undefined>>): object {
  return Object.fromEntries(Object.entries(fields).flatMap(([key, value]) => (value === undefined ? [] : [[key, toOurs(value)]])));
}
