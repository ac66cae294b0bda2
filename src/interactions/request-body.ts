/** The body of a creation, checked for what does not go together. */
import { type InteractionRequest, interactionRequest } from '../wire/gemini/interactions.js';
import { isPlainObject, jsonOf, sortOf } from '../option-checks.js';
import { invalid } from './refusal.js';

/**
 * As JSON, now: what the app changes later is the app's.
 * @param isStreamed  `stream` is said here, and may be said by the request only if it agrees
 * @throws EspalierError `interactions/invalid-options`: neither or both of `model` and `agent`, the configuration of the other one, a `response_format`
 *         without its media type, no `input`
 */
export function requestBody(request: unknown, isStreamed: boolean): string {
  if (!isPlainObject(request)) throw invalid('request', 'an object with `input`', sortOf(request));
  const text = jsonOf(request);
  if (text === null) throw invalid('request', 'an object that is JSON', sortOf(request));
  const given = JSON.parse(text) as InteractionRequest;
  const [issue] = interactionRequest.safeParse(given).error?.issues ?? [];
  if (issue !== undefined) throw invalid(`request.${issue.path.join('.')}`, issue.message, 'something else');
  const { agent, agent_config: agentConfig, generation_config: generationConfig, model, stream } = given;
  if ((model === undefined) === (agent === undefined))
    throw invalid('request', 'either `model` or `agent`', model === undefined ? 'neither' : 'both');
  if (agent !== undefined && generationConfig !== undefined)
    throw invalid('request.generation_config', 'with `model`; an agent has `agent_config`', 'an agent');
  if (model !== undefined && agentConfig !== undefined)
    throw invalid('request.agent_config', 'with `agent`; a model has `generation_config`', 'a model');
  if (!hasMimeType(given)) throw invalid('request.response_format', '`response_mime_type` beside it, or `mime_type` in it', 'no media type');
  if (stream !== undefined && stream !== isStreamed) throw invalid('request.stream', `${String(isStreamed)} for this call, or nothing`, stream);
  return isStreamed && stream === undefined ? JSON.stringify({ ...given, stream: true }) : text;
}

/** A format says its media type beside it, or each of its parts in it. */
function hasMimeType({ response_format: format, response_mime_type: beside }: InteractionRequest): boolean {
  if (format === undefined || format === null || beside !== undefined) return true;
  const formats: readonly unknown[] = Array.isArray(format) ? format : [format];
  return formats.every((one) => typeof one === 'object' && one !== null && typeof (one as { mime_type?: unknown }).mime_type === 'string');
}
