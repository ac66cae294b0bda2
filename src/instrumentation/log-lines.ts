/** Facts as lines of a log: at the level of the event table, with its fields, without what was said. */
import { hidden, type Hiding } from '../telemetry/hidden.js';
import { type Logger, writes } from '../telemetry/logger.js';
import type { SpanContextLike } from '../telemetry/tracer.js';
import type { EventRow } from './event-row.js';
import type { Fact } from './model-work.js';
import type { Seen } from './seen.js';

/** A logger for each actor, which says whose lines they are. */
export class LogLines {
  readonly #logger: Logger;
  readonly #hiding: Hiding;
  readonly #tellsContent: boolean;
  readonly #ofActors = new WeakMap<Seen, Logger>();

  constructor(logger: Logger, hiding: Hiding, tellsContent: boolean) {
    this.#logger = logger;
    this.#hiding = hiding;
    this.#tellsContent = tellsContent;
  }

  /** @returns what the logger gives back: perhaps a promise @throws what the logger throws */
  write(seen: Seen | null, fact: Fact, row: EventRow | undefined, span: SpanContextLike | null): unknown {
    // An app's own facts are told by their types: what is in them is not known to be fit for a log.
    const { about, level: usual } = row ?? { about: 'a fact of the app', level: 'debug' as const };
    const level = row?.isOrdered?.(fact) === true ? 'debug' : usual;
    if (!writes(this.#logger, level)) return undefined;
    const logger = seen === null ? this.#logger : this.#of(seen);
    const ids = span === null ? {} : { trace_id: span.traceId, span_id: span.spanId };
    return logger[level]({ event: fact.type, ...ids, ...(row === undefined ? {} : this.#fields(fact, row)) }, about);
  }

  #of(seen: Seen): Logger {
    let logger = this.#ofActors.get(seen);
    if (logger === undefined) {
      logger = this.#logger.child({ actor: seen.path, incarnation: seen.incarnation });
      this.#ofActors.set(seen, logger);
    }
    return logger;
  }

  #fields(fact: Fact, { content = [], fields }: EventRow): object {
    const told: Record<string, unknown> = {};
    for (const field of Object.keys(fields)) {
      if (fact[field] === undefined || (content.includes(field) && !this.#tellsContent)) continue;
      // Names that every line has keep what they mean there.
      told[['level', 'time', 'msg', 'event', 'actor'].includes(field) ? `fact_${field}` : field] = fact[field];
    }
    return hidden(told, this.#hiding) as object;
  }
}
