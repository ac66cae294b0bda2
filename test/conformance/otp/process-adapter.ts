/** Plays a scenario of kind `process` on our links, monitors and exit signals. @see FORMAT.md §5 */
import type { AnyActorRef } from 'xstate';

import { exit, exitReason, link, monitor, onExit, unlink, type Monitor } from '../../../src/index.js';
import { difference, textOf } from './compare.js';
import type { Difference, Json, Line, Outcome, Step } from './line.js';
import { isTrapping, spawnProcess, type ProcessEvent } from './process.js';
import { fromTerm, toExit } from './terms.js';
import { World } from './world.js';

const defaultTailMs = 50;

/** What happened to each process in one interval, and what the step returned. */
interface ProcessInterval {
  readonly step: number;
  readonly procs: Map<string, Json[]>;
  reply: Json;
}

/** Plays one line and compares it with its golden trace. */
export async function playProcess(line: Line): Promise<Outcome> {
  const play = new ProcessPlay();
  const trace = await play.play(line);
  const found = differenceOf(line, trace) ?? difference('alive', line.golden['alive'] ?? null, play.alive());
  return found === null ? { status: 'passed' } : { status: 'failed', difference: found };
}

class ProcessPlay {
  readonly #world = new World();
  readonly #driver = this.#world.driver();
  readonly #processes = new Map<string, AnyActorRef>();
  readonly #names = new WeakMap<object, string>();
  readonly #monitors = new Map<string, Monitor>();
  readonly #trace: ProcessInterval[] = [];

  async play(line: Line): Promise<ProcessInterval[]> {
    const { steps, tail = defaultTailMs } = line.scenario;
    for (const [index, step] of steps.entries()) {
      await this.#world.advanceTo(step.at ?? 0);
      const interval: ProcessInterval = { step: index, procs: new Map(), reply: null };
      this.#trace.push(interval);
      const self = this.#processes.get(String(step['p']));
      if (step.op === 'spawn') this.#spawn(String(step['p']), step['trap'] === true);
      else if (self !== undefined && isAlive(self)) interval.reply = this.#apply(self, step);
      await this.#world.flush();
    }
    await this.#world.advanceTo((steps.at(-1)?.at ?? 0) + tail);
    return this.#trace;
  }

  /** Names of the living, sorted. */
  alive(): string[] {
    return [...this.#processes]
      .filter(([, process]) => isAlive(process))
      .map(([name]) => name)
      .sort();
  }

  #record(name: string, entry: Json): void {
    const { procs } = this.#trace.at(-1) as ProcessInterval;
    procs.set(name, [...(procs.get(name) ?? []), entry]);
  }

  #spawn(name: string, trap: boolean): AnyActorRef {
    const process = spawnProcess(this.#driver, name, trap, (event) => this.#heard(name, event));
    this.#processes.set(name, process);
    this.#names.set(process, name);
    onExit(process, (reason) => this.#record(name, ['exit', fromTerm(reason)]));
    return process;
  }

  #heard(name: string, event: ProcessEvent): void {
    if (event.type === 'link.exit') this.#record(name, ['EXIT', this.#nameOf(event.from), fromTerm(event.reason)]);
    if (event.type === 'monitor.down') this.#record(name, ['DOWN', event.ref, this.#nameOf(event.actor), fromTerm(event.reason)]);
  }

  #nameOf(process: AnyActorRef): string {
    return this.#names.get(process) ?? '(an unknown actor)';
  }

  #other(step: Step): AnyActorRef {
    const other = this.#processes.get(String(step['to']));
    if (other === undefined) throw new TypeError(`no process was ever called ${String(step['to'])}`);
    return other;
  }

  #apply(self: AnyActorRef, step: Step): Json {
    switch (step.op) {
      case 'wait':
        return null;
      case 'spawn_link': {
        link(self, this.#spawn(String(step['new']), step['trap'] === true));
        return 'ok';
      }
      case 'spawn_monitor':
        return this.#monitor(self, this.#spawn(String(step['new']), step['trap'] === true), step);
      case 'link': {
        const result = link(self, this.#other(step));
        return result.ok ? true : ['error', result.reason];
      }
      case 'unlink':
        unlink(self, this.#other(step));
        return true;
      case 'monitor':
        return this.#monitor(self, this.#other(step), step);
      case 'demonitor':
        return this.#monitors.get(keyOf(step))?.demonitor() ?? false;
      case 'trap': {
        const before = isTrapping(self);
        self.send({ type: 'test.trap', on: step['on'] });
        return before;
      }
      case 'exit':
        self.send({ type: 'test.exit', reason: step['reason'] });
        return null;
      case 'signal':
        exit(this.#other(step), step['reason'] === 'kill' ? 'kill' : toExit(step['reason'] as Json), self);
        return true;
      default:
        throw new TypeError(`unknown op ${step.op}`);
    }
  }

  #monitor(self: AnyActorRef, target: AnyActorRef, step: Step): Json {
    this.#monitors.set(keyOf(step), monitor(self, target, String(step['ref'])));
    return 'ok';
  }
}

function isAlive(process: AnyActorRef): boolean {
  return exitReason(process) === null;
}

function keyOf(step: Step): string {
  return `${String(step['p'])} ${String(step['ref'])}`;
}

/** The canonical form: sorted lists; one that exited keeps only its exit, and returned nothing. */
function canonicalOf(interval: ProcessInterval, step: Step | undefined): Json {
  const procs: Record<string, Json> = {};
  for (const [name, entries] of interval.procs) {
    const exits = entries.filter((entry) => isExit(entry));
    procs[name] = [...(exits.length > 0 ? exits : entries)].sort((a, b) => (textOf(a) < textOf(b) ? -1 : 1));
  }
  const gone = (interval.procs.get(String(step?.['p'])) ?? []).some((entry) => isExit(entry));
  return { step: interval.step, procs, reply: gone ? null : interval.reply };
}

function isExit(entry: Json): boolean {
  return Array.isArray(entry) && entry[0] === 'exit';
}

function differenceOf(line: Line, trace: readonly ProcessInterval[]): Difference | null {
  const golden = line.golden['intervals'] ?? null;
  if (!Array.isArray(golden) || golden.length !== trace.length) return { at: 'intervals', expected: golden, got: `${trace.length} intervals` };
  for (const [index, interval] of trace.entries()) {
    const found = difference(`intervals[${index}]`, golden[index] as Json, canonicalOf(interval, line.scenario.steps[index]));
    if (found !== null) return found;
  }
  return null;
}
