/** What a Live session is asked for, checked, and turned into the setup message and the address. */
import type { JsonObject } from '../../machines/live/calls.js';
import type { SessionInput } from '../../machines/live/session.js';
import { EspalierError } from '../errors.js';
import { liveEndpoint, modelPath } from '../wire/gemini/live.js';
import { invalid, isObject, isPlainObject, requireOptions, sortOf } from './refusal.js';
import type { OpenSocket } from './socket.js';
import type { LiveTool, LiveTools } from './tools.js';

/** What `liveSession` is asked for; only `model` must be given. A name that is not here is refused, and every object must be a plain one. */
export interface LiveSessionOptions {
  /** An API key, or an ephemeral token (`auth_tokens/…`). Sent in a header. Absent for a server that asks for none. */
  readonly apiKey?: string;
  /** `http(s)://` or `ws(s)://`, host and path, nothing more. Default: Google's. */
  readonly baseUrl?: string;
  /** `v1`, `v1beta` or `v1alpha`. Default `v1beta`; `v1alpha` for an ephemeral token. */
  readonly apiVersion?: string;
  /** `gemini-…` or a path, `models/…`. */
  readonly model: string;
  /** The functions that the model may call, by name. Default: none. */
  readonly tools?: LiveTools;
  /** Text, or a content object. */
  readonly systemInstruction?: string | JsonObject;
  readonly generationConfig?: JsonObject;
  /** Any other field of the setup message, as the wire has it: `inputAudioTranscription`, `realtimeInputConfig`, … */
  readonly setup?: JsonObject;
  /** Until the socket is open, ms. Default 10 000. */
  readonly connectMs?: number;
  /** From there until the server accepts the setup, ms. Default 10 000. */
  readonly setupMs?: number;
  /** For each tool that has no `timeoutMs`, ms. Default 30 000. */
  readonly toolMs?: number;
  /** From a close until the server's answer, ms; then the socket is terminated. Default 2 000: below a supervisor's default `shutdownMs`. */
  readonly closeMs?: number;
  /** Tools that may run at once; a call beyond is answered with an error. Default 64. */
  readonly maxCalls?: number;
  /** How sockets are made. Default: `ws`. */
  readonly openSocket?: OpenSocket;
}

/** What the options come to. `headers` and `secrets` never enter the session's chart. */
export interface LiveSessionPlan {
  readonly input: SessionInput;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly secrets: readonly string[];
  readonly tools: LiveTools;
  readonly maxCalls: number;
}

/** The longest delay that a timer takes, ms: 2³¹ − 1. */
const longestMs = 2_147_483_647;
const headerText = /^[\x21-\x7e]+$/;
const optionKeys: readonly (keyof LiveSessionOptions)[] = [
  'apiKey',
  'baseUrl',
  'apiVersion',
  'model',
  'tools',
  'systemInstruction',
  'generationConfig',
  'setup',
  'connectMs',
  'setupMs',
  'toolMs',
  'closeMs',
  'maxCalls',
  'openSocket',
];
const toolKeys: readonly (keyof LiveTool)[] = ['description', 'parameters', 'execute', 'timeoutMs'];
/** Gemini's rule for the names of functions. */
const toolName = /^[a-zA-Z_][a-zA-Z0-9_.:-]{0,127}$/;

/**
 * Checks the options and says what the session does with them.
 * @throws EspalierError `live/invalid-options` or `live/invalid-tool`, with the option's name; never with a key
 */
export function planSession(options: LiveSessionOptions): LiveSessionPlan {
  requireOptions('options', options, optionKeys);
  const { apiKey, apiVersion, baseUrl, generationConfig, model, setup, systemInstruction, openSocket } = options;
  if (apiKey !== undefined && !(typeof apiKey === 'string' && headerText.test(apiKey)))
    throw invalid('apiKey', 'ASCII without blanks', typeof apiKey);
  if (apiVersion !== undefined && !(typeof apiVersion === 'string' && /^v\d[a-z0-9]*$/.test(apiVersion)))
    throw invalid('apiVersion', "such as 'v1beta'", apiVersion);
  if (typeof model !== 'string' || model.trim() === '') throw invalid('model', 'the name of a model', model);
  if (generationConfig !== undefined && !isPlainObject(generationConfig)) throw invalid('generationConfig', 'an object', generationConfig);
  if (setup !== undefined && !isPlainObject(setup)) throw invalid('setup', 'an object', setup);
  if (systemInstruction !== undefined && typeof systemInstruction !== 'string' && !isPlainObject(systemInstruction)) {
    throw invalid('systemInstruction', 'text or a content object', systemInstruction);
  }
  if (openSocket !== undefined && typeof openSocket !== 'function') throw invalid('openSocket', 'a function', openSocket);
  if (baseUrl !== undefined) checkBaseUrl(baseUrl);
  const { tools = {} } = options;
  checkTools(tools);
  const message = asJson(setupMessage(options, tools));
  return {
    input: {
      setup: message,
      connectMs: duration('connectMs', options.connectMs, 10_000),
      setupMs: duration('setupMs', options.setupMs, 10_000),
      toolMs: duration('toolMs', options.toolMs, 30_000),
      closeMs: duration('closeMs', options.closeMs, 2_000),
    },
    ...liveEndpoint({
      ...(apiKey === undefined ? {} : { apiKey }),
      ...(baseUrl === undefined ? {} : { baseUrl }),
      ...(apiVersion === undefined ? {} : { apiVersion }),
    }),
    secrets: apiKey === undefined ? [] : [apiKey],
    tools,
    maxCalls: count('maxCalls', options.maxCalls, 64),
  };
}

/** The body of the setup message. */
function setupMessage({ model, generationConfig, systemInstruction, setup }: LiveSessionOptions, tools: LiveTools): JsonObject {
  const functionDeclarations = Object.entries(tools).map(([name, { description, parameters }]) => ({
    name,
    description,
    ...(parameters === undefined ? {} : { parametersJsonSchema: parameters }),
  }));
  const ownTools = functionDeclarations.length === 0 ? [] : [{ functionDeclarations }];
  const otherTools = Array.isArray(setup?.['tools']) ? (setup['tools'] as readonly unknown[]) : [];
  const allTools = [...otherTools, ...ownTools];
  return {
    ...setup,
    model: modelPath(model),
    ...(generationConfig === undefined ? {} : { generationConfig }),
    ...(systemInstruction === undefined ? {} : { systemInstruction: contentOf(systemInstruction) }),
    ...(allTools.length === 0 ? {} : { tools: allTools }),
  };
}

function contentOf(text: string | JsonObject): JsonObject {
  return typeof text === 'string' ? { parts: [{ text }] } : text;
}

function checkTools(tools: LiveTools): void {
  if (!isPlainObject(tools)) throw invalid('tools', 'a plain object of tools by name', sortOf(tools));
  for (const [name, tool] of Object.entries(tools)) {
    if (!toolName.test(name)) throw invalidTool(name, `a name that matches ${toolName.source}`, name);
    if (!isObject(tool)) throw invalidTool(name, 'an object', tool);
    const { description, execute, parameters, timeoutMs } = tool;
    // An instance of the app's own class may have fields of its own.
    const unknown = isPlainObject(tool) ? Object.keys(tool).find((key) => !(toolKeys as readonly string[]).includes(key)) : undefined;
    if (unknown !== undefined) throw invalidTool(name, `the keys ${toolKeys.join(', ')}`, unknown);
    if (typeof description !== 'string' || description.trim() === '') throw invalidTool(name, 'a description, for the model', description);
    if (typeof execute !== 'function') throw invalidTool(name, 'a function execute(args, { signal, id })', execute);
    if (parameters !== undefined && !isPlainObject(parameters)) throw invalidTool(name, 'parameters: a JSON schema', sortOf(parameters));
    if (timeoutMs !== undefined && !isDuration(timeoutMs)) throw invalidTool(name, `timeoutMs: a number of ms, 1 to ${longestMs}`, timeoutMs);
  }
}

/** @throws EspalierError that shows no more of the URL than its origin and path: people do put keys in the rest */
function checkBaseUrl(baseUrl: string): void {
  if (typeof baseUrl !== 'string') throw invalid('baseUrl', 'an http(s) or ws(s) URL', baseUrl);
  const url = URL.canParse(baseUrl) ? new URL(baseUrl) : null;
  if (url !== null && url.search + url.hash + url.username + url.password !== '') {
    throw invalid('baseUrl', 'a URL without query, fragment and credentials', `${url.protocol}//${url.host}${url.pathname}`);
  }
}

function duration(name: string, value: number | undefined, byDefault: number): number {
  if (value === undefined) return byDefault;
  if (!isDuration(value)) throw invalid(name, `a number of ms, 1 to ${longestMs}`, value);
  return value;
}

function count(name: string, value: number | undefined, byDefault: number): number {
  if (value === undefined) return byDefault;
  if (!Number.isInteger(value) || value < 1) throw invalid(name, 'a whole number, at least 1', value);
  return value;
}

function isDuration(value: unknown): value is number {
  return typeof value === 'number' && value >= 1 && value <= longestMs;
}

/** A copy as JSON has it: it becomes context of a chart, and what the app changes later is the app's. */
function asJson(message: JsonObject): JsonObject {
  try {
    return JSON.parse(JSON.stringify(message)) as JsonObject;
  } catch (cause) {
    const expected = 'setup, generationConfig, systemInstruction and parameters of tools: JSON';
    throw new EspalierError('live/invalid-options', { expected, got: String(cause) }, { cause });
  }
}

function invalidTool(name: string, expected: string, got: unknown): EspalierError {
  return new EspalierError('live/invalid-tool', { expected: `tool '${name}': ${expected}`, got });
}
