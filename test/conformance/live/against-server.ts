/** A recording as the server's script, played against our session over a real socket. */
import { geminiServer, type GeminiServer } from '../../../src/testing/gemini-server/server.js';
import type { ReceivedMessage } from '../../../src/testing/gemini-server/connection.js';
import { replayScript } from '../../../src/testing/gemini-server/recording-scripts.js';
import type { Step } from '../../../src/testing/gemini-server/steps.js';
import { Waits } from '../../../src/testing/gemini-server/waits.js';
import { illegalStep, RecordedApp } from './recorded-app.js';
import { answerDifference, answersIn, difference, expectedAnswers, setupFields } from './recorded-calls.js';
import type { Session } from './recordings.js';

/** How long a whole recording may take, ms. */
const deadlineMs = 20_000;

/** @returns what went wrong, in words; undefined where all went well */
export async function playAgainstServer(script: Session): Promise<string | undefined> {
  const server = await geminiServer({ key: null, maxReceived: 100_000, deadlineMs });
  const waits = new Waits();
  try {
    // Our session may leave as many sockets as were announced to end, one hard upon the other; no other may be lost.
    const intensity = script.heard.filter((message) => message?.goAway !== undefined).length;
    const app = new RecordedApp(script, { session: { baseUrl: server.url, reconnect: { intensity } } });
    app.session.ref.start();
    const failure = await serve(server, app, replayScript(script.recording));
    if (failure !== undefined) return failure;
    const said = script.said.filter(({ recorded }) => recorded);
    const last = said.length === 0 ? null : await server.nth(said.length - 1, { deadlineMs });
    if (last?.ok === false) return `the server heard ${server.received.length} of ${said.length} messages`;
    // What the server has sent may still be on its way.
    app.changed = () => waits.changed();
    const complete = await waits.until(() => (app.heard.length >= script.heard.length ? true : undefined), deadlineMs);
    const problem = complete.ok ? problemOf(app, script, server.received) : `heard ${app.heard.length} of ${script.heard.length} messages`;
    const end = await app.session.close();
    if (problem !== undefined) return problem;
    const closed = script.recording.closes?.length ?? 0;
    if (!end.ok && closed === 0) return `the session failed: ${end.failure.kind} ${end.failure.code} ${end.failure.reason}`;
    return app.unaccounted() ?? illegalStep(app.path);
  } finally {
    waits.close();
    await server.close();
  }
}

/**
 * Plays the script to its end. The recorded client may have stayed on a socket that the server was about to leave, where our session goes on over a new
 * one: the script goes on there, too.
 * @returns what went wrong, in words; undefined where nothing did
 */
async function serve(server: GeminiServer, app: RecordedApp, script: readonly Step[]): Promise<string | undefined> {
  let from = 0;
  for (let rotations = 0; ; rotations++) {
    const outcome = await server.play(script.slice(from));
    if (outcome.ok) return undefined;
    from += outcome.step;
    if (app.rotations === rotations) return `the server's script failed at step ${from}: ${outcome.reason}`;
    const { handle } = app;
    app.passOverSetupComplete();
    const resumed = await server.play([{ accept: { handle } }, { expect: 'setup' }, { send: { setupComplete: {} } }]);
    if (!resumed.ok) return `the session left its socket, and did not come again as it should: ${resumed.reason}`;
  }
}

function problemOf(app: RecordedApp, script: Session, received: readonly ReceivedMessage[]): string | undefined {
  const lost = difference('message of the server', script.heard, app.heard);
  if (lost !== undefined) return lost;
  if (app.refused.length > 0) return `refused of what the client said: ${app.refused.join(', ')}`;
  const said = script.said.filter(({ recorded }) => recorded).map(({ message }) => message);
  const ours = received.map(({ message }) => message);
  const first = said[0] === undefined ? undefined : ours[0]?.setup;
  const setup = difference('field of the setup', setupFields(said[0]?.setup), setupFields(first));
  if (setup !== undefined) return setup;
  // Another setup is one that the session has resumed with.
  const others = (messages: readonly object[]) => messages.slice(1).filter((message) => !('toolResponse' in message || 'setup' in message));
  const differs = difference('message of the client', others(said), others(ours));
  return differs ?? answerDifference(expectedAnswers(script), answersIn(ours));
}
