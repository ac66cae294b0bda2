/** What a Live session is asked for, checked, and turned into the setup message, the address and the input of its chart. */
import type { Backoff } from '../../machines/backoff.js';
import { type JsonObject, nonBlockingIn } from '../../machines/live/calls.js';
import type { SessionInput } from '../../machines/live/session-events.js';
import { isBackoff, wholeBackoff } from '../../machines/supervision/child-spec.js';
import { EspalierError } from '../errors.js';
import { type BehindGate, requireBehindGate } from '../gate/behind.js';
import { type AccessToken, liveEndpoint, liveUrl, modelPath, type SchedulingPlace, vertexModelPath } from '../wire/gemini/live.js';
import { capabilitiesOf, type ModelCapabilities } from './capabilities.js';
import { isPlainObject, sortOf } from '../option-checks.js';
import { count, duration, invalid, requireOptions } from './refusal.js';
import type { OpenSocket } from './socket.js';
import { type LiveTools, type OnToolCall, planTools } from './tool-plan.js';
import type { FindTool } from './tools.js';
import type { UplinkLimits } from './uplink.js';

/** What `liveSession` is asked for; only `model` must be given. A name that is not here is refused, and every object must be a plain one. */
export interface LiveSessionOptions {
  /** An API key, or an ephemeral token (`auth_tokens/…`). Sent in a header. Absent for a server that asks for none. */
  readonly apiKey?: string;
  /** Where the key travels. Default `header`; `query` for browsers, which can set no headers. */
  readonly keyIn?: 'header' | 'query';
  /** On Vertex: the project, its location, and an OAuth token or what fetches one, called for each new socket. */
  readonly vertex?: { readonly project: string; readonly location: string; readonly accessToken?: AccessToken };
  /** `http(s)://` or `ws(s)://`, host and path, nothing more. Default: Google's. */
  readonly baseUrl?: string;
  /** `v1`, `v1beta` or `v1alpha`. Default `v1beta`; `v1alpha` for an ephemeral token; `v1beta1` on Vertex. */
  readonly apiVersion?: string;
  /** `gemini-…` or a path, `models/…`. */
  readonly model: string;
  /** The functions that the model may call, by name. Default: none. */
  readonly tools?: LiveTools;
  /** Told of calls that no tool's `execute` answers. */
  readonly onToolCall?: OnToolCall;
  /** What the model can do, where the table of models is wrong. */
  readonly capabilities?: Partial<ModelCapabilities>;
  /** Text, or a content object. */
  readonly systemInstruction?: string | JsonObject;
  readonly generationConfig?: JsonObject;
  /** Any other field of the setup message, as the wire has it: `inputAudioTranscription`, `contextWindowCompression`, `realtimeInputConfig`, … */
  readonly setup?: JsonObject;
  /**
   * Turns that the conversation begins with, contents with `role` and `parts`. Sent once to each conversation; to a resumed one again only where its
   * handle is from before they were written.
   */
  readonly history?: readonly JsonObject[];
  /** Are handles asked for, and is the conversation resumed with them? Default true. */
  readonly resumption?: boolean;
  /** What becomes of calls that a resumed conversation does not know, since its handle is older than they are. Default `send`: no answer is lost. */
  readonly staleAnswers?: 'send' | 'abandon';
  /**
   * Where an answer to a call that the model did not wait for says when to speak of it: `sibling` of `response`, or `inside` it, for a server that reads it
   * there only. Default `sibling`, as the protocol has it.
   */
  readonly schedulingPlace?: SchedulingPlace;
  /** How it comes back after a lost socket. Default: 5 in 60 s, from 250 ms to 10 s. `intensity: 0`: not at all. */
  readonly reconnect?: { readonly intensity?: number; readonly periodMs?: number; readonly backoff?: Partial<Backoff> };
  /** How long before the end that a `goAway` announces the socket is left at the latest, ms. Default 5 000. */
  readonly rotationMarginMs?: number;
  /** Bounds of what may wait to be written. Default: 64 of audio, 64 of content and parts of answers, 8 MiB of all, 1 MiB held by the socket. */
  readonly uplink?: Partial<UplinkLimits>;
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
  /** It needs a permit, for all its life: it waits for one before its first socket, and keeps it over all of them. Default: none. */
  readonly gate?: BehindGate;
  /** How sockets are made. Default: `ws` in Node, the platform's own in a browser. */
  readonly openSocket?: OpenSocket;
}

/** What the options come to. Credentials are in `endpoint` and `secrets` alone; they never enter the session's chart. */
export interface LiveSessionPlan {
  readonly input: SessionInput;
  /** The address of the next socket; fetches a token where one must be fetched. */
  endpoint(): { readonly url: string; readonly headers: Headers } | Promise<{ readonly url: string; readonly headers: Headers }>;
  readonly gate: BehindGate | undefined;
  readonly secrets: readonly string[];
  readonly find: FindTool;
  readonly maxCalls: number;
  readonly limits: UplinkLimits;
  readonly schedulingPlace: SchedulingPlace;
}

type Headers = Readonly<Record<string, string>>;

const optionKeys: readonly (keyof LiveSessionOptions)[] = [
  ...(['apiKey', 'keyIn', 'vertex', 'baseUrl', 'apiVersion', 'model', 'tools', 'onToolCall', 'capabilities', 'systemInstruction'] as const),
  ...(['generationConfig', 'setup', 'history', 'resumption', 'staleAnswers', 'schedulingPlace', 'reconnect', 'rotationMarginMs', 'uplink'] as const),
  ...(['connectMs', 'setupMs', 'toolMs', 'closeMs', 'maxCalls', 'gate', 'openSocket'] as const),
];

/** From 250 ms to 10 s, doubling, half of it by chance; a server that is back gets no crowd at one moment. */
const defaultBackoff: Backoff = { minMs: 250, maxMs: 10_000, factor: 2, jitter: 0.5, resetAfterMs: 60_000 };

/**
 * Checks the options and says what the session does with them.
 * @throws EspalierError `live/invalid-options`, `live/invalid-tool` or `gate/invalid-options`, with the option's name; never with a key
 */
export function planSession(options: LiveSessionOptions): LiveSessionPlan {
  requireOptions('options', options, optionKeys);
  const { apiKey, generationConfig, history = [], model, openSocket, resumption = true, setup, staleAnswers = 'send', systemInstruction } = options;
  const { schedulingPlace = 'sibling' } = options;
  if (apiKey !== undefined && !(typeof apiKey === 'string' && /^[\x21-\x7e]+$/.test(apiKey)))
    throw invalid('apiKey', 'ASCII without blanks', typeof apiKey);
  if (options.keyIn !== undefined && options.keyIn !== 'header' && options.keyIn !== 'query')
    throw invalid('keyIn', 'header or query', options.keyIn);
  if (options.apiVersion !== undefined && typeof options.apiVersion !== 'string') throw invalid('apiVersion', 'such as v1beta', options.apiVersion);
  if (typeof model !== 'string' || model.trim() === '') throw invalid('model', 'the name of a model', model);
  if (generationConfig !== undefined && !isPlainObject(generationConfig)) throw invalid('generationConfig', 'an object', generationConfig);
  if (setup !== undefined && !isPlainObject(setup)) throw invalid('setup', 'an object', setup);
  if (systemInstruction !== undefined && typeof systemInstruction !== 'string' && !isPlainObject(systemInstruction)) {
    throw invalid('systemInstruction', 'text or a content object', systemInstruction);
  }
  if (!Array.isArray(history) || !history.every(isPlainObject)) throw invalid('history', 'a list of contents', sortOf(history));
  if (typeof resumption !== 'boolean') throw invalid('resumption', 'true or false', resumption);
  if (staleAnswers !== 'send' && staleAnswers !== 'abandon') throw invalid('staleAnswers', 'send or abandon', staleAnswers);
  if (schedulingPlace !== 'sibling' && schedulingPlace !== 'inside') throw invalid('schedulingPlace', 'sibling or inside', schedulingPlace);
  if (openSocket !== undefined && typeof openSocket !== 'function') throw invalid('openSocket', 'a function', openSocket);
  if (options.vertex !== undefined) requireOptions('vertex', options.vertex, ['project', 'location', 'accessToken']);
  if (options.capabilities !== undefined) requireOptions('capabilities', options.capabilities, ['nonBlocking', 'gatesAudio']);
  requireBehindGate(options.gate);
  const capabilities = capabilitiesOf(model, options.capabilities);
  const tools = planTools(options.tools === undefined ? {} : options.tools, options.onToolCall, capabilities);
  const setupBody = asJson(setupMessage(options, tools.declarations));
  return {
    input: {
      setup: setupBody,
      connectMs: duration('connectMs', options.connectMs, 10_000),
      setupMs: duration('setupMs', options.setupMs, 10_000),
      toolMs: duration('toolMs', options.toolMs, 30_000),
      toolDeadlines: tools.deadlines,
      // Those of `setup` as well: an app may declare functions of its own, for onToolCall.
      nonBlocking: capabilities.nonBlocking ? nonBlockingIn(setupBody['tools']) : [],
      goesOn: capabilities.nonBlocking,
      closeMs: duration('closeMs', options.closeMs, 2_000),
      resumption,
      reconnect: reconnectPolicy(options.reconnect),
      rotationMarginMs: duration('rotationMarginMs', options.rotationMarginMs, 5_000),
      gatesAudio: capabilities.gatesAudio,
      staleAnswers,
      history: asJson({ history })['history'] as readonly JsonObject[],
      ...(options.gate === undefined ? {} : { isBehindGate: true }),
    },
    endpoint: endpointOf(options),
    gate: options.gate,
    secrets: [apiKey, typeof options.vertex?.accessToken === 'string' ? options.vertex.accessToken : undefined].filter((word) => word !== undefined),
    find: tools.find,
    maxCalls: count('maxCalls', options.maxCalls, 64),
    limits: uplinkLimits(options.uplink),
    schedulingPlace,
  };
}

/** Checked now, so that a bad address is refused before anything starts; a token that must be fetched is fetched for each socket. */
function endpointOf({ apiKey, apiVersion, baseUrl, keyIn, vertex }: LiveSessionOptions): LiveSessionPlan['endpoint'] {
  const where = {
    ...(baseUrl === undefined ? {} : { baseUrl }),
    ...(apiVersion === undefined ? {} : { apiVersion }),
    ...(vertex === undefined ? {} : { service: 'vertex' as const, location: vertex.location }),
  };
  const key = { ...(apiKey === undefined ? {} : { apiKey }), ...(keyIn === undefined ? {} : { keyIn }) };
  const accessToken = vertex?.accessToken;
  if (typeof accessToken === 'function') {
    liveUrl(where);
    return async () => liveEndpoint({ ...where, accessToken: await accessToken() });
  }
  const endpoint = liveEndpoint({ ...where, ...key, ...(accessToken === undefined ? {} : { accessToken }) });
  return () => endpoint;
}

/** The body of the setup message. */
function setupMessage(options: LiveSessionOptions, declarations: readonly JsonObject[]): JsonObject {
  const { generationConfig, history = [], model, resumption = true, setup = {}, systemInstruction, vertex } = options;
  const otherTools = Array.isArray(setup['tools']) ? (setup['tools'] as readonly unknown[]) : [];
  const tools = [...otherTools, ...(declarations.length === 0 ? [] : [{ functionDeclarations: declarations }])];
  const { transparent, ...asked } = (isPlainObject(setup['sessionResumption']) ? setup['sessionResumption'] : {}) as { transparent?: unknown };
  // The Developer API refuses a setup with `transparent`.
  const sessionResumption = vertex === undefined || transparent === undefined ? asked : { ...asked, transparent };
  return {
    ...setup,
    model: vertex === undefined ? modelPath(model) : vertexModelPath(model, vertex),
    ...(generationConfig === undefined ? {} : { generationConfig }),
    ...(systemInstruction === undefined ? {} : { systemInstruction: contentOf(systemInstruction) }),
    ...(tools.length === 0 ? {} : { tools }),
    ...(resumption || setup['sessionResumption'] !== undefined ? { sessionResumption } : {}),
    ...(history.length === 0
      ? {}
      : { historyConfig: { initialHistoryInClientContent: true, ...(setup['historyConfig'] as JsonObject | undefined) } }),
  };
}

function contentOf(text: string | JsonObject): JsonObject {
  return typeof text === 'string' ? { parts: [{ text }] } : text;
}

function reconnectPolicy(given: LiveSessionOptions['reconnect']): SessionInput['reconnect'] {
  if (given !== undefined) requireOptions('reconnect', given, ['intensity', 'periodMs', 'backoff']);
  const { intensity = 5, periodMs, backoff = {} } = given ?? {};
  if (!Number.isInteger(intensity) || intensity < 0) throw invalid('reconnect.intensity', 'a whole number, at least 0', intensity);
  requireOptions('reconnect.backoff', backoff, [...Object.keys(defaultBackoff), 'seed']);
  const whole: Backoff = { ...defaultBackoff, ...backoff };
  if (!isBackoff(whole)) throw invalid('reconnect.backoff', wholeBackoff, whole);
  return { intensity, periodMs: duration('reconnect.periodMs', periodMs, 60_000), backoff: whole };
}

function uplinkLimits(given: Partial<UplinkLimits> = {}): UplinkLimits {
  requireOptions('uplink', given, ['maxAudio', 'maxContent', 'maxBytes', 'highWaterBytes']);
  return {
    maxAudio: count('uplink.maxAudio', given.maxAudio, 64),
    maxContent: count('uplink.maxContent', given.maxContent, 64),
    maxBytes: count('uplink.maxBytes', given.maxBytes, 8_388_608),
    highWaterBytes: count('uplink.highWaterBytes', given.highWaterBytes, 1_048_576),
  };
}

/** A copy as JSON has it: it becomes context of a chart, and what the app changes later is the app's. */
function asJson(message: JsonObject): JsonObject {
  try {
    return JSON.parse(JSON.stringify(message)) as JsonObject;
  } catch (cause) {
    const expected = 'setup, generationConfig, systemInstruction, history and parameters of tools: JSON';
    throw new EspalierError('live/invalid-options', { expected, got: String(cause) }, { cause });
  }
}
