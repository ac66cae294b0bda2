/**
 * Frames of a Live server that carry data: audio and text of the model, transcripts, token counts. There are hundreds in a turn, and none changes the
 * state of a session; so they are told apart cheaply, and read without a schema. So are calls of tools, for which the model waits.
 */
import type { z } from 'zod';

import { blob, transcription } from './content.js';
import { deepest, isDeeperThan, isWireObject, type WireObject } from './frame.js';
import { modelTurn, serverContent, serverPart, tokenDetail, usageMetadata } from './server-content.js';
import { type ServerMessage, serverKindNames } from './server-kinds.js';

/**
 * Does this message change no state of a session? True when its kinds are none but `usageMetadata` and a `serverContent` that neither ends, interrupts
 * or suspends a turn, nor tells a status, nor holds a call. A flag that is `false` is not set, as in protobuf. Fields that are no kind count for nothing.
 * @throws never
 */
export function isData(message: ServerMessage): boolean {
  for (const key in message) {
    if (key === 'serverContent') {
      if (!isDataContent(message.serverContent)) return false;
    } else if (key !== 'usageMetadata' && serverKindNames.has(key) && message[key] !== undefined && message[key] !== null) return false;
  }
  return true;
}

function isDataContent(content: ServerMessage['serverContent']): boolean {
  if (content === undefined || content === null) return true;
  if (content.turnComplete || content.interrupted || content.generationComplete || content.waitingForInput) return false;
  if (content.interactionStatus || content.turnCompleteReason) return false;
  for (const part of content.modelTurn?.parts ?? []) if (part.functionCall !== undefined && part.functionCall !== null) return false;
  return true;
}

/** Does a schema make of this value, as JSON.parse made it, exactly what it is? A no says nothing. @throws never */
type Check = (value: unknown) => boolean;

const string: Check = (value) => typeof value === 'string';
const boolean: Check = (value) => typeof value === 'boolean';
/** JSON's 1e999 is Infinity, which is no number of the protocol. */
const number: Check = (value) => Number.isFinite(value);

function list(item: Check): Check {
  return (value) => {
    if (!Array.isArray(value)) return false;
    for (const each of value) if (!item(each)) return false;
    return true;
  };
}

/**
 * Judges one field of an object: by its check; an unknown one is right unless it holds an object, so the depth is bounded, too. The other fields of
 * the schema are for the schema to judge; and so is `__proto__`, which no schema lets through.
 */
function fieldCheck(schema: z.ZodObject, checks: Readonly<Record<string, Check>>): (field: string, value: unknown) => boolean {
  const no: Check = () => false;
  const unchecked = [...Object.keys(schema.shape), '__proto__'].map((field): [string, Check] => [field, no]);
  const table = new Map([...unchecked, ...Object.entries(checks)]);
  return (field, value) => {
    const check = table.get(field);
    return check === undefined ? typeof value !== 'object' || value === null : check(value);
  };
}

/** An object whose fields are right, each by {@link fieldCheck}. */
function fields(schema: z.ZodObject, checks: Readonly<Record<string, Check>>): Check {
  const isRight = fieldCheck(schema, checks);
  return (value) => {
    if (!isWireObject(value)) return false;
    for (const field in value) if (!isRight(field, value[field])) return false;
    return true;
  };
}

// What a frame of audio goes through is written out: in tables it would cost three times as much, a twentieth of the frame.

const mediaField = fieldCheck(blob, {});

function plainMedia(value: unknown): boolean {
  if (!isWireObject(value)) return false;
  for (const field in value) {
    const inner = value[field];
    if (field === 'data' || field === 'mimeType' ? typeof inner !== 'string' : !mediaField(field, inner)) return false;
  }
  return true;
}

const partField = fieldCheck(serverPart, { text: string, thought: boolean, thoughtSignature: string });

function plainPart(value: unknown): boolean {
  if (!isWireObject(value)) return false;
  for (const field in value) if (!(field === 'inlineData' ? plainMedia(value[field]) : partField(field, value[field]))) return false;
  return true;
}

const turnField = fieldCheck(modelTurn, { role: string });

function plainTurn(value: unknown): boolean {
  if (!isWireObject(value)) return false;
  for (const field in value) {
    const inner = value[field];
    if (field !== 'parts') {
      if (!turnField(field, inner)) return false;
      continue;
    }
    if (!Array.isArray(inner)) return false;
    for (const part of inner) if (!plainPart(part)) return false;
  }
  return true;
}

const transcript = fields(transcription, { text: string, finished: boolean, languageCode: string });

const contentField = fieldCheck(serverContent, {
  turnComplete: boolean,
  generationComplete: boolean,
  interrupted: boolean,
  waitingForInput: boolean,
  turnCompleteReason: string,
  interactionStatus: string,
  inputTranscription: transcript,
  interimInputTranscription: transcript,
  outputTranscription: transcript,
});

function plainContent(value: unknown): boolean {
  if (!isWireObject(value)) return false;
  for (const field in value) if (!(field === 'modelTurn' ? plainTurn(value[field]) : contentField(field, value[field]))) return false;
  return true;
}

const details = list(fields(tokenDetail, { modality: string, tokenCount: number }));

const plainUsage = fields(usageMetadata, {
  promptTokenCount: number,
  responseTokenCount: number,
  candidatesTokenCount: number,
  thoughtsTokenCount: number,
  toolUsePromptTokenCount: number,
  cachedContentTokenCount: number,
  totalTokenCount: number,
  promptTokensDetails: details,
  responseTokensDetails: details,
  candidatesTokensDetails: details,
  trafficType: string,
});

/** As deep as a frame may be, less the four levels around the arguments. */
const deepestArgs = deepest - 4;

/** Calls as servers make them: an id, a name, arguments. All three: what is absent, a schema adds. */
function plainCalls(value: unknown): boolean {
  if (!isWireObject(value)) return false;
  const { functionCalls } = value;
  if (!Array.isArray(functionCalls) || Object.keys(value).length !== 1) return false;
  for (const call of functionCalls) {
    if (!isWireObject(call) || Object.keys(call).length !== 3) return false;
    const { id, name, args } = call;
    if (typeof id !== 'string' || typeof name !== 'string' || !isWireObject(args)) return false;
    if (Object.hasOwn(args, '__proto__') || isDeeperThan(args, deepestArgs)) return false;
  }
  return true;
}

const callsOnly = Object.freeze(['toolCall'] as const);
const contentOnly = Object.freeze(['serverContent'] as const);
const usageOnly = Object.freeze(['usageMetadata'] as const);
const both = Object.freeze(['serverContent', 'usageMetadata'] as const);

/**
 * The kinds of an object, as JSON.parse made it, that the schemas would leave as it is: nothing but a plain `serverContent` and a plain
 * `usageMetadata`, or a plain `toolCall` alone. Null says nothing: then the schemas decide.
 * @throws never
 */
export function plainKinds(object: WireObject): typeof callsOnly | typeof contentOnly | typeof usageOnly | typeof both | null {
  if (Object.hasOwn(object, 'toolCall')) return Object.keys(object).length === 1 && plainCalls(object['toolCall']) ? callsOnly : null;
  let hasContent = false;
  let hasUsage = false;
  for (const key in object) {
    if (key === 'serverContent' && plainContent(object[key])) hasContent = true;
    else if (key === 'usageMetadata' && plainUsage(object[key])) hasUsage = true;
    else return null;
  }
  if (hasContent) return hasUsage ? both : contentOnly;
  return hasUsage ? usageOnly : null;
}
