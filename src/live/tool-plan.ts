/** The functions that the model may call: what an app gives, checked once, and turned into declarations, argument checks and what is run. */
import type { AnyActorRef } from 'xstate';
import type { JsonObject } from '../../machines/live/calls.js';
import { EspalierError } from '../errors.js';
import { isZodSchema, readToolParameters, type ToolParameters } from '../wire/gemini/tool-parameters.js';
import type { ModelCapabilities } from './capabilities.js';
import { isDuration, isObject, isPlainObject, longestMs, sortOf } from '../option-checks.js';
import { invalid } from './refusal.js';
import {
  type FindTool,
  isListOfParts,
  objectOf,
  type Scheduling,
  schedulings,
  type ToolContext,
  type ToolFunction,
  ToolReply,
  unanswered,
} from './tools.js';

/** A function that the model may call. `Args`: what `parameters` reads, where they are a zod schema. */
export interface LiveTool<Args = JsonObject> {
  /** What it does, for the model. */
  readonly description: string;
  /**
   * Its arguments: a zod object (of zod 4), or a JSON schema. A call whose arguments do not fit is answered with what is wrong, and not run. Absent: it takes none,
   * or any.
   */
  readonly parameters?: ToolParameters<Args>;
  /**
   * Runs beside the conversation, any number at once. Returned or yielded, a value goes to the model; absent, the app answers by
   * `session.sendToolResponse()`.
   */
  execute?(args: Args, context: ToolContext): unknown;
  /** Its own deadline, ms. Default: the session's `toolMs`. */
  readonly timeoutMs?: number;
  /** `NON_BLOCKING`: the model goes on meanwhile, where it can. Default `BLOCKING`. */
  readonly behavior?: 'BLOCKING' | 'NON_BLOCKING';
  /** Of a result that the model did not wait for. Default: the model's own, `WHEN_IDLE`. */
  readonly scheduling?: Scheduling;
}

/** The functions that the model may call, by the names that it calls them by. Argument types are each tool's own. */
// oxlint-disable-next-line typescript/no-explicit-any -- a record of tools with different arguments has no narrower type
export type LiveTools = Readonly<Record<string, LiveTool<any>>>;

/** A call as an app's `onToolCall` gets it. */
export interface LiveToolCall {
  readonly id: string;
  readonly name: string;
  readonly args: JsonObject;
}

/** An answer as an app gives it: `response` is made an object where it is none. Without an `id` it is the answer to the call that was asked about. */
export interface LiveToolResponse {
  readonly id?: string;
  readonly response: unknown;
  /** Media that belong to it, as the wire has them: `{ inlineData: { mimeType, data } }` or `{ fileData }` each; for models that take them. */
  readonly parts?: readonly JsonObject[];
  /** Default: of what is sent by hand, the model's own; of what a callback returns, the tool's. */
  readonly scheduling?: Scheduling;
  /** More will come; for calls that the model does not wait for. */
  readonly willContinue?: boolean;
  /**
   * The name of a call that this session never heard of: made in a conversation that it has resumed, before its process began. The answer is written, and
   * written again, as any other is. Absent, an answer to an unknown call is refused.
   */
  readonly unsolicited?: string;
}

/** Told of calls that no tool's `execute` answers; may return answers, or a promise of them, or answer later by `session.sendToolResponse()`. */
export type OnToolCall = (call: LiveToolCall, context: ToolContext) => unknown;

/** What the tools come to. */
export interface ToolPlan {
  readonly declarations: readonly JsonObject[];
  readonly nonBlocking: readonly string[];
  readonly deadlines: Readonly<Record<string, number>>;
  readonly find: FindTool;
}

const toolKeys: readonly (keyof LiveTool)[] = ['description', 'parameters', 'execute', 'timeoutMs', 'behavior', 'scheduling'];
/** Gemini's rule for the names of functions. */
const toolName = /^[a-zA-Z_][a-zA-Z0-9_.:-]{0,127}$/;

/**
 * Checks the tools and says what is done with them.
 * @throws EspalierError `live/invalid-options` or `live/invalid-tool`
 */
export function planTools(tools: LiveTools, onToolCall: OnToolCall | undefined, model: ModelCapabilities): ToolPlan {
  if (!isPlainObject(tools)) throw invalid('tools', 'a plain object of tools by name', sortOf(tools));
  if (onToolCall !== undefined && typeof onToolCall !== 'function') throw invalid('onToolCall', 'a function', sortOf(onToolCall));
  for (const [name, tool] of Object.entries(tools)) checkTool(name, tool);
  const names = Object.keys(tools);
  const isNonBlocking = (name: string): boolean => model.nonBlocking && tools[name]?.behavior === 'NON_BLOCKING';
  const plans = new Map(names.map((name) => [name, planTool(name, tools[name] as LiveTool, onToolCall)]));
  return {
    declarations: names.map((name) => {
      const { description } = tools[name] as LiveTool;
      const schema = plans.get(name)?.schema;
      return {
        name,
        description,
        ...(schema === undefined ? {} : { parametersJsonSchema: schema }),
        ...(isNonBlocking(name) ? { behavior: 'NON_BLOCKING' } : {}),
      };
    }),
    nonBlocking: names.filter(isNonBlocking),
    deadlines: Object.fromEntries(names.flatMap((name) => (tools[name]?.timeoutMs === undefined ? [] : [[name, tools[name].timeoutMs]]))),
    find: (name) => {
      const plan = plans.get(name);
      if (plan !== undefined) return { ok: true, run: plan.run, check: plan.check, scheduling: plan.scheduling };
      if (onToolCall !== undefined) return { ok: true, run: asking(name, onToolCall), check: (args) => ({ ok: true, args }), scheduling: undefined };
      return { ok: false, error: `unknown tool '${name}'; there are: ${names.join(', ') || 'none'}` };
    },
  };
}

function planTool(name: string, tool: LiveTool, onToolCall: OnToolCall | undefined) {
  const { schema, check } = readToolParameters(name, tool.parameters);
  const { execute, scheduling } = tool;
  const run: ToolFunction =
    execute === undefined ? asking(name, onToolCall ?? (() => undefined)) : (args, context) => execute.call(tool, args, context);
  return { schema, check, run, scheduling };
}

/** Asks the app. Its answers to other calls than this one take the way of all answers: an event to the session, whichever turn this is. */
function asking(name: string, onToolCall: OnToolCall): ToolFunction {
  return async (args, context) => {
    const said = await onToolCall({ id: context.id, name, args }, context);
    let own: unknown = unanswered;
    for (const answer of answersIn(said)) {
      if (answer.id === undefined || answer.id === context.id) own = await ownAnswer(answer, context);
      else answerTo(context.session.ref, answer.id, answer);
    }
    return own;
  };
}

/** A part of the own answer goes out at once; the call stays open for the rest. */
async function ownAnswer(answer: LiveToolResponse, { id, session }: ToolContext): Promise<unknown> {
  if (answer.willContinue === true) {
    answerTo(session.ref, id, answer);
    return unanswered;
  }
  const { response, parts, scheduling } = answer;
  return scheduling === undefined && parts === undefined ? response : new ToolReply(response, scheduling, parts);
}

/** Tells a session of an answer to one of its calls. */
export function answerTo(session: AnyActorRef, id: string, { response, parts, scheduling, unsolicited, willContinue }: LiveToolResponse): void {
  session.send({
    type: 'session.respond',
    id,
    response: objectOf(id, response),
    ...(parts === undefined ? {} : { parts: JSON.parse(JSON.stringify(parts)) as readonly JsonObject[] }),
    ...(scheduling === undefined ? {} : { scheduling }),
    ...(willContinue === true ? { willContinue } : {}),
    ...(unsolicited === undefined ? {} : { unsolicited }),
  });
}

/** Answers as apps write them: one, a list, or the wire's `{ functionResponses }`, which holds one or a list. They are not looked at. @throws never */
export function listOf(said: unknown): readonly unknown[] {
  const answers = isObject(said) && Object.hasOwn(said, 'functionResponses') ? said['functionResponses'] : said;
  return Array.isArray(answers) ? answers : [answers];
}

/** What `onToolCall` returns; nothing, where the app answers later. */
function answersIn(said: unknown): readonly LiveToolResponse[] {
  if (said === undefined || said === null || said === unanswered) return [];
  return listOf(said).map((answer) => {
    if (isObject(answer) && Object.hasOwn(answer, 'response') && isListOfParts(answer['parts'])) return answer as unknown as LiveToolResponse;
    throw new EspalierError('live/invalid-tool', {
      expected: 'onToolCall to return answers: { id?, response, parts? } or a list of them',
      got: sortOf(answer),
    });
  });
}

/** @throws EspalierError `live/invalid-tool` */
function checkTool(name: string, tool: unknown): void {
  if (!toolName.test(name)) throw invalidTool(name, `a name that matches ${toolName.source}`, name);
  if (!isObject(tool)) throw invalidTool(name, 'an object', tool);
  const { description, parameters, execute, timeoutMs, behavior, scheduling } = tool as Partial<Record<keyof LiveTool, unknown>>;
  // An instance of the app's own class may have fields of its own.
  const unknown = isPlainObject(tool) ? Object.keys(tool).find((key) => !(toolKeys as readonly string[]).includes(key)) : undefined;
  if (unknown !== undefined) throw invalidTool(name, `the keys ${toolKeys.join(', ')}`, unknown);
  if (typeof description !== 'string' || description.trim() === '') throw invalidTool(name, 'a description, for the model', description);
  if (parameters !== undefined && !isZodSchema(parameters) && !isPlainObject(parameters))
    throw invalidTool(name, 'parameters: a schema of zod 4 or a JSON schema', sortOf(parameters));
  if (execute !== undefined && typeof execute !== 'function') throw invalidTool(name, 'a function execute(args, { signal, id, session })', execute);
  if (timeoutMs !== undefined && !isDuration(timeoutMs)) throw invalidTool(name, `timeoutMs: a number of ms, 1 to ${longestMs}`, timeoutMs);
  if (behavior !== undefined && behavior !== 'BLOCKING' && behavior !== 'NON_BLOCKING')
    throw invalidTool(name, 'behavior: BLOCKING or NON_BLOCKING', behavior);
  if (scheduling !== undefined && !schedulings.includes(scheduling as Scheduling))
    throw invalidTool(name, `scheduling: ${schedulings.join(', ')}`, scheduling);
}

function invalidTool(name: string, expected: string, got: unknown): EspalierError {
  return new EspalierError('live/invalid-tool', { expected: `tool '${name}': ${expected}`, got });
}
