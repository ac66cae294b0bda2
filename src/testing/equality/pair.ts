/** One machine, interpreted and compiled, through the same steps: after each of them all that can be seen of both is the same. */
import type { AnyStateMachine } from 'xstate';

import type { Chance } from '../world/chance.js';
import type { AnyRun } from '../model/fake.js';
import { Run } from '../model/run.js';
import { Likeness } from './likeness.js';
import { Seen } from './seen.js';
import type { Stage, Step } from './stage.js';
import type { Watch } from './watch.js';

/** What is compared, and with what. */
export interface Sides {
  readonly stage: Stage;
  readonly watch: Watch;
  readonly interpreted: AnyStateMachine;
  readonly compiled: AnyStateMachine;
}

interface Side {
  readonly seen: Seen;
  run: AnyRun;
}

/** How a step is looked at. */
export interface Look {
  /** Is it a repetition? Then only what comes of it is compared. */
  readonly isRepeated?: boolean;
  /** At which call of the machine's own functions one throws; 0 is the first. */
  readonly fuse?: number;
}

/** Two runs, side by side. */
export class Pair {
  readonly #sides: Sides;
  readonly #both: readonly [Side, Side];
  readonly #likeness = new Likeness();
  /** The names of the steps so far, the start first. */
  readonly path: string[];
  /** What differed first, in words. */
  difference: string | undefined;

  constructor(sides: Sides, start: string, look: Look = {}) {
    this.#sides = sides;
    this.path = [start];
    const begin = (machine: AnyStateMachine): Side => {
      const seen = new Seen();
      seen.isPaused = look.isRepeated === true;
      const made = { seen } as { seen: Seen; run: AnyRun };
      // XState draws an id for what has none.
      const ids = new Map<string | undefined, number>();
      const numberOf = (id: string | undefined): number => {
        if (!ids.has(id)) ids.set(id, ids.size);
        return ids.get(id) as number;
      };
      this.#playing(seen, look, () => {
        made.run = new Run(machine, sides.stage.starts[start], start, {
          isCompared: true,
          inspect: seen.inspect,
          logged: (words) => seen.note('logged', words),
          scheduled: (event, delayMs, id) => seen.note('scheduled', event, delayMs, numberOf(id)),
          cancelled: (id) => seen.note('cancelled', numberOf(id)),
          actorEnded: (invocation, how) => seen.note('ended', invocation, how),
        });
      });
      return made;
    };
    this.#both = [begin(sides.interpreted), begin(sides.compiled)];
    this.#observe();
    if (look.isRepeated !== true) this.#compare();
  }

  /** The interpreted one: what is offered, is offered by it. */
  get run(): AnyRun {
    return this.#both[0].run;
  }

  get isActive(): boolean {
    return this.run.isActive && this.difference === undefined;
  }

  /** Takes a step on both. @returns whether all is still the same */
  take(step: Step, look: Look = {}): boolean {
    this.path.push(look.fuse === undefined ? step.name : `${step.name}, of whose functions the ${look.fuse + 1}. throws`);
    for (const { seen, run } of this.#both) {
      seen.isPaused = look.isRepeated === true;
      run.before = run.snapshot;
      run.emittedBefore = run.emitted.length;
      const { context } = run.snapshot as { readonly context: unknown };
      this.#playing(seen, look, () => step.run(run));
      const now = run.snapshot as { readonly context: unknown };
      seen.note('same snapshot', now === (run.before as unknown), 'same context', now.context === context);
    }
    this.#observe();
    if (look.isRepeated !== true) this.#compare();
    return this.difference === undefined;
  }

  /** Asks both what a program can ask, and compares. */
  ask(): void {
    for (const { seen, run } of this.#both) {
      this.#playing(seen, {}, () => {
        seen.note('asked', ...seen.asked(run.actor, this.#sides.stage.probes));
      });
    }
    this.#compare();
  }

  /** Stops both from outside, and sends what nobody hears any more. */
  stop(): void {
    this.path.push('it is stopped');
    for (const { seen, run } of this.#both) {
      seen.isPaused = false;
      this.#playing(seen, {}, () => {
        run.end();
        for (const probe of this.#sides.stage.probes.slice(0, 3)) run.actor.send(probe);
      });
    }
    this.#compare();
  }

  /** Stops both without a look. */
  leave(): void {
    for (const { seen, run } of this.#both) {
      seen.isPaused = true;
      this.#playing(seen, {}, () => run.end());
    }
  }

  /** Acts for one side; what is thrown is seen like all else. */
  #playing(seen: Seen, { fuse }: Look, act: () => void): void {
    const { watch } = this.#sides;
    watch.seen = seen;
    watch.fuse = fuse;
    try {
      act();
    } catch (error) {
      seen.note('threw', error);
    } finally {
      watch.seen = undefined;
      watch.fuse = undefined;
    }
  }

  #observe(): void {
    const { stage } = this.#sides;
    for (const { seen, run } of this.#both) this.#playing(seen, {}, () => stage.observe?.(run));
  }

  #compare(): void {
    const told = ({ seen, run }: Side): readonly (readonly unknown[])[] => {
      const { emittedNow, failure, clock, fakes } = run;
      seen.note('emitted', emittedNow, 'failed of', failure?.error, 'waiting', clock.pending());
      seen.note(
        'actors',
        fakes.map(({ id, src, input, status, received }) => [id, src, input, status, received]),
      );
      seen.note('now', run.snapshot);
      return seen.take();
    };
    const [one, other] = this.#both;
    const [interpreted, compiled] = [told(one), told(other)];
    if (this.difference !== undefined) return;
    const at = this.#likeness.differAt(interpreted, compiled);
    if (at === undefined) return;
    const text = (side: Side, line: readonly unknown[] | undefined): string => (line === undefined ? 'nothing more' : side.seen.lineText(line));
    this.difference = `after ${this.path.join(' → ')}: ${apart(text(one, interpreted[at]), text(other, compiled[at]))}`;
  }
}

/** From a little before they part. */
function apart(interpreted: string, compiled: string): string {
  let same = 0;
  while (same < interpreted.length && interpreted[same] === compiled[same]) same++;
  const from = Math.max(0, same - 60);
  const shown = (text: string): string => `${from > 0 ? '…' : ''}${text.slice(from, from + 240)}${text.length > from + 240 ? '…' : ''}`;
  const where = same > 60 ? ` (of ${interpreted.slice(0, 60)}…)` : '';
  return `interpreted ${shown(interpreted)}, compiled ${shown(compiled)}${where}`;
}

/** One of the steps by their weights. */
export function drawn(chance: Chance, steps: readonly Step[]): Step | undefined {
  let rest = chance.next() * steps.reduce((sum, { weight }) => sum + weight, 0);
  return steps.find(({ weight }) => (rest -= weight) < 0) ?? steps.at(-1);
}
