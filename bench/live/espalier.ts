/** Ours: the session as a supervised child, its tool a supervised task. */
import { liveSession, liveSessionHandle, orchestrator, type LiveSessionRef } from '../../src/index.js';
import type { ServerMessage } from '../../src/wire/gemini/live.js';
import { type LiveSubject, model } from './subject.js';

export const espalierSubject: LiveSubject = {
  name: 'espalier',
  async open(url, heard, answer) {
    const voice = liveSession({
      apiKey: 'bench',
      baseUrl: url,
      model,
      tools: { echo: { description: 'answers at once', execute: answer } },
      // As many as the bench sends at once: it counts, and nothing may be dropped.
      uplink: { maxAudio: 1_000_000, highWaterBytes: 1_000_000_000 },
    });
    const app = orchestrator({ actors: { voice }, children: [{ id: 'voice', src: 'voice' }] }).start();
    const started = await app.started();
    if (!started.ok) throw new Error('expected a session that is ready, got: none');
    const session = liveSessionHandle(app.child('voice') as LiveSessionRef);
    session.on('session.message', ({ message }) => {
      const { serverContent } = message as ServerMessage;
      for (const part of serverContent?.modelTurn?.parts ?? []) {
        if (part.inlineData?.data !== undefined) heard.audio(part.inlineData.data.length);
        else if (part.text !== undefined) heard.text(part.text);
      }
      if (serverContent?.turnComplete === true) heard.turnComplete();
    });
    return {
      ask: (text) => void session.sendText(text),
      sendAudio: (data) => void session.sendRealtimeInput({ audio: { data, mimeType: 'audio/pcm;rate=16000' } }),
      close: async () => {
        await app.stop();
      },
    };
  },
};
