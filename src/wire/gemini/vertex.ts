/**
 * Vertex's addresses: a host for each location, and models that belong to a project.
 *
 * @see Vertex AI, Live API reference; @google/genai 3.1.0, node/index.mjs: the base URL by location, and tModel
 */
import { EspalierError } from '../../errors.js';

/** Where on Vertex. */
export interface VertexPlace {
  /** Id or number of the project. */
  readonly project: string;
  /** A region (`europe-west1`), `us` or `eu` for several, or `global`. */
  readonly location: string;
}

/** Locations that are several regions, with hosts of their own. */
const multiRegions = ['us', 'eu'];

/**
 * The host of a location: `https://LOCATION-aiplatform.googleapis.com`.
 * @throws EspalierError `live/invalid-options` for what is no name of a location: it must not lead a token to another host
 */
export function vertexBaseUrl(location: string): string {
  requireName('location', location, /^[a-z][a-z0-9-]{0,62}$/, "a location such as 'europe-west1'");
  if (location === 'global') return 'https://aiplatform.googleapis.com';
  if (multiRegions.includes(location)) return `https://aiplatform.${location}.rep.googleapis.com`;
  return `https://${location}-aiplatform.googleapis.com`;
}

/**
 * The path of a model: `gemini-…`, `models/gemini-…` and `publishers/google/models/gemini-…` are all
 * `projects/P/locations/L/publishers/google/models/gemini-…`; `meta/llama` is another publisher's; `projects/…` is a path already.
 * @throws EspalierError `live/invalid-options` when project, location or model has a character that no such name has
 */
export function vertexModelPath(model: string, { project, location }: VertexPlace): string {
  requireName('project', project, /^[a-z0-9][a-z0-9.:-]{0,99}$/i, 'the id of a project');
  requireName('location', location, /^[a-z][a-z0-9-]{0,62}$/, "a location such as 'europe-west1'");
  requireName('model', model, /^(?!.*\.\.)[\w.@:/-]+$/, 'the name or the path of a model');
  if (model.startsWith('projects/')) return model;
  return `projects/${project}/locations/${location}/${publishedPath(model)}`;
}

function publishedPath(model: string): string {
  if (model.startsWith('publishers/')) return model;
  if (model.startsWith('models/')) return `publishers/google/${model}`;
  const slash = model.indexOf('/');
  return slash < 0 ? `publishers/google/models/${model}` : `publishers/${model.slice(0, slash)}/models/${model.slice(slash + 1)}`;
}

function requireName(option: string, value: string, pattern: RegExp, expected: string): void {
  if (typeof value === 'string' && pattern.test(value)) return;
  throw new EspalierError('live/invalid-options', {
    expected: `${option}: ${expected}`,
    got: typeof value === 'string' ? 'another text' : typeof value,
  });
}
