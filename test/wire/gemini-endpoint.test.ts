import { describe, expect, it } from 'vitest';

import { EspalierError } from '../../src/errors.js';
import { liveEndpoint, liveUrl, modelPath, shownUrl, vertexBaseUrl, vertexModelPath } from '../../src/wire/gemini/live.js';

/** What a call throws. */
function refusalOf(call: () => unknown): unknown {
  try {
    return call();
  } catch (error) {
    return error;
  }
}

describe('the endpoint', () => {
  it('is Gemini’s own by default, with the key in a header and not in the URL', () => {
    const { url, headers } = liveEndpoint({ apiKey: 'k-1' });
    expect(url).toBe('wss://generativelanguage.googleapis.com/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent');
    expect(headers).toEqual({ 'x-goog-api-key': 'k-1' });
  });

  it('turns http into ws, keeps a base path, and takes another version', () => {
    expect(liveUrl({ baseUrl: 'http://127.0.0.1:8080/proxy/gemini/', apiVersion: 'v1' })).toBe(
      'ws://127.0.0.1:8080/proxy/gemini/ws/google.ai.generativelanguage.v1.GenerativeService.BidiGenerateContent',
    );
    expect(liveUrl({ baseUrl: 'wss://h' })).toMatch(/^wss:\/\/h\/ws\//);
  });

  it('is the constrained one for an ephemeral token', () => {
    const { url, headers } = liveEndpoint({ apiKey: 'auth_tokens/t' });
    expect(url).toMatch(/v1alpha\.GenerativeService\.BidiGenerateContentConstrained$/);
    expect(headers).toEqual({ authorization: 'Token auth_tokens/t' });
  });

  it('is Vertex’s with a bearer token', () => {
    const { url, headers } = liveEndpoint({ baseUrl: 'https://europe-west1-aiplatform.googleapis.com', service: 'vertex', accessToken: 't' });
    expect(url).toBe('wss://europe-west1-aiplatform.googleapis.com/ws/google.cloud.aiplatform.v1beta1.LlmBidiService/BidiGenerateContent');
    expect(headers).toEqual({ authorization: 'Bearer t' });
  });

  it('has the key in the query only when asked to', () => {
    expect(liveEndpoint({ apiKey: 'a&b', keyIn: 'query' })).toMatchObject({ url: expect.stringMatching(/\?key=a%26b$/), headers: {} });
  });

  it('has the ephemeral token in the query where headers cannot be set', () => {
    const { url, headers } = liveEndpoint({ apiKey: 'auth_tokens/t', keyIn: 'query' });
    expect(new URL(url).searchParams.get('access_token')).toBe('auth_tokens/t');
    expect(url).toContain('v1alpha.GenerativeService.BidiGenerateContentConstrained?');
    expect(headers).toEqual({});
  });

  it.each(['v1', 'v1beta', 'v1alpha'])('takes the version %s', (apiVersion) => {
    expect(liveUrl({ apiVersion })).toContain(`generativelanguage.${apiVersion}.GenerativeService`);
  });

  it('can be shown without what must not be logged', () => {
    expect(shownUrl(liveEndpoint({ apiKey: 'secret', keyIn: 'query' }).url)).toBe(liveUrl());
    expect(shownUrl('https://user:secret@host:1/a?key=secret#secret')).toBe('https://host:1/a');
    expect(shownUrl('secret')).not.toContain('secret');
  });

  it.each([
    '',
    'not a url',
    'ftp://user:secret@host/x?key=secret',
    'https://h/?key=secret',
    'https://secret@h/',
    'https://a:sec/ret@secret@h/',
    'wss://h/x#secret',
  ])('refuses the base URL %j without showing secrets', (baseUrl) => {
    const refusal = refusalOf(() => liveUrl({ baseUrl }));
    expect(refusal).toBeInstanceOf(EspalierError);
    expect(refusal).toMatchObject({ code: 'live/invalid-options' });
    expect(String(refusal)).not.toContain('secret');
    expect(JSON.stringify((refusal as EspalierError).details)).not.toContain('secret');
  });

  it.each([
    ['two credentials', () => liveEndpoint({ apiKey: 'secret-a', accessToken: 'secret-b' })],
    ['a key that no header can carry', () => liveEndpoint({ apiKey: 'secret\r\nx: y' })],
    ['a token that no header can carry', () => liveEndpoint({ accessToken: 'secret b' })],
    ['a function that nobody has called', () => liveEndpoint({ accessToken: (() => 'secret') as never })],
    ['an OAuth token in the query', () => liveEndpoint({ accessToken: 'secret', keyIn: 'query' })],
    ['a version that is a path', () => liveUrl({ apiVersion: 'v1/../x' })],
    ['Vertex without a place', () => liveUrl({ service: 'vertex' })],
    ['a location that is another host', () => vertexBaseUrl('evil.example/')],
    ['a project that is a path', () => vertexModelPath('m', { project: 'p/../q', location: 'l' })],
    ['a model that leaves its project', () => vertexModelPath('models/../../x', { project: 'p', location: 'l' })],
  ])('refuses %s, and shows no credential', (_, call) => {
    const refusal = refusalOf(call);
    expect(refusal).toMatchObject({ code: 'live/invalid-options' });
    expect(String(refusal)).not.toContain('secret');
  });

  it('names a model by its path', () => {
    expect(modelPath('gemini-live')).toBe('models/gemini-live');
    expect(modelPath('models/gemini-live')).toBe('models/gemini-live');
    expect(modelPath('projects/p/locations/l/publishers/google/models/m')).toBe('projects/p/locations/l/publishers/google/models/m');
  });
});

describe('Vertex', () => {
  it('has a host for each location, and others for several and for all', () => {
    expect(vertexBaseUrl('europe-west1')).toBe('https://europe-west1-aiplatform.googleapis.com');
    expect(vertexBaseUrl('us')).toBe('https://aiplatform.us.rep.googleapis.com');
    expect(vertexBaseUrl('global')).toBe('https://aiplatform.googleapis.com');
  });

  it('is found by its location alone, or by a base URL', () => {
    const path = '/ws/google.cloud.aiplatform.v1beta1.LlmBidiService/BidiGenerateContent';
    expect(liveUrl({ service: 'vertex', location: 'us-central1' })).toBe(`wss://us-central1-aiplatform.googleapis.com${path}`);
    expect(liveUrl({ service: 'vertex', location: 'us-central1', baseUrl: 'http://127.0.0.1:1' })).toBe(`ws://127.0.0.1:1${path}`);
  });

  it.each([
    ['gemini-live', 'projects/p-1/locations/us-central1/publishers/google/models/gemini-live'],
    ['models/gemini-live', 'projects/p-1/locations/us-central1/publishers/google/models/gemini-live'],
    ['publishers/google/models/m@001', 'projects/p-1/locations/us-central1/publishers/google/models/m@001'],
    ['meta/llama', 'projects/p-1/locations/us-central1/publishers/meta/models/llama'],
    ['projects/q/locations/l/endpoints/7', 'projects/q/locations/l/endpoints/7'],
  ])('names the model %s by %s', (model, path) => {
    expect(vertexModelPath(model, { project: 'p-1', location: 'us-central1' })).toBe(path);
  });
});
