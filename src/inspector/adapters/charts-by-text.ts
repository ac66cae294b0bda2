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
/** Making a chart of more would keep the app from its own work: so many states, and so many values in all. */
const mostParts = { states: 1_000, values: 10_000 } as const;
/** Those beyond it are actors without a machine. */
const most = 200;

const unknownChart: RecordedChart = {
  ...{ id: '(unknown)', key: '(unknown)', type: 'atomic', description: 'A machine whose definition was not told, or cannot be read' },
  ...{ tags: [], invoke: [], entry: [], exit: [], edges: [], states: [] },
};

export class ChartsByText {
  readonly #byText = new Map<string, Omit<KnownChart, 'isNew'>>();
  readonly #runs = new Map<string, number>();
  #unknown: Omit<KnownChart, 'isNew'> | undefined;

  /** Null where it describes no machine: the definition of an actor that is none is its id alone. */
  read(text: string): KnownChart | null {
    const known = this.#byText.get(text);
    if (known !== undefined) return { ...known, isNew: false };
    if (this.#byText.size >= most) return null;
    const config = foreignJson(text, longest, deepest);
    const chart =
      typeof config === 'object' && config !== null && Object.keys(config).some((key) => key !== 'id') && isDrawable(config)
        ? chartOfConfig(config)
        : null;
    // What is none is not kept: there may be any number of those, and they would leave no room for machines.
    if (chart === null) return null;
    const read = { key: this.#keyOf(chart.id), chart };
    this.#byText.set(text, read);
    return { ...read, isNew: true };
  }

  /** For machines whose definition is not there, or cannot be read: they are in states that nobody knows. */
  unknown(): KnownChart {
    const isNew = this.#unknown === undefined;
    this.#unknown ??= { key: this.#keyOf('(unknown)'), chart: { ...unknownChart } };
    return { ...this.#unknown, isNew };
  }

  #keyOf(id: string): string {
    const run = (this.#runs.get(id) ?? 0) + 1;
    this.#runs.set(id, run);
    return run === 1 ? id || '(machine)' : `${id}~${run}`;
  }
}

/** Counted before anything is made of it; the walk ends where there are too many. It is as deep as {@link deepest} at most. */
function isDrawable(config: object): boolean {
  const left: Record<keyof typeof mostParts, number> = { ...mostParts };
  const walk = (held: object): boolean => {
    for (const [key, value] of Object.entries(held) as [string, unknown][]) {
      if (--left.values < 0) return false;
      if (typeof value !== 'object' || value === null) continue;
      if (key === 'states') left.states -= Object.keys(value).length;
      if (left.states < 0 || !walk(value)) return false;
    }
    return true;
  };
  return walk(config);
}
