/** The message that answers calls, as the client sends it. */
import type { FunctionResponse } from './content.js';
import type { ClientMessage } from './live-client.js';

/**
 * Where an answer to a NON_BLOCKING call says when the model is to speak of it: `sibling` of `response`, as the protocol's types have it, or `inside`
 * the `response`, as pages of its documentation do and some clients send it.
 */
export type SchedulingPlace = 'sibling' | 'inside';

/**
 * One message with these answers.
 * @param responses  as their types say, `scheduling` beside `response`; they are not changed
 * @param place      of `scheduling`, default `sibling`. Inside, a result that has a `scheduling` of its own becomes `{ output: result, scheduling }`
 *                   (`{ error: result, … }` where it tells an error), so that neither is lost
 * @throws never
 */
export function toolResponse(responses: readonly FunctionResponse[], place: SchedulingPlace = 'sibling'): ClientMessage {
  return { toolResponse: { functionResponses: place === 'inside' ? responses.map(scheduledInside) : [...responses] } };
}

function scheduledInside(answer: FunctionResponse): FunctionResponse {
  const { scheduling, ...rest } = answer;
  if (scheduling === undefined) return answer;
  const key = Object.hasOwn(rest.response, 'error') ? 'error' : 'output';
  const result = Object.hasOwn(rest.response, 'scheduling') ? { [key]: rest.response } : rest.response;
  // The rest keeps its unknown fields; TypeScript loses the named ones of a loose object.
  return { ...(rest as FunctionResponse), response: { ...result, scheduling } };
}
