/** One cell of the comparison: one subject in one case, watched from outside. */
import { type Clock, systemClock } from '../../src/supervision/clock.js';
import { geminiServer } from '../../src/testing/gemini-server/server.js';
import type { GeminiServer, GeminiServerOptions, Step } from '../../src/testing/index.js';
import { type Case, zero } from './case.js';
import { type Exit, type Observation, wireFactOf } from './facts.js';
import type { ProcessEnd, Subject, ToldFact } from './subject-process.js';

/** What is needed of the server. */
export type CellServer = Pick<GeminiServer, 'url' | 'received' | 'play' | 'close'> & { readonly connections: { readonly length: number } };

/** What a cell stands on. */
export interface CellWorld {
  readonly clock: Clock;
  serve(options: GeminiServerOptions): Promise<CellServer>;
  /** How long the last of a case is waited for, ms: what is on its way when the script and the app are through. */
  readonly lingerMs: number;
}

export const realWorld: CellWorld = { clock: systemClock, serve: geminiServer, lingerMs: 150 };

/** How long a client may take to load, and from there to the zero of the case, ms: neither is part of the case. */
const loadMs = 60_000;
const zeroWithinMs = 15_000;

/**
 * Plays the case's script to the subject, and sees what comes of it. It ends when script and app are through, when the subject's process ends, or when
 * the case has been watched for long enough; then nothing of it is left.
 */
export async function runCell(which: Case, subject: Subject, { clock, serve, lingerMs }: CellWorld = realWorld): Promise<Observation> {
  const server = await serve({ compression: which.compression ?? true, acceptMs: loadMs, deadlineMs: loadMs, clock });
  const told: ToldFact[] = [];
  const running = subject.start({ id: which.id, url: server.url }, (fact) => told.push(fact));
  try {
    let end: TimedEnd | undefined;
    const ended = running.ended.then((how) => void (end = { ...how, at: clock.now() }));
    await within(clock, loadMs, Promise.race([running.loaded, ended]));
    const script = play(server, which.script, clock);
    await within(clock, zeroWithinMs, Promise.race([script.zero, ended]));
    const zeroMs = script.zeroMs() ?? clock.now();
    await within(clock, which.watchMs, Promise.race([Promise.all([script.ended, running.acted]), ended]));
    if (end === undefined) await within(clock, lingerMs, ended);
    return {
      facts: told.map(({ at, ...fact }) => ({ ...fact, atMs: at - zeroMs })).sort((a, b) => a.atMs - b.atMs),
      wire: server.received.map((message) => wireFactOf(message, zeroMs)),
      connections: server.connections.length,
      exit: exitOf(end, zeroMs),
      untilMs: clock.now() - zeroMs,
    };
  } finally {
    running.kill();
    await Promise.all([running.ended, server.close()]);
  }
}

type TimedEnd = ProcessEnd & { readonly at: number };

function exitOf(end: TimedEnd | undefined, zeroMs: number): Exit | null {
  if (end === undefined) return null;
  const { at, ...how } = end;
  return { ...how, atMs: at - zeroMs };
}

/** A script that is playing. Its promises settle, whatever becomes of the steps. */
interface Playing {
  readonly zero: Promise<void>;
  readonly ended: Promise<void>;
  /** The moment before the first step that follows the zero; undefined until then. */
  zeroMs(): number | undefined;
}

/** Plays the steps before the zero of the case, then those after it. */
function play(server: CellServer, script: Case['script'], clock: Clock): Playing {
  const place = script.indexOf(zero);
  const steps = (part: Case['script']): readonly Step[] => part.filter((step) => step !== zero);
  let zeroMs: number | undefined;
  const before = server.play(steps(script.slice(0, Math.max(0, place)))).then(({ ok }) => {
    zeroMs = clock.now();
    return ok;
  });
  return {
    zero: before.then(() => undefined),
    ended: before.then(async (isWell) => {
      if (isWell) await server.play(steps(script.slice(place + 1)));
    }),
    zeroMs: () => zeroMs,
  };
}

/** Waits for the promise, at most so long. */
async function within(clock: Clock, ms: number, promise: Promise<unknown>): Promise<void> {
  let timer: unknown;
  const deadline = new Promise<void>((resolve) => (timer = clock.setTimeout(resolve, ms)));
  await Promise.race([promise, deadline]);
  clock.clearTimeout(timer);
}
