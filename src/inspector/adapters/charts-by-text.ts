/** Machines that another process describes by the text of their configuration; each is read once. */
import type { RecordedChart } from '../../wire/recording/chart.js';
import { foreignJson } from './foreign.js';
import { chartOfConfig } from './v5-config.js';

/** A machine, and the name under which lines speak of it. */
export interface KnownChart {
  readonly key: string;
  readonly chart: RecordedChart;
  /** Nobody was told of it yet. */
  readonly isNew: boolean;
}

/** Characters; a definition may be as long as a frame, and nobody draws one of that size. */
const longest = 262_144;
const deepest = 200;
/** Those beyond it are actors without a machine. */
const most = 200;

export class ChartsByText {
  readonly #byText = new Map<string, Omit<KnownChart, 'isNew'> | null>();
  readonly #runs = new Map<string, number>();

  /** Null where it describes no machine: the definition of an actor that is none is its id alone. */
  read(text: string): KnownChart | null {
    const known = this.#byText.get(text);
    if (known !== undefined) return known === null ? null : { ...known, isNew: false };
    if (this.#byText.size >= most) return null;
    const config = foreignJson(text, longest, deepest);
    const chart = typeof config === 'object' && config !== null && Object.keys(config).some((key) => key !== 'id') ? chartOfConfig(config) : null;
    const read = chart === null ? null : { key: this.#keyOf(chart.id), chart };
    this.#byText.set(text, read);
    return read === null ? null : { ...read, isNew: true };
  }

  #keyOf(id: string): string {
    const run = (this.#runs.get(id) ?? 0) + 1;
    this.#runs.set(id, run);
    return run === 1 ? id || '(machine)' : `${id}~${run}`;
  }
}
