/** A client as Python's google-genai is on the wire: snake_case, its credentials in headers, `wss:`, and a close with 1000. */
import { afterEach, describe, expect, it } from 'vitest';
import { geminiServer } from '../../../src/testing/index.js';
import { nothingIsLeft, RawClient } from '../raw-client.js';

describe("a client of Python's shape", () => {
  afterEach(nothingIsLeft);

  it.each([
    ['v1beta.GenerativeService.BidiGenerateContent', { 'x-goog-api-key': 'k' }, { service: 'developer', credential: 'keyInHeader' }],
    ['v1alpha.GenerativeService.BidiGenerateContentConstrained', { authorization: 'Token k' }, { service: 'constrained', credential: 'token' }],
  ])('holds a conversation with a tool on %s', async (path, headers, admission) => {
    await using server = await geminiServer({
      key: 'k',
      tls: true,
      script: [
        { expect: 'setup', match: { model: 'models/m', sessionResumption: {}, inputAudioTranscription: {} } },
        { send: { setupComplete: {} } },
        { expect: 'clientContent', match: { turns: [{ parts: [{ text: 'weather?' }] }], turnComplete: true } },
        { callTools: [{ id: 'call-1', name: 'weather', args: { city_name: 'Oslo' } }] },
        { awaitAnswers: ['call-1'] },
        { expect: 'realtimeInput', match: { audio: { mimeType: 'audio/pcm;rate=16000' } } },
        { say: '10 C' },
        { expectClose: { code: 1000 } },
      ],
    });
    const url = `wss://127.0.0.1:${server.port}//ws/google.ai.generativelanguage.${path}`;
    const client = new RawClient(url, { ...headers, 'content-type': 'application/json' }, { ca: server.certificate! });
    await client.opened;
    client.send({
      setup: { model: 'models/m', session_resumption: {}, input_audio_transcription: {}, generation_config: { response_modalities: ['TEXT'] } },
    });
    expect(await client.next()).toEqual({ setupComplete: {} });
    client.send({ client_content: { turns: [{ parts: [{ text: 'weather?' }], role: 'user' }], turn_complete: true } });
    expect((await client.next()).toolCall?.functionCalls).toEqual([{ id: 'call-1', name: 'weather', args: { city_name: 'Oslo' } }]);
    client.send({ tool_response: { functionResponses: [{ id: 'call-1', name: 'weather', response: { wind_speed: 3 } }] } });
    client.send({ realtime_input: { audio: { data: 'AAA=', mime_type: 'audio/pcm;rate=16000' } } });
    expect((await client.next()).serverContent?.modelTurn?.parts).toEqual([{ text: '10 C' }]);
    client.close(1000);
    expect(await server.outcome).toEqual({ ok: true });
    // What belongs to the user keeps its names.
    expect(server.answers()).toEqual([{ id: 'call-1', name: 'weather', response: { wind_speed: 3 } }]);
    expect(server.connections).toMatchObject([admission]);
  });
});
