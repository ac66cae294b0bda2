/** What a page is given in each frame, and what it may ask for. */
import type { Portable } from '../../../src/wire/recording/portable-shape.js';
import type { ReplayOutcome } from '../../../src/wire/recording/replay-outcome.js';
import type { Action } from '../state/reduce.js';
import type { Moment } from '../state/moment.js';
import type { State } from '../state/state.js';
import type { Timeline } from '../state/timeline.js';

export interface View {
  readonly state: State;
  readonly timeline: Timeline;
  /** How the app was at the moment that is shown. */
  readonly moment: Moment;
  /** The index of the line that is shown; -1 where there is none. */
  readonly index: number;
  /** The time that is shown, monotonic ms: of the line, and where one lives with the app, now. */
  readonly at: number;
  /** Events per second, by actor. */
  readonly rates: ReadonlyMap<string, number>;
}

export type ControlAction = 'stop' | 'kill' | 'restart';

/** What can be asked of whoever feeds the page. What is refused comes back as words. */
export interface Orders {
  /** Null where nothing can be controlled, with the reason for people. */
  readonly refusal: string | null;
  send(actor: string, event: { readonly type: string }): void;
  control(actor: string, action: ControlAction): void;
  /** The whole context of an actor as it is now; null where only the recording is known. */
  value(actor: string): Promise<Portable> | null;
  /** Why nothing can be replayed, for people; null where it can. */
  readonly replayRefusal: string | null;
  /** What comes of an actor's events up to a line, or of one more there; null where nothing can be replayed. */
  replay(actor: string, to: number, event?: { readonly type: string }): Promise<ReplayOutcome> | null;
}

export interface Doors {
  readonly dispatch: (action: Action) => void;
  readonly timeline: Timeline;
  readonly orders: () => Orders;
  /** Opens a file that was dropped or chosen. */
  readonly open: (file: File) => void;
  /** The recording as a file, as far as it is here or the server has it. */
  readonly recording: () => Promise<Blob>;
}

/** A page: made once, shown in each frame in which something has changed. */
export interface PageView {
  readonly element: HTMLElement;
  render(view: View): void;
}
