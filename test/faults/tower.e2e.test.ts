/**
 * The tower against the local Gemini server, over real sockets: a stream, an interaction and a conversation, each struck before its head, before its first
 * event and in the midst of its answer. One end, the permit back, the server's side of the connection closed. Time is the test's.
 */
import { afterEach, describe, expect, it } from 'vitest';
import { generateContentStream } from '../../src/stream/generate.js';
import type { HttpRule } from '../../src/testing/gemini-server/http/rules.js';
import { geminiServer, type GeminiServer } from '../../src/testing/gemini-server/server.js';
import { nothingIsLeft } from '../testing/raw-client.js';
import { hearFaults } from './matrix.js';
import { type Strike, strikes } from './strikes.js';
import { type Place, type Story, Tower } from './tower.js';
import { backoff, chat, deadlines, talk } from './workers.js';

let server: GeminiServer | null = null;

hearFaults();

afterEach(async () => {
  await server?.close();
  server = null;
  await nothingIsLeft();
});

const chunk = { candidates: [{ content: { role: 'model', parts: [{ text: 'Well' }] } }] };
const created = { event_type: 'interaction.created', event_id: 'e1', interaction: { id: 'one', status: 'in_progress' } };

/** What each worker is told, and the step at which it has got it. */
const workers = {
  feed: { on: 'streamGenerateContent', event: chunk, began: 'body.began', opened: 'response.opened' },
  talk: { on: 'interactions.create', event: created, began: 'exchange.progressed', opened: 'response.opened' },
  chat: { on: 'streamGenerateContent', event: chunk, began: 'turn.began', opened: null },
} as const;
type Worker = keyof typeof workers;

const phases = ['asked', 'opened', 'reading'] as const;
type Phase = (typeof phases)[number];

function ruleOf(worker: Worker, phase: Phase): HttpRule {
  const { event, on } = workers[worker];
  const held = { hold: 'never' };
  const answers = { asked: [held], opened: [{ head: {} }, held], reading: [{ events: [event] }, held] };
  return { on, times: 'always', answer: answers[phase] };
}

const make = (url: string) => ({
  feed: ({ fetch, gate, signal, target }: Place) =>
    generateContentStream({
      baseUrl: url,
      model: 'm',
      request: { contents: [{ parts: [{ text: 'Hi' }] }] },
      ...deadlines,
      retry,
      fetch,
      gate,
      signal,
      target,
    }),
  talk: (place: Place) => talk(place, {}, url),
  chat: (place: Place) => chat(place, {}, url),
});
const retry = { attempts: 2, backoff };

const cases = Object.keys(workers).flatMap((worker) =>
  phases.filter((phase) => !(worker === 'chat' && phase === 'opened')).map((phase) => ({ worker: worker as Worker, phase })),
);

/** A server and a tower, with the worker in its phase. */
async function towerIn(worker: Worker, phase: Phase) {
  const local = await geminiServer({ key: null, http: [ruleOf(worker, phase)] });
  server = local;
  let broke: () => void = () => undefined;
  const broken = new Promise<void>((resolve) => (broke = resolve));
  const overSockets = (async (input: string, init: RequestInit) => {
    try {
      const all = new Headers(init.headers);
      all.set('connection', 'close');
      return await fetch(input, { ...init, headers: all });
    } catch (error) {
      broke();
      throw error;
    }
  }) as typeof fetch;
  const story: Story = { name: worker, workers: { [worker]: make(local.url)[worker] }, server: () => ({}) };
  const tower = new Tower(story, [], overSockets);
  const path = `app/work/${worker}`;
  const { began, opened } = workers[worker];
  if (phase === 'asked') await local.nthRequest(0);
  else await tower.taken((step) => step.path.startsWith(path) && step.event === (phase === 'opened' ? opened : began));
  /** Cuts the connection, and waits until the client has seen it. */
  const cut = async (): Promise<void> => {
    const seen = phase === 'asked' ? broken : tower.taken((step) => step.path.startsWith(path));
    await local.close();
    await seen;
  };
  return { cut, local, tower };
}

/** Strikes all that there are of a kind, each in a tower of its own. @returns what is not as it must be */
async function struck(worker: Worker, phase: Phase, kind: string): Promise<readonly string[]> {
  const found: string[] = [];
  for (let which = 0, count = 1; which < count; which++) {
    const { cut, local, tower } = await towerIn(worker, phase);
    const all = strikes[kind]?.(tower.living()) ?? [];
    const { name, strike } = all[which] as Strike;
    count = all.length;
    const isCut = kind === 'the socket is cut';
    if (isCut) await cut();
    else strike(tower);
    const problems = await tower.end();
    const answered = await local.answered(0);
    const end = answered.ok ? answered.value.end : answered.reason;
    if (end !== (isCut ? 'closed' : 'gone')) problems.push(`on the server's side the answer is ${end}`);
    found.push(...problems.map((problem) => `${name}: ${problem}`));
    await local.close();
  }
  return found;
}

describe.each(cases)('$worker, once it has $phase, over a socket', ({ phase, worker }) => {
  it.each(Object.keys(strikes))('when %s: one end, the permit back, the connection closed', { timeout: 60_000 }, async (kind) => {
    expect(await struck(worker, phase, kind)).toEqual([]);
  });
});
