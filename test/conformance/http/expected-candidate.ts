/** One candidate of an answer of generateContent, put together by the harness: its texts, its calls, its parts. */
import { ExpectedArguments } from './expected-arguments.js';
import { fieldsOf, isFields, listOf, textOrNull } from './wire-body.js';

type Part = { readonly [field: string]: unknown };

/** A call whose arguments are still coming. */
interface OpenCall {
  readonly key: number;
  readonly name: string;
  readonly id: string | null;
  readonly arguments: ExpectedArguments;
  /** Its part, without the call. */
  part: Part;
  /** Its place among the parts. */
  readonly place: number;
}

/** What stands in fields of its own. */
const notMetadata = ['content', 'index', 'finishReason', 'finishMessage'];

export class ExpectedCandidate {
  readonly #index: number;
  readonly #parts: Part[] = [];
  readonly #calls: object[] = [];
  readonly #metadata: Record<string, unknown> = {};
  #role = 'model';
  #finishReason: string | null = null;
  #finishMessage: string | null = null;
  #open: OpenCall | null = null;
  #callCount = 0;

  constructor(index: number) {
    this.#index = index;
  }

  get finishReason(): string | null {
    return this.#finishReason;
  }

  get isEmpty(): boolean {
    return this.#parts.length === 0;
  }

  /** Is a call under way whose arguments are not all there? */
  get isOpen(): boolean {
    return this.#open !== null;
  }

  /** Adds what a chunk says of it, and tells what is new. */
  add(candidate: Part, events: unknown[]): void {
    for (const [name, value] of Object.entries(candidate)) if (!notMetadata.includes(name)) this.#metadata[name] = value;
    const { parts, role } = fieldsOf(candidate['content']);
    this.#role = textOrNull(role) ?? this.#role;
    for (const part of listOf(parts)) this.#addPart(fieldsOf(part), events);
    this.#finishReason = textOrNull(candidate['finishReason']) ?? this.#finishReason;
    this.#finishMessage = textOrNull(candidate['finishMessage']) ?? this.#finishMessage;
  }

  /** All chunks have come: the last, empty piece of a call may have been left out, but no text may be half there. */
  end(events: unknown[]): void {
    if (this.#open !== null && !this.#open.arguments.isInText) this.#close(this.#open, events);
  }

  answer() {
    return {
      content: contentOf({ role: this.#role, parts: this.#parts }),
      text: this.#parts.map(({ text, thought }) => (thought === true ? '' : (textOrNull(text) ?? ''))).join(''),
      calls: this.#calls,
      ...{ finishReason: this.#finishReason, finishMessage: this.#finishMessage, metadata: this.#metadata },
    };
  }

  #addPart(part: Part, events: unknown[]): void {
    const { functionCall, text, thought } = part;
    if (isFields(functionCall)) {
      this.#addCall(part, functionCall, events);
      return;
    }
    this.#parts.push(part);
    if (typeof text === 'string' && text !== '') events.push({ type: 'text', text, thought: thought === true, candidate: this.#index });
  }

  #addCall(part: Part, call: Part, events: unknown[]): void {
    const pieces = listOf(call['partialArgs']);
    const name = textOrNull(call['name']) ?? '';
    const goesOn = call['willContinue'] === true;
    const { functionCall: _, ...beside } = part;
    // One that has a name begins anew: the last piece of the one before was left out.
    if (this.#open !== null && name !== '') this.#close(this.#open, events);
    if (this.#open === null) {
      if (Object.keys(call).length === 0) return;
      if (!goesOn && pieces.length === 0) {
        this.#parts.push(part);
        this.#tell(textOrNull(call['id']), name, call['args'] ?? {}, events);
        return;
      }
      const place = this.#parts.push(beside) - 1;
      this.#open = { key: this.#callCount++, name, id: textOrNull(call['id']), arguments: new ExpectedArguments(), part: beside, place };
    }
    const open = this.#open;
    // The signature of whichever piece has one.
    if (beside['thoughtSignature'] !== undefined) open.part = { thoughtSignature: beside['thoughtSignature'], ...open.part };
    for (const [field, value] of Object.entries(fieldsOf(call['args']))) open.arguments.value[field] = value;
    for (const piece of pieces) open.arguments.add(fieldsOf(piece));
    events.push({ type: 'callPart', key: open.key, name: open.name, partialArgs: pieces, candidate: this.#index });
    if (!goesOn) this.#close(open, events);
  }

  #close({ arguments: { value }, id, name, part, place }: OpenCall, events: unknown[]): void {
    this.#open = null;
    this.#parts[place] = { ...part, functionCall: { ...(id === null ? {} : { id }), name, args: value } };
    this.#tell(id, name, value, events);
  }

  #tell(id: string | null, name: string, args: unknown, events: unknown[]): void {
    const call = { ...(id === null ? {} : { id }), name, args };
    this.#calls.push(call);
    events.push({ type: 'call', call, candidate: this.#index });
  }
}

/**
 * A content, however its texts were cut: those that follow each other are one, thoughts apart, and an empty one says nothing. A part that has a signature, or
 * anything else, stands by itself and as it came.
 */
export function contentOf({ parts, role }: { readonly role?: unknown; readonly parts?: unknown }): {
  readonly role: unknown;
  readonly parts: readonly Part[];
} {
  const joined: Part[] = [];
  for (const one of listOf(parts)) {
    const part = fieldsOf(one);
    const last = joined.at(-1);
    if (!isPlain(part)) joined.push(part);
    else if (last !== undefined && isPlain(last) && (last['thought'] === true) === (part['thought'] === true))
      joined[joined.length - 1] = { ...last, text: String(last['text']) + String(part['text']) };
    else if (part['text'] !== '') joined.push(part);
  }
  return { role, parts: joined };
}

function isPlain(part: Part): boolean {
  return typeof part['text'] === 'string' && Object.keys(part).every((field) => field === 'text' || field === 'thought');
}
