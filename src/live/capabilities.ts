/** What models can do in a Live session, as a table: names come and go, code stays. */

/** What a session must know of its model. */
export interface ModelCapabilities {
  /** Can it go on while a tool runs (`behavior: NON_BLOCKING`)? Where it cannot, every tool is one that it waits for. */
  readonly nonBlocking: boolean;
  /** Must it hear nothing while it waits for a tool? Else the server closes with 1008, or takes the call back. */
  readonly gatesAudio: boolean;
}

/**
 * The first row whose pattern fits the model's name counts.
 * @see googleapis/js-genai and livekit/agents-js: realtimeInput while a blocking call is open closes 1008 (PR #1130) or has the server cancel the call
 *      after some 12 s (PR #5556); Gemini API, Live API: 3.1 Flash Live calls synchronously only
 */
export const modelTable: readonly { readonly pattern: RegExp; readonly capabilities: ModelCapabilities }[] = [
  { pattern: /3\.1-flash-live/, capabilities: { nonBlocking: false, gatesAudio: true } },
  { pattern: /3\.8-live/, capabilities: { nonBlocking: true, gatesAudio: true } },
  { pattern: /2\.5|2\.0|live-2\./, capabilities: { nonBlocking: true, gatesAudio: true } },
];

/** A model that nobody knows is treated with care: it waits for every tool, and hears nothing meanwhile. */
const unknownModel: ModelCapabilities = { nonBlocking: false, gatesAudio: true };

/** What the model can do, as far as the table knows; `overrides` of the app count more. @throws never */
export function capabilitiesOf(model: string, overrides: Partial<ModelCapabilities> = {}): ModelCapabilities {
  const known = modelTable.find(({ pattern }) => pattern.test(model))?.capabilities ?? unknownModel;
  return { ...known, ...overrides };
}
