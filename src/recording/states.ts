/** What machines are in, from line to line. */
import type { AnyMachineSnapshot } from 'xstate';

import type { RecordedState } from '../wire/recording/lines.js';
import { ContextWriter, type LineValues } from './line-values.js';
import type { Watched } from './watched.js';

export class States {
  readonly #values: LineValues;

  constructor(values: LineValues) {
    this.#values = values;
  }

  /** Whole: as it was told last, or, where nobody has told of it, as it is. Undefined for an actor that is no machine. */
  whole(watched: Watched): RecordedState | undefined {
    if (watched.machine === null) return undefined;
    if (watched.context === null || watched.state === undefined) {
      const snapshot = watched.actor.getSnapshot() as AnyMachineSnapshot;
      watched.context = new ContextWriter(this.#values);
      watched.context.begin(snapshot.context);
      watched.state = this.#bare(snapshot);
    } else this.#values.addBytes(watched.context.bytes);
    const { status, value, output, error } = watched.state;
    const { written } = watched.context;
    const state: RecordedState = { status };
    if (value !== undefined) state.value = value;
    if (written !== undefined) state.context = written;
    if (output !== undefined) state.output = output;
    if (error !== undefined) state.error = error;
    return state;
  }

  /** What it is in now, with what has changed in its context. */
  news(watched: Watched): RecordedState {
    watched.context ??= new ContextWriter(this.#values);
    const snapshot = watched.actor.getSnapshot() as AnyMachineSnapshot;
    const state = this.#bare(snapshot);
    watched.state = state;
    const news = watched.context.next(snapshot.context);
    if (news !== undefined) {
      if ('patch' in news) state.patch = news.patch;
      else state.context = news.context;
    }
    return state;
  }

  #bare({ status, value, output, error }: AnyMachineSnapshot): RecordedState {
    const state: RecordedState = { status };
    if (value !== undefined) state.value = this.#values.stateValue(value);
    if (output !== undefined) state.output = this.#values.write(output);
    if (status === 'error') state.error = this.#values.write(error);
    return state;
  }
}
