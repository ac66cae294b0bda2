/** A recording as the server's script, played against our session over a real socket. */
import { createActor } from 'xstate';
import { geminiServer } from '../../../src/testing/gemini-server/server.js';
import type { ReceivedMessage } from '../../../src/testing/gemini-server/connection.js';
import { replayScript } from '../../../src/testing/gemini-server/recording-scripts.js';
import { Waits } from '../../../src/testing/gemini-server/waits.js';
import { difference, illegalStep, RecordedApp, recordedSession } from './recorded-app.js';
import type { Session } from './recordings.js';

/** How long a whole recording may take, ms. */
const deadlineMs = 20_000;

/** @returns what went wrong, in words; undefined where all went well */
export async function playAgainstServer(script: Session): Promise<string | undefined> {
  const server = await geminiServer({ script: replayScript(script.recording), key: null, maxReceived: 100_000, deadlineMs });
  const waits = new Waits();
  try {
    const ref = createActor(recordedSession(script, { baseUrl: server.url, reconnect: { intensity: 0 } }));
    const app = new RecordedApp(ref, script);
    ref.start();
    const said = script.said.filter(({ recorded }) => recorded);
    const outcome = await server.outcome;
    if (!outcome.ok) return `the server's script failed at step ${outcome.step}: ${outcome.reason}`;
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

function problemOf(app: RecordedApp, script: Session, received: readonly ReceivedMessage[]): string | undefined {
  const lost = difference('message of the server', script.heard, app.heard);
  if (lost !== undefined) return lost;
  if (app.refused.length > 0) return `refused of what the client said: ${app.refused.join(', ')}`;
  const said = script.said.filter(({ recorded }) => recorded).map(({ message }) => message);
  // Several answers of one frame go out one by one, each as soon as it is there.
  const ours = received.map(({ message }) => message);
  const setup = difference('field of the setup', fieldsOf(said[0]?.setup), fieldsOf(said[0] === undefined ? undefined : ours[0]?.setup));
  if (setup !== undefined) return setup;
  const others = (messages: readonly object[]) => messages.slice(1).filter((message) => !('toolResponse' in message));
  const differs = difference('message of the client', others(said), others(ours));
  if (differs !== undefined) return differs;
  const answers = (messages: readonly { toolResponse?: { functionResponses: readonly unknown[] } | undefined }[]) =>
    messages.flatMap(({ toolResponse }) => toolResponse?.functionResponses ?? []);
  return difference('answer', answers(said), answers(ours));
}

function fieldsOf(setup: object | undefined): readonly unknown[] {
  return setup === undefined ? [] : Object.entries(setup).sort(([one], [other]) => (one < other ? -1 : 1));
}
