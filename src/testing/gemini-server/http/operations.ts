/**
 * Which operation of the Gemini API a request asks for, by its method and path: the Developer API and Vertex, with a base path, doubled slashes and
 * the versions of each. Pure.
 *
 * @see Gemini API, REST reference: models.generateContent, models.streamGenerateContent, Interactions; Vertex prefixes `projects/P/locations/L`
 */

/** What a request asks for; `other`: nothing that this server knows by name. */
export type Operation = (typeof operationNames)[number];

export const operationNames = [
  'generateContent',
  'streamGenerateContent',
  'interactions.create',
  'interactions.get',
  'interactions.cancel',
  'interactions.delete',
  'other',
] as const;

/** A request, as its method and path tell it. */
export interface Asked {
  readonly operation: Operation;
  /** `vertex` where the path names a project or a publisher; `none` for a path of no Gemini API. */
  readonly service: 'developer' | 'vertex' | 'none';
  /** `v1`, `v1beta`, `v1alpha`; on Vertex `v1`, `v1beta1`; null for a path of no Gemini API. */
  readonly apiVersion: string | null;
  /** The model by its last part (`gemini-2.5-flash`), or null. */
  readonly model: string | null;
  /** The id of the interaction that is asked about, or null. */
  readonly interaction: string | null;
}

const version = String.raw`\/(v1|v1beta|v1alpha|v1beta1)\/`;
const place = String.raw`((?:projects\/[^/]+\/)?(?:locations\/[^/]+\/)?)`;
const modelPath = new RegExp(String.raw`${version}${place}((?:publishers\/[^/]+\/)?)(?:models|tunedModels|endpoints)\/([^/:]+):(\w+)$`);
const interactionsPath = new RegExp(String.raw`${version}${place}interactions(?:\/([^/:]+)(?:[/:](\w+))?)?$`);

const nothing: Asked = { operation: 'other', service: 'none', apiVersion: null, model: null, interaction: null };

/**
 * @param method  in capitals
 * @param path    without query, each run of slashes as one
 */
export function askedBy(method: string, path: string): Asked {
  const asModel = modelPath.exec(path);
  if (asModel !== null) {
    const [, apiVersion = '', where = '', publisher = '', model = '', verb] = asModel;
    const operation = method === 'POST' && (verb === 'generateContent' || verb === 'streamGenerateContent') ? verb : 'other';
    return { operation, service: where + publisher === '' ? 'developer' : 'vertex', apiVersion, model: decoded(model), interaction: null };
  }
  const asInteraction = interactionsPath.exec(path);
  if (asInteraction === null) return nothing;
  const [, apiVersion = '', where = '', id, verb] = asInteraction;
  const service = where === '' ? 'developer' : 'vertex';
  return { operation: onInteraction(method, id, verb), service, apiVersion, model: null, interaction: id === undefined ? null : decoded(id) };
}

function onInteraction(method: string, id: string | undefined, verb: string | undefined): Operation {
  if (id === undefined) return method === 'POST' ? 'interactions.create' : 'other';
  if (verb !== undefined) return method === 'POST' && verb === 'cancel' ? 'interactions.cancel' : 'other';
  if (method === 'GET') return 'interactions.get';
  return method === 'DELETE' ? 'interactions.delete' : 'other';
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
