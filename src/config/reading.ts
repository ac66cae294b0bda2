/** Reads the sources of one configuration, and watches them: all at a time, each for itself, and by one of these none twice at a time. */
import type { ConfigEvent } from '../../machines/config/config-events.js';
import type { Keep } from './keep.js';
import { type ConfigSource, faultWord } from './sources.js';

type Report = (event: Extract<ConfigEvent, { type: 'sources.told' | 'source.changed' }>) => void;

/** One reading of all. */
interface Round {
  readonly controller: AbortController;
  /** Faults by source; null for none. */
  readonly faults: Map<string, string | null>;
}

export class Reading {
  readonly #sources: readonly ConfigSource[];
  readonly #keep: Keep;
  readonly #report: Report;
  readonly #watching = new Map<string, () => void>();
  /** Those whose last reading has not ended, though nobody waits for it any more. */
  readonly #busy = new Set<string>();
  #round: Round | null = null;
  #isClosed = false;

  constructor(keep: Keep, report: Report) {
    this.#sources = keep.plan.sources;
    this.#keep = keep;
    this.#report = report;
  }

  /** Reads all; tells when each was read or has failed. A reading that is under way is given up. */
  read(): void {
    this.#round?.controller.abort();
    const round: Round = { controller: new AbortController(), faults: new Map() };
    this.#round = round;
    if (this.#sources.length === 0) this.#tell(round);
    for (const source of this.#sources) void this.#readOne(source, round);
  }

  /** Whatever is not read by now has failed, `timeout`. */
  giveUp(): void {
    const round = this.#round;
    if (round === null) return;
    round.controller.abort();
    for (const { name } of this.#sources) if (!round.faults.has(name)) round.faults.set(name, 'timeout');
    this.#tell(round);
  }

  close(): void {
    this.#isClosed = true;
    this.#round?.controller.abort();
    this.#round = null;
    for (const stop of this.#watching.values()) ended(stop);
    this.#watching.clear();
  }

  async #readOne(source: ConfigSource, round: Round): Promise<void> {
    const { name } = source;
    if (this.#busy.has(name)) return this.#note(round, name, 'stillReading');
    this.#busy.add(name);
    // Watched before it is read: no change falls between.
    const isWatched = await this.#watch(source);
    const fault = await this.#faultOf(source, round);
    this.#busy.delete(name);
    if (!round.controller.signal.aborted) this.#note(round, name, fault ?? (isWatched ? null : 'unwatched'));
    // Nobody has waited so long, but now it can be read.
    else if (fault === null) this.#changed();
  }

  async #faultOf(source: ConfigSource, { controller: { signal } }: Round): Promise<string | null> {
    try {
      const said: unknown = await source.read(signal);
      return signal.aborted ? null : this.#keep.note(source.name, said);
    } catch (error) {
      return faultWord(error);
    }
  }

  async #watch(source: ConfigSource): Promise<boolean> {
    if (source.watch === undefined || this.#watching.has(source.name)) return true;
    let stop: (() => void) | undefined;
    let isLost = false;
    const lose = (): void => {
      isLost = true;
      if (stop === undefined || this.#watching.get(source.name) !== stop) return;
      this.#watching.delete(source.name);
      ended(stop);
      this.#changed();
    };
    try {
      stop = await source.watch(() => this.#changed(), lose, this.#keep.clock);
    } catch {
      return false;
    }
    if (typeof stop !== 'function') return true;
    if (isLost || this.#isClosed) ended(stop);
    else this.#watching.set(source.name, stop);
    return !isLost;
  }

  #changed(): void {
    if (!this.#isClosed) this.#report({ type: 'source.changed' });
  }

  #note(round: Round, name: string, fault: string | null): void {
    if (round !== this.#round) return;
    round.faults.set(name, fault);
    if (round.faults.size === this.#sources.length) this.#tell(round);
  }

  #tell({ faults }: Round): void {
    this.#round = null;
    const failing = Object.fromEntries(
      [...faults].filter((entry): entry is [string, string] => entry[1] !== null).sort(([a], [b]) => (a < b ? -1 : 1)),
    );
    this.#report({ type: 'sources.told', failing, isComplete: this.#keep.isComplete, isNew: this.#keep.takeNews() });
  }
}

/** What ends a watching is the source's own, and may throw. */
function ended(stop: () => void): void {
  try {
    stop();
  } catch {
    // Nobody is left to hear of it, and nothing is watched any more.
  }
}
