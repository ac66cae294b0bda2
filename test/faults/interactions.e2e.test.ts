/**
 * Interactions over real sockets, whose connections are cut anywhere, and whose server is restarted: each ends once, no event is told twice, and a
 * creation that may have happened is never asked for again.
 */
import { afterEach, describe, expect, it } from 'vitest';
import type { InteractionStreamEvent } from '../../src/interactions/account.js';
import { interactions } from '../../src/interactions/client.js';
import type { InteractionOutcome, InteractionStream } from '../../src/interactions/handle.js';
import type { HttpRule, InteractionScript } from '../../src/testing/gemini-server/http/rules.js';
import { geminiServer, type GeminiServer } from '../../src/testing/gemini-server/server.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import { fact } from '../stream/wire.js';
import { nothingIsLeft } from '../testing/raw-client.js';
import { type Cut, CuttingLine, cutsOf } from './cutting-line.js';

const request = { model: 'gemini-2.5-flash', input: 'Hello' };
const text = 'Grüße aus Zürich 👋';
const steps: InteractionScript['steps'] = [{ thought: 'c2lnbg==' }, { text: ['Grüße ', 'aus ', 'Zürich 👋'] }];
const backoff = { minMs: 1, maxMs: 1, jitter: 0 };

const servers: GeminiServer[] = [];
const lines: CuttingLine[] = [];

async function serve(http: readonly HttpRule[], port = 0): Promise<GeminiServer> {
  const server = await geminiServer({ http, port, key: null });
  servers.push(server);
  return server;
}

async function lineTo({ port }: GeminiServer, ...cuts: readonly (Cut | null)[]): Promise<{ readonly line: CuttingLine; readonly url: string }> {
  const line = new CuttingLine(port, cuts);
  lines.push(line);
  return { line, url: await line.listen() };
}

afterEach(async () => {
  for (const line of lines.splice(0)) await line.close();
  for (const server of servers.splice(0)) await server.close();
  await nothingIsLeft();
});

/** What a reader has heard of one, and how often it has ended. */
interface Heard {
  readonly events: readonly InteractionStreamEvent[];
  readonly outcome: InteractionOutcome;
  readonly endCount: number;
}

/** Reads it to its end, and then asks again whether that was the end. */
async function heardOf(stream: InteractionStream): Promise<Heard> {
  let endCount = 0;
  stream.ref.on('*', ({ type }) => {
    if (type.startsWith('stream.')) endCount++;
  });
  const events: InteractionStreamEvent[] = [];
  try {
    for await (const event of stream) events.push(event);
  } catch {
    // Its outcome says why.
  }
  const outcome = await stream.ended();
  expect(await stream.cancel()).toEqual(outcome);
  return { events, outcome, endCount };
}

const postsTo = (...all: readonly GeminiServer[]): number =>
  all.flatMap(({ requests }) => requests).filter(({ operation }) => operation === 'interactions.create').length;

/** No event twice, the answer once and last, and all of the text. */
function expectWhole({ endCount, events, outcome }: Heard, hasIds: boolean): void {
  expect(endCount).toBe(1);
  expect(outcome).toMatchObject({ ok: true, outcome: 'completed', answer: { id: 'one', text, isWhole: true } });
  expect(events.map(({ type }) => type).indexOf('answer')).toBe(events.length - 1);
  if (!hasIds) return;
  const ids = events.flatMap((event) => ('eventId' in event && event.eventId !== null ? [event.eventId] : []));
  expect(ids).toEqual(Array.from({ length: 11 }, (_, place) => `one-${place}`));
}

/** Whether it was created is not known: it is not asked for again, in whatever words. */
function expectUnknown({ endCount, events, outcome }: Heard): void {
  expect(endCount).toBe(1);
  expect(outcome).toMatchObject({ ok: false, failure: { kind: 'creationUnknown' }, partial: { id: null } });
  expect(events).toEqual([]);
}

/**
 * The end of a connection that is not to be kept is, to Node's fetch, the orderly end of the answer, whatever is missing of it: then every byte is read, and
 * an event is one as soon as its JSON is whole. Where it says that the connection broke, it may drop what came last.
 * @param which  one of them; null for all
 */
const waysToBreak = (firstEnds: number, which: number | null) =>
  (
    [
      { connection: 'close', how: 'end', knownFrom: firstEnds, isAllRead: true },
      { connection: 'keep-alive', how: 'end', knownFrom: firstEnds + 2, isAllRead: false },
      { connection: 'close', how: 'reset', knownFrom: firstEnds, isAllRead: false },
    ] as const
  ).filter((_, place) => which === null || which === place);

/** Of real time: no deadline is to end what a busy machine is slow at. */
const patience = { connectMs: 150_000, stallMs: 150_000, totalMs: 170_000 };

const client = (baseUrl: string, more: object = {}) =>
  interactions({ baseUrl, ...patience, retry: { attempts: 3, backoff }, pollMs: 1, headers: { connection: 'close' }, ...more });

describe.each([
  { title: 'with ids of its events', eventIds: true },
  { title: 'without ids', eventIds: false },
])('an interaction $title, whose first connection is cut', { timeout: 180_000 }, ({ eventIds }) => {
  const script: InteractionScript = { id: 'one', steps, eventIds };
  const creating = (): HttpRule[] => [{ on: 'interactions.create', interaction: script }];

  it('at any place of the answer, ends once, whole where it is known, and is created once', async () => {
    const { line, url } = await lineTo(await serve(creating()));
    expectWhole(await heardOf(client(url).stream(request)), eventIds);
    const answer = line.answers[0] as Buffer;
    const firstEnds = answer.indexOf('\n\n');
    const cuts = cutsOf(answer);
    expect(cuts.length).toBeGreaterThan(50);
    for (const [place, afterBytes] of cuts.entries())
      for (const { connection, how, isAllRead, knownFrom } of waysToBreak(firstEnds, afterBytes > firstEnds + 2 ? place % 3 : null)) {
        const server = await serve(creating());
        const cut = await lineTo(server, { afterBytes, of: 'answer', how });
        const heard = await heardOf(client(cut.url, { headers: { connection } }).stream(request));
        const isKnown = heard.outcome.ok || heard.outcome.failure.kind !== 'creationUnknown';
        // Between the JSON of the first event and its blank line, newer runtimes say that the connection broke, and older ones that the body ended.
        const isSure = isAllRead && (afterBytes < firstEnds || afterBytes >= firstEnds + 2);
        if (isSure || isKnown) expect(isKnown, `${how} behind byte ${afterBytes} of ${answer.length}, ${connection}`).toBe(afterBytes >= knownFrom);
        if (isKnown) expectWhole(heard, eventIds);
        else expectUnknown(heard);
        expect([postsTo(server), isKnown || server.requests.length === 1]).toEqual([1, true]);
        await lines.pop()?.close();
        await servers.pop()?.close();
      }
  });

  it.each([
    ['its first byte', () => 1],
    ['its head', (asked: Buffer) => asked.indexOf('\r\n\r\n') + 4],
    ['half its body', (asked: Buffer) => asked.length - 30],
    ['its last byte', (asked: Buffer) => asked.length],
  ])('behind %s of the request: it is not known what came of it', async (_, place) => {
    const { line, url } = await lineTo(await serve(creating()));
    await heardOf(client(url).stream(request));
    const server = await serve(creating());
    const cut = await lineTo(server, { afterBytes: place(line.requests[0] as Buffer), of: 'request', how: 'end' });
    expectUnknown(await heardOf(client(cut.url).stream(request)));
    expect(server.requests.length).toBeLessThanOrEqual(1);
  });

  it('behind each of its events, again and again', async () => {
    const cuts = [2, 1, 3].map((after) => ({ after: eventIds ? after : 2, how: 'drop' as const }));
    const server = await serve([{ on: 'interactions.create', interaction: { ...script, cuts, overlap: 1 } }]);
    expectWhole(await heardOf(client(server.url).stream(request)), eventIds);
    expect(postsTo(server)).toBe(1);
  });
});

describe('an interaction whose server is restarted', () => {
  const held: InteractionScript = { id: 'one', eventIds: true, steps: [steps[0] as object, { hold: 'never' }] as InteractionScript['steps'] };
  /** Sockets are real, and time is the test's: nothing is asked again before that is wanted. */
  const slow = (url: string, clock: VirtualClock) => client(url, { clock });

  /** A stream that has been read up to its first step, and whose server then went away. */
  async function leftAlone(script: InteractionScript) {
    const clock = new VirtualClock();
    const first = await serve([{ on: 'interactions.create', interaction: script }]);
    const stream = slow(first.url, clock).stream(request);
    const heard = heardOf(stream);
    const { port } = first;
    await fact(stream.ref, 'interaction.known');
    const retrying = fact(stream.ref, 'interaction.retrying');
    await first.close();
    await retrying;
    return { clock, first, heard, port, stream };
  }

  it('and knows it no more has failed with what the server says, and is not created again', async () => {
    const { clock, first, heard, port, stream } = await leftAlone(held);
    const second = await serve([], port);
    const retrying = fact(stream.ref, 'interaction.retrying');
    clock.advanceBy(1);
    expect(await retrying).toMatchObject({ ask: 'replay' });
    clock.advanceBy(1);
    const { endCount, outcome } = await heard;
    expect([endCount, outcome]).toMatchObject([1, { ok: false, failure: { kind: 'refused', code: 404 }, partial: { id: 'one' } }]);
    expect([postsTo(first), postsTo(second), clock.pending()]).toEqual([1, 0, 0]);
  });

  it.each([true, false])('and knows it goes on where it was (ids: %s)', async (eventIds) => {
    const { clock, first, heard, port } = await leftAlone({ ...held, eventIds });
    const completed = { id: 'one', status: 'completed', steps: [{ type: 'model_output', content: [{ type: 'text', text }] }] };
    const over = { event_type: 'interaction.completed', event_id: 'one-9', interaction: { id: 'one', status: 'completed' } };
    const second = await serve([{ on: 'interactions.get', answer: eventIds ? [{ events: [over] }, { done: true }] : [{ json: completed }] }], port);
    clock.advanceBy(1);
    const { endCount, outcome } = await heard;
    expect([endCount, outcome]).toMatchObject([1, { ok: true, outcome: 'completed' }]);
    expect([postsTo(first), postsTo(second), second.requests.length, clock.pending()]).toEqual([1, 0, 1, 0]);
  });

  it('and is away for a while is asked as often as may be, and then given up', async () => {
    const { clock, first, heard, stream } = await leftAlone(held);
    const retrying = fact(stream.ref, 'interaction.retrying');
    clock.advanceBy(1);
    expect(await retrying).toMatchObject({ attempt: 2, failure: { code: 'ECONNREFUSED' } });
    clock.advanceBy(1);
    const { endCount, outcome } = await heard;
    expect([endCount, outcome]).toMatchObject([1, { ok: false, failure: { kind: 'network', code: 'ECONNREFUSED' }, partial: { id: 'one' } }]);
    expect([postsTo(first), clock.pending()]).toEqual([1, 0]);
  });

  it('between its request and the answer: whether it was created is not known, and it is not asked for again', async () => {
    const clock = new VirtualClock();
    const first = await serve([{ on: 'interactions.create', answer: [{ hold: 'never' }] }]);
    const heard = heardOf(slow(first.url, clock).stream(request));
    await first.nthRequest(0);
    const { port } = first;
    await first.close();
    const second = await serve([{ on: 'interactions.create', interaction: held }], port);
    expectUnknown(await heard);
    expect([postsTo(first), second.requests.length, clock.pending()]).toEqual([1, 0, 0]);
  });

  it('before its request: nothing has happened, and it is asked for when the server is back', async () => {
    const clock = new VirtualClock();
    const first = await serve([]);
    const { port, url } = first;
    await first.close();
    const stream = slow(url, clock).stream(request);
    const retrying = fact(stream.ref, 'interaction.retrying');
    const heard = heardOf(stream);
    expect(await retrying).toMatchObject({ ask: 'create', failure: { code: 'ECONNREFUSED' } });
    const second = await serve([{ on: 'interactions.create', interaction: { id: 'one', steps, eventIds: true } }], port);
    clock.advanceBy(1);
    expectWhole(await heard, true);
    expect([postsTo(second), clock.pending()]).toEqual([1, 0]);
  });
});

describe('an interaction on a connection that was kept', () => {
  it('which is cut as it is used again: it is not known, and nobody asks a second time', async () => {
    const whole = (id: string): HttpRule => ({ on: 'interactions.create', interaction: { id, steps, eventIds: true } });
    const calm = await lineTo(await serve([whole('one')]));
    const kept = { connection: 'keep-alive' };
    await heardOf(client(calm.url, { headers: kept }).stream(request));
    const length = (calm.line.answers[0] as Buffer).length;
    const server = await serve([whole('one'), whole('two')]);
    const { line, url } = await lineTo(server, { afterBytes: length, of: 'answer', how: 'reset' });
    const api = client(url, { headers: kept });
    expectWhole(await heardOf(api.stream(request)), true);
    const second = await heardOf(api.stream(request));
    // Where the connection was not kept after all, it is another one, and nothing was cut.
    if (line.answers.length === 1) expectUnknown(second);
    else expect(second.outcome).toMatchObject({ ok: true });
    expect(postsTo(server)).toBe(2);
  });
});
