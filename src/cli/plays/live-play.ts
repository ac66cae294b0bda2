/** The demo's tree without its server: a conversation with Gemini itself. */
import { liveSession } from '../../live/session.js';
import { orchestrator } from '../../supervision/orchestrator.js';
import { demoTools } from './demo-tools.js';
import { liveQuestions } from './demo-script.js';
import type { MakePlay } from './play.js';
import { requireSent } from '../stage/require-sent.js';

export const defaultModel = 'gemini-3.1-flash-live-preview';

export interface LiveOptions {
  readonly apiKey: string;
  readonly model: string;
  readonly baseUrl?: string;
}

/** @throws EspalierError `live/invalid-options`; never with the key */
export function livePlay(options: LiveOptions): MakePlay {
  return (stage) => {
    const { weather, time, shares_price } = demoTools(stage, () => {});
    const voice = liveSession({
      ...options,
      tools: { weather, time, shares_price } as Record<string, NonNullable<typeof weather>>,
      systemInstruction: 'Answer in one short sentence.',
      // Every Live model can speak; not every one can write.
      generationConfig: { responseModalities: ['AUDIO'] },
      setup: { outputAudioTranscription: {} },
    });
    return {
      title: `a conversation with ${options.model}`,
      task: 'conversation',
      deadlineMs: 120_000,
      abouts: {
        'app/voice': 'Live session with Gemini',
        'app/voice/uplink': 'what waits to be sent',
        'app/voice/connection': 'its WebSocket',
        'app/voice/tools': 'what the model may call',
        'app/tasks/conversation': 'asks',
      },
      orchestrator: orchestrator({ actors: { voice }, children: [{ id: 'voice', src: 'voice' }] }),
      async direct(signal) {
        for (const text of liveQuestions) {
          stage.tell({ type: 'said', by: 'user', text });
          const ended = stage.until(signal, (fact) => (fact?.type === 'turn.ended' && stage.openCalls.size === 0 ? true : undefined));
          requireSent(stage.voice.sendRealtimeInput({ text }), 'the question');
          await ended;
        }
      },
    };
  };
}
