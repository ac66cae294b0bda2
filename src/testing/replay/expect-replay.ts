/** A recording as a test: it replays through today's machines, or the test fails with the first difference. */
import { inline } from '../../recording/replay/difference.js';
import type { ActorRecording } from '../../wire/recording/parse.js';
import { replay, type ReplayDifference, type ReplayOptions, type ReplayPassed } from './replay.js';

/** A recording that does not replay. */
export class ReplayFailure extends Error {
  override readonly name = 'ReplayFailure';
  /** The first difference; null when there was nothing to replay. */
  readonly difference: ReplayDifference | null;

  constructor(message: string, difference: ReplayDifference | null) {
    super(message);
    this.difference = difference;
  }
}

/**
 * Replays a recording (or its text) and fails at the first difference; also when no actor of it was replayed, for that would prove nothing.
 * @throws ReplayFailure with what was expected, what came, and the conversation up to there
 * @throws EspalierError as {@link replay} does
 */
export function expectReplay(recording: ActorRecording | string, options: ReplayOptions): ReplayPassed {
  const result = replay(recording, options);
  if (!result.ok) throw new ReplayFailure(tellDifference(result), result);
  if (result.actors === 0) throw new ReplayFailure('the recording has no machine that was replayed: all are in `skip`, or none was recorded', null);
  return result;
}

/** A difference in words, with its picture. */
export function tellDifference({ at, actor, machine, event, before, changes, notes, sequence }: ReplayDifference): string {
  const where = before === undefined ? 'at its start' : `in ${inline(before)}`;
  return [
    `line ${at} of the recording does not replay: ${actor} (machine '${machine}') ${where}, at ${inline(event)}`,
    ...changes.map(({ path, expected, got }) => `  ${path}: expected ${inline(expected)}, got ${inline(got)}`),
    ...notes.map((note) => `  note: ${note}`),
    '',
    sequence,
  ].join('\n');
}
