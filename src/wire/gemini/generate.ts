/**
 * generateContent and streamGenerateContent: where to ask, what is asked, what is answered.
 *
 * Objects are loose: fields that are not named here pass, and what is answered is handed on as it came, since it must be sent back verbatim. Enumerations
 * are open strings, since servers add members.
 *
 * @see https://ai.google.dev/api/generate-content; @google/genai 3.1.0 declarations: GenerateContentResponse, Candidate, FinishReason
 */
import { z } from 'zod';

import { absent, anyObject, content, functionCall, type Part } from './content.js';

/** A request's body. Only `contents` must be there. */
export const generateRequest = z.looseObject({
  contents: z.array(content).min(1),
  systemInstruction: content.optional(),
  tools: z.array(anyObject).optional(),
  toolConfig: anyObject.optional(),
  generationConfig: anyObject.optional(),
  safetySettings: z.array(anyObject).optional(),
  cachedContent: z.string().optional(),
  labels: z.record(z.string(), z.string()).optional(),
});
/** What is asked. @see {@link generateRequest} */
export type GenerateRequest = z.input<typeof generateRequest>;

const answerPart = z.looseObject({
  text: absent(z.string()),
  thought: absent(z.boolean()),
  thoughtSignature: absent(z.string()),
  functionCall: absent(
    functionCall.extend({
      id: absent(z.string()),
      name: absent(z.string()),
      args: absent(z.record(z.string(), z.unknown())),
      partialArgs: absent(z.array(anyObject)),
      willContinue: absent(z.boolean()),
    }),
  ),
});

const candidate = z.looseObject({
  index: absent(z.number()),
  content: absent(z.looseObject({ role: absent(z.string()), parts: absent(z.array(answerPart)) })),
  finishReason: absent(z.string()),
  finishMessage: absent(z.string()),
});

/** An answer, or one chunk of it. */
const generateResponse = z.looseObject({
  candidates: absent(z.array(candidate)),
  promptFeedback: absent(z.looseObject({ blockReason: absent(z.string()), blockReasonMessage: absent(z.string()) })),
  usageMetadata: absent(anyObject),
  modelVersion: absent(z.string()),
  responseId: absent(z.string()),
});

/** One candidate of a chunk, as it came. */
export interface GenerateCandidate {
  readonly index?: number | null;
  readonly content?: { readonly role?: string | null; readonly parts?: readonly Part[] | null } | null;
  readonly finishReason?: string | null;
  readonly finishMessage?: string | null;
  readonly [field: string]: unknown;
}

/** An answer, or one chunk of it, as it came: only the fields that are named here were looked at. */
export interface GenerateResponse {
  readonly candidates?: readonly GenerateCandidate[] | null;
  readonly promptFeedback?: {
    readonly blockReason?: string | null;
    readonly blockReasonMessage?: string | null;
    readonly [field: string]: unknown;
  } | null;
  readonly usageMetadata?: { readonly [field: string]: unknown } | null;
  readonly modelVersion?: string | null;
  readonly responseId?: string | null;
  readonly [field: string]: unknown;
}

/** Reads a response. @returns the very value that was given, or in words what is wrong with it */
export function readResponse(
  value: unknown,
): { readonly ok: true; readonly response: GenerateResponse } | { readonly ok: false; readonly fault: string } {
  const read = generateResponse.safeParse(value);
  if (read.success) return { ok: true, response: value as GenerateResponse };
  const [issue] = read.error.issues;
  return { ok: false, fault: `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'no response'}` };
}

/**
 * What a `finishReason` means: the end of an answer, the end of a piece that the model wants to continue, or the failure of the answer. One that nobody
 * knows is a failure: an answer that stopped for a reason unheard of must not be taken for a whole one.
 */
export function meaningOfFinish(reason: string): 'end' | 'continue' | 'failure' {
  if (reason === 'STOP' || reason === 'MAX_TOKENS') return 'end';
  return reason === 'CONTINUATION' ? 'continue' : 'failure';
}

/** Does the server refuse the prompt? @returns its reason, or null */
export function blockOf({ promptFeedback }: GenerateResponse): { readonly reason: string; readonly message: string } | null {
  const reason = promptFeedback?.blockReason ?? '';
  if (reason === '' || reason === 'BLOCK_REASON_UNSPECIFIED') return null;
  return { reason, message: promptFeedback?.blockReasonMessage ?? '' };
}
