/**
 * `@google/genai` as subject of the comparison, in the shape of bench/compare/adapter.ts.
 *
 * What an app writes that follows the SDK's examples: it runs the function when the call comes, sends the answer, and listens to `onclose`. What the SDK
 * leaves to the app (to read `toolCallCancellation`, to connect again) is not made up for here: it is what is compared.
 */
import { GoogleGenAI, Modality } from '@google/genai';

/** @type {import('../../compare/adapter.js').Adapter['open']} */
export async function open({ url, model, setupMs, tool }, tell) {
  const client = new GoogleGenAI({ apiKey: 'local', httpOptions: { baseUrl: url } });
  const answer = async ({ id, name }) => {
    const response = await tool.run(id);
    session.sendToolResponse({ functionResponses: [{ id, name, response }] });
  };
  const session = await client.live.connect({
    model,
    config: {
      responseModalities: [Modality.AUDIO],
      tools: [{ functionDeclarations: [{ name: tool.name, description: tool.description }] }],
      sessionResumption: {},
      // The SDK has no deadline of its own for the setup; this is what it offers instead.
      ...(setupMs === undefined ? {} : { abortSignal: AbortSignal.timeout(setupMs) }),
    },
    callbacks: {
      onmessage: ({ serverContent, toolCall, toolCallCancellation }) => {
        for (const { text } of serverContent?.modelTurn?.parts ?? []) if (text !== undefined) tell('text', text);
        if (serverContent?.interrupted) tell('interrupted');
        for (const id of toolCallCancellation?.ids ?? []) tell('cancellation', id);
        // The SDK waits for no callback: as in its examples, an answer is on its own.
        for (const call of toolCall?.functionCalls ?? []) void answer(call);
      },
      onerror: ({ message }) => tell('error', message),
      onclose: ({ code, reason }) => tell(code === 1000 || code === 1005 ? 'ended' : 'failed', `${code} ${reason}`.trim()),
    },
  });
  return {
    // Its sends return nothing: what they throw is all that they say.
    sendText: (text) => session.sendClientContent({ turns: [{ role: 'user', parts: [{ text }] }], turnComplete: true }),
    sendAudio: (data) => session.sendRealtimeInput({ audio: { data, mimeType: 'audio/pcm;rate=16000' } }),
    close: () => session.close(),
  };
}
