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
    const { status, value, output } = snapshot;
    const news = watched.context.next(snapshot.context);
    // The common case in one piece: thousands of these are kept. What is asked of `state` later is never its patch.
    if (news !== undefined && 'patch' in news && value !== undefined && output === undefined && status !== 'error')
      return (watched.state = { status, value: this.#values.stateValue(value), patch: news.patch });
    const state = (watched.state = this.#bare(snapshot));
    return news === undefined ? state : { ...state, ...news };
  }

  #bare({ status, value, output, error }: AnyMachineSnapshot): RecordedState {
    const state: RecordedState = value === undefined ? { status } : { status, value: this.#values.stateValue(value) };
    if (output !== undefined) state.output = this.#values.write(output);
    if (status === 'error') state.error = this.#values.write(error);
    return state;
  }
}
