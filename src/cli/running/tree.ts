/** What `espalier run` can run, and how it is seen and stopped. */
import type { AnyActorLogic, AnyActorRef } from 'xstate';
import { isClean } from '../../../machines/supervision/exit.js';
import { Application, applicationFacts } from '../../application/handle.js';
import { wordsOf } from '../../application/keeper.js';
import type { RestoredServices } from '../../application/saved-services.js';
import { longestMs } from '../../option-checks.js';
import { systemClock } from '../../supervision/clock.js';
import type { ExitReport } from '../../supervision/exit-report.js';
import type { App, StartEnvironment } from '../../supervision/orchestrator.js';
import { exit, exitReason, onExit } from '../../supervision/watch.js';
import { bare } from '../conceal.js';
import { load, parted } from '../machine-module.js';
import { usageError } from '../usage.js';

/** What has not started yet. */
export interface Startable {
  readonly actors: Readonly<Record<string, AnyActorLogic>>;
  start(environment: StartEnvironment): Application | App;
}

/** What a module exports to be run. @throws EspalierError `cli/usage`, `cli/invalid-module` */
export async function startableOf(word: string, directory: string): Promise<Startable> {
  const { module, name } = parted(word, directory);
  const exported = await load(module, directory);
  const found = name === undefined ? (exported['app'] ?? exported['default']) : exported[name];
  const made: unknown = typeof found === 'function' ? await (found as () => unknown)() : await found;
  const { actors, start } = (typeof made === 'object' && made !== null ? made : {}) as Partial<Startable>;
  if (typeof start === 'function' && typeof actors === 'object') return made as Startable;
  const where = name === undefined ? '`app` or by default' : `\`${name}\``;
  throw usageError(`an application or an orchestrator that has not started, which ${bare(module)} exports as ${where}`, Object.keys(exported));
}

/** Is a supervisor with this snapshot at its end, or on the way to it? */
export function isOver(snapshot: unknown): boolean {
  const { status, value } = snapshot as { readonly status: string; readonly value: string | object };
  const place = typeof value === 'string' ? value : Object.keys(value)[0];
  return status !== 'active' || place === 'stopping' || place === 'draining';
}

/** A tree that runs. */
export class RunningTree {
  readonly ref: AnyActorRef;
  readonly #running: Application | App;
  #fault: string | null = null;

  constructor(running: Application | App) {
    this.#running = running;
    this.ref = running.ref;
    this.#watch();
  }

  /** Settles when it runs, with how its services stand; null where it has failed first, or was stopped. */
  async ready(): Promise<Readonly<Record<string, string>> | null> {
    const running = this.#running;
    if (!(running instanceof Application)) return (await running.started()).ok ? {} : null;
    // Its services have deadlines of their own.
    const ready = await running.whenReady({ deadlineMs: longestMs });
    return ready.ok ? Object.fromEntries(running.status().services.map(({ id, state }) => [id, state])) : null;
  }

  /** Has it failed, or does it end? What it is then is no place to go on from. */
  isEnding(): boolean {
    const running = this.#running;
    if (exitReason(this.ref) !== null || this.#fault !== null) return true;
    if (running instanceof Application) return ['stopping', 'stopped', 'failed'].includes(running.status().state);
    return isOver(running.ref.getSnapshot());
  }

  /** Which services go on, and which do not; nothing of a tree of supervisors. */
  restored(): Partial<RestoredServices> {
    return this.#running instanceof Application ? (this.#running.restored ?? {}) : {};
  }

  getPersistedSnapshot(): unknown {
    return this.#running.getPersistedSnapshot();
  }

  /** Calls back with each fact worth a line. */
  hear(tell: (fact: { readonly type: string }) => void): void {
    const running = this.#running;
    if (running instanceof Application) for (const type of applicationFacts) running.on(type, tell);
    else
      for (const type of ['child.started', 'child.exited', 'child.restarted', 'supervisor.gaveUp'] as const)
        running.on(type, (fact) => tell(plain(fact)));
  }

  async stop(graceMs: number): Promise<ExitReport> {
    const running = this.#running;
    if (running instanceof Application) return running.stop({ graceMs });
    const timer = systemClock.setTimeout(() => exit(running.ref, 'kill'), graceMs);
    try {
      return await running.stop({ reason: 'shutdown' });
    } finally {
      systemClock.clearTimeout(timer);
    }
  }

  ended(): Promise<ExitReport> {
    return this.#running.ended();
  }

  /** Why it failed; null where it ended in order. */
  failure({ reason, killed }: ExitReport): string | null {
    const own = this.#running instanceof Application ? this.#running.status().failure : null;
    if (own !== null) return `${own.id ?? 'the application'}: ${own.why}`;
    if (killed.length > 0) return `killed: ${killed.join(', ')}`;
    return isClean(reason) ? this.#fault : wordsOf(reason);
  }

  /** A supervisor that gave up ends `shutdown`, as one does that was asked to; so does an application of which somebody had to be killed. */
  #watch(): void {
    if (this.#running instanceof Application) {
      this.#running.on('application.killed', ({ running }) => {
        this.#fault = `killed: ${running.join(', ')}`;
      });
      return;
    }
    this.#running.on('supervisor.gaveUp', ({ id, reason }) => {
      this.#fault = `it gave up on ${id}: ${wordsOf(reason ?? 'its starts failed')}`;
    });
  }

  whenOver(call: () => void): void {
    onExit(this.ref, call);
  }
}

/** Facts of a supervisor hold errors, and what a child said: in words, what was wrong. */
function plain(fact: { readonly type: string; readonly id?: string; readonly reason?: unknown; readonly cause?: unknown }): {
  readonly type: string;
} {
  const { type, id, reason, cause } = fact;
  const why = reason ?? cause;
  return { type, ...(id === undefined ? {} : { id }), ...(why === undefined || why === null ? {} : { why: wordsOf(why) }) };
}
