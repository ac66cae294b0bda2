/** Cases about sockets that come to an end, or never to a beginning. C and D are those of the protocol page (§2, ADK). */
import { type Case, right, wrong, zero } from '../case.js';
import { answerTo, firstFact } from '../facts.js';
import { call, callId, flashLive, handle, setUp, takeOn, userSpeaks } from './conversation.js';

const lost = { code: 1011, reason: 'Internal error' };

export const closeDuringTool: Case = {
  id: 'C',
  title: 'A tool of 2 s; goAway after 300 ms, close 1011 after 1.3 s',
  rule: 'the session is resumed with its handle, and the answer reaches the new socket',
  model: flashLive,
  tool: { takesMs: 2_000 },
  script: [
    ...setUp,
    { resumption: { handle } },
    ...userSpeaks,
    zero,
    call,
    { waitMs: 300 },
    { goAway: { timeLeftMs: 1_000 } },
    { waitMs: 1_000 },
    { close: { ...lost, unlessClosed: true } },
    ...takeOn,
    { awaitAnswers: [callId] },
  ],
  act: (app) => app.speak(),
  watchMs: 6_000,
  judge(seen) {
    const answer = answerTo(seen, callId);
    if (answer !== undefined && answer.connection > 1) return right('resumed, and answered there', answer.atMs);
    return wrong(seen.connections > 1 ? 'resumed, and never answered' : 'not resumed, the answer is lost');
  },
};

export const closeWhileIdle: Case = {
  id: 'D',
  title: 'Close 1011 while nothing goes on',
  rule: 'the session is resumed, or the app is told of a failure; never of a normal end',
  model: flashLive,
  tool: { takesMs: 0 },
  script: [...setUp, { resumption: { handle } }, ...userSpeaks, { waitMs: 200 }, zero, { close: lost }, ...takeOn, { waitMs: 300 }],
  act: (app) => app.speak(),
  watchMs: 4_000,
  judge(seen) {
    const ended = firstFact(seen, 'ended');
    if (ended !== undefined) return wrong('told of a normal end', ended.atMs);
    const resumed = seen.wire.find(({ what }) => what === `setup resuming ${handle}`);
    if (resumed !== undefined) return right('resumed', resumed.atMs);
    const failed = firstFact(seen, 'failed', '1011');
    if (failed !== undefined) return right('told of the failure', failed.atMs);
    return wrong('told of nothing');
  },
};

export const silentSetup: Case = {
  id: 'silent-setup',
  title: 'The server never answers the setup; the app waits 1 s',
  rule: 'connecting rejects, with a code and a reason, when the app will wait no longer',
  model: flashLive,
  tool: { takesMs: 0 },
  setupMs: 1_000,
  script: [{ expect: 'setup' }, zero, { waitMs: 3_500 }],
  // Whether it is still waiting when the script is through is the question.
  act: (app) => Promise.race([app.open(), app.until(['failed', 'ended'], 3_500)]).then(() => undefined),
  watchMs: 4_000,
  judge(seen) {
    const refused = firstFact(seen, 'refused') ?? firstFact(seen, 'failed');
    if (refused === undefined) return wrong(firstFact(seen, 'ended') === undefined ? 'still pending' : 'told of a normal end');
    if (refused.atMs > 2_000) return wrong('rejected, too late', refused.atMs);
    return right(`rejected: ${refused.detail}`, refused.atMs);
  },
};

export const sendAfterClose: Case = {
  id: 'send-after-close',
  title: 'The server has closed with 1008; the app sends text and audio',
  rule: 'each send is refused in so many words',
  model: flashLive,
  tool: { takesMs: 0 },
  script: [...setUp, ...userSpeaks, { waitMs: 200 }, zero, { close: { code: 1008, reason: 'Policy violation' } }],
  async act(app) {
    await app.speak();
    await app.until(['failed', 'ended'], 3_000);
    app.tell('sent', `text: ${app.sendText('are you there?') ?? 'nothing is said'}`);
    app.tell('sent', `audio: ${app.sendAudio('AAAA') ?? 'nothing is said'}`);
  },
  watchMs: 4_000,
  judge(seen) {
    const sends = seen.facts.filter(({ kind }) => kind === 'sent');
    const refused = sends.filter(({ detail }) => /: (?:rejected|threw) /.test(detail));
    if (sends.length === 2 && refused.length === 2) return right('refused', refused[0]?.atMs ?? null);
    return wrong(sends.length === 0 ? 'never sent' : 'taken, and lost without a word', sends[0]?.atMs ?? null);
  },
};

export const malformedFrame: Case = {
  id: 'malformed-frame',
  title: 'A frame that is no JSON, then a good one',
  rule: 'the app is told of the bad frame, the process lives, the good one arrives',
  model: flashLive,
  tool: { takesMs: 0 },
  script: [...setUp, ...userSpeaks, { waitMs: 200 }, zero, { garbage: '{"serverContent": {' }, { say: 'still here' }, { waitMs: 500 }],
  act: (app) => app.speak(),
  watchMs: 3_000,
  judge(seen) {
    const told = firstFact(seen, 'malformed') ?? firstFact(seen, 'error');
    const heard = firstFact(seen, 'text', 'still here');
    if (told !== undefined && heard !== undefined) return right('told, and what follows is heard', told.atMs);
    return wrong(told === undefined ? 'nobody is told of it' : 'what follows is lost', told?.atMs ?? null);
  },
};
