/**
 * The HTTP conformance command, held to what it is for: a defect that is planted in a client, or in what a client reads, fails a recording that passes
 * without it.
 */
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { nothingIsLeft } from '../testing/raw-client.js';
import { type Client, type Heard, key } from './http/client.js';
import { clientFor } from './http/clients.js';
import { play } from './http/play.js';
import { readFiles } from './http/recordings.js';

const own = join(import.meta.dirname, '../fixtures/http');
afterEach(nothingIsLeft);

/** What is wrong with a client that plays one of our recordings, each exchange of it, uncut: there is nothing to compare it with but the second reading. */
async function problemIn(file: string, choose: typeof clientFor): Promise<string | undefined> {
  for (const found of readFiles([join(own, file)])) {
    if (!('exchange' in found)) throw new Error(`expected a recording, got: ${JSON.stringify(found)}`);
    const { problem } = await play(found, { cutAt: () => [] }, choose(found.exchange.request));
    if (problem !== undefined) return problem;
  }
  return undefined;
}

type Events = readonly { readonly [field: string]: unknown }[];

describe('a client is failed that', () => {
  const through =
    (change: (heard: Heard) => Partial<Heard>): typeof clientFor =>
    (request) =>
    async (...asked) => {
      const heard = await clientFor(request)(...asked);
      return { ...heard, ...change(heard) };
    };
  const events = (change: (events: Events) => readonly unknown[]): typeof clientFor =>
    through(({ events: heard }) => ({ events: change(heard as Events) }));
  const answer = (change: (answer: NonNullable<Heard['answer']>) => Heard['answer']): typeof clientFor =>
    through(({ answer: heard }) => ({ answer: heard === null ? null : change(heard) }));
  const end = (change: object): typeof clientFor => through(({ end: heard }) => ({ end: { ...heard, ...change } }));
  const without = (type: string): typeof clientFor => events((all) => all.filter((event) => event['type'] !== type));
  const renamed = (from: string, to: string): typeof clientFor =>
    events((all) => all.map((event) => (event['type'] === from ? { ...event, type: to } : event)));

  const words = 'streaming-success-words.txt';
  const everything = 'streaming-success-everything.txt';
  const refused = 'streaming-failure-framed-error.txt';
  const quota = 'unary-failure-quota.json';
  const thinking = 'interaction-thinking.chunks.txt';
  const cancelled = 'interaction-cancelled.chunks.txt';
  const background = 'interaction-in-background.json';

  it.each<readonly [what: string, file: string, choose: typeof clientFor, reason: string]>([
    ['gives no answer', words, answer(() => null), 'expected an answer, got none'],
    ['gives no answer of a whole one', 'unary-success-words.json', answer(() => null), 'expected an answer, got none'],
    ['gives no answer of an interaction', thinking, answer(() => null), 'expected an answer, got none'],
    ['loses an event', words, events((all) => all.slice(1)), 'expected event 0'],
    ['tells an event twice', words, events((all) => [...all.slice(0, 2), ...all.slice(1)]), 'expected event 2'],
    ['tells one event too many', words, events((all) => [...all, ...all.slice(-1)]), 'expected 6 events, got 7'],
    ['tells two events in the wrong order', words, events(([a, b, ...all]) => [b, a, ...all]), 'expected event 0'],
    ['tells chunks alone', words, without('text'), '"type":"text"'],
    ['tells no calls', everything, without('call'), '"type":"call"'],
    ['tells no pieces of calls', everything, without('callPart'), '"type":"callPart"'],
    ['takes a thought for an answer', everything, events((all) => all.map((event) => ({ ...event, thought: false }))), 'expected event 0'],
    ['puts the text together wrongly', words, answer((all) => ({ ...all, text: '' })), "the answer's text"],
    ['loses the calls', everything, answer((all) => ({ ...all, calls: [] })), "the answer's calls"],
    ['loses a signature', everything, answer(({ content, ...all }) => ({ ...all, content: unsigned(content) })), "the answer's content"],
    ['loses the usage', everything, answer((all) => ({ ...all, usageMetadata: null })), "the answer's usageMetadata"],
    ['loses the other candidates', everything, answer((all) => ({ ...all, others: [] })), "the answer's others"],
    ['has nothing to be called', everything, answer((all) => ({ ...all, next: 'nothing' })), "the answer's next"],
    [
      'takes a failure for a success',
      refused,
      through(() => ({ end: { ok: true, outcome: '' } })),
      'expected a failure serverError 429, got a success',
    ],
    ['takes an error in mid-stream for a refusal', refused, end({ kind: 'refused' }), 'expected a failure serverError 429, got'],
    ['hides the code', refused, end({ code: 'broken' }), 'expected a failure serverError 429, got'],
    ['hides the status', refused, end({ status: '' }), 'expected the status RESOURCE_EXHAUSTED'],
    ['hides the message', refused, end({ message: 'it failed' }), 'expected the words "Slow down."'],
    ['hides the details', refused, end({ details: [] }), 'expected the details'],
    ['hides when to ask again', refused, end({ retryAfterMs: undefined }), 'expected to be asked again after 2000 ms'],
    ['hides when to ask a refusing server again', quota, end({ retryAfterMs: undefined }), 'expected to be asked again after 1500 ms'],
    ['makes up when to ask again', 'streaming-failure-refused.json', end({ retryAfterMs: 5 }), 'expected to be asked again after no known ms'],
    ['takes calls for an end', thinking, end({ outcome: 'completed' }), 'expected a success requiresAction'],
    ['takes the background for an end', background, end({ outcome: 'completed' }), 'expected a success running'],
    ['takes a cancel for a failure', cancelled, end({ kind: 'finish' }), 'expected a failure cancelled'],
    ['takes a cancel for a success', cancelled, through(() => ({ end: { ok: true, outcome: 'completed' } })), 'expected a failure cancelled'],
    ['knows no deltas', thinking, renamed('step.delta', 'other'), '"type":"step.delta"'],
    ['knows no ends', thinking, renamed('interaction.completed', 'other'), '"type":"interaction.completed"'],
    ['knows no names of before', 'interaction-before-may.chunks.txt', renamed('step.start', 'content.start'), '"type":"step.start"'],
    ['tells no whole step', thinking, events((all) => all.map((event) => ({ ...event, step: null }))), 'expected event'],
    ['tells no ids', thinking, events((all) => all.map((event) => ({ ...event, eventId: null }))), '"eventId":"e0"'],
    ['tells no answer last', thinking, without('answer'), '"type":"answer"'],
    [
      'tells another answer than it gives',
      thinking,
      events((all) => all.map((event) => (event['type'] === 'answer' ? { ...event, answer: {} } : event))),
      "the answer's",
    ],
    ['loses the steps', thinking, answer((all) => ({ ...all, steps: [] })), "the answer's steps"],
    ['loses what is to be called', thinking, answer((all) => ({ ...all, calls: [] })), "the answer's calls"],
    ['loses the arguments', thinking, answer((all) => ({ ...all, calls: argumentless(all['calls']) })), "the answer's calls"],
    ['loses the text of an interaction', thinking, answer((all) => ({ ...all, text: '' })), "the answer's text"],
    ['loses the usage of an interaction', thinking, answer((all) => ({ ...all, usage: null })), "the answer's usage"],
    ['loses the place to go on at', thinking, answer((all) => ({ ...all, lastEventId: null })), "the answer's lastEventId"],
    ['doubts that all is there', thinking, answer((all) => ({ ...all, isWhole: false })), "the answer's isWhole"],
    ['loses what came of a failure', 'interaction-failed.chunks.txt', answer((all) => ({ ...all, text: '' })), "the answer's text"],
    ['shows the key', refused, end({ message: `Slow down. ${key}` }), 'the key shows'],
    ['leaves the key behind', words, through(() => ({ leftovers: key })), 'the key shows'],
    ['does not ask', words, (): Client => () => Promise.resolve({ events: [], answer: null, end: { ok: true, outcome: '' } }), 'expected event 0'],
  ])('%s', async (_, file, choose, reason) => {
    expect(await problemIn(file, clientFor)).toBeUndefined();
    expect(await problemIn(file, choose)).toContain(reason);
  });
});

function unsigned(content: unknown): unknown {
  return JSON.parse(JSON.stringify(content), (field, value: unknown) => (field === 'thoughtSignature' ? undefined : value));
}

function argumentless(calls: unknown): unknown {
  return (calls as readonly object[]).map((call) => ({ ...call, arguments: {} }));
}

describe('a client is failed that reads', () => {
  /** What it is handed in place of the bodies that were sent, so that events, answer and end agree with each other. */
  let change: (text: string) => string = (text) => text;
  const ask = fetch;

  beforeEach(() => {
    vi.stubGlobal('fetch', async (...asked: Parameters<typeof fetch>) => {
      const response = await ask(...asked);
      const { headers, status } = response;
      return new Response(change(await response.text()), { headers, status });
    });
  });

  afterEach(() => {
    vi.unstubAllGlobals();
    change = (text) => text;
  });

  const dropped =
    (pattern: RegExp) =>
    (text: string): string =>
      text.replaceAll(pattern, '');
  const swapped =
    (from: string | RegExp, to: string) =>
    (text: string): string =>
      text.replace(from, to);

  it.each<readonly [what: string, file: string, defect: (text: string) => string, reason: string]>([
    ['not all of the chunks', 'streaming-success-words.txt', dropped(/data: [^\n]*🧁[^\n]*\r?\n\r?\n/g), 'expected event 2'],
    ['a chunk twice', 'streaming-success-words.txt', swapped(/(data: [^\n]*🧁[^\n]*\r?\n\r?\n)/, '$1$1'), 'expected event 4'],
    ['two chunks in the wrong order', 'streaming-success-words.txt', swapped(/(data: .*\s+)(data: .*🧁.*\s+)/, '$2$1'), 'expected event 0'],
    ['no signature', 'streaming-success-calls.txt', dropped(/,"thoughtSignature":"bWFkZSB1cA=="/g), 'expected event 0'],
    ['no late signature', 'streaming-success-everything.txt', dropped(/,"thoughtSignature":"bGF0ZQ=="/g), 'thoughtSignature'],
    ['no usage', 'streaming-success-everything.txt', dropped(/,"usageMetadata":\{[^}]*\}/g), 'usageMetadata'],
    ['no ids of calls', 'streaming-success-everything.txt', dropped(/,"id":"n1"/g), 'expected event'],
    ['no arguments', 'streaming-success-calls.txt', swapped('"args":{"city":"Oslo"}', '"args":{}'), 'expected event 0'],
    ['a refusal as an end', 'streaming-failure-recitation.txt', swapped('RECITATION', 'STOP'), 'expected a failure finish RECITATION, got a success'],
    ['a whole refusal as an end', 'unary-failure-safety.json', swapped('"SAFETY"', '"STOP"'), 'expected a failure finish SAFETY, got a success'],
    ['an end as a refusal', 'unary-success-words.json', swapped('"STOP"', '"SAFETY"'), 'expected a success'],
    [
      'a cut as an end',
      'streaming-failure-cut-between-events.txt',
      swapped('"more"}]', '"more"}]},"finishReason":"STOP","x":{"y":[]'),
      'expected a failure',
    ],
    ['no bare errors', 'streaming-failure-bare-error.txt', dropped(/\n\{[^]*/g), 'expected a failure serverError'],
    ['no RetryInfo', 'streaming-failure-framed-error.txt', dropped(/,"details":\[.*?\]/g), 'expected the details'],
    ['no delay', 'unary-failure-quota.json', swapped('"1.5s"', '"soon"'), 'expected the details'],
    [
      'no texts of an interaction',
      'interaction-thinking.chunks.txt',
      dropped(/event: step.delta\ndata: .*"type":"text","text".*\n\n/g),
      'expected event',
    ],
    [
      'no arguments of an interaction',
      'interaction-call.chunks.txt',
      dropped(/event: step.delta\ndata: .*arguments_delta.*\n\n/g),
      'expected event 3',
    ],
    [
      'no signature of an interaction',
      'interaction-thinking.chunks.txt',
      dropped(/event: step.delta\ndata: .*thought_signature.*\n\n/g),
      'expected event',
    ],
    ['no usage of an interaction', 'interaction-thinking.chunks.txt', dropped(/,"usage":\{[^}]*\}/g), 'usage'],
    ['an end as a failure', 'interaction.json', swapped('"completed"', '"failed"'), 'expected a success completed'],
    ['a failure as an end', 'interaction-failed.chunks.txt', swapped('"failed"', '"completed"'), 'expected a failure finish failed, got a success'],
    ['a cancel as an end', 'interaction-cancelled.chunks.txt', swapped('"cancelled"', '"completed"'), 'expected a failure cancelled'],
    ['an exhausted budget as an end', 'interaction-over-budget.json', swapped('"budget_exceeded"', '"completed"'), 'expected a failure finish'],
    ['the background as an end', 'interaction-in-background.json', swapped('"in_progress"', '"completed"'), 'expected a success running'],
    ['what goes on as an end', 'interaction-not-over.chunks.txt', swapped(/"in_progress"(?![^]*"in_progress")/, '"completed"'), 'expected a failure'],
    ['events that came before', 'interaction-repeated-events.txt', dropped(/,"event_id":"\w+"/g), 'expected event'],
    ['no [DONE]', 'interaction-ended-by-done.txt', dropped(/event: done\ndata: \[DONE\]\n\n/g), 'expected a success completed'],
    ['no error event', 'interaction-error.chunks.txt', dropped(/event: error\ndata: .*\n\n/g), 'expected a failure serverError'],
    ['no wish of an error event', 'interaction-error-retry.chunks.txt', swapped('"7s"', '"later"'), 'expected the details'],
    [
      'no image between texts',
      'interaction-image-between-texts-crlf.txt',
      dropped(/event: step.delta\r\ndata: .*image.*\r\n\r\n/g),
      'expected event 4',
    ],
    ['not what a step begins with', 'interaction-begun-with-content.chunks.txt', dropped(/,"content":\[[^\]]*\]/g), 'expected event 1'],
    [
      'no call that is whole at its start',
      'interaction-call-at-once.chunks.txt',
      swapped('"arguments":{"zone":2}', '"arguments":{}'),
      'expected event 5',
    ],
    ['no fields of an unknown step', 'interaction-unheard-of-step.chunks.txt', dropped(/,"litres":1/g), 'expected event 1'],
    ['steps in another place', 'interaction-steps-out-of-order.chunks.txt', swapped(/"index":5/g, '"index":1'), 'expected event 1'],
    ['no late signature of a call in parts', 'call-in-parts-signed-late.chunks.txt', dropped(/,"thoughtSignature":"bGF0ZQ=="/g), 'expected event'],
    ['an unknown event as a known one', 'interaction-unheard-of.chunks.txt', swapped(/garden\.watered/g, 'step.stop'), 'expected event 1'],
  ])('%s', async (_, file, defect, reason) => {
    expect(await problemIn(file, clientFor)).toBeUndefined();
    change = defect;
    expect(await problemIn(file, clientFor)).toContain(reason);
  });
});
