/** Ours, as subject of the comparison: a session and its handle, with no option that a first app would not set. */
import { createActor } from 'xstate';
import { type LiveSession, liveSession, liveSessionHandle, type SendOutcome } from '../../../src/index.js';
import type { ServerMessage } from '../../../src/wire/gemini/live.js';
import type { Adapter, SendAnswer, Tell } from '../adapter.js';

export const adapter: Adapter = {
  async open({ url, model, setupMs, tool }, tell) {
    const logic = liveSession({
      apiKey: 'local',
      baseUrl: url,
      model,
      tools: { [tool.name]: { description: tool.description, execute: (_args, { id, signal }) => tool.run(id, signal) } },
      ...(setupMs === undefined ? {} : { setupMs }),
    });
    const session = liveSessionHandle(createActor(logic).start());
    listen(session, tell);
    const ready = await session.ready();
    if (!ready.ok) throw new Error(`${ready.failure.code} ${ready.failure.reason}`);
    return {
      sendText: (text) => wordsOf(session.sendText(text)),
      sendAudio: (data) => wordsOf(session.sendRealtimeInput({ audio: { data, mimeType: 'audio/pcm;rate=16000' } })),
      close: () => session.close(),
    };
  },
};

function listen(session: LiveSession, tell: Tell): void {
  session.on('session.message', ({ message }) => {
    const { serverContent } = message as ServerMessage;
    for (const { text } of serverContent?.modelTurn?.parts ?? []) if (text !== undefined) tell('text', text);
    if (serverContent?.interrupted === true) tell('interrupted');
  });
  session.on('session.malformed', ({ detail }) => tell('malformed', detail));
  session.on('session.ready', ({ resumed }) => {
    if (resumed) tell('resumed');
  });
  session.on('session.reconnecting', ({ code, reason }) => tell('lost', `${code} ${reason}`.trim()));
  session.on('session.dropped', ({ count }) => tell('dropped', String(count)));
  session.on('session.failed', ({ code, reason }) => tell('failed', `${code} ${reason}`.trim()));
  session.on('session.closed', ({ code, reason }) => tell('ended', `${code} ${reason}`.trim()));
  session.on('tool.answered', ({ id }) => tell('answered', id));
  session.on('tool.cancelled', ({ id }) => tell('cancelled', id));
  session.on('tool.abandoned', ({ id, reason }) => tell('abandoned', `${id} ${reason}`));
}

function wordsOf(outcome: SendOutcome): SendAnswer {
  return 'reason' in outcome ? `${outcome.status} ${outcome.reason}` : outcome.status;
}
