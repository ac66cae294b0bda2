/**
 * The whole answer, out of its chunks: as a content that can be sent back in the next turn, verbatim.
 *
 * Texts that follow each other are one part, thoughts apart. A part with a `thoughtSignature` stays what it is: it is never joined with another, also an
 * empty text that comes late. Pieces of a function call are one call, with the signature of whichever piece had one.
 */
import type { Part } from './content.js';
import { CallArguments, type PartialArg } from './generate-calls.js';
import { blockOf, type GenerateResponse, meaningOfFinish } from './generate.js';

/** A call that the model wants made, whole. */
export interface GeneratedCall {
  /** Of the server's; absent where it gives none, as on Vertex. */
  readonly id?: string;
  readonly name: string;
  readonly args: Readonly<Record<string, unknown>>;
}

/** An answer, as far as it came. */
export interface GenerateAnswer {
  /** The model's turn, of the first candidate: to be put into the next request's `contents` as it is. */
  readonly content: { readonly role: string; readonly parts: readonly Part[] };
  /** Its text, without thoughts. */
  readonly text: string;
  readonly calls: readonly GeneratedCall[];
  /** Null as long as there was none. */
  readonly finishReason: string | null;
  readonly finishMessage: string | null;
  /** What is to be done: make the calls, ask the model to go on, or nothing. */
  readonly next: 'calls' | 'continue' | 'nothing';
  readonly usageMetadata: { readonly [field: string]: unknown } | null;
  readonly modelVersion: string | null;
  readonly responseId: string | null;
  /** Every other field of the last candidate that had it: `groundingMetadata`, `citationMetadata`, `safetyRatings`, … */
  readonly metadata: { readonly [field: string]: unknown };
  /** Further candidates, where more than one was asked for: as this one. */
  readonly others: readonly Pick<GenerateAnswer, 'content' | 'text' | 'calls' | 'finishReason' | 'finishMessage' | 'metadata'>[];
}

/** What a chunk adds, in its order. */
export type AnswerNews =
  | { readonly type: 'text'; readonly text: string; readonly thought: boolean; readonly candidate: number }
  /** A call, whole: at once, or when its last piece has come. */
  | { readonly type: 'call'; readonly call: GeneratedCall; readonly candidate: number }
  /** A piece of a call: `key` is the same for all of one call. */
  | {
      readonly type: 'callPart';
      readonly key: number;
      readonly name: string;
      readonly partialArgs: readonly PartialArg[];
      readonly candidate: number;
    };

/** Why an answer is none: the prompt was refused, or it ended by a failure, or it did not end, or it can't be put together. */
export interface AnswerFault {
  readonly kind: 'blocked' | 'finish' | 'truncated' | 'malformed';
  /** Of the server's, `SAFETY`; or `noCandidate`, `noFinishReason`, `noContent`, `partialArgs`. */
  readonly code: string;
  readonly message: string;
}

/** Puts an answer together. */
export class AnswerBuilder {
  readonly #candidates = new Map<number, CandidateBuilder>();
  #usageMetadata: GenerateAnswer['usageMetadata'] = null;
  #modelVersion: string | null = null;
  #responseId: string | null = null;
  #block: ReturnType<typeof blockOf> = null;

  /** Adds a chunk. @returns what is new in it */
  add(response: GenerateResponse): readonly AnswerNews[] {
    const news: AnswerNews[] = [];
    this.#usageMetadata = response.usageMetadata ?? this.#usageMetadata;
    this.#modelVersion = response.modelVersion ?? this.#modelVersion;
    this.#responseId = response.responseId ?? this.#responseId;
    this.#block ??= blockOf(response);
    for (const [position, candidate] of (response.candidates ?? []).entries()) {
      const index = candidate.index ?? position;
      let builder = this.#candidates.get(index);
      if (builder === undefined) this.#candidates.set(index, (builder = new CandidateBuilder(index)));
      builder.add(candidate, news);
    }
    return news;
  }

  /** The chunks have ended. @returns the last that was open; see {@link fault} */
  end(): readonly AnswerNews[] {
    const news: AnswerNews[] = [];
    for (const builder of this.#candidates.values()) builder.end(news);
    return news;
  }

  /**
   * What is wrong with the answer, now that it has ended; null for a good one. That of the first candidate counts.
   * @param isWhole  it came as one value, so that nothing of it can be missing: one with content needs no `finishReason` then
   */
  fault(isWhole: boolean): AnswerFault | null {
    if (this.#block !== null) {
      const { message, reason } = this.#block;
      return { kind: 'blocked', code: reason, message: message === '' ? `the prompt was blocked: ${reason}` : message };
    }
    const [first] = this.#sorted();
    const kind = isWhole ? 'malformed' : 'truncated';
    return first === undefined ? { kind, code: 'noCandidate', message: 'the answer has no candidate' } : first.fault(isWhole);
  }

  /** All tokens of prompt and answer, as the last chunk that has them says; null while none has. */
  get tokensUsed(): number | null {
    const { totalTokenCount } = this.#usageMetadata ?? {};
    return typeof totalTokenCount === 'number' && totalTokenCount >= 0 && Number.isFinite(totalTokenCount) ? totalTokenCount : null;
  }

  answer(): GenerateAnswer {
    const [first = new CandidateBuilder(0), ...others] = this.#sorted();
    const own = first.part();
    const isContinued = own.finishReason !== null && meaningOfFinish(own.finishReason) === 'continue';
    return {
      ...own,
      next: own.calls.length > 0 ? 'calls' : isContinued ? 'continue' : 'nothing',
      usageMetadata: this.#usageMetadata,
      modelVersion: this.#modelVersion,
      responseId: this.#responseId,
      others: others.map((one) => one.part()),
    };
  }

  #sorted(): CandidateBuilder[] {
    return [...this.#candidates].sort(([a], [b]) => a - b).map(([, builder]) => builder);
  }
}

/** A call whose arguments are still coming. */
interface OpenCall {
  readonly key: number;
  readonly name: string;
  readonly id: string | undefined;
  readonly arguments: CallArguments;
  /** Its place among the parts. */
  readonly place: number;
}

const notMetadata = ['content', 'index', 'finishReason', 'finishMessage'];

class CandidateBuilder {
  readonly #index: number;
  readonly #parts: Part[] = [];
  readonly #calls: GeneratedCall[] = [];
  readonly #metadata: Record<string, unknown> = {};
  #role = 'model';
  #text = '';
  #finishReason: string | null = null;
  #finishMessage: string | null = null;
  #open: OpenCall | null = null;
  #empty: Part | null = null;
  #callCount = 0;
  #fault: string | null = null;

  constructor(index: number) {
    this.#index = index;
  }

  add(candidate: NonNullable<GenerateResponse['candidates']>[number], news: AnswerNews[]): void {
    for (const [name, value] of Object.entries(candidate)) if (!notMetadata.includes(name)) this.#metadata[name] = value;
    this.#role = candidate.content?.role ?? this.#role;
    for (const part of candidate.content?.parts ?? []) this.#addPart(part, news);
    this.#finishReason = candidate.finishReason ?? this.#finishReason;
    this.#finishMessage = candidate.finishMessage ?? this.#finishMessage;
  }

  end(news: AnswerNews[]): void {
    if (this.#open === null) return;
    // A server may leave the last, empty piece out. A text that is half there must not be taken for a whole one.
    if (this.#open.arguments.isOpen) this.#fault ??= `a call of '${this.#open.name}' whose arguments did not end`;
    else this.#close(this.#open, news);
  }

  fault(isWhole: boolean): AnswerFault | null {
    const reason = this.#finishReason;
    if (reason === null && !isWhole) return { kind: 'truncated', code: 'noFinishReason', message: 'the answer ended without a finishReason' };
    if (reason === null && this.#parts.length === 0 && this.#empty === null)
      return { kind: 'malformed', code: 'noContent', message: 'the answer has no content' };
    if (reason !== null && meaningOfFinish(reason) === 'failure')
      return { kind: 'finish', code: reason, message: this.#finishMessage ?? `the answer ended by ${reason}` };
    return this.#fault === null ? null : { kind: 'malformed', code: 'partialArgs', message: this.#fault };
  }

  part() {
    return {
      content: { role: this.#role, parts: this.#parts.length === 0 && this.#empty !== null ? [this.#empty] : [...this.#parts] },
      text: this.#text,
      calls: [...this.#calls],
      finishReason: this.#finishReason,
      finishMessage: this.#finishMessage,
      metadata: { ...this.#metadata },
    };
  }

  #addPart(part: Part, news: AnswerNews[]): void {
    if (part.functionCall !== undefined && part.functionCall !== null) {
      this.#addCall(part, news);
      return;
    }
    const { text } = part;
    if (typeof text !== 'string') {
      this.#parts.push(part);
      return;
    }
    const thought = part.thought === true;
    if (text !== '') news.push({ type: 'text', text, thought, candidate: this.#index });
    if (!thought) this.#text += text;
    if (!isPlainText(part)) {
      this.#parts.push(part);
      return;
    }
    // An empty text says nothing, and some servers refuse to be sent it; but an answer that is nothing else has to be something.
    if (text === '') {
      this.#empty ??= part;
      return;
    }
    const last = this.#parts.at(-1);
    if (last !== undefined && isPlainText(last) && (last.thought === true) === thought)
      this.#parts[this.#parts.length - 1] = { ...last, text: (last.text ?? '') + text };
    else this.#parts.push(part);
  }

  #addCall(part: Part, news: AnswerNews[]): void {
    const { functionCall, ...beside } = part;
    const call = functionCall as NonNullable<typeof functionCall>;
    const pieces: readonly PartialArg[] = call.partialArgs ?? [];
    const name = call.name ?? '';
    const goesOn = call.willContinue === true;
    // The last, empty piece of a call that has ended already.
    if (this.#open === null && Object.keys(call).length === 0) return;
    // A piece of the open call has no name of its own.
    if (this.#open !== null && name !== '') this.#close(this.#open, news);
    if (this.#open === null && !goesOn && pieces.length === 0) {
      this.#parts.push(part);
      this.#tell({ ...(typeof call.id === 'string' ? { id: call.id } : {}), name, args: call.args ?? {} }, news);
      return;
    }
    const open = (this.#open ??= {
      key: this.#callCount++,
      name,
      id: typeof call.id === 'string' ? call.id : undefined,
      arguments: new CallArguments(),
      place: this.#parts.push(beside) - 1,
    });
    open.arguments.addWhole(call.args ?? {});
    const { thoughtSignature } = beside;
    const placed = this.#parts[open.place];
    if (thoughtSignature !== undefined && placed !== undefined && placed.thoughtSignature === undefined)
      this.#parts[open.place] = { ...placed, thoughtSignature };
    for (const piece of pieces) {
      const fault = open.arguments.add(piece);
      if (fault !== null) this.#fault ??= `a call of '${open.name}' with ${fault}`;
    }
    news.push({ type: 'callPart', key: open.key, name: open.name, partialArgs: pieces, candidate: this.#index });
    if (!goesOn) this.#close(open, news);
  }

  #close(open: OpenCall, news: AnswerNews[]): void {
    this.#open = null;
    const call: GeneratedCall = { ...(open.id === undefined ? {} : { id: open.id }), name: open.name, args: open.arguments.args };
    this.#parts[open.place] = { ...this.#parts[open.place], functionCall: { ...call, args: { ...call.args } } };
    this.#tell(call, news);
  }

  #tell(call: GeneratedCall, news: AnswerNews[]): void {
    this.#calls.push(call);
    news.push({ type: 'call', call, candidate: this.#index });
  }
}

/** A text and nothing else, thought or not: it may be joined with its neighbour. */
function isPlainText(part: Part): boolean {
  return typeof part.text === 'string' && Object.keys(part).every((key) => key === 'text' || key === 'thought');
}
