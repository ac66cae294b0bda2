/**
 * A Live session behind a gate, struck at each step of it and of its gate: while it waits for its permit, is granted it, connects, talks, has a tool
 * called, moves to another socket, backs off, closes. Whatever is struck: one end, the permit back, no socket open, nothing running.
 */
import { describe, expect, it } from 'vitest';
import { liveSession } from '../../src/live/session.js';
import { statesOfChart } from './chart-states.js';
import { calmOf, hearFaults, seed, struckAt } from './matrix.js';
import type { SocketScript } from './scripted-sockets.js';
import { strikes } from './strikes.js';
import type { Place, Story } from './tower.js';
import { backoff, feed } from './workers.js';

function voice({ gate, openSocket, tool }: Place) {
  const held = {
    description: 'never comes to its end',
    execute: (_: object, context: { readonly signal: AbortSignal }) => {
      tool(context);
      return new Promise<never>(() => undefined);
    },
  };
  return liveSession({
    ...{ model: 'gemini-live', connectMs: 100, setupMs: 100, toolMs: 30, closeMs: 100, rotationMarginMs: 10 },
    ...{ tools: { held }, reconnect: { intensity: 5, backoff }, gate, openSocket },
  });
}

const setUp = ['open', { setupComplete: {} }] as const;
const talks = { serverContent: { modelTurn: { parts: [{ text: 'Well' }] } } };
const calls = { toolCall: { functionCalls: [{ id: 'c', name: 'held', args: {} }] } };
const resumable = { sessionResumptionUpdate: { newHandle: 'h1', resumable: true } };
const sockets: readonly SocketScript[] = [
  [...setUp, resumable, talks, calls, 50, { serverContent: { turnComplete: true } }, talks, { goAway: { timeLeft: '0.02s' } }],
  [...setUp, talks, 'cut'],
  [...setUp, talks, { serverContent: { interrupted: true } }],
];

const stories: readonly Story[] = [
  {
    name: 'a session that waits for the one permit, and is closed on its third socket',
    workers: { feed, voice },
    gate: { permits: 1 },
    server: () => ({ pieces: ['data: one\n\n', 20, 'data: two\n\n'] }),
    sockets,
    plays: [
      {
        at: ({ event, path, states }) => path === 'app/work/voice' && event === 'server.message' && states.some((one) => one.endsWith('interrupted')),
        act: (tower) => tower.find('app/work/voice')?.send({ type: 'session.close' }),
      },
    ],
  },
  {
    name: 'a session that the gate does not let wait',
    workers: { feed, voice },
    gate: { permits: 1, maxWaiting: 0 },
    server: () => ({ pieces: ['data: one\n\n'] }),
    sockets,
  },
];

const calm = await calmOf(stories);

hearFaults();

describe('at each step of a Live session behind a gate', () => {
  it.each(Object.keys(strikes))('when %s: one end, the permit back, nothing running', { timeout: 120_000 }, async (kind) => {
    expect(await struckAt(calm.rows, kind), `seed ${seed}`).toEqual([]);
  });
});

describe('the stories of a Live session', () => {
  it('are told to their end, and leave nothing', () => {
    expect(calm.problems).toEqual([]);
  });

  it('come through every state of its connection: one that is new wants a story', () => {
    const taken = new Set(calm.rows.flatMap(({ step }) => (step.machine === 'liveSession' ? step.states : [])));
    // No story lets the user speak first; and `leaving` is left again in the step that enters it.
    const apart = /(?:userSpeaking|leaving)$/;
    const due = statesOfChart('liveSession').filter((state) => /^(?:open\.connection\.|closed|failed)/.test(state) && !apart.test(state));
    expect(due.filter((state) => !taken.has(state))).toEqual([]);
  });
});
