/** What a generation is asked for, checked, and turned into the plan of its stream. */
import { geminiSubject } from '../telemetry/subject.js';
import type { AccessToken } from '../wire/gemini/live-url.js';
import { googleBaseUrl, modelPath, requireHeaderText } from '../wire/gemini/live-url.js';
import { generateRequest, type GenerateRequest } from '../wire/gemini/generate.js';
import { vertexBaseUrl, vertexModelPath } from '../wire/gemini/vertex.js';
import { secretsOf } from '../wire/secrets.js';
import { GenerateBody } from './generate-body.js';
import { httpBase, planSettings, requireHeaders, settingKeys, type StreamPlan, type StreamSettings } from './options.js';
import { isPlainObject, sortOf } from '../option-checks.js';
import { asStreamOption, invalid, requireJson, requireOptions } from './refusal.js';

/** What a generation is asked for; `model` and `request` must be given. A name that is not here is refused. */
export interface GenerateOptions extends StreamSettings {
  /** An API key. Sent in a header. Absent for a server that asks for none. */
  readonly apiKey?: string;
  /** On Vertex: the project, its location, and an OAuth token or what fetches one, called for each attempt. */
  readonly vertex?: { readonly project: string; readonly location: string; readonly accessToken?: AccessToken };
  /** `http(s)://` or `ws(s)://`, host and path, nothing more. Default: Google's. */
  readonly baseUrl?: string;
  /** `v1`, `v1beta` or `v1alpha`. Default `v1beta`; `v1` on Vertex. */
  readonly apiVersion?: string;
  /** `gemini-…` or a path, `models/…`, `tunedModels/…`. */
  readonly model: string;
  /** The body, as the wire has it; at least `contents`. Fields that nobody knows are sent all the same. */
  readonly request: GenerateRequest;
  /** Sent beside those of the protocol. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** The options there are. */
export const generateKeys: readonly (keyof GenerateOptions)[] = [
  ...settingKeys,
  ...(['apiKey', 'vertex', 'baseUrl', 'apiVersion', 'model', 'request', 'headers'] as const),
];

/** What the options come to. */
export interface GeneratePlan {
  readonly stream: StreamPlan;
  readonly body: GenerateBody;
}

/** A whole answer comes with its headers, and a model may think for minutes, ms. */
const wholeConnectMs = 240_000;

/**
 * Checks the options, and says what is done with them.
 * @throws EspalierError `stream/invalid-options` or `gate/invalid-options`, with the option's name; never with a key
 */
export function planGenerate(options: GenerateOptions, method: 'generateContent' | 'streamGenerateContent', known: readonly string[]): GeneratePlan {
  requireOptions('options', options, known);
  const { apiKey, apiVersion, headers = {}, model, request, vertex } = options;
  if (apiKey !== undefined && (typeof apiKey !== 'string' || apiKey === '')) throw invalid('apiKey', 'ASCII without blanks', sortOf(apiKey));
  asStreamOption(() => requireHeaderText('apiKey', apiKey));
  if (apiVersion !== undefined && !(typeof apiVersion === 'string' && /^v\d[a-z0-9]*$/.test(apiVersion)))
    throw invalid('apiVersion', 'such as v1beta', sortOf(apiVersion));
  if (typeof model !== 'string' || !/^(?!.*\.\.)[\w.@:/-]+$/.test(model)) throw invalid('model', 'the name or the path of a model', sortOf(model));
  if (vertex !== undefined) requireVertex(vertex);
  if (vertex !== undefined && apiKey !== undefined && vertex.accessToken !== undefined)
    throw invalid('apiKey or vertex.accessToken', 'not both', 'both');
  const { limits, ...settings } = planSettings(options, { connectMs: method === 'generateContent' ? wholeConnectMs : 60_000 });
  const isStreamed = method === 'streamGenerateContent';
  const url = `${urlOf(options)}:${method}${isStreamed ? '?alt=sse' : ''}`;
  const fixed = {
    accept: isStreamed ? 'text/event-stream' : 'application/json',
    'content-type': 'application/json',
    ...Object.fromEntries(Object.entries(requireHeaders(headers)).map(([name, value]) => [name.toLowerCase(), value])),
    ...(apiKey === undefined ? {} : { 'x-goog-api-key': apiKey }),
  };
  let secrets = secretsOf(url, fixed);
  const body = new GenerateBody(limits, !isStreamed);
  return {
    body,
    stream: {
      ...settings,
      method: 'POST',
      body: bodyOf(request),
      subject: geminiSubject({ model, vertex }),
      openBody: body.open,
      secrets: () => secrets,
      address: async () => {
        const token = vertex?.accessToken;
        if (token === undefined) return { url, headers: fixed };
        const accessToken = typeof token === 'function' ? await token() : token;
        requireHeaderText('accessToken', accessToken);
        const all = { ...fixed, authorization: `Bearer ${accessToken}` };
        secrets = [...new Set([...secrets, ...secretsOf(url, all)])];
        return { url, headers: all };
      },
    },
  };
}

/** The model's address, without the method. @throws EspalierError `stream/invalid-options` */
function urlOf({ apiVersion, baseUrl, model, vertex }: GenerateOptions): string {
  if (vertex === undefined) return `${httpBase(baseUrl ?? googleBaseUrl)}/${apiVersion ?? 'v1beta'}/${modelPath(model)}`;
  const path = asStreamOption(() => vertexModelPath(model, vertex));
  return `${httpBase(baseUrl ?? asStreamOption(() => vertexBaseUrl(vertex.location)))}/${apiVersion ?? 'v1'}/${path}`;
}

function requireVertex(vertex: unknown): void {
  requireOptions('vertex', vertex, ['project', 'location', 'accessToken']);
  const { accessToken } = vertex as { accessToken?: unknown };
  if (accessToken === undefined || typeof accessToken === 'function') return;
  if (typeof accessToken !== 'string' || accessToken === '') throw invalid('vertex.accessToken', 'a token, or a function', sortOf(accessToken));
  asStreamOption(() => requireHeaderText('vertex.accessToken', accessToken));
}

/** As JSON, now: what the app changes later is the app's. @throws EspalierError `stream/invalid-options` */
function bodyOf(request: unknown): string {
  if (!isPlainObject(request)) throw invalid('request', 'an object with `contents`', sortOf(request));
  const text = requireJson('request', request);
  const [issue] = generateRequest.safeParse(JSON.parse(text)).error?.issues ?? [];
  if (issue !== undefined) throw invalid(`request.${issue.path.join('.')}`, issue.message, 'something else');
  return text;
}
