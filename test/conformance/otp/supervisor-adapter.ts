/** Plays a scenario of kind `supervisor` on our supervisors. @see FORMAT.md §3, §4, §8 */
import { createActor, type AnyActorRef, type InspectionEvent } from 'xstate';

import {
  dynamicSupervisor,
  EspalierError,
  exit,
  onExit,
  supervisor,
  supervisorHandle,
  type ChildSpec,
  type SupervisorHandle,
} from '../../../src/index.js';
import { differenceOfIntervals, textOf, type Interval, type Snapshot } from './compare.js';
import type { Child, Json, Line, Outcome, Step } from './line.js';
import { fromTerm, toExit } from './terms.js';
import { logicsOf, topOwner, TreeBuilder, type Instance, type Owner } from './tree.js';
import { World } from './world.js';

/** One actor of the tree, one incarnation. */
interface Process {
  readonly owner: Owner;
  readonly ref: AnyActorRef;
  alive: boolean;
  /** A supervisor's children, each the latest incarnation, by the ids that it calls them by: those are the ids of the actors. */
  readonly children: Map<string, Process>;
  /** Stop requests that it was sent. */
  stops: number;
}

/** How long before the next step the supervisors are asked, ms. */
const snapshotLeadMs = 10;
const defaultTailMs = 300;

/** Plays one line and compares it with its golden trace. */
export async function playSupervisor(line: Line): Promise<Outcome> {
  const difference = differenceOfIntervals(line.golden['intervals'] ?? null, await new SupervisorPlay(line).play());
  return difference === null ? { status: 'passed' } : { status: 'failed', difference };
}

class SupervisorPlay {
  readonly #line: Line;
  readonly #world = new World();
  readonly #tree = new TreeBuilder();
  readonly #top: Child;
  /** The current or latest process of each path. */
  readonly #processes = new Map<string, Process>();
  /** Every actor ever made, and the last one of each path, started or not. */
  readonly #known = new WeakMap<object, Process>();
  readonly #latest = new Map<string, Process>();
  readonly #trace: Interval[] = [];

  constructor(line: Line) {
    if (line.scenario.top?.sup === undefined) throw new TypeError('a scenario of kind supervisor needs a `top` with `sup`');
    this.#line = line;
    this.#top = line.scenario.top;
  }

  async play(): Promise<Interval[]> {
    const { steps, tail = defaultTailMs } = this.#line.scenario;
    for (const [index, step] of steps.entries()) {
      await this.#world.advanceTo(step.at ?? 0);
      this.#trace.push({ step: index, events: [], replies: [], sups: {}, reports: [] });
      this.#apply(index, step);
      const endMs = steps[index + 1]?.at ?? (step.at ?? 0) + tail;
      await this.#world.advanceTo(endMs - snapshotLeadMs);
      await this.#snapshot(index);
      if (index === steps.length - 1) await this.#world.advanceTo(endMs);
    }
    return this.#trace;
  }

  get #now(): Interval {
    return this.#trace.at(-1) as Interval;
  }

  // ---- what the tree does

  /** Every actor is seen as it is made, before it starts, so that no fact is missed. */
  #inspected(event: InspectionEvent): void {
    if (event.type !== '@xstate.actor') return;
    const ref = event.actorRef as AnyActorRef & { readonly options?: { readonly input?: unknown } };
    const owner = this.#tree.ownerOf(ref.options?.input);
    if (owner !== undefined) this.#watch(ref, owner);
  }

  #watch(ref: AnyActorRef, owner: Owner): Process {
    const process: Process = { owner, ref, alive: false, children: new Map(), stops: 0 };
    this.#known.set(ref, process);
    this.#latest.set(owner.path, process);
    this.#parentOf(owner)?.children.set(ref.id, process);
    if (owner.kind !== 'worker') ref.on('*', (fact) => this.#emitted(process, fact as unknown as Fact));
    return process;
  }

  #emitted(from: Process, fact: Fact): void {
    if (fact.type === 'child.started') this.#started(this.#childOf(from, fact.id));
    else if (fact.type === 'child.startFailed') this.#event(['start_error', this.#pathOf(from, fact.id), this.#term(fact.reason)]);
    else if (fact.type === 'child.declined') this.#event(['ignore', this.#pathOf(from, fact.id)]);
    else if (fact.type === 'supervisor.report') this.#reported(from, fact);
  }

  #event(entry: readonly Json[], group: string | null = null): void {
    this.#now.events.push({ entry, group });
  }

  /** The latest supervisor at the path above. */
  #parentOf({ path }: Owner): Process | undefined {
    return path === 'top' ? undefined : this.#latest.get(path.slice(0, path.lastIndexOf('/')));
  }

  #childOf(from: Process, id: string): Process {
    const child = from.children.get(id);
    if (child === undefined) throw new Error(`${from.owner.path} speaks of a child ${id}, which was never made`);
    return child;
  }

  #pathOf(from: Process, id: string): string {
    return this.#childOf(from, id).owner.path;
  }

  #started(process: Process): void {
    const { path } = process.owner;
    process.alive = true;
    this.#processes.set(path, process);
    this.#event(['start', path]);
    // Children of a concurrent supervisor stop in no order.
    const above = this.#parentOf(process.owner)?.owner;
    const group = above === undefined || above.kind === 'static' ? null : above.path;
    onExit(process.ref, (reason) => {
      process.alive = false;
      this.#event(['exit', path, this.#term(reason)], group);
    });
  }

  #reported(from: Process, report: Fact): void {
    const { path, kind, template } = from.owner;
    const grouped = report.count !== undefined;
    const child = grouped ? `${path}/${template?.id ?? report.id}` : this.#pathOf(from, report.id);
    const entry: Json[] = [path, fromTerm(report.context), child, this.#term(report.reason), ...(grouped ? [report.count] : [])];
    this.#now.reports.push({ entry, group: kind === 'static' ? null : path });
  }

  #term(term: unknown): Json {
    return fromTerm(term, (value) => this.#known.get(value)?.owner.path ?? ('sessionId' in value ? '(an unknown actor)' : undefined));
  }

  // ---- what the driver does

  #apply(index: number, step: Step): void {
    const path = String(step['id']);
    const process = this.#processes.get(path);
    switch (step.op) {
      case 'start':
        return this.#start(index);
      case 'wait':
        return;
      case 'crash':
        if (process?.alive === true) process.ref.send({ type: 'test.crash', reason: step['reason'] as Json });
        return;
      case 'kill':
        if (process?.alive === true) exit(process.ref, 'kill');
        return;
      case 'exit_top':
        return this.#exitTop(step['reason'] as Json);
      default:
        return this.#call(index, step);
    }
  }

  #exitTop(reason: Json): void {
    const top = this.#processes.get('top');
    if (top?.alive === true) supervisorHandle(top.ref).shutdown(toExit(reason));
  }

  #start(index: number): void {
    const sup = this.#top.sup ?? {};
    const owner = topOwner(sup);
    const options = { ...this.#tree.input(sup, 'top', this.#top.start), actors: logicsOf(this.#world, this.#top, this.#line.scenario.steps) };
    let top: Process;
    try {
      const logic = owner.kind === 'static' ? supervisor(options) : dynamicSupervisor(options);
      const inspect = this.#world.inspect((event) => this.#inspected(event));
      top = this.#watch(createActor(logic, { id: 'top', clock: this.#world.clock, inspect }), owner);
    } catch (error) {
      if (!(error instanceof EspalierError)) throw error;
      return this.#refused(index, error.details.term);
    }
    const seen = top.ref.subscribe({
      next: (snapshot: { readonly status: string; hasTag(tag: string): boolean }) => {
        if (snapshot.status !== 'active' || snapshot.hasTag('starting')) return;
        seen.unsubscribe();
        this.#started(top);
      },
      error: () => undefined,
    });
    void this.#answer(index, this.#startOf(top));
    (top.ref as ReturnType<typeof createActor>).start();
  }

  async #startOf(top: Process): Promise<Json> {
    const result = await supervisorHandle(top.ref).started();
    if (!result.ok) return this.#failed(result.reason);
    if (!('declined' in result)) return ['ok', 'top'];
    this.#event(['ignore', 'top']);
    return 'ignore';
  }

  #refused(index: number, term: unknown): void {
    this.#now.replies.push([index, this.#failed(term)]);
  }

  /** The top did not start: the event, and what its parent hears. */
  #failed(term: unknown): Json {
    const reason = this.#term(term);
    this.#event(['start_error', 'top', reason]);
    return Array.isArray(reason) && reason[0] === 'EXIT' ? ['exit', (reason as readonly Json[])[1] ?? null] : ['error', reason];
  }

  // ---- calls

  #call(index: number, step: Step): void {
    const path = String(step['sup']);
    const process = this.#processes.get(path);
    if (process === undefined) {
      this.#now.replies.push([index, ['exit', 'noproc']]);
      return;
    }
    void this.#answer(index, this.#result(process, supervisorHandle(process.ref), step));
  }

  async #answer(index: number, pending: Promise<Json>): Promise<void> {
    let result: Json;
    try {
      result = await pending;
    } catch (error) {
      // Misuse, a child spec that says nonsense, is thrown; OTP answers with a term.
      if (error instanceof EspalierError && error.details.term !== undefined) result = ['error', this.#term(error.details.term)];
      else result = ['the call threw', error instanceof Error ? `${error.name}: ${error.message}` : String(error)];
    }
    this.#now.replies.push([index, result]);
  }

  async #result(process: Process, handle: SupervisorHandle, step: Step): Promise<Json> {
    const id = String(step['id']);
    switch (step.op) {
      case 'start_child':
        return this.#childResult(process, await handle.startChild(this.#newChild(process, step)));
      case 'restart_child':
        return this.#childResult(process, await handle.restartChild(id));
      case 'terminate_child':
        return this.#done(await handle.terminateChild(this.#target(process, step)));
      case 'delete_child':
        return this.#done(await handle.deleteChild(id));
      case 'get_childspec':
        return this.#specResult(await handle.childSpec(id));
      case 'stop':
        return this.#stop(process, handle, step['reason'] as Json | undefined);
      default:
        throw new TypeError(`unknown op ${step.op}`);
    }
  }

  #newChild(process: Process, step: Step): Partial<ChildSpec> {
    const args = step['args'] as Instance | undefined;
    return args === undefined ? this.#tree.spec(step['child'] as Child, process.owner.path) : this.#tree.instance(process.owner, args);
  }

  #target(process: Process, step: Step): string | AnyActorRef {
    const id = String(step['id']);
    if (step['by'] !== 'name' && step['by'] !== 'path') return id;
    const path = step['by'] === 'path' ? id : `${process.owner.path}/${id}`;
    const target = this.#processes.get(path) ?? this.#latest.get(path);
    if (target === undefined) throw new TypeError(`no process was ever at ${path}`);
    return target.ref;
  }

  #childResult(process: Process, result: Awaited<ReturnType<SupervisorHandle['startChild']>>): Json {
    if (!result.ok) {
      const reason = this.#term(result.reason);
      if (result.exit === true) return ['exit', reason];
      return result.child === undefined ? ['error', reason] : ['error', reason, '$child'];
    }
    if (result.ref === null) return process.owner.kind === 'dynamic' ? 'ignore' : ['ok', null];
    return result.info === undefined ? ['ok', this.#term(result.ref)] : ['ok', this.#term(result.ref), this.#term(result.info)];
  }

  #done(result: Awaited<ReturnType<SupervisorHandle['deleteChild']>>): Json {
    if (result.ok) return 'ok';
    return [result.exit === true ? 'exit' : 'error', this.#term(result.reason)];
  }

  #specResult(result: Awaited<ReturnType<SupervisorHandle['childSpec']>>): Json {
    if (!result.ok) return this.#done(result);
    const { id, restart, shutdownMs, significant, type } = result.spec;
    return ['ok', { id, restart, shutdown: this.#term(shutdownMs), significant, type }];
  }

  /**
   * A stop request succeeds when the supervisor serves it and exits with the reason that was asked for. One that is still queued when the supervisor
   * dies of something else is a failed call, like any other, though the reason be the same. @see OTP proc_lib:stop/3
   */
  async #stop(process: Process, handle: SupervisorHandle, asked: Json = 'normal'): Promise<Json> {
    if (!process.alive) return ['exit', 'noproc'];
    const first = process.stops++ === 0;
    const reason = this.#term((await handle.stop({ reason: toExit(asked) })).reason);
    return first && stopsQueued(process.ref) < process.stops && textOf(reason) === textOf(asked) ? 'ok' : ['exit', reason];
  }

  // ---- snapshots

  async #snapshot(index: number): Promise<void> {
    const golden = (this.#line.golden['intervals'] as readonly { readonly sups?: Readonly<Record<string, Json>> }[] | undefined)?.[index]?.sups ?? {};
    const answers = new Map<string, Snapshot>();
    for (const process of [...this.#processes.values()]) {
      const { kind, path } = process.owner;
      if (kind === 'worker' || !process.alive) continue;
      answers.set(path, 'busy');
      // Asking a blocked supervisor would leave a question in its mailbox.
      if (golden[path] !== 'busy') void this.#ask(process).then((snapshot) => answers.set(path, snapshot));
    }
    await this.#world.flush();
    for (const [path, snapshot] of answers) this.#now.sups[path] = snapshot;
  }

  async #ask(process: Process): Promise<Snapshot> {
    const handle = supervisorHandle(process.ref);
    const [which, count] = await Promise.all([handle.whichChildren(), handle.countChildren()]);
    return {
      which: which.map(({ id, ref, restarting, type }) => [id, restarting ? 'restarting' : ref === null ? null : this.#term(ref), type]),
      count: [count.specs, count.active, count.supervisors, count.workers],
    };
  }
}

/** The facts that are recorded, as far as they are read here. */
interface Fact {
  readonly type: string;
  readonly id: string;
  readonly reason?: unknown;
  readonly context: string;
  readonly count?: number;
}

/** How many stop requests wait in a supervisor's mailbox. It serves at most one, the first: that one ends it. */
function stopsQueued(supervisor: AnyActorRef): number {
  const { mailbox } = (supervisor.getSnapshot() as { readonly context: { readonly mailbox: readonly { readonly type: string }[] } }).context;
  return mailbox.filter((message) => message.type === 'supervisor.stop').length;
}
