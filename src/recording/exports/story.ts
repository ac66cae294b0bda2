/** What the actors of a recording have lived through, and what they have told each other: the same story for every format of traces. Runs in a page. */
import type { RecordedActor, RecordedEvent, RecordedLine, RecordedTransition } from '../../wire/recording/lines.js';
import type { GaveUp } from '../scene-supervision.js';
import type { Portable } from '../../wire/recording/portable-shape.js';
import { stateParts } from '../../wire/recording/state-value.js';
import { isUnhandled } from '../../wire/recording/unhandled.js';

/** The longest reason, characters. */
const longestText = 1_000;

/** One actor, from its start to its end. Times are `at`, ms. */
export interface Life {
  /** From 1, in the order of their starts. */
  readonly number: number;
  readonly line: RecordedActor;
  /** Its parent and the actor whose place it took, where they are in the recording. */
  readonly parent: Life | null;
  readonly replaces: Life | null;
  readonly from: number;
  /** Its end, or that of the recording. */
  until: number;
  /** Why it ended; null: it had not when the recording did. */
  reason: Portable | null;
  /** What its machine was in, one after the other. */
  readonly stays: Stay[];
  readonly steps: Step[];
}

export interface Stay {
  /** In words: `open.idle`, `water.cold | lid.shut`. */
  readonly value: string;
  readonly from: number;
  until: number;
}

/** What a machine made of an event. */
export interface Step {
  readonly at: number;
  readonly type: string;
  /** The message that it was; null for XState's own words, and where its line is not there. */
  readonly message: Message | null;
  readonly taken: readonly string[];
  /** What the machine is in after. */
  readonly value: string;
  readonly isUnhandled: boolean;
}

/** An event on its way. */
export interface Message {
  readonly seq: number;
  readonly type: string;
  /** Null: from outside, or from somebody who is not in the recording. */
  readonly from: Life | null;
  readonly to: Life;
  readonly sentAt: number;
  /** When its machine dealt with it; null for one that never did, and for an actor that is no machine. */
  takenAt: number | null;
  readonly isDead: boolean;
  /** How long it was delayed, ms. */
  readonly delayMs: number | null;
}

export interface Story {
  readonly lives: readonly Life[];
  readonly messages: readonly Message[];
}

/** @throws never: a line that names what is not there is left out */
export function storyOf(lines: Iterable<RecordedLine>): Story {
  const story = new Telling();
  for (const line of lines) story.take(line);
  return story.end();
}

class Telling {
  readonly #lives: Life[] = [];
  readonly #messages: Message[] = [];
  /** The latest of each path, dead or alive. */
  readonly #latest = new Map<string, Life>();
  readonly #pending = new Map<number, Message>();
  #frame: { left: number; readonly seen: Set<string> } | null = null;
  #at = 0;

  take(line: RecordedLine): void {
    this.#at = Math.max(this.#at, line.at);
    switch (line.type) {
      case '@xstate.actor':
        this.#start(line);
        break;
      case '@xstate.event':
        this.#send(line);
        break;
      case '@xstate.transition':
        this.#step(line);
        break;
      case '@espalier.exit':
        this.#exit(line.actor, line.at, line.reason);
        break;
      case '@espalier.keyframe':
        this.#frame = { left: line.lines + 1, seen: new Set() };
        break;
      case '@espalier.machine':
      case '@espalier.dropped':
    }
    if (this.#frame !== null && --this.#frame.left === 0) this.#endFrame(this.#frame.seen, line.at);
  }

  end(): Story {
    for (const life of this.#lives) if (life.reason === null) close(life, this.#at);
    return { lives: this.#lives, messages: this.#messages };
  }

  #start(line: RecordedActor): void {
    const { actor: path, at, parent, replaces, state } = line;
    this.#frame?.seen.add(path);
    const known = this.#latest.get(path);
    // A keyframe tells again of who lives.
    const lives = line.from === 'joined' && known?.reason === null;
    const life: Life = lives
      ? known
      : {
          number: this.#lives.length + 1,
          line,
          parent: (parent === null ? undefined : this.#latest.get(parent)) ?? null,
          replaces: (replaces === null ? undefined : this.#latest.get(replaces)) ?? null,
          from: at,
          until: at,
          reason: null,
          stays: [],
          steps: [],
        };
    if (!lives) this.#lives.push(life);
    this.#latest.set(path, life);
    if (state !== undefined) stay(life, state.value, at);
  }

  #send({ seq, at, actor, source, event, delay, dead }: RecordedEvent): void {
    const to = this.#latest.get(actor);
    if (to === undefined) return;
    const from = (source === null ? undefined : this.#latest.get(source)) ?? null;
    const type = typeOf(event);
    const message: Message = { seq, type, from, to, sentAt: at, takenAt: null, isDead: dead === true, delayMs: delay?.ms ?? null };
    this.#messages.push(message);
    if (!message.isDead && to.line.machine !== null) this.#pending.set(seq, message);
  }

  #step(line: RecordedTransition): void {
    const { actor, at, event, taken, state } = line;
    const life = this.#latest.get(actor);
    if (life === undefined || life.reason !== null) return;
    const message = typeof event === 'number' ? (this.#pending.get(event) ?? null) : null;
    if (message !== null) {
      message.takenAt = at;
      this.#pending.delete(message.seq);
    }
    stay(life, state.value, at);
    const type = message?.type ?? (typeof event === 'number' ? 'unknown' : typeOf(event));
    life.steps.push({ at, type, message, taken, value: life.stays.at(-1)?.value ?? '', isUnhandled: isUnhandled(line) });
  }

  #exit(path: string, at: number, reason: Portable): void {
    const life = this.#latest.get(path);
    if (life === undefined || life.reason !== null) return;
    close(life, at);
    life.reason = reason ?? 'normal';
  }

  #endFrame(seen: ReadonlySet<string>, at: number): void {
    this.#frame = null;
    for (const [path, { reason }] of this.#latest) if (reason === null && !seen.has(path)) this.#exit(path, at, { $cut: 'not told' });
  }
}

function stay(life: Life, value: Portable | undefined, at: number): void {
  if (value === undefined) return;
  const text = valueText(value);
  const last = life.stays.at(-1);
  if (last?.value === text || text === '') return;
  if (last !== undefined) last.until = at;
  life.stays.push({ value: text, from: at, until: at });
}

function close(life: Life, at: number): void {
  life.until = Math.max(life.from, at);
  const last = life.stays.at(-1);
  if (last !== undefined) last.until = Math.max(last.from, at);
}

/** A state value in words. */
export function valueText(value: Portable): string {
  const parts = (stateParts(value) ?? []).map(([key, inner]) => {
    const within = valueText(inner);
    return within === '' ? key : `${key}.${within.includes(' | ') ? `(${within})` : within}`;
  });
  return parts.join(' | ');
}

/** Is the reason of an exit a crash? */
export function isCrash(reason: Portable | undefined): boolean {
  return typeof reason === 'object' && reason !== null && 'crash' in reason;
}

/** Why an actor ended, in words: `normal`, `killed`, `shutdown: "term"`, `crash: Error: no such city`; of what was not told, why not. */
export function reasonText(reason: Portable): string {
  if (typeof reason === 'string') return reason;
  if (Array.isArray(reason)) return `${textOf(reason[0] as Portable)}: ${JSON.stringify(reason[1])}`.slice(0, longestText);
  if (isCut(reason)) return textOf(reason.$cut);
  const crash = typeof reason === 'object' && reason !== null && 'crash' in reason ? reason.crash : undefined;
  const error = typeof crash === 'object' && crash !== null && '$error' in crash ? (crash.$error as { readonly [key: string]: Portable }) : undefined;
  if (error !== undefined) return `crash: ${textOf(error.name)}: ${textOf(error.message)}`.slice(0, longestText);
  return (crash === undefined ? JSON.stringify(reason) : `crash: ${textOf(crash)}`).slice(0, longestText);
}

/** What an error says, in words: `Error: no such city`. */
export function crashText(error: Portable): string {
  return reasonText({ crash: error }).replace(/^crash: /u, '');
}

/** That a supervisor gave up, in words: `db, crash: Error: no such city`. */
export function gaveUpText({ id, reason }: GaveUp): string {
  return reason === null ? id : `${id}, ${reasonText(reason)}`;
}

function isCut(reason: Portable): reason is { readonly $cut: Portable } {
  return typeof reason === 'object' && reason !== null && '$cut' in reason;
}

/** A text, or what stands for one, as JSON. */
function textOf(part: Portable | undefined): string {
  return typeof part === 'string' ? part : JSON.stringify(part ?? '');
}

/** The type of an event; `unknown` where it has none. */
export function typeOf(event: Portable): string {
  const type = typeof event === 'object' && event !== null && 'type' in event ? event.type : undefined;
  return typeof type === 'string' ? type : 'unknown';
}
