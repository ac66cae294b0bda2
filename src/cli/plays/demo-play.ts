/** The demo: what a newcomer sees first. Everything that a supervision tree is for happens once, on purpose. */
import { liveSession } from '../../live/session.js';
import { orchestrator } from '../../supervision/orchestrator.js';
import { supervisor } from '../../supervision/supervisors.js';
import { requireSent } from '../stage/require-sent.js';
import { LocalGemini, localUrl } from '../stage/local-gemini.js';
import { pause } from '../stage/pause.js';
import { PriceFeed, priceWorker } from '../stage/price-worker.js';
import type { Stage } from '../stage/stage.js';
import { demoScript, questions } from './demo-script.js';
import { demoTools } from './demo-tools.js';
import type { MakePlay } from './play.js';

/** Between two attempts to start the worker: long enough to be seen. */
const backoff = { minMs: 450, maxMs: 450, factor: 1, jitter: 0, resetAfterMs: 1_000 };

export const demoPlay: MakePlay = (stage) => {
  const { clock } = stage;
  const gemini = new LocalGemini({ script: demoScript, key: null, deadlineMs: 15_000, clock });
  const feed = new PriceFeed();
  const tools = demoTools(stage, (who, words) => stage.tell({ type: 'note', who, words }));
  const voice = liveSession({ baseUrl: localUrl, model: 'gemini-demo', tools, openSocket: gemini.openSocket });
  const workers = supervisor({
    strategy: 'oneForOne',
    actors: { prices: priceWorker(feed, clock) },
    children: [{ id: 'prices', src: 'prices', restart: 'permanent', backoff }],
  });
  return {
    title: 'a supervised Gemini Live conversation with a local server: no key, no network',
    task: 'conversation',
    deadlineMs: 20_000,
    abouts: {
      app: 'restForOne: with one go those started after it',
      'app/gemini': 'local Gemini Live server',
      'app/voice': 'Live session',
      'app/voice/uplink': 'what waits to be sent',
      'app/voice/connection': 'its WebSocket',
      'app/voice/tools': 'what the model may call',
      'app/voice/tools/tasks': 'a task for each call',
      'app/workers': 'oneForOne: each for itself',
      'app/workers/prices': 'reads a price feed',
      'app/tasks': 'functions with a deadline',
      'app/tasks/conversation': 'this demo itself',
      'app/tasks/archive': 'refuses to end, on purpose',
    },
    orchestrator: orchestrator({
      strategy: 'restForOne',
      actors: { gemini: gemini.logic, voice, workers },
      children: [
        { id: 'gemini', src: 'gemini' },
        { id: 'voice', src: 'voice' },
        { id: 'workers', src: 'workers', type: 'supervisor' },
      ],
    }),
    async direct(signal) {
      await pause(300, signal, clock);
      await parallelTools(stage, signal);
      await throwingTool(stage, signal);
      await crashAndCancel(stage, signal, feed);
      const outcome = await gemini.server.outcome;
      if (!outcome.ok) throw new Error(`the server's script failed at step ${outcome.step}: ${outcome.reason}`);
      if (gemini.server.answers().some(({ id }) => id === 'call-4')) throw new Error('a cancelled call was answered');
      // For the exit report: one that traps its exit, and then does nothing about it.
      stage.app.tasks.start(() => new Promise<never>(() => {}), { name: 'archive', trapExit: true, shutdownMs: 200 });
      await pause(300, signal, clock);
    },
  };
};

/** A turn of the user. */
export function say(stage: Stage, text: string): void {
  stage.tell({ type: 'said', by: 'user', text });
  requireSent(stage.voice.sendText(text), 'what the user said');
}

async function parallelTools(stage: Stage, signal: AbortSignal): Promise<void> {
  const ended = stage.next(signal, 'turn.ended');
  say(stage, questions.parallel);
  await ended;
}

async function throwingTool(stage: Stage, signal: AbortSignal): Promise<void> {
  const ended = stage.next(signal, 'turn.ended');
  say(stage, questions.throwing);
  await ended;
}

async function crashAndCancel(stage: Stage, signal: AbortSignal, feed: PriceFeed): Promise<void> {
  const called = stage.next(signal, 'tool.called', { name: 'library_search' });
  say(stage, questions.slow);
  await called;
  const restarted = stage.next(signal, 'child.restarted', { id: 'prices' });
  feed.garble();
  await restarted;
  await pause(300, signal, stage.clock);
  const cancelled = stage.next(signal, 'tool.cancelled', { name: 'library_search' });
  const ended = stage.next(signal, 'turn.ended', { interrupted: false });
  say(stage, questions.neverMind);
  await Promise.all([cancelled, ended]);
}
