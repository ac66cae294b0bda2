/** Runs a play from the start of its tree to the exit report, whatever happens in between. */
import type { AnyActorRef } from 'xstate';

import { inspect, type Inspector } from '../inspector/inspector.js';
import { recorder } from '../inspector/recorder.js';
import { inspectorPort } from './inspect.js';
import type { Interruption } from './interruption.js';
import type { MakePlay, Play } from './plays/play.js';
import type { Ending, Show } from './screen/show.js';
import { reasonWords } from './stage/states.js';
import { Stage } from './stage/stage.js';
import { driveClock } from './stage/virtual-time.js';
import { VirtualClock } from '../testing/virtual-clock.js';

/** How a play is performed. */
export interface PerformOptions {
  /** Opens it to be looked at: then it begins when somebody looks, and stays until it is interrupted. Default false. */
  readonly inspects?: boolean;
  /** The time of its tree: `virtual` is the same each time, and goes as fast as it may where nobody looks on; `paced` is virtual, and no faster than the machine's. Default the machine's. */
  readonly time?: 'virtual' | 'paced';
}

/**
 * Performs a play.
 * @param warn  tells a person why it went wrong
 * @returns the exit code: 0; 1 when it went wrong; the interruption's when there was one
 */
export async function perform(
  make: MakePlay,
  show: Show,
  interruption: Interruption,
  warn: (reason: string) => void,
  { inspects = false, time }: PerformOptions = {},
): Promise<number> {
  const clock = time === undefined ? null : new VirtualClock();
  const stage = new Stage((facts, tree) => show.update(facts, [tree]), clock ?? undefined);
  let play = make(stage);
  show.begin(play.title);
  const over = new AbortController();
  const driven = clock === null ? undefined : driveClock(clock, over.signal, time === 'paced');
  try {
    // Attached before anything starts: who is made by no chart, as the actors of a callback, could not be found later.
    const seen = inspects ? recorder() : null;
    const attach = (root: AnyActorRef): void => {
      root.system.inspect(stage.watch.inspect);
      seen?.attach(root);
    };
    const app = play.orchestrator.start({ clock: stage.clock, inspect: seen === null ? stage.watch.inspect : { attach } });
    stage.open(app);
    const eye = seen === null ? null : inspect(app, { title: play.title, recorder: seen, ...inspectorPort });
    if (eye !== null) play = lookedAt(play, stage, eye);
    interruption.signal.addEventListener('abort', () =>
      stage.tell({ type: 'note', who: 'interrupted', words: 'stopping in order; once more, and nobody is waited for' }),
    );
    stage.watch.describe(play.abouts);
    const fault = await hold(play, stage, interruption, show);
    stage.endTalk();
    stage.flush();
    show.picture();
    const report = await app.stop();
    await eye?.ended();
    await seen?.dispose();
    stage.flush();
    show.report(report);
    const ending = endingOf(fault, interruption.exitCode);
    show.end(ending);
    show.close();
    if (ending.reason !== null) warn(ending.reason);
    return ending.exitCode;
  } finally {
    over.abort();
    await driven;
    show.close();
    interruption.release();
  }
}

/** The play, held while somebody looks, and shown until it is interrupted. */
function lookedAt(play: Play, stage: Stage, eye: Inspector): Play {
  return {
    ...play,
    deadlineMs: null,
    async direct(signal) {
      const come = new Promise<void>((resolve) => {
        eye.ref.on('inspector.viewerJoined', () => resolve());
      });
      const ready = await eye.ready();
      const tell = (words: string): void => stage.tell({ type: 'note', who: 'inspector', words });
      if (ready.ok) {
        tell(`open ${ready.url}`);
        tell('the play begins when somebody looks');
        await Promise.race([come, aborted(signal)]);
      } else tell(`is not there: ${reasonWords(ready.reason)}`);
      if (signal.aborted) return;
      await play.direct(signal);
      if (!ready.ok) return;
      tell('the play is over, and stays to be looked at: Ctrl-C ends it');
      await aborted(signal);
    },
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** Waits for the start, then holds the conversation as a task of the tree. @returns what went wrong; null when nothing did */
async function hold(play: Play, stage: Stage, interruption: Interruption, show: Show): Promise<string | null> {
  const { app } = stage;
  const abandon = (): void => stage.abandonStart();
  interruption.signal.addEventListener('abort', abandon);
  const started = await app.started();
  interruption.signal.removeEventListener('abort', abandon);
  if (!started.ok) return `the tree could not start: ${reasonWords(started.reason)}`;
  stage.flush();
  show.picture();
  const outcome = await app.tasks.run(({ signal }) => play.direct(signal), {
    name: play.task,
    ...(play.deadlineMs === null ? {} : { deadlineMs: play.deadlineMs }),
    signal: interruption.signal,
  });
  if (outcome.ok) return null;
  if (outcome.reason === 'timedOut') return `the ${play.task} did not end within ${play.deadlineMs} ms`;
  if (typeof outcome.reason === 'string') return `the ${play.task} was ended from outside (${outcome.reason})`;
  return `the ${play.task} went wrong: ${reasonWords(outcome.reason).replace(/^crash: /, '')}`;
}

function endingOf(fault: string | null, interrupted: number | null): Ending {
  if (interrupted !== null) return { ok: false, exitCode: interrupted, reason: null };
  return { ok: fault === null, exitCode: fault === null ? 0 : 1, reason: fault };
}
