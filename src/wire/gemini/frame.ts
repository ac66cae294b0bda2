/**
 * From the bytes of one WebSocket frame to an object, and from the object to its kinds. Nothing here throws: a frame that cannot be read is
 * a value that says why.
 */
import type { z } from 'zod';

/** A frame as `ws`, browsers and tests hand it over. Text and binary frames both carry JSON. */
export type Frame = string | Uint8Array | ArrayBuffer | readonly Uint8Array[];

/** Why a frame could not be read: `detail` for people, `excerpt` its first characters (at most 120). */
export interface UnreadableFrame {
  readonly ok: false;
  readonly reason: 'not-utf8' | 'not-json' | 'not-an-object' | 'too-deep' | 'invalid-shape';
  readonly detail: string;
  readonly excerpt: string;
}

/** A kind that was present, but not as its schema says; `got` is the value as it came. */
export interface Fault<Kind extends string> {
  readonly kind: Kind;
  readonly detail: string;
  readonly got: unknown;
}

/**
 * A frame that was read.
 * `message` holds every readable kind, and every unknown field as it came. `kinds` are the readable kinds in the order of the table,
 * `unknown` the names of fields that are no kind, `faults` the kinds that were left out of `message` because their shape was wrong.
 */
export interface ReadFrame<Message, Kind extends string> {
  readonly ok: true;
  readonly message: Message;
  readonly kinds: readonly Kind[];
  readonly unknown: readonly string[];
  readonly faults: readonly Fault<Kind>[];
}

/** A JSON object from the wire, before any schema saw it. */
export type WireObject = Record<string, unknown>;

/**
 * Decodes a frame: UTF-8, JSON, an object, nested no deeper than {@link deepest}.
 * @throws never
 */
export function readObject(frame: Frame): { readonly ok: true; readonly object: WireObject; readonly text: string } | UnreadableFrame {
  let text: string;
  try {
    text = textOf(frame);
  } catch (error) {
    return { ok: false, reason: 'not-utf8', detail: String(error), excerpt: '' };
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { ok: false, reason: 'not-json', detail: String(error).slice(0, 200), excerpt: excerptOf(text) };
  }
  if (!isWireObject(value)) {
    const got = value === null ? 'null' : Array.isArray(value) ? 'an array' : `a ${typeof value}`;
    return { ok: false, reason: 'not-an-object', detail: `expected an object, got ${got}`, excerpt: excerptOf(text) };
  }
  if (isDeeperThan(value, deepest)) {
    return { ok: false, reason: 'too-deep', detail: `expected at most ${deepest} levels of nesting`, excerpt: excerptOf(text) };
  }
  return { ok: true, object: value, text };
}

/**
 * Reads each kind of a message by its own schema, so that one odd kind does not hide the others in the same frame. A kind that is `null` is
 * absent, as in protobuf's JSON. Where every kind is faulty the frame is unreadable.
 * @param schemas  kind → its schema
 * @param object   from {@link readObject}
 * @param text     the same frame as text, for the excerpt
 * @throws never
 */
export function readKinds<Schemas extends Record<string, z.ZodType>, Message>(
  schemas: Schemas,
  object: WireObject,
  text: string,
): ReadFrame<Message, keyof Schemas & string> | UnreadableFrame {
  type Kind = keyof Schemas & string;
  const read = new Map<string, unknown>();
  const kinds: Kind[] = [];
  const faults: Fault<Kind>[] = [];
  for (const kind of Object.keys(schemas) as Kind[]) {
    const value = Object.hasOwn(object, kind) ? object[kind] : null;
    if (value === undefined || value === null) continue;
    const result = schemas[kind]!.safeParse(value);
    if (result.success) {
      kinds.push(kind);
      read.set(kind, result.data);
    } else {
      faults.push({ kind, detail: firstIssue(kind, result.error), got: value });
    }
  }
  const unknown = Object.keys(object).filter((key) => !Object.hasOwn(schemas, key));
  if (kinds.length === 0 && faults.length > 0) {
    const detail = faults.map((fault) => fault.detail).join('; ');
    return { ok: false, reason: 'invalid-shape', detail, excerpt: excerptOf(text) };
  }
  for (const key of unknown) read.set(key, object[key]);
  return { ok: true, message: Object.fromEntries(read) as Message, kinds, unknown, faults };
}

/**
 * Levels of objects and lists in one frame. The protocol needs a dozen; what is deeper by thousands can be read, but not be written again:
 * `JSON.stringify` recurses, and would overflow the stack of whoever prints or saves it.
 */
export const deepest = 256;

/** Level by level, so that no depth is too deep to be measured. */
function isDeeperThan(value: object, levels: number): boolean {
  let here: readonly object[] = [value];
  for (let depth = 1; here.length > 0; depth++) {
    if (depth > levels) return true;
    here = here.flatMap((one) => Object.values(one).filter((inner): inner is object => typeof inner === 'object' && inner !== null));
  }
  return false;
}

/** True for what JSON calls an object. */
export function isWireObject(value: unknown): value is WireObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function textOf(frame: Frame): string {
  if (typeof frame === 'string') return frame;
  const decoder = new TextDecoder('utf-8', { fatal: true });
  if (frame instanceof ArrayBuffer || frame instanceof Uint8Array) return decoder.decode(frame);
  // Fragments of one message: a character may be cut between two of them.
  let text = '';
  for (const fragment of frame) text += decoder.decode(fragment, { stream: true });
  return text + decoder.decode();
}

function firstIssue(kind: string, error: z.ZodError): string {
  const issue = error.issues[0];
  return issue ? `${[kind, ...issue.path].join('.')}: ${issue.message}` : `${kind}: ${error.message}`;
}

function excerptOf(text: string): string {
  return text.length > 120 ? `${text.slice(0, 119)}…` : text;
}
