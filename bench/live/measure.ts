/** The measurements themselves, the same code for every client. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { quantile, sorted } from '../stats.js';
import { monotonicMs } from './monotonic.js';
import type { LiveRig, LiveSubject } from './subject.js';

/** A client at work, and what it has heard. */
export class Listening {
  readonly rig: LiveRig;
  readonly #state: State;

  private constructor(rig: LiveRig, state: State) {
    this.rig = rig;
    this.#state = state;
  }

  static async open(subject: LiveSubject, url: string, answer: () => unknown): Promise<Listening> {
    const state: State = { messages: 0, lags: [], texts: [], ended: () => {} };
    const rig = await subject.open(
      url,
      {
        audio: () => {
          state.messages++;
        },
        text: (text) => {
          state.lags.push(monotonicMs() - Number(text));
          state.texts.push(text);
        },
        turnComplete: () => state.ended(),
      },
      answer,
    );
    return new Listening(rig, state);
  }

  /** Asks, and waits until the turn is complete. @returns what was heard meanwhile */
  async ask(text: string): Promise<Omit<State, 'ended'>> {
    Object.assign(this.#state, { messages: 0, lags: [], texts: [] });
    const ended = new Promise<void>((resolve) => (this.#state.ended = resolve));
    this.rig.ask(text);
    await ended;
    return this.#state;
  }
}

interface State {
  messages: number;
  lags: number[];
  texts: string[];
  ended: () => void;
}

/** How long a flow of messages took. */
export interface Flow {
  readonly ms: number;
}

async function flow(work: () => Promise<void>): Promise<Flow> {
  const began = monotonicMs();
  await work();
  return { ms: monotonicMs() - began };
}

/** `count` messages of audio come. */
export function received(listening: Listening, count: number): Promise<Flow> {
  return flow(async () => {
    const { messages } = await listening.ask(`audio ${count}`);
    if (messages !== count) throw new Error(`expected ${count} messages of audio, got: ${messages}`);
  });
}

const chunk = Buffer.alloc(3_072, 7).toString('base64');

/** `count` messages of audio are sent, fifty in a turn of the loop, until the server has heard the last. */
export function sent(listening: Listening, count: number): Promise<Flow> {
  return flow(async () => {
    for (let i = 0; i < count; i++) {
      listening.rig.sendAudio(chunk);
      if (i % 50 === 49) await nextTurn();
    }
    await listening.ask(`hear ${count}`);
  });
}

/** One call after the other, from the server's frame to the answer's arrival there, in µs. */
export async function roundTrips(listening: Listening, count: number): Promise<{ p50: number; p99: number }> {
  const { texts } = await listening.ask(`tools ${count}`);
  const took = sorted(Float64Array.from((texts[0] ?? '').split(' ').map(Number)));
  return { p50: quantile(took, 0.5), p99: quantile(took, 0.99) };
}

/** How late messages are handled while a tool runs, p99 in ms, from the server's sending. */
export async function lagWhileToolRuns(listening: Listening, count: number, everyMs: number): Promise<number> {
  const { lags } = await listening.ask(`beat ${count} ${everyMs}`);
  if (lags.length !== count) throw new Error(`expected ${count} messages while the tool ran, got: ${lags.length}`);
  return quantile(sorted(Float64Array.from(lags)), 0.99);
}
