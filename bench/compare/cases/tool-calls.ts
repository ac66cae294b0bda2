/** Cases about calls on one socket. A and B are those of the protocol page (§2, ADK). */
import { type Case, right, wrong, zero } from '../case.js';
import { answerTo, firstFact, type Observation } from '../facts.js';
import { call, callId, flashLive, nativeAudio, setUp, userSpeaks } from './conversation.js';

/** Long enough to be cancelled in its midst. */
const slowMs = 2_000;
const cancelAfterMs = 300;

export const callWithoutTurnComplete: Case = {
  id: 'A',
  title: 'A call without turnComplete',
  rule: 'the tool is run and the call answered, though no turnComplete follows it',
  model: nativeAudio,
  tool: { takesMs: 0 },
  script: [...setUp, ...userSpeaks, zero, call, { awaitAnswers: [callId] }],
  act: (app) => app.speak(),
  watchMs: 4_000,
  judge(seen) {
    const answer = answerTo(seen, callId);
    if (answer !== undefined) return right('answered', answer.atMs);
    return wrong(firstFact(seen, 'toolRuns') === undefined ? 'the tool never ran' : 'the tool ran, and was not answered');
  },
};

export const interruption: Case = {
  id: 'B',
  title: 'A tool of 2 s; after 300 ms the call is cancelled and the turn interrupted',
  rule: '`interrupted` reaches the app while the tool runs, and the cancelled call is not answered',
  model: flashLive,
  tool: { takesMs: slowMs },
  script: [...setUp, ...userSpeaks, call, { waitMs: cancelAfterMs }, zero, { cancel: [callId] }, { interrupt: true }, { waitMs: slowMs + 500 }],
  act: (app) => app.speak(),
  watchMs: 5_000,
  judge(seen) {
    const told = firstFact(seen, 'interrupted');
    const ended = firstFact(seen, 'toolEnds');
    if (firstFact(seen, 'toolRuns') === undefined) return wrong('the tool never ran');
    const complaints = [
      ...(told === undefined ? ['`interrupted` never came'] : []),
      ...(told !== undefined && ended !== undefined && told.atMs >= ended.atMs ? ['`interrupted` came when the tool had ended'] : []),
      ...answeredAnyway(seen),
    ];
    if (complaints.length > 0) return wrong(complaints.join('; '), answerTo(seen, callId)?.atMs ?? told?.atMs ?? null);
    return right('interrupted at once, not answered', told?.atMs ?? null);
  },
};

export const cancelledTool: Case = {
  id: 'cancelled-tool',
  title: 'A tool of 2 s, cancelled after 300 ms',
  rule: "the tool's signal aborts, and the call is not answered",
  model: flashLive,
  tool: { takesMs: slowMs },
  script: [...setUp, ...userSpeaks, call, { waitMs: cancelAfterMs }, zero, { cancel: [callId] }, { waitMs: slowMs + 500 }],
  act: (app) => app.speak(),
  watchMs: 5_000,
  judge(seen) {
    const aborted = firstFact(seen, 'toolAborted');
    if (firstFact(seen, 'toolRuns') === undefined) return wrong('the tool never ran');
    const complaints = [...(aborted === undefined ? ['the tool ran on'] : []), ...answeredAnyway(seen)];
    if (complaints.length > 0) return wrong(complaints.join('; '), answerTo(seen, callId)?.atMs ?? null);
    return right('aborted, not answered', aborted?.atMs ?? null);
  },
};

export const throwingCallback: Case = {
  id: 'throwing-callback',
  title: 'The function that is called throws',
  rule: 'the process lives, and the call is answered, or the app is told that it is not',
  model: flashLive,
  tool: { takesMs: 0, throws: true },
  script: [...setUp, ...userSpeaks, zero, call, { awaitAnswers: [callId] }, { say: 'go on' }, { waitMs: 200 }],
  act: (app) => app.speak(),
  watchMs: 3_000,
  judge(seen) {
    if (firstFact(seen, 'toolThrows') === undefined) return wrong('the tool never ran');
    const answer = answerTo(seen, callId);
    const told = firstFact(seen, 'abandoned', callId);
    const fate = answer ?? told;
    if (fate !== undefined) return right(answer === undefined ? 'told that it is not answered' : 'answered with the error', fate.atMs);
    return wrong('not answered, and nobody was told');
  },
};

function answeredAnyway(seen: Observation): readonly string[] {
  return answerTo(seen, callId) === undefined ? [] : ['the cancelled call is answered'];
}
