/**
 * What the inspector's server needs of a viewer that speaks another inspector's protocol. An adapter translates, and does nothing else: no socket, no
 * clock, no actor. It is made for one connection; it never throws, and its memory is bounded.
 *
 * A scene and the lines after it are all that it is told of an app; the order is
 *
 *   on a connection     `receive` every text frame; send nothing yet, unless the adapter `isOpen`
 *   when it is open     `open(scene)`, then `lines(news)` as they come; send each text as a frame
 *   frames were lost    `open(scene)` again: what the viewer has been told before no longer counts
 */
import type { Scene } from '../../recording/scene.js';
import type { RecordedLine } from '../../wire/recording/lines.js';
import type { Portable } from '../../wire/recording/portable-shape.js';

/** One viewer of an app of ours. */
export interface ForeignViewer {
  /** Does it want to be told? Some say so first. */
  readonly isOpen: boolean;
  /** Actors that it was not told of, because they were too many for it. */
  readonly untold: number;
  /**
   * Tells it how things are, from nothing.
   * @param scene  of the app now; it is read and not kept
   * @returns frames to send, in order
   */
  open(scene: Scene): string[];
  /** Tells it what has happened since. @returns frames to send, in order */
  lines(news: readonly RecordedLine[]): string[];
  /** Reads a text frame that came from it. */
  receive(text: string): Inbound;
}

/** What a frame of a viewer asks for. */
export type Inbound =
  /** To be told everything, from the beginning: {@link ForeignViewer.open}. */
  | { readonly kind: 'open' }
  /** To send an event to an actor that it was told of. Whether it may is for the server to say. */
  | { readonly kind: 'send'; readonly actor: string; readonly event: ForeignEvent }
  /** Nothing. */
  | { readonly kind: 'nothing' }
  | Refusal;

/** An event from outside: JSON, of no type that XState keeps for itself. */
export interface ForeignEvent {
  readonly type: string;
  readonly [key: string]: Portable;
}

/** A frame that is none. */
export interface Refusal {
  readonly kind: 'refused';
  /** A sentence for people: what was expected. */
  readonly why: string;
}

/** No frame that comes from outside is longer, characters. */
export const maxForeignFrame = 65_536;
/** Deeper than any event that a person would send. */
const maxDepth = 32;
const longestType = 1_024;

export function refused(expected: string): Refusal {
  return { kind: 'refused', why: `expected ${expected}` };
}

/** Reads JSON from outside; undefined where it is none, is too long or too deep. Keys that JavaScript would take for a prototype are left out. */
export function foreignJson(text: string, longest = maxForeignFrame, deepest = maxDepth): unknown {
  if (text.length > longest || isTooDeep(text, deepest)) return undefined;
  try {
    return JSON.parse(text, (key, value: unknown) => (key === '__proto__' ? undefined : value));
  } catch {
    return undefined;
  }
}

/** Is it an event that somebody outside may send? What begins with `xstate.` is XState's own word: one of them would stop the actor. */
export function isForeignEvent(value: unknown): value is ForeignEvent {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const { type } = value as { readonly type?: unknown };
  return typeof type === 'string' && type !== '' && type.length <= longestType && !type.startsWith('xstate.');
}

/** By its brackets outside of texts, before anything walks down into it. */
function isTooDeep(text: string, deepest: number): boolean {
  let depth = 0;
  let isText = false;
  for (let index = 0; index < text.length; index++) {
    const char = text[index];
    if (char === '\\') index++;
    else if (char === '"') isText = !isText;
    else if (isText) continue;
    else if (char === '{' || char === '[') {
      if (++depth > deepest) return true;
    } else if (char === '}' || char === ']') depth--;
  }
  return false;
}
