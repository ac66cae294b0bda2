/** The Task.Supervisor ops of the corpus over our task supervisor. @see FORMAT.md §6 */
import { createActor, type AnyActorRef } from 'xstate';

import {
  Exit,
  exit,
  exitReason,
  monitor,
  taskSupervisor,
  taskSupervisorHandle,
  type ExitReason,
  type Task,
  type TaskFn,
  type TaskOutcome,
  type TaskSupervisor,
} from '../../../src/index.js';
import { textOf } from './compare.js';
import type { Json, Step } from './line.js';
import { spawnProcess, type ProcessEvent } from './process.js';
import { fromTerm, toExit } from './terms.js';
import type { World } from './world.js';

/** What a task does. */
interface Body {
  readonly sleep?: number;
  readonly return?: Json;
  readonly crash?: Json;
  readonly raise?: boolean;
}

/** What Elixir's `raise "…"` throws. */
class RuntimeError extends Error {
  override readonly name = 'RuntimeError';
}

/** Elixir's timeout of await and of the elements of a stream, ms. */
const defaultTimeoutMs = 5_000;

/** The ops in which a caller waits, and may be ended. */
const waiting: ReadonlySet<string> = new Set(['await', 'yield', 'yield_many', 'shutdown', 'async_stream']);

/** A process that runs the ops: its actor, and its mailbox. */
interface Caller {
  readonly ref: AnyActorRef;
  mailbox: { readonly task: string; readonly message: Json }[];
}

interface Known {
  readonly ref: AnyActorRef;
  /** Present for tasks whose result is awaited. */
  readonly task?: Task<Json>;
  /** Its messages were taken out of the mailbox: awaiting it again finds nothing. */
  consumed: boolean;
}

export class TaskOps {
  readonly #world: World;
  readonly #driver: AnyActorRef;
  readonly #callers = new Map<string, Caller>();
  readonly #tasks = new Map<string, Known>();
  readonly #runs = new Map<string, number>();
  #supervisor: TaskSupervisor | undefined;

  constructor(world: World, driver: AnyActorRef) {
    this.#world = world;
    this.#driver = driver;
  }

  /** Is it alive? Null for a name that is none of ours. */
  alive(name: string): boolean | null {
    const ref = name === '$sup' ? this.#supervisor?.ref : (this.#tasks.get(name) ?? this.#callers.get(name))?.ref;
    return ref === undefined ? null : exitReason(ref) === null;
  }

  /** Runs one op; null when it is none of ours. */
  play(step: Step): Promise<Json> | null {
    const op = this.#ops[step.op];
    if (op === undefined) return null;
    const caller = this.#callers.get(String(step['c']));
    return caller !== undefined && waiting.has(step.op) ? this.#asCaller(caller, op(step)) : op(step);
  }

  /** An op that waits ends when its caller does. */
  async #asCaller(caller: Caller, pending: Promise<Json>): Promise<Json> {
    const result = await pending;
    const died = exitReason(caller.ref);
    return died === null ? result : ['caller_exit', reasonOf(died)];
  }

  readonly #ops: Readonly<Record<string, (step: Step) => Promise<Json>>> = {
    supervisor: async (step) => {
      const options = step['max_children'] === undefined ? {} : { maxChildren: step['max_children'] as number };
      const ref = createActor(taskSupervisor(options), { id: 'tasks', parent: this.#driver }).start();
      this.#supervisor = taskSupervisorHandle(ref);
      return 'ok';
    },
    caller: async (step) => {
      const name = String(step['c']);
      const caller: Caller = { ref: spawnProcess(this.#driver, name, step['trap'] === true, (event) => this.#heard(caller, event)), mailbox: [] };
      this.#callers.set(name, caller);
      return 'ok';
    },
    async: (step) => this.#async(step, true),
    async_nolink: (step) => this.#async(step, false),
    await: async (step) => {
      const known = this.#known(step);
      const timeoutMs = (step['timeout'] as number | undefined) ?? defaultTimeoutMs;
      const outcome = known.consumed ? await this.#late(timeoutMs) : await known.task.await(timeoutMs);
      this.#consume(step);
      return outcome === null ? ['exit', 'timeout'] : resultOf(outcome);
    },
    yield: async (step) => this.#yield(String(step['t']), Number(step['timeout'])),
    yield_many: async (step) => Promise.all((step['ts'] as string[]).map((name) => this.#yield(name, Number(step['timeout'])))),
    shutdown: async (step) => {
      const { task, ref, consumed } = this.#known(step);
      const dead = exitReason(ref) !== null;
      const outcome = await task.shutdown(step['how'] === 'brutal_kill' ? 'brutalKill' : Number(step['how']));
      this.#consume(step);
      // What was taken from the mailbox is not found again; an end that shutdown brought about is.
      return outcome === null || (consumed && (dead || outcome.ok)) ? null : resultOf(outcome);
    },
    messages: async (step) => {
      const caller = this.#caller(step);
      const messages = caller.mailbox.map(({ message }) => message).sort((a, b) => (textOf(a) < textOf(b) ? -1 : 1));
      for (const { task } of caller.mailbox) (this.#tasks.get(task) as Known).consumed = true;
      caller.mailbox = [];
      return messages;
    },
    start_child: async (step) => {
      const name = String(step['t']);
      const restart = step['restart'] as 'temporary' | 'transient' | 'permanent' | undefined;
      const started = this.#sup.start(this.#body(name, step['do'] as Body | Body[]), { name, ...(restart === undefined ? {} : { restart }) });
      if (!started.ok) return ['error', fromTerm(started.reason)];
      this.#tasks.set(name, { ref: started.task.ref, consumed: true });
      return 'ok';
    },
    runs: async (step) => this.#runs.get(String(step['t'])) ?? 0,
    children: async () => this.#sup.count(),
    terminate_child: async (step) => {
      const known = this.#tasks.get(String(step['t']));
      if (known === undefined) throw new TypeError(`no task was ever called ${String(step['t'])}`);
      const done = this.#sup.terminate(known);
      return done.ok ? 'ok' : ['error', fromTerm(done.reason)];
    },
    stop_sup: async () => {
      await this.#sup.stop();
      return 'ok';
    },
    exit: async (step) => {
      const caller = this.#callers.get(String(step['p']));
      if (caller === undefined) throw new TypeError(`no process was ever called ${String(step['p'])}`);
      caller.ref.send({ type: 'test.exit', reason: step['reason'] });
      return 'ok';
    },
    async_stream: (step) => this.#stream(step),
  };

  get #sup(): TaskSupervisor {
    if (this.#supervisor === undefined) throw new TypeError('no supervisor yet');
    return this.#supervisor;
  }

  #caller(step: Step): Caller {
    const caller = this.#callers.get(String(step['c']));
    if (caller === undefined) throw new TypeError(`no caller was ever called ${String(step['c'])}`);
    return caller;
  }

  #known(step: Step): Known & { readonly task: Task<Json> } {
    const known = this.#tasks.get(String(step['t']));
    if (known?.task === undefined) throw new TypeError(`no awaited task was ever called ${String(step['t'])}`);
    return known as Known & { readonly task: Task<Json> };
  }

  /** Its messages are out of the mailbox now, those that would still come included (Elixir: demonitor with flush). */
  #consume(step: Step): void {
    const name = String(step['t']);
    (this.#tasks.get(name) as Known).consumed = true;
    for (const caller of this.#callers.values()) caller.mailbox = caller.mailbox.filter(({ task }) => task !== name);
  }

  #heard(caller: Caller, event: ProcessEvent): void {
    if (event.type !== 'monitor.down' || this.#tasks.get(event.ref)?.consumed !== false) return;
    caller.mailbox.push({ task: event.ref, message: ['DOWN', event.ref, reasonOf(event.reason)] });
  }

  async #async(step: Step, link: boolean): Promise<Json> {
    const name = String(step['t']);
    const caller = this.#caller(step);
    const started = this.#sup.async(this.#body(name, step['do'] as Body | Body[]), {
      owner: caller.ref,
      link,
      name,
      trapExit: step['trap'] === true,
    });
    if (!started.ok) return ['raise', 'RuntimeError'];
    const { task } = started;
    const known: Known = { ref: task.ref, task, consumed: false };
    this.#tasks.set(name, known);
    monitor(caller.ref, task.ref, name);
    void task.outcome.then((outcome) => {
      if (outcome.ok && !known.consumed) caller.mailbox.push({ task: name, message: ['reply', outcome.value] });
    });
    return 'ok';
  }

  async #yield(name: string, timeoutMs: number): Promise<Json> {
    const known = this.#known({ op: 'yield', t: name });
    const outcome = known.consumed ? await this.#late(timeoutMs) : await known.task.yield(timeoutMs);
    if (outcome === null) return null;
    this.#consume({ op: 'yield', t: name });
    return resultOf(outcome);
  }

  /** Waiting for what was taken already. */
  #late(timeoutMs: number): Promise<null> {
    return new Promise((done) => this.#world.clock.setTimeout(() => done(null), timeoutMs));
  }

  async #stream(step: Step): Promise<Json> {
    const { max_concurrency: maxConcurrency, ordered, timeout, on_timeout: onTimeout, nolink, take } = step;
    const outcomes = this.#sup.stream(step['items'] as Body[], (body) => this.#run(body), {
      owner: this.#caller(step).ref,
      link: nolink !== true,
      maxConcurrency: Number(maxConcurrency),
      ordered: ordered !== false,
      deadlineMs: (timeout as number | undefined) ?? defaultTimeoutMs,
      onTimeout: onTimeout === 'kill_task' ? 'killTask' : 'exit',
    });
    const results: Json[] = [];
    if (take === 0) return results;
    try {
      for await (const outcome of outcomes) {
        // Elixir raises in the caller where a task cannot be started; ours says so and goes on.
        if (!outcome.ok && outcome.reason === 'maxChildren') return this.#raise(step);
        results.push(resultOf(outcome as TaskOutcome<Json>));
        if (results.length === take) break;
      }
    } catch (error) {
      // The stream exits its caller; here that is caught.
      return ['exit', reasonOf(error instanceof Exit ? error.reason : { crash: error })];
    }
    return results;
  }

  /** The caller dies of what it did not rescue. */
  #raise(step: Step): Json {
    const reason: Json = ['raised', 'RuntimeError'];
    exit(this.#caller(step).ref, { crash: reason });
    return ['caller_exit', reason];
  }

  /** A task's function: a list of bodies is one for each run, the last repeating. */
  #body(name: string, plan: Body | readonly Body[]): TaskFn<Json> {
    const bodies = Array.isArray(plan) ? (plan as readonly Body[]) : [plan as Body];
    return () => {
      const run = this.#runs.get(name) ?? 0;
      this.#runs.set(name, run + 1);
      return this.#run(bodies[Math.min(run, bodies.length - 1)] ?? {});
    };
  }

  async #run(body: Body): Promise<Json> {
    const { sleep = 0 } = body;
    if (sleep > 0) await new Promise<void>((done) => this.#world.clock.setTimeout(done, sleep));
    if (body.raise === true) throw new RuntimeError('raised');
    if (body.crash !== undefined) throw new Exit(toExit(body.crash));
    return body.return ?? null;
  }
}

/** `["ok", v]`, or `["exit", reason]`. */
function resultOf(outcome: TaskOutcome<Json> | { readonly ok: false; readonly reason: 'timeout' }): Json {
  return outcome.ok ? ['ok', outcome.value] : ['exit', reasonOf(outcome.reason)];
}

/** A reason as Elixir has it: a deadline is a `timeout`, a raised error is a tuple of its name. */
function reasonOf(reason: ExitReason | 'timedOut' | 'timeout' | 'cancelled' | 'lost' | 'noproc'): Json {
  if (reason === 'timedOut') return 'timeout';
  if (typeof reason === 'object' && 'crash' in reason && reason.crash instanceof Error) return ['raised', reason.crash.name];
  return fromTerm(reason);
}
