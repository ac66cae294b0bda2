/**
 * From the bytes of one WebSocket frame to an object, and from the object to its kinds. Nothing here throws: a frame that cannot be read is
 * a value that says why.
 */
import type { z } from 'zod';

/**
 * A frame as `ws`, browsers and tests hand it over. Text and binary frames both carry JSON.
 * In a browser set `socket.binaryType = 'arraybuffer'` before the socket opens. With `'blob'`, the browsers' default, bytes can be had only
 * asynchronously, and a later frame may pass an earlier one: a Blob is unreadable here.
 */
export type Frame = string | Uint8Array | ArrayBuffer | readonly Uint8Array[];

/** Why a frame could not be read: `detail` for people, `excerpt` its first characters (at most 120). */
export interface UnreadableFrame {
  readonly ok: false;
  readonly reason: 'not-bytes' | 'not-utf8' | 'not-json' | 'not-an-object' | 'too-deep' | 'invalid-shape';
  readonly detail: string;
  readonly excerpt: string;
}

/**
 * A kind that was present, but not as its schema says; `got` is the value as it came. Where the kind is among `kinds` all the same, only the field
 * that `detail` begins with was left out, and `got` is that field's value.
 */
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
  const text = textOf(frame);
  if (typeof text !== 'string') return text;
  const object = objectOf(text);
  return object === null ? notAnObject(text) : (tooDeep(object, text) ?? { ok: true, object, text });
}

/** The text of a frame, or why there is none. @throws never */
export function textOf(frame: Frame): string | UnreadableFrame {
  if (typeof frame === 'string') return frame;
  try {
    // Not by instanceof: bytes may come from another realm, as a worker of a browser is one.
    return Array.isArray(frame) ? joined(frame) : decoded(frame as Uint8Array | ArrayBuffer);
  } catch (error) {
    return { ok: false, ...undecodable(frame, error), excerpt: '' };
  }
}

/** The object that a text is, of any depth; null for what is none, see {@link notAnObject}. @throws never */
export function objectOf(text: string): WireObject | null {
  try {
    const value: unknown = JSON.parse(text);
    return isWireObject(value) ? value : null;
  } catch {
    return null;
  }
}

/** Why {@link objectOf} answered null. @throws never */
export function notAnObject(text: string): UnreadableFrame {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { ok: false, reason: 'not-json', detail: String(error).slice(0, 200), excerpt: excerptOf(text) };
  }
  const got = value === null ? 'null' : Array.isArray(value) ? 'an array' : `a ${typeof value}`;
  return { ok: false, reason: 'not-an-object', detail: `expected an object, got ${got}`, excerpt: excerptOf(text) };
}

/** What to say of an object that nests deeper than {@link deepest}, or null. */
export function tooDeep(object: WireObject, text: string): UnreadableFrame | null {
  if (!isDeeperThan(object, deepest)) return null;
  return { ok: false, reason: 'too-deep', detail: `expected at most ${deepest} levels of nesting`, excerpt: excerptOf(text) };
}

/**
 * Reads each kind of a message by its own schema, so that one odd kind does not hide the others in the same frame. A kind or a field that is `null`
 * is absent, as in protobuf's JSON. Where every kind is faulty the frame is unreadable.
 * @param schemas  kind → its schema
 * @param object   from {@link readObject}
 * @param text     the same frame as text, for the excerpt
 * @param signals  kinds that must not be lost for one odd field: the field is left out, and is a fault
 * @throws never
 */
export function readKinds<Schemas extends Record<string, z.ZodType>, Message>(
  schemas: Schemas,
  object: WireObject,
  text: string,
  signals: ReadonlySet<keyof Schemas & string> = new Set(),
): ReadFrame<Message, keyof Schemas & string> | UnreadableFrame {
  type Kind = keyof Schemas & string;
  const read = new Map<string, unknown>();
  const kinds: Kind[] = [];
  const faults: Fault<Kind>[] = [];
  for (const kind of Object.keys(schemas) as Kind[]) {
    const value = Object.hasOwn(object, kind) ? object[kind] : null;
    if (value === undefined || value === null) continue;
    const result = readKind(schemas[kind]!, kind, value, signals.has(kind));
    faults.push(...result.faults);
    if (!result.ok) continue;
    kinds.push(kind);
    read.set(kind, result.data);
  }
  const unknown = Object.keys(object).filter((key) => !Object.hasOwn(schemas, key));
  if (kinds.length === 0 && faults.length > 0) {
    const detail = faults.map((fault) => fault.detail).join('; ');
    return { ok: false, reason: 'invalid-shape', detail, excerpt: excerptOf(text) };
  }
  for (const key of unknown) read.set(key, object[key]);
  return { ok: true, message: Object.fromEntries(read) as Message, kinds, unknown, faults };
}

/** One kind, or as much of it as can be read, and what could not. */
type KindRead<Kind extends string> =
  | { readonly ok: true; readonly data: unknown; readonly faults: readonly Fault<Kind>[] }
  | { readonly ok: false; readonly faults: readonly Fault<Kind>[] };

function readKind<Kind extends string>(schema: z.ZodType, kind: Kind, value: unknown, isSignal: boolean): KindRead<Kind> {
  const first = schema.safeParse(value);
  if (first.success) return { ok: true, data: first.data, faults: [] };
  const mended = structuredClone(value);
  if (!dropNulls(mended, first.error)) return salvage(schema, kind, mended, isSignal, first.error);
  const second = schema.safeParse(mended);
  return second.success ? { ok: true, data: second.data, faults: [] } : salvage(schema, kind, mended, isSignal, second.error);
}

/** Takes away every null that the schema would not have. @returns whether there was one */
function dropNulls(value: unknown, { issues }: z.ZodError): boolean {
  let isMended = false;
  for (const { path } of issues) {
    let parent = value;
    for (const key of path.slice(0, -1)) parent = (parent as Record<PropertyKey, unknown>)[key];
    const last = path.at(-1);
    if (last === undefined || !isWireObject(parent) || (parent as Record<PropertyKey, unknown>)[last] !== null) continue;
    delete (parent as Record<PropertyKey, unknown>)[last];
    isMended = true;
  }
  return isMended;
}

/** A signal without its odd fields; any other kind is a fault as a whole. */
function salvage<Kind extends string>(schema: z.ZodType, kind: Kind, value: unknown, isSignal: boolean, error: z.ZodError): KindRead<Kind> {
  const whole = { ok: false, faults: [{ kind, detail: wordsOf(kind, error.issues[0]), got: value }] } as const;
  if (!isSignal || !isWireObject(value)) return whole;
  const faults = new Map<PropertyKey, Fault<Kind>>();
  for (const issue of error.issues) {
    const [field] = issue.path;
    if (field !== undefined && !faults.has(field)) faults.set(field, { kind, detail: wordsOf(kind, issue), got: value[String(field)] });
  }
  const rest = schema.safeParse(Object.fromEntries(Object.entries(value).filter(([field]) => !faults.has(field))));
  return rest.success ? { ok: true, data: rest.data, faults: [...faults.values()] } : whole;
}

/**
 * Levels of objects and lists in one frame. The protocol needs a dozen; what is deeper by thousands can be read, but not be written again:
 * `JSON.stringify` recurses, and would overflow the stack of whoever prints or saves it.
 */
export const deepest = 256;

/** Recurses no further than `levels`, so no value overflows the stack. */
export function isDeeperThan(value: object, levels: number): boolean {
  if (levels === 0) return true;
  for (const inner of Object.values(value) as unknown[]) {
    if (typeof inner === 'object' && inner !== null && isDeeperThan(inner, levels - 1)) return true;
  }
  return false;
}

/** True for what JSON calls an object. */
export function isWireObject(value: unknown): value is WireObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** One for all whole frames: without `stream` it keeps nothing from one to the next. */
const lenient = new TextDecoder();
const strict = new TextDecoder('utf-8', { fatal: true });

/** A strict decoder looks at each byte twice; so only a text that may have replaced some goes through it. @throws TypeError for what is not UTF-8 */
function decoded(frame: Uint8Array | ArrayBuffer): string {
  const text = lenient.decode(frame);
  return text.includes('\uFFFD') ? strict.decode(frame) : text;
}

/** Fragments of one message: a character may be cut between two of them. */
function joined(fragments: readonly Uint8Array[]): string {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let text = '';
  for (const fragment of fragments) text += decoder.decode(fragment, { stream: true });
  return text + decoder.decode();
}

/** Why a frame is no text. */
function undecodable(frame: unknown, error: unknown): Pick<UnreadableFrame, 'reason' | 'detail'> {
  const sort = Object.prototype.toString.call(frame).slice('[object '.length, -1);
  if (sort === 'Blob') return { reason: 'not-bytes', detail: "expected text or bytes, got a Blob: set the socket's binaryType to 'arraybuffer'" };
  if (!Array.isArray(frame) && !ArrayBuffer.isView(frame) && sort !== 'ArrayBuffer') {
    return { reason: 'not-bytes', detail: `expected text or bytes, got: ${sort}` };
  }
  return { reason: 'not-utf8', detail: String(error) };
}

function wordsOf(kind: string, issue: z.core.$ZodIssue | undefined): string {
  return issue ? `${[kind, ...issue.path].join('.')}: ${issue.message}` : `${kind}: no such shape`;
}

function excerptOf(text: string): string {
  return text.length > 120 ? `${text.slice(0, 119)}…` : text;
}
