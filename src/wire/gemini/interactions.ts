/**
 * Interactions: what is asked, what is answered, and the events of a stream, by the names of today or of before May 2026.
 *
 * Objects are loose: fields that are not named here pass, and all that came is handed on as it came. Enumerations are open strings.
 *
 * @see https://ai.google.dev/api/interactions-api; @google/genai 3.1.0 declarations: Interaction, InteractionSSEEvent
 */
import { z } from 'zod';

import { absent, anyObject } from './content.js';

/** A request's body. `input`, and either `model` or `agent`, must be there; which fields go together is for src/interactions/ to say. */
export const interactionRequest = z.looseObject({
  input: z.union([z.string(), anyObject, z.array(anyObject)]),
  model: z.string().min(1).optional(),
  agent: z.string().min(1).optional(),
  generation_config: anyObject.optional(),
  agent_config: anyObject.optional(),
  tools: z.array(anyObject).optional(),
  system_instruction: z.union([z.string(), anyObject]).optional(),
  previous_interaction_id: z.string().optional(),
  response_format: z.unknown().optional(),
  response_mime_type: z.string().min(1).optional(),
  store: z.boolean().optional(),
  background: z.boolean().optional(),
  stream: z.boolean().optional(),
});
/** What is asked. @see {@link interactionRequest} */
export type InteractionRequest = z.input<typeof interactionRequest>;

/** A step: what the model, or a tool of the server's, has done. `type` tells which fields it has. */
export type InteractionStep = { readonly type: string } & { readonly [field: string]: unknown };

const resource = z.looseObject({
  id: absent(z.string()),
  status: absent(z.string()),
  model: absent(z.string()),
  agent: absent(z.string()),
  steps: absent(z.array(anyObject)),
  outputs: absent(z.array(anyObject)),
  usage: absent(anyObject),
  previous_interaction_id: absent(z.string()),
});
/** An interaction, as the server answers it. */
export type InteractionResource = z.output<typeof resource>;

/** An interaction that was answered whole. @returns null for what is none */
export function readInteraction(value: unknown): InteractionResource | null {
  return resource.safeParse(value).data ?? null;
}

const currentNames: Readonly<Record<string, string>> = {
  'interaction.start': 'interaction.created',
  'interaction.complete': 'interaction.completed',
  'content.start': 'step.start',
  'content.delta': 'step.delta',
  'content.stop': 'step.stop',
};

const event = z.looseObject({
  event_type: absent(z.string()),
  event_id: absent(z.string()),
  interaction_id: absent(z.string()),
  status: absent(z.string()),
  interaction: absent(resource),
  index: absent(z.number()),
  step: absent(anyObject),
  content: absent(anyObject),
  delta: absent(anyObject),
});

/** What an event says, by the names of today. */
export type InteractionSaid =
  | { readonly type: 'interaction.created'; readonly interaction: InteractionResource }
  | { readonly type: 'interaction.status_update'; readonly interactionId: string | null; readonly status: string }
  | { readonly type: 'step.start'; readonly index: number; readonly step: InteractionStep }
  | { readonly type: 'step.delta'; readonly index: number; readonly delta: InteractionStep }
  | { readonly type: 'step.stop'; readonly index: number }
  | { readonly type: 'interaction.completed'; readonly interaction: InteractionResource }
  /** One that nobody knows, or whose fields are others than they should be: passed on. */
  | { readonly type: 'other' };

/** An event of a stream. */
export type InteractionWireEvent = InteractionSaid & {
  /** `event_id`, or the `id:` of the server-sent event where it lacks one. */
  readonly eventId: string | null;
  /** As it came. */
  readonly wire: { readonly [field: string]: unknown };
};

/**
 * Reads the payload of a server-sent event.
 * @param sse  its `event:` and `id:`, for a payload that lacks its own
 * @returns null for a payload that is no object
 */
export function readInteractionEvent(
  payload: unknown,
  sse: { readonly event?: string | undefined; readonly id?: string | undefined },
): InteractionWireEvent | null {
  if (typeof payload !== 'object' || payload === null || Array.isArray(payload)) return null;
  const wire = payload as { readonly [field: string]: unknown };
  const read = event.safeParse(payload);
  const eventId = read.data?.event_id ?? sse.id ?? null;
  const said: InteractionSaid = read.success ? saidBy(read.data, sse.event) : { type: 'other' };
  return { ...said, eventId: eventId === '' ? null : eventId, wire };
}

/** What its `event:` line, or its own type, calls an event. */
export function nameOfInteractionEvent(payload: { readonly event_type?: unknown }, sseEvent: string | undefined): string {
  const own = typeof payload.event_type === 'string' ? payload.event_type : (sseEvent ?? '');
  return Object.hasOwn(currentNames, own) ? (currentNames[own] as string) : own;
}

function saidBy(read: z.output<typeof event>, sseEvent: string | undefined): InteractionSaid {
  const { content, delta, index, interaction, interaction_id: id, status, step } = read;
  const name = nameOfInteractionEvent({ event_type: read.event_type ?? undefined }, sseEvent);
  switch (name) {
    case 'interaction.created':
    case 'interaction.completed':
      return { type: name, interaction: interaction ?? (id === undefined || id === null ? {} : { id, status }) };
    case 'interaction.status_update':
      return typeof status === 'string' ? { type: name, interactionId: id ?? null, status } : { type: 'other' };
    case 'step.start':
      return typeof index === 'number' ? { type: name, index, step: typed(step ?? content ?? {}) } : { type: 'other' };
    case 'step.delta':
      return typeof index === 'number' && delta ? { type: name, index, delta: typed(delta) } : { type: 'other' };
    case 'step.stop':
      return typeof index === 'number' ? { type: name, index } : { type: 'other' };
    default:
      return { type: 'other' };
  }
}

function typed(value: { readonly [field: string]: unknown }): InteractionStep {
  return { ...value, type: typeof value['type'] === 'string' ? value['type'] : '' };
}
