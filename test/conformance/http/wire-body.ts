/**
 * The body of a recorded answer, taken apart by a reader of the harness's own: out of the whole text, line by line, without any of the code under test.
 *
 * A body is one value of JSON, or server-sent events with bare JSON among them: that is what a service in trouble writes, and where one stands behind an
 * event without a blank line, the event comes first. Data that the end of the body leaves without its blank line counts where it is whole.
 */

/** What stands in a body, in its order. */
export type Item =
  /** `event` and `id` are empty where it has none. */
  | { readonly kind: 'payload'; readonly value: unknown; readonly event: string; readonly id: string }
  /** `[DONE]`, or an event of that name. */
  | { readonly kind: 'done' }
  /** An event that is all there, and no JSON. */
  | { readonly kind: 'unreadable' };

export interface WireBody {
  readonly items: readonly Item[];
  /** Is it one value of JSON? */
  readonly isJson: boolean;
  /** Do the bytes end inside an event, or inside a value? */
  readonly isCut: boolean;
}

/** @param contentType  of the answer: by it a body that begins with a bracket, and does not end, is JSON or events */
export function readBody(bytes: Uint8Array, contentType: string): WireBody {
  // This takes the byte order mark away.
  const text = new TextDecoder().decode(bytes);
  const whole = valueOf(text);
  if (whole !== undefined) return { items: [payload(whole)], isJson: true, isCut: false };
  if (text.trim() === '') return { items: [], isJson: true, isCut: false };
  if (/^\s*[{[]/.test(text) && !contentType.startsWith('text/event-stream')) return { items: [], isJson: true, isCut: true };
  return { isJson: false, ...readLines(text) };
}

function readLines(text: string): Omit<WireBody, 'isJson'> {
  const items: Item[] = [];
  let [data, event, id, bare]: [string[], string, string, string] = [[], '', '', ''];
  const dispatch = (): void => {
    if (data.length > 0) items.push(itemOf(data.join('\n'), event, id));
    [data, event, id] = [[], '', ''];
  };
  for (const line of text.split(/\r\n|\r|\n/)) {
    const [, field, value = ''] = /^(data|event|id|retry)(?:: ?(.*))?$/.exec(line) ?? [];
    if (line === '') dispatch();
    else if (field === 'data') {
      data.push(value);
      bare = '';
    } else if (field === 'event') event = value;
    else if (field === 'id') id = value;
    else if (field === undefined && !line.startsWith(':') && (bare !== '' || /^\s*[{[]/.test(line))) {
      bare += `${line}\n`;
      const found = /[}\]]\s*$/.test(line) ? valueOf(bare) : undefined;
      if (found === undefined) continue;
      dispatch();
      items.push(payload(found));
      bare = '';
    }
  }
  const left = itemOf(data.join('\n'), event, id);
  const isWhole = left.kind === 'done' || (left.kind === 'payload' && typeof left.value === 'object');
  if (data.length > 0 && isWhole) items.push(left);
  return { items, isCut: bare !== '' || (data.length > 0 && !isWhole) };
}

function itemOf(data: string, event: string, id: string): Item {
  if (data.trim() === '[DONE]' || event === 'done') return { kind: 'done' };
  const value = valueOf(data);
  if (value !== undefined) return { kind: 'payload', value, event, id };
  return event === 'error' ? { kind: 'payload', value: { error: data }, event, id } : { kind: 'unreadable' };
}

function payload(value: unknown): Item {
  return { kind: 'payload', value, event: '', id: '' };
}

function valueOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The fields of an object of JSON; of all else there are none. */
export function fieldsOf(value: unknown): { readonly [field: string]: unknown } {
  return isFields(value) ? value : {};
}

export function isFields(value: unknown): value is { readonly [field: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A list of JSON; of all else there is nothing in it. */
export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as readonly unknown[]) : [];
}

/** A text; null for all else. */
export function textOrNull(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}
