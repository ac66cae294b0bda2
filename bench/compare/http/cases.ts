/** The rows: what a stream of generateContent may look like on the wire by the rules of server-sent events, or is known to look like from recordings. */
import type { HttpStep } from '../../../src/testing/index.js';
import type { Case } from './case.js';

function chunk(text: string, finishReason?: string): string {
  return JSON.stringify({
    candidates: [{ content: { parts: [{ text }], role: 'model' }, ...(finishReason === undefined ? {} : { finishReason }), index: 0 }],
  });
}

const [one, two] = [chunk('one '), chunk('two', 'STOP')];
const texts = ['one ', 'two'];
const both = `data: ${one}\r\n\r\ndata: ${two}\r\n\r\n`;
const cancelled = { error: { code: 499, message: 'The operation was cancelled.', status: 'CANCELLED' } };
const bare = `${JSON.stringify(cancelled, null, 2)}\n`;

function sent(text: string, cuts: { readonly chunkBytes?: number; readonly cutAt?: number[] } = {}): HttpStep[] {
  return [{ text, ...cuts }];
}

/** A text whose second part is cut inside its character of four bytes. */
const party = `data: ${chunk('🎉', 'STOP')}\r\n\r\n`;
const insideParty = Buffer.byteLength(party.slice(0, party.indexOf('🎉'))) + 2;

export const cases: readonly Case[] = [
  { id: 'plain', title: 'two events, CRLF', answer: sent(both), texts, end: 'completed' },
  { id: 'comment', title: 'a comment before the data', answer: sent(`: ping\ndata: ${one}\n\n: ping\ndata: ${two}\n\n`), texts, end: 'completed' },
  {
    id: 'event-line',
    title: 'an event: line before the data',
    answer: sent(`event: x\ndata: ${one}\n\nevent: x\ndata: ${two}\n\n`),
    texts,
    end: 'completed',
  },
  {
    id: 'multi-line',
    title: 'data over several lines',
    answer: sent(`data: ${JSON.stringify(JSON.parse(one), null, 1).replaceAll('\n', '\ndata: ')}\n\ndata: ${two}\n\n`),
    texts,
    end: 'completed',
  },
  { id: 'mixed-lines', title: 'LF before the CRLF of a blank line', answer: sent(`data: ${one}\n\r\ndata: ${two}\n\r\n`), texts, end: 'completed' },
  { id: 'carriage-returns', title: 'CR alone as line end', answer: sent(`data: ${one}\r\rdata: ${two}\r\r`), texts, end: 'completed' },
  {
    id: 'no-blank-line',
    title: 'the last event, whole, without its blank line',
    answer: sent(`data: ${one}\n\ndata: ${two}\n`),
    texts,
    end: 'completed',
  },
  { id: 'done', title: 'data: [DONE] behind the last event', answer: sent(`${both}data: [DONE]\n\n`), texts, end: 'completed' },
  { id: 'byte-order-mark', title: 'a byte order mark before all', answer: sent(`\uFEFF${both}`), texts, end: 'completed' },
  { id: 'cut-character', title: 'an emoji cut by two chunks', answer: sent(party, { cutAt: [insideParty] }), texts: ['🎉'], end: 'completed' },
  { id: 'single-bytes', title: 'each byte a chunk', answer: sent(both, { chunkBytes: 1 }), texts, end: 'completed' },
  {
    id: 'bare-error',
    title: 'bare JSON error in mid-stream, one chunk',
    answer: [...sent(`data: ${one}\r\n\r\n`), ...sent(bare)],
    texts: ['one '],
    end: 499,
  },
  {
    id: 'bare-error-split',
    title: 'the same, split over chunks',
    answer: [...sent(`data: ${one}\r\n\r\n`), ...sent(bare, { chunkBytes: 40 })],
    texts: ['one '],
    end: 499,
  },
  {
    id: 'framed-error',
    title: 'an error framed with data:',
    answer: sent(`data: ${one}\r\n\r\ndata: ${JSON.stringify(cancelled)}\r\n\r\n`),
    texts: ['one '],
    end: 499,
  },
  {
    id: 'http-error',
    title: 'an HTTP error as text/event-stream, in chunks',
    answer: [{ error: { code: 404, message: 'no such model' }, headers: { 'content-type': 'text/event-stream' }, chunkBytes: 20 }],
    texts: [],
    end: 404,
  },
  { id: 'cut-event', title: 'an orderly end in mid-event', answer: [{ text: both, firstBytes: both.length - 30 }], texts: ['one '], end: 'failed' },
  {
    id: 'cut-between',
    title: 'an orderly end between events, without finishReason',
    answer: sent(`data: ${one}\r\n\r\n`),
    texts: ['one '],
    end: 'failed',
  },
  {
    id: 'dropped',
    title: 'the socket is cut between events',
    answer: [...sent(`data: ${one}\r\n\r\n`), { drop: true }],
    texts: ['one '],
    end: 'failed',
  },
];
