/**
 * `@google/adk` as subject of the comparison, in the shape of bench/compare/adapter.ts: an agent with one tool, run by `runLive`.
 *
 * It takes its server from GOOGLE_GEMINI_BASE_URL. A run is over when its events end; where they end without a throw, the app is told of no failure.
 */
import { FunctionTool, InMemoryRunner, LiveRequestQueue, LlmAgent, LogLevel, setLogLevel } from '@google/adk';

/** @type {import('../../compare/adapter.js').Adapter['open']} */
export async function open({ url, model, setupMs, tool }, tell) {
  process.env.GOOGLE_GEMINI_BASE_URL = url;
  setLogLevel(LogLevel.ERROR);
  const lookUp = new FunctionTool({
    name: tool.name,
    description: tool.description,
    execute: (_args, context) => tool.run(context.functionCallId, context.abortSignal),
  });
  const agent = new LlmAgent({ name: 'voice', model, instruction: 'Answer.', tools: [lookUp] });
  const runner = new InMemoryRunner({ agent, appName: 'compare' });
  const queue = new LiveRequestQueue();
  const events = runner.runLive({
    userId: 'user',
    sessionId: 'session',
    liveRequestQueue: queue,
    ...(setupMs === undefined ? {} : { abortSignal: AbortSignal.timeout(setupMs) }),
  });
  void listen(events, tell);
  return {
    isOpen: false,
    // The queue takes what it is given without a word.
    sendText: (text) => queue.sendContent({ role: 'user', parts: [{ text }] }),
    sendAudio: (data) => queue.sendRealtime({ data, mimeType: 'audio/pcm;rate=16000' }),
    close: () => queue.close(),
  };
}

async function listen(events, tell) {
  try {
    for await (const { content, interrupted, errorCode, errorMessage } of events) {
      for (const { text } of content?.parts ?? []) if (text !== undefined) tell('text', text);
      if (interrupted) tell('interrupted');
      if (errorCode !== undefined) tell('error', `${errorCode} ${errorMessage ?? ''}`.trim());
    }
    tell('ended', 'runLive is over');
  } catch (error) {
    tell('failed', error instanceof Error ? error.message : String(error));
  }
}
