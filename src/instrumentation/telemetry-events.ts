/** What telemetry tells of itself, in words. */
import type { EventGroup, Rows } from './event-row.js';

/** What the instrumentation of an app tells of itself. */
export type TelemetryFact =
  /** A handler threw, or its promise rejected: it is told nothing more. */
  | { readonly type: 'telemetry.handlerDetached'; readonly id: string; readonly at: string; readonly error: string }
  /** The tracer, the logger, a mirror of metrics or an observer threw. */
  | { readonly type: 'telemetry.faulted'; readonly where: string; readonly error: string }
  /** An instrument has as many series as may be; told once for each. */
  | { readonly type: 'telemetry.overflowed'; readonly name: string; readonly maxSeries: number };

const rows: Rows<TelemetryFact> = {
  'telemetry.handlerDetached': {
    about: 'a handler threw: it is told nothing more',
    level: 'error',
    fields: { id: 'of the handler', at: 'the type of the event that it failed at', error: 'what it threw, by its name' },
  },
  'telemetry.faulted': {
    about: 'the tracer, the logger, the meter or an observer threw; the app never noticed',
    level: 'error',
    fields: { where: 'which', error: 'what it threw, by its name' },
  },
  'telemetry.overflowed': {
    about: 'an instrument has as many series as may be: others are counted as `__other__`',
    level: 'warn',
    fields: { name: 'of the instrument', maxSeries: 'how many there may be' },
  },
};

export const telemetryEvents: readonly EventGroup[] = [{ title: 'Telemetry', from: 'its actor, and its handlers', machines: [], rows }];
