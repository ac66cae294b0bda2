/**
 * Interactions of Gemini, created, read, gone on with.
 *
 *   const { create, resume } = interactions({ apiKey });
 *   const stream = create({ model: 'gemini-2.5-flash', input: 'Hello' }, { stream: true });
 *   for await (const event of stream) if (event.type === 'step.delta' && event.delta.type === 'text') print(event.delta.text);
 *   const outcome = await stream.ended();   // never rejects
 *   if (outcome.ok && outcome.outcome === 'requiresAction') call(outcome.answer.calls);
 *
 *   const whole = await create({ model, input: 'Hello' });                 // the same outcome, by one answer
 *   const later = resume(id, { lastEventId });                             // wherever somebody stopped reading
 */
import { requireTarget, type TargetOptions, type Unfinished } from '../stream/http-stream.js';
import type { StreamTarget } from '../stream/target.js';
import { geminiSubject } from '../telemetry/subject.js';
import { type InteractionRequest, type InteractionResource, readInteraction } from '../wire/gemini/interactions.js';
import type { InteractionStreamEvent } from './account.js';
import { type InteractionOutcome, type InteractionStream, openInteraction } from './handle.js';
import { inquire, type Inquiry } from './inquiry.js';
import { interactionLogic, type InteractionLogic, type InteractionPlan } from './interaction.js';
import { type CallOptions, type ClientPlan, type EventsCallOptions, type InteractionsOptions, pathOf, planClient, requireCall } from './options.js';
import { asInteractionOption, invalid } from './refusal.js';
import { requestBody } from './request-body.js';
import { waitFor, type WaitOptions } from './wait.js';

/** What a single request came to. */
export type InteractionResult =
  | { readonly ok: true; readonly interaction: InteractionResource }
  | { readonly ok: false; readonly failure: Unfinished };

/** Behind which event a stream goes on; without one it begins at the start. */
export interface ResumeOptions extends EventsCallOptions {
  readonly lastEventId?: string;
  /** Are the inputs to be among the events? */
  readonly includeInput?: boolean;
}

/** Made by {@link interactions}. Each of its functions throws `interactions/invalid-options` at the call; what they answer never rejects. */
export interface Interactions {
  /** Creates one, and settles with its answer; with `background: true` as soon as it is created (`outcome: 'running'`). */
  create(request: InteractionRequest, options?: EventsCallOptions & { readonly stream?: false }): Promise<InteractionOutcome>;
  /** Creates one when it is read, and tells its events as they come. */
  create(request: InteractionRequest, options: EventsCallOptions & { readonly stream: true }): InteractionStream;
  /** `create` with `stream: true`. */
  stream(request: InteractionRequest, options?: EventsCallOptions): InteractionStream;
  /** The events of one that is known: behind `lastEventId`, or from its start. */
  resume(id: string, options?: ResumeOptions): InteractionStream;
  /** As it stands. */
  get(id: string, options?: CallOptions & { readonly includeInput?: boolean }): Promise<InteractionResult>;
  /** Ends one that runs in the background. */
  cancel(id: string, options?: CallOptions): Promise<InteractionResult>;
  /** Has the server forget it. */
  delete(id: string, options?: CallOptions): Promise<{ readonly ok: true } | { readonly ok: false; readonly failure: Unfinished }>;
  /** Asks how it stands until it is over; a question that fails, and may be asked again, ends nothing. */
  waitForCompletion(id: string, options?: WaitOptions): Promise<InteractionOutcome>;
  /**
   * The logic of one to be created, for `invoke`, `spawn`, or a supervisor: its target is told `stream.event` with each event, then exactly one end. A creation in
   * doubt is not asked for again by whatever restarts it at the same place of its tree, a `permanent` restart included: it is told `creationUnknown` once more.
   */
  logic(request: InteractionRequest, options?: EventsCallOptions & TargetOptions<InteractionStreamEvent>): InteractionLogic;
}

/**
 * A client of Interactions.
 * @throws EspalierError `interactions/invalid-options`, with the option's name; never with a key; `gate/invalid-options`
 */
export function interactions(options: InteractionsOptions = {}): Interactions {
  const client = planClient(options);
  const stream: Interactions['stream'] = (request, call = {}) => {
    requireCall(call, ['stream', 'gate']);
    return openInteraction(client, creation(request, call, true));
  };
  return {
    create: ((request: InteractionRequest, call: EventsCallOptions & { readonly stream?: boolean } = {}) => {
      requireCall(call, ['stream', 'lastEventId', 'gate']);
      if ('lastEventId' in call) throw invalid('lastEventId', 'with resume(id, { lastEventId })', 'one for a creation');
      if (call.stream !== undefined && typeof call.stream !== 'boolean') throw invalid('stream', 'true or false', typeof call.stream);
      return call.stream === true ? stream(request, call) : openInteraction(client, creation(request, call, false)).answer();
    }) as Interactions['create'],
    stream,
    resume: (id, call = {}) => openInteraction(client, resumption(id, call)),
    get: (id, call = {}) => {
      requireCall(call, ['includeInput', 'lastEventId']);
      if ('lastEventId' in call) throw invalid('lastEventId', 'with resume(id, { lastEventId }): only a stream has events', 'one without a stream');
      return single(client, 'GET', pathOf(id), call, includeInput(call.includeInput)).then(read);
    },
    cancel: (id, call = {}) => {
      requireCall(call);
      return single(client, 'POST', `${pathOf(id)}/cancel`, call).then(read);
    },
    delete: (id, call = {}) => {
      requireCall(call);
      return single(client, 'DELETE', pathOf(id), call).then((answer) => (answer.ok ? { ok: true } : answer));
    },
    waitForCompletion: (id, call = {}) => waitFor(client, id, call),
    logic: (request, call = {}) => {
      requireCall(call, ['target', 'demand', 'gate']);
      const { demand = 'automatic', target = 'parent', ...rest } = call;
      asInteractionOption(() => requireTarget({ demand, target }));
      return interactionLogic(client, creation(request, rest, true), { target: target as StreamTarget<never>, demand });
    },
  };
}

/** What a call that creates an interaction is to do. @throws EspalierError `interactions/invalid-options` for what is no request */
export function creation(request: InteractionRequest, { gate, signal, totalMs }: EventsCallOptions, isStreamed: boolean): InteractionPlan {
  const options = {
    ...(signal === undefined ? {} : { signal }),
    ...(totalMs === undefined ? {} : { totalMs }),
    ...(gate === undefined ? {} : { gate }),
  };
  const body = requestBody(request, isStreamed);
  return { start: 'create', id: null, lastEventId: null, body, isWhole: !isStreamed, options, subject: geminiSubject(request) };
}

function resumption(id: string, call: ResumeOptions): InteractionPlan {
  requireCall(call, ['lastEventId', 'includeInput', 'gate']);
  pathOf(id);
  const { includeInput: withInput = false, lastEventId = null, ...options } = call;
  if (lastEventId !== null && (typeof lastEventId !== 'string' || lastEventId === ''))
    throw invalid('lastEventId', 'the id of an event', typeof lastEventId);
  return { start: 'resume', id, lastEventId, isWhole: false, includeInput: withInput, options };
}

function includeInput(isWanted: boolean | undefined): Readonly<Record<string, string>> {
  return isWanted === true ? { include_input: 'true' } : {};
}

/** One request that may be made again: the same twice is the same once. */
function single(
  client: ClientPlan,
  method: 'GET' | 'POST' | 'DELETE',
  path: string,
  call: CallOptions,
  query: Readonly<Record<string, string>> = {},
): ReturnType<Inquiry['answer']> {
  const plan = client.plan({ method, path, query, isStreamed: false, attempts: client.attempts, signal: call.signal });
  const { totalMs = plan.input.totalMs } = call;
  return inquire({ ...plan, input: { ...plan.input, totalMs } }, client.clock).answer();
}

function read(answer: Awaited<ReturnType<typeof single>>): InteractionResult {
  if (!answer.ok) return answer;
  const interaction = readInteraction(answer.value);
  if (interaction !== null) return { ok: true, interaction };
  return { ok: false, failure: { kind: 'malformed', code: 'shape', status: '', message: 'the answer is no interaction' } };
}
