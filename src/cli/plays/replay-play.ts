/** A recorded Live session, played again: the local server sends what the recorded one sent, our session says what the recorded client said. */
import { liveSession } from '../../live/session.js';
import { orchestrator } from '../../supervision/orchestrator.js';
import type { Recording } from '../../testing/gemini-server/recording.js';
import type { ClientMessage } from '../../wire/gemini/live.js';
import { LocalGemini, localUrl } from '../stage/local-gemini.js';
import type { Stage } from '../stage/stage.js';
import type { MakePlay } from './play.js';
import { RecordedAnswers, restOfSetup } from './recorded-answers.js';
import { readTalk } from './recorded-log.js';
import { requireSent } from '../stage/require-sent.js';

/**
 * The play of a recording.
 * @param name  of the log, for people
 * @throws EspalierError `gemini-server/invalid-recording` when it is not one session that begins with its setup
 */
export function replayPlay(recording: Recording, name: string): MakePlay {
  const talk = readTalk(recording);
  return (stage) => {
    const { clock } = stage;
    const { setup, toolNames } = talk;
    const gemini = new LocalGemini({ replay: talk.recording, key: null, clock });
    const responses = talk.steps.flatMap((step) => ('speak' in step ? (step.speak.toolResponse?.functionResponses ?? []) : []));
    const answers = new RecordedAnswers(responses);
    const tools = answers.tools(toolNames, setup);
    const own = { baseUrl: localUrl, openSocket: gemini.openSocket, setupMs: 5_000 };
    const voice = liveSession({ ...own, model: setup.model, tools, setup: restOfSetup(setup, Object.keys(tools)) });
    if (talk.addedCalls > 0) {
      const words = `the log answers ${talk.addedCalls} call(s) that it does not contain: the server makes them`;
      stage.tell({ type: 'note', who: 'replay', words });
    }
    return {
      title: `replays ${name}`,
      task: 'conversation',
      deadlineMs: 60_000,
      abouts: {
        'app/gemini': 'replays the recorded server',
        'app/voice': setup.model,
        'app/tasks/conversation': 'says what the recorded client said',
      },
      orchestrator: orchestrator({
        strategy: 'restForOne',
        actors: { gemini: gemini.logic, voice },
        children: [
          { id: 'gemini', src: 'gemini' },
          { id: 'voice', src: 'voice', restart: 'temporary' },
        ],
      }),
      async direct(signal) {
        let frames = 0;
        for (const step of talk.steps) {
          if ('speak' in step) await speak(stage, signal, step.speak, answers);
          else {
            frames += 1;
            await stage.until(signal, () => (stage.frameCount >= frames ? true : undefined));
          }
        }
        await stage.until(signal, () => (stage.openCalls.size === 0 ? true : undefined));
        const outcome = await gemini.server.outcome;
        if (!outcome.ok) throw new Error(`the server's part failed at step ${outcome.step}: ${outcome.reason}`);
      },
    };
  };
}

/** Says what the recorded client said; answers to calls are the tools' to give. */
async function speak(stage: Stage, signal: AbortSignal, message: ClientMessage, answers: RecordedAnswers): Promise<void> {
  if (message.toolResponse !== undefined) {
    const calls = answers.release(message.toolResponse.functionResponses);
    await stage.until(signal, () => (calls.every((call) => !stage.openCalls.has(call)) ? true : undefined));
    return;
  }
  stage.tell({ type: 'said', by: 'user', text: wordsOf(message) });
  const { voice } = stage;
  if (message.clientContent !== undefined) requireSent(voice.sendClientContent(message.clientContent), 'what the client said');
  if (message.realtimeInput !== undefined) requireSent(voice.sendRealtimeInput(message.realtimeInput), 'what the client said');
  // Kinds that the handle has no method for go the way of all messages.
  if (message.clientContent === undefined && message.realtimeInput === undefined) voice.ref.send({ type: 'session.send', message });
}

/** What a client message says, for people. */
function wordsOf({ clientContent, realtimeInput, ...others }: ClientMessage): string {
  if (clientContent !== undefined) {
    const texts = (clientContent.turns ?? []).flatMap(({ parts = [] }) => parts.map(({ text, inlineData }) => text ?? mediaWords(inlineData)));
    return texts.join(' ').trim() || '(nothing)';
  }
  if (realtimeInput === undefined) return `(${Object.keys(others).join(', ') || 'an unknown message'})`;
  const { text, audio, video, mediaChunks = [], activityStart, activityEnd, audioStreamEnd } = realtimeInput;
  if (text !== undefined) return text;
  if (activityStart !== undefined) return '(begins to speak)';
  if (activityEnd !== undefined) return '(has spoken)';
  if (audioStreamEnd === true) return '(the microphone is off)';
  return [audio, video, ...mediaChunks]
    .filter((media) => media !== undefined)
    .map(mediaWords)
    .join(' ');
}

function mediaWords(media: { mimeType?: string | undefined; data?: string | undefined } | undefined): string {
  if (media === undefined) return '(something)';
  return `(${media.mimeType ?? 'media'}, ${Math.ceil(((media.data?.length ?? 0) * 3) / 4 / 1024)} kB)`;
}
