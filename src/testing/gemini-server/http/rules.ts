/**
 * The HTTP half of a local Gemini server, as data: rules, each with the requests that it is for and the answer that they get, step by step.
 *
 * A request takes the first rule that fits it and is not used up. Each step has exactly one verb; validated before anything is answered.
 */
import { z } from 'zod';

import { isObject, isPlainObject } from '../../../option-checks.js';
import { invalidScript } from '../steps.js';
import { operationNames } from './operations.js';

/** Longest delay and deadline: a day. */
export const longestMs = 86_400_000;
const deadlineMs = z.number().int().min(1).max(longestMs).optional();
const object = z.record(z.string(), z.unknown());
/** A payload: any object, whatever its type calls its fields. */
const payload = z.custom<object>((value) => isObject(value), { message: 'expected an object or a text' });
const name = z.string().min(1).max(100);
const headers = z.record(z.string().regex(/^[\w!#$%&'*+.^`|~-]+$/, { message: 'expected names of headers' }), z.string().regex(/^[\t\x20-\x7e]*$/));
const hex = z.string().regex(/^(?:[0-9a-f]{2})*$/i, { message: 'expected bytes in hexadecimal' });

/** How a step that writes puts its bytes on the wire. */
const wire = {
  /** In pieces of this many bytes, each a chunk of HTTP and a turn of the event loop of its own: characters and line ends are cut. */
  chunkBytes: z.number().int().min(1).max(1_048_576).optional(),
  /** In pieces that end at these offsets, bytes from the start of the step. */
  cutAt: z.array(z.number().int().min(1)).optional(),
  /** Only so many of the bytes; the rest is never sent. */
  firstBytes: z.number().int().min(0).optional(),
  deadlineMs,
};

const verbs = {
  /** The status (default 200) and headers. Absent: 200, and the content type of the operation, with the first byte. */
  head: z.strictObject({ head: z.strictObject({ status: z.number().int().min(200).max(599).optional(), headers: headers.optional() }), deadlineMs }),
  /** A whole JSON value, pretty-printed as Google does. */
  json: z.strictObject({ json: z.unknown(), ...wire }),
  /**
   * Events of a stream, one for each payload (a text goes as it is): server-sent events where the request asks for them (`alt=sse`, Interactions), else
   * elements of a JSON array. `lineEnd`: CRLF, as the real server; Interactions LF. `names`: write the `event:` line of Interactions.
   */
  events: z.strictObject({
    events: z.array(z.union([payload, z.string()])).min(1),
    lineEnd: z.enum(['crlf', 'lf', 'cr']).optional(),
    named: z.boolean().optional(),
    ...wire,
  }),
  /** `event: done`, `data: [DONE]`: the end of a stream of Interactions. */
  done: z.strictObject({ done: z.literal(true), ...wire }),
  /** This text, as it is. */
  text: z.strictObject({ text: z.string(), ...wire }),
  /** These bytes (hexadecimal), UTF-8 or not. */
  bytes: z.strictObject({ bytes: hex, ...wire }),
  /**
   * An error as Google writes it. `as: 'body'` (default before the first byte): the status and the body of the answer; `'event'`: framed with `data:`;
   * `'bare'` (default behind it): the JSON alone, as the real server writes it in mid-stream.
   */
  error: z.strictObject({
    error: z.strictObject({
      code: z.number().int().min(400).max(599),
      message: z.string().optional(),
      status: z.string().optional(),
      details: z.array(payload).optional(),
      retryDelay: z.string().optional(),
    }),
    as: z.enum(['body', 'event', 'bare']).optional(),
    headers: headers.optional(),
    ...wire,
  }),
  /** Lets time of the server's clock pass, in ms. */
  waitMs: z.strictObject({ waitMs: z.number().int().min(0).max(longestMs) }),
  /** Waits until `server.release(name)`. */
  hold: z.strictObject({ hold: name, deadlineMs }),
  /** Says nothing more and leaves the answer open, until the client goes. */
  stall: z.strictObject({ stall: z.literal(true) }),
  /** Ends the socket without the end of the answer; `'reset'`: with a TCP reset, which may overtake what was sent. */
  drop: z.strictObject({ drop: z.union([z.literal(true), z.literal('reset')]) }),
};

/** What a step of an answer does. */
export type HttpVerb = keyof typeof verbs;

/** One step of an answer: an object with one verb and that verb's options. After the last the answer ends. */
export type HttpStep = z.input<(typeof verbs)[HttpVerb]>;

const production = z.union([
  z.strictObject({ thought: z.string() }),
  z.strictObject({ text: z.union([z.string(), z.array(z.string()).min(1)]) }),
  z.strictObject({ call: z.strictObject({ id: z.string().min(1), name: z.string(), arguments: object.optional() }) }),
  z.strictObject({ event: object }),
  z.strictObject({ waitMs: z.number().int().min(0).max(longestMs) }),
  z.strictObject({ hold: name, deadlineMs }),
]);

const interaction = z.strictObject({
  /** Absent: `v1_local-1` and so on. */
  id: name.optional(),
  /** What the model makes of it, in order; a `hold` or `waitMs` keeps the rest back. Runs on whether anybody listens or not. */
  steps: z.array(production),
  /** How it ends. Default `completed`, or `requires_action` where the last step is a call. */
  status: z.string().min(1).optional(),
  /** Names of events: `current` (default) or `legacy`, those of before May 2026. */
  names: z.enum(['current', 'legacy']).default('current'),
  /** Whether each event has an `event_id`. Default: where the request says `background`. */
  eventIds: z.boolean().optional(),
  /**
   * How its streams are cut, in the order they are asked for: after so many events, by dropping the socket or by an orderly end; dropped after none: before
   * the head. A creation that is answered whole is the first of them, and is dropped without an answer.
   */
  cuts: z.array(z.strictObject({ after: z.number().int().min(0), how: z.enum(['drop', 'end']) }).nullable()).default([]),
  /** A stream that goes on from an event repeats so many before it. Default 0. */
  overlap: z.number().int().min(0).default(0),
  /** Types of events that a stream that goes on leaves out: `step.start`, as reported of the real service. */
  omits: z.array(z.string()).default([]),
});

/** A stretch of what the model makes of an interaction. */
export type Production = z.input<typeof production>;

/** An interaction that the server plays, and keeps until it is deleted. */
export type InteractionScript = z.input<typeof interaction>;
export type InteractionPlan = z.output<typeof interaction>;

const rule = z.strictObject({
  /** The operations that it is for; absent: all. */
  on: z.union([z.enum(operationNames), z.array(z.enum(operationNames)).min(1)]).optional(),
  /** What the body must contain. */
  match: object.optional(),
  /** How often it answers; default 1. */
  times: z.union([z.number().int().min(1), z.literal('always')]).default(1),
  answer: z.array(z.unknown()).min(1).optional(),
  interaction: interaction.optional(),
});

/** Requests, and the answer they get: `answer`, or for `interactions.create` an `interaction` that the server plays. */
export interface HttpRule extends Omit<z.input<typeof rule>, 'answer' | 'interaction'> {
  readonly answer?: readonly HttpStep[] | undefined;
  readonly interaction?: InteractionScript | undefined;
}

/** A rule with every default in its place. */
export interface ReadRule extends Omit<z.output<typeof rule>, 'answer' | 'interaction'> {
  readonly answer: readonly HttpStep[] | undefined;
  readonly interaction: InteractionPlan | undefined;
}

/** Rules of one server; more are refused. */
const maxRules = 100_000;

/**
 * Checks rules, as they come from code or from a JSON file.
 * @throws EspalierError `gemini-server/invalid-script`: the place (`rule 1, step 3 (head): head.status`), the expectation and what came
 */
export function readRules(rules: unknown): readonly ReadRule[] {
  if (!Array.isArray(rules)) throw invalidScript('http: a list of rules', rules);
  if (rules.length > maxRules) throw invalidScript(`http: at most ${maxRules} rules`, rules.length);
  return rules.map((one: unknown, index) => readRule(one, `rule ${index}`));
}

function readRule(given: unknown, where: string): ReadRule {
  if (!isPlainObject(given)) throw invalidScript(`${where}: an object with answer or interaction`, given);
  const read = rule.safeParse(given);
  if (!read.success) throw invalidScript(`${where}: ${told(read.error)}`, given);
  const { answer, interaction: plan, ...others } = read.data;
  if ((answer === undefined) === (plan === undefined)) throw invalidScript(`${where}: answer or interaction, one of them`, Object.keys(given));
  if (plan !== undefined && others.on !== 'interactions.create')
    throw invalidScript(`${where}: on: 'interactions.create' for an interaction`, others.on);
  if (plan?.id !== undefined && others.times !== 1)
    throw invalidScript(`${where}: an interaction without an id, where it answers more than once`, plan.id);
  return { ...others, answer: answer?.map((step, place) => readStep(step, `${where}, step ${place}`)), interaction: plan };
}

function readStep(step: unknown, where: string): HttpStep {
  const verb = isPlainObject(step) ? verbOfHttp(step) : undefined;
  if (verb === undefined) throw invalidScript(`${where}: an object with exactly one of ${Object.keys(verbs).join(', ')}`, step);
  const read = verbs[verb].safeParse(step);
  if (!read.success) throw invalidScript(`${where} (${verb}): ${told(read.error)}`, step);
  return step as HttpStep;
}

/** The verb of a valid step. */
export function verbOfHttp(step: object): HttpVerb | undefined {
  const found = Object.keys(step).filter((key): key is HttpVerb => Object.hasOwn(verbs, key));
  return found.length === 1 ? found[0] : undefined;
}

function told(error: z.ZodError): string {
  const issue = error.issues[0];
  return `${issue?.path.join('.') ?? ''}${issue?.path.length ? ': ' : ''}${issue?.message ?? 'valid'}`;
}
