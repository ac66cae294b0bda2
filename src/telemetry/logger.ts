/**
 * Structured logs: one object in a line, as JSON. The interface is that of pino, which may be given in its place.
 *
 *   const log = jsonLogger({ level: 'info' });
 *   log.child({ room: 'kitchen' }).warn({ degrees: 31 }, 'too warm');
 */
import { isPlainObject, sortOf } from '../option-checks.js';
import type { Secrets } from '../wire/secrets.js';
import { hidden, hiddenText, type Hiding, planHiding } from './hidden.js';
import { invalid, requireFunction, requireOptions } from './refusal.js';
import { heedRejection } from './rejections.js';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** A line: fields and words; or words alone. */
type Write = (fields: object, words?: string) => unknown;

/** Whoever writes logs: ours, pino, or any other with these methods. */
export interface Logger {
  /** Whatever is below it is not written. */
  readonly level: string;
  /** One that adds these fields to each of its lines. */
  child(fields: Record<string, unknown>): Logger;
  readonly debug: Write;
  readonly info: Write;
  readonly warn: Write;
  readonly error: Write;
}

export interface LoggerOptions {
  /** Default `info`. `silent` writes nothing. */
  readonly level?: LogLevel | 'silent';
  /**
   * Where a line goes, its end included. Default: to stderr. One that throws, or whose promise rejects, loses the line and no other; the first loss is told:
   * by the instrumentation that it logs for, else on the console.
   */
  readonly write?: (line: string) => unknown;
  /** Keys whose values are hidden, wherever they stand, in whatever case. Default: keys that look like a password, an API key, a token of access. `false`: none. */
  readonly redact?: RegExp | false;
  /** Texts that are blotted out wherever they stand: at least 4 characters each. */
  readonly secrets?: Secrets;
  /** Wall time, ms since the epoch. */
  readonly now?: () => number;
}

export const logLevels: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];

interface LoggerPlan extends Hiding {
  readonly level: LogLevel | 'silent';
  readonly write: (line: string) => unknown;
  readonly now: () => number;
  readonly losses: Losses;
}

/** Is a line of this level written by that logger? Levels of others, as pino's `fatal`, are taken as they are ordered there. @throws never */
export function writes(logger: Pick<Logger, 'level'>, level: LogLevel): boolean {
  const all = ['trace', ...logLevels, 'fatal', 'silent'];
  return all.indexOf(logger.level) <= all.indexOf(level);
}

/** Who is told of lines that could not be written; shared by a logger and its children. */
interface Losses {
  hear: ((error: unknown) => void) | null;
  isTold: boolean;
}

class JsonLogger implements Logger {
  readonly level: string;
  readonly #plan: LoggerPlan;
  readonly #fields: object;

  constructor(plan: LoggerPlan, fields: object) {
    this.level = plan.level;
    this.#plan = plan;
    this.#fields = fields;
  }

  child(fields: Record<string, unknown>): Logger {
    return new JsonLogger(this.#plan, { ...this.#fields, ...(hidden(fields, this.#plan) as object) });
  }

  readonly debug: Write = (fields, words) => this.#line('debug', fields, words);
  readonly info: Write = (fields, words) => this.#line('info', fields, words);
  readonly warn: Write = (fields, words) => this.#line('warn', fields, words);
  readonly error: Write = (fields, words) => this.#line('error', fields, words);

  #line(level: LogLevel, fields: unknown, words: string | undefined): void {
    if (!writes(this, level)) return;
    try {
      const { now, write } = this.#plan;
      const told = hidden(fields, this.#plan);
      const own = typeof told === 'string' ? { msg: told } : isPlainObject(told) ? told : { value: told };
      // What every line has, nobody's field replaces.
      const line = { ...this.#fields, ...own, level, time: now(), ...(words === undefined ? {} : { msg: hiddenText(words, this.#plan) }) };
      heedRejection(write(`${JSON.stringify(line)}\n`), (error) => this.#lost(error));
    } catch (error) {
      // A log that cannot be written is no reason for what it speaks of to fail.
      this.#lost(error);
    }
  }

  hearLosses(hear: (error: unknown) => void): void {
    this.#plan.losses.hear = hear;
  }

  #lost(error: unknown): void {
    const { losses } = this.#plan;
    if (losses.hear !== null) return losses.hear(error);
    if (losses.isTold) return;
    losses.isTold = true;
    // oxlint-disable-next-line no-console -- there is no log to tell it to
    console.error('espalier: a line of a log could not be written, and perhaps others', error);
  }
}

/** A logger that writes JSON lines. @throws EspalierError `telemetry/invalid-options` */
export function jsonLogger(options: LoggerOptions = {}): Logger {
  requireOptions('the options of a logger', options, ['level', 'write', 'redact', 'secrets', 'now']);
  const { level = 'info', write = toStderr, redact, secrets, now = Date.now } = options;
  if (level !== 'silent' && !logLevels.includes(level)) throw invalid('level', [...logLevels, 'silent'].join(', '), sortOf(level));
  requireFunction('write', write);
  requireFunction('now', now);
  return new JsonLogger({ ...planHiding(redact, secrets), level, write, now, losses: { hear: null, isTold: false } }, {});
}

/** Has each line told that a logger of ours cannot write; others tell theirs by what they throw or give back. @param hear  must not throw */
export function hearLosses(logger: Logger, hear: (error: unknown) => void): void {
  if (logger instanceof JsonLogger) logger.hearLosses(hear);
}

/** @throws EspalierError `telemetry/invalid-options` for what is no logger */
export function requireLogger(logger: unknown): asserts logger is Logger {
  const methods = ['child', ...logLevels] as const;
  const given = (logger ?? {}) as Partial<Record<keyof Logger, unknown>>;
  if (typeof given.level === 'string' && methods.every((name) => typeof given[name] === 'function')) return;
  throw invalid('logger', `a logger with level, ${methods.join(', ')}`, sortOf(logger));
}

function toStderr(line: string): void {
  process.stderr.write(line);
}
