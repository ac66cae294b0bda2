/** Runs a play from the start of its tree to the exit report, whatever happens in between. */
import type { Interruption } from './interruption.js';
import type { MakePlay, Play } from './plays/play.js';
import type { Ending, Show } from './screen/show.js';
import { reasonWords } from './stage/states.js';
import { Stage } from './stage/stage.js';

/**
 * Performs a play.
 * @param warn  tells a person why it went wrong
 * @returns the exit code: 0; 1 when it went wrong; the interruption's when there was one
 */
export async function perform(make: MakePlay, show: Show, interruption: Interruption, warn: (reason: string) => void): Promise<number> {
  const stage = new Stage((facts, tree) => show.update(facts, tree));
  const play = make(stage);
  show.begin(play.title);
  try {
    const app = play.orchestrator.start({ clock: stage.clock, inspect: stage.watch.inspect });
    stage.open(app);
    interruption.signal.addEventListener('abort', () =>
      stage.tell({ type: 'note', who: 'interrupted', words: 'stopping in order; once more, and nobody is waited for' }),
    );
    stage.watch.describe(play.abouts);
    const fault = await hold(play, stage, interruption, show);
    stage.endTalk();
    stage.flush();
    show.picture();
    const report = await app.stop();
    stage.flush();
    show.report(report);
    const ending = endingOf(fault, interruption.exitCode);
    show.end(ending);
    show.close();
    if (ending.reason !== null) warn(ending.reason);
    return ending.exitCode;
  } finally {
    show.close();
    interruption.release();
  }
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
