/** The clients that the Live bench measures do what they are measured for: none of them skips what it should hear, say or answer. */
import { afterEach, describe, expect, test } from 'vitest';
import { espalierSubject } from '../../bench/live/espalier.js';
import { genaiSubject } from '../../bench/live/genai.js';
import { rawWsSubject } from '../../bench/live/raw-ws.js';
import { geminiServer, type GeminiServer } from '../../src/testing/gemini-server/server.js';

const servers: GeminiServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

describe.each([rawWsSubject, genaiSubject, espalierSubject].map((subject) => [subject.name, subject] as const))('the client %s', (_, subject) => {
  test('hears audio and texts, answers a call, says what it is told to, and closes', async () => {
    const server = await geminiServer({
      key: null,
      script: [
        { expect: 'setup' },
        { send: { setupComplete: {} } },
        { expect: 'clientContent', match: { turns: [{ parts: [{ text: 'audio 1' }] }] } },
        { send: { serverContent: { modelTurn: { parts: [{ inlineData: { mimeType: 'audio/pcm;rate=24000', data: 'AAAA' } }] } } } },
        { send: { serverContent: { modelTurn: { parts: [{ inlineData: { mimeType: 'audio/pcm;rate=24000', data: 'AAAAAAAA' } }] } } } },
        { send: { serverContent: { modelTurn: { parts: [{ text: '12.5' }] } } } },
        { callTools: [{ id: 'call-1', name: 'echo', args: {} }] },
        { expect: 'toolResponse', match: { functionResponses: [{ id: 'call-1', name: 'echo', response: { output: 'echo' } }] } },
        { send: { serverContent: { turnComplete: true } } },
        { expect: 'realtimeInput', match: { audio: { data: 'BBBB' } } },
        { expectClose: true },
      ],
    });
    servers.push(server);
    const heard: (number | string)[] = [];
    let ended: () => void = () => {};
    const turn = new Promise<void>((resolve) => (ended = resolve));
    const rig = await subject.open(
      server.url,
      { audio: (length) => heard.push(length), text: (text) => heard.push(text), turnComplete: () => ended() },
      () => 'echo',
    );
    rig.ask('audio 1');
    await turn;
    expect(heard).toEqual([4, 8, '12.5']);
    rig.sendAudio('BBBB');
    expect(await server.next('realtimeInput')).toMatchObject({ ok: true });
    await rig.close();
    expect(await server.outcome).toEqual({ ok: true });
  });
});
