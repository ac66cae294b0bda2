/** What runs in the browser: an app that imports the package by its name, as a user's does. The test calls these functions from outside. */
import { connectLive, type LiveClose, LiveError, liveEvents, type LiveFault } from 'espalier';

const model = 'gemini-live';

/** A whole conversation with a tool call: what was said, and how it ended. */
async function converse(baseUrl: string) {
  const facts: string[] = [];
  const faults: LiveFault[] = [];
  const closes: LiveClose[] = [];
  const weather = {
    description: 'the weather in a city',
    parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
    execute: ({ city }: { city: string }) => ({ city, sky: 'rain', in: location.protocol }),
  };
  const session = await connectLive(
    { apiKey: 'the-key', keyIn: 'query', baseUrl, model, tools: { weather } },
    { callbacks: { onError: (fault) => void faults.push(fault), onClose: (close) => void closes.push(close) } },
  );
  let said = '';
  const sent = session.sendText('What is the weather in Oslo?');
  for await (const event of liveEvents(session)) {
    if (event.type === 'text') said += event.text;
    else facts.push(event.type);
    if (event.type === 'turnComplete') break;
  }
  const ended = await session.close();
  return { sent, said, facts, faults, closes, ended };
}

/** Connects with these options, and says how that failed. */
async function failing(options: object, abortAtOnce = false) {
  const controller = new AbortController();
  const session = connectLive({ model, ...options }, { signal: controller.signal });
  if (abortAtOnce) controller.abort();
  return session.then(
    () => 'a session',
    (error: unknown) => (error instanceof LiveError ? { ...error.details, error: error.code, message: error.message } : String(error)),
  );
}

/** Reads nothing until the server has said all it has to say, then everything. */
async function fallBehind(baseUrl: string, maxBuffered: number) {
  const session = await connectLive({ baseUrl, model, apiKey: 'the-key', keyIn: 'query' });
  const events = liveEvents(session, { maxBuffered })[Symbol.asyncIterator]();
  const allSaid = new Promise<void>((resolve) => {
    session.on('session.message', ({ message }) => {
      if (JSON.stringify(message).includes('turnComplete')) resolve();
    });
  });
  session.sendText('go');
  await allSaid;
  const seen = { audio: 0, dropped: 0, texts: [] as string[] };
  for (let step = await events.next(); step.done !== true && step.value.type !== 'turnComplete'; step = await events.next()) {
    const { value } = step;
    if (value.type === 'audio') seen.audio++;
    if (value.type === 'text') seen.texts.push(value.text);
    if (value.type === 'stream.dropped') seen.dropped += value.audioCount + value.otherCount;
  }
  await session.close();
  return seen;
}

/** What the test calls. */
export interface EspalierPage {
  readonly converse: typeof converse;
  readonly failing: typeof failing;
  readonly fallBehind: typeof fallBehind;
  readonly isSecure: boolean;
}

declare const location: { readonly protocol: string };
declare const isSecureContext: boolean;
declare global {
  var espalierPage: EspalierPage;
}
globalThis.espalierPage = { converse, failing, fallBehind, isSecure: isSecureContext };
