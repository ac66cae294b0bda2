/** One machine, compiled and interpreted, side by side, as data that a thread can send. */
import { type ComparedCase, type Reach, sideBySide } from '../../../src/testing/equality/side-by-side.js';
import { surfaced } from '../standalone.js';
import type { Verdict } from '../verdicts.js';
import type { Defect } from './defects.js';
import { planted } from './planted.js';
import { nameOf, type Source, sourcesOf, subjectOf } from './subjects.js';

/** What is to be played. */
export interface Task {
  readonly source: Source;
  readonly reach: Reach;
  /** What is planted in the compiler; then the first case that fails is the last. */
  readonly defect?: Defect;
}

/** What came of it. */
export interface Finding {
  readonly verdicts: readonly Verdict[];
  /** Ms that it took. */
  readonly tookMs: number;
  readonly broken?: string;
}

/** Plays a task. A source that stands for several is played one after the other. @param takeStray  errors that nobody caught since the last call */
export async function play({ source, reach, defect }: Task, takeStray: () => readonly unknown[]): Promise<Finding> {
  const began = performance.now();
  const plant = defect === undefined ? undefined : await planted(defect);
  const verdicts: Verdict[] = [];
  const unmute = muted();
  try {
    for (const own of await sourcesOf(source)) {
      takeStray();
      for (const one of sideBySide(await subjectOf(own), reach, plant?.compile)) {
        verdicts.push(verdictOn(own, one));
        if (plant !== undefined && one.status === 'failed') return { verdicts, tookMs: performance.now() - began };
      }
      const stray = await surfaced(takeStray);
      if (stray.length > 0)
        verdicts.push({ name: nameOf(own), run: 'all', status: 'failed', reason: `an error surfaced outside: ${stray.map(String).join('; ')}` });
    }
  } catch (error) {
    verdicts.push({ name: nameOf(source), run: 'read', status: 'failed', reason: error instanceof Error ? error.message : String(error) });
  } finally {
    unmute();
    plant?.remove();
  }
  return { verdicts, tookMs: performance.now() - began };
}

function verdictOn(source: Source, { name: run, status, reason }: ComparedCase): Verdict {
  return { name: nameOf(source), run, status, ...(reason === undefined ? {} : { reason }) };
}

/** Actions of machines that are not ours print, and a development build of XState warns: thousands of times. @returns what gives the console its voice back */
function muted(): () => void {
  const { log, info, debug, warn, error } = console;
  const silence = (): void => undefined;
  Object.assign(console, { log: silence, info: silence, debug: silence, warn: silence, error: silence });
  return () => void Object.assign(console, { log, info, debug, warn, error });
}
