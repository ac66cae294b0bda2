/**
 * A recording, at each of its server's frames, with each kind of fault: every call is accounted for, nothing of the recording is lost, nothing is
 * left running. By chance, under a seed, is what a fault's kind leaves open.
 *
 * The faults are ours: hardly any recording holds a `goAway`, a cancellation or a close frame.
 */
import { isDeepStrictEqual } from 'node:util';
import { VirtualClock } from '../../../src/testing/virtual-clock.js';
import { Chance } from '../../../src/testing/world/chance.js';
import { parseClientMessage } from '../../../src/wire/gemini/live.js';
import { type Fault, faultKinds, FaultyPeer } from './faulty-peer.js';
import { illegalStep, RecordedApp } from './recorded-app.js';
import { brief } from './recorded-calls.js';
import type { Session } from './recordings.js';

/** How long one run may take, virtual ms. */
const longestMs = 600_000;

/** One run of a recording. */
export interface FaultyRun {
  readonly faults: readonly Fault[];
  /** Does the server give handles, so that the conversation can be resumed? */
  readonly givesHandles: boolean;
  /** How long each of the app's tools takes, virtual ms. */
  readonly toolMs: number;
  /** Which of the calls, by their number from 0, are answered by what the app's function returns or throws; the others are by hand. */
  readonly returned: 'even' | 'odd';
}

/** Each fault at each frame of a recording, under a seed. */
export function runsOf(script: Session, seed: number): readonly FaultyRun[] {
  return script.recording.frames.flatMap((own, frame) => {
    const each = faultKinds.map((kind): FaultyRun => {
      const chance = new Chance(seed, `${script.name}:${frame}:${kind}`);
      return { faults: [{ kind, frame, chance: chance.next() }], ...appOf(chance) };
    });
    const read = own.from === 'client' ? parseClientMessage(own.text) : null;
    if (read?.ok !== true || read.message.setup !== undefined) return each;
    const isAnswer = read.message.toolResponse !== undefined;
    if (isAnswer) return [...each, withdrawal(frame, new Chance(seed, `${script.name}:${frame}:withdrawal`))];
    const handovers = (['drop', 'refuse'] as const).map((end) => handover(frame, end, new Chance(seed, `${script.name}:${frame}:handover, ${end}`)));
    return [...each, ...handovers];
  });
}

/** What of a run is the app's, or the server's as a whole. */
export function appOf(chance: Chance): Omit<FaultyRun, 'faults'> {
  return { givesHandles: chance.next() < 0.7, toolMs: Math.floor(chance.next() * 6_000), returned: chance.next() < 0.5 ? 'even' : 'odd' };
}

/** Calls that are taken back while their answers wait for the socket: none of them may be written any more. */
export function withdrawal(frame: number, chance: Chance): FaultyRun {
  const stalled = 0.5 + chance.next() / 2;
  return {
    ...appOf(chance),
    faults: [
      { kind: 'stall', frame, chance: stalled },
      { kind: 'cancel', frame, chance: chance.next() },
    ],
    toolMs: Math.floor(chance.next() * 500),
  };
}

/** What the client says waits for a slow socket, which dies, or is quick again and takes nothing more: the next one has to get it. */
function handover(frame: number, end: 'drop' | 'refuse', chance: Chance): FaultyRun {
  const slow = 0.5 + chance.next() / 2;
  return {
    ...appOf(chance),
    faults: [
      { kind: 'stall', frame: frame - 1, chance: slow },
      // At once: no message of the client's is on its way.
      { kind: end, frame, chance: 1 },
    ],
  };
}

/** @returns what went wrong first, with its fault; undefined where all went well */
export async function playWithFaults(script: Session, seed: number): Promise<string | undefined> {
  for (const run of runsOf(script, seed)) {
    const problem = await playRun(script, run);
    if (problem !== undefined) return `seed ${seed}: ${described(run)}: ${problem}`;
  }
  return undefined;
}

/** A run in words, enough to find it again. */
export function described({ faults, givesHandles, returned, toolMs }: FaultyRun): string {
  const all = faults.map(({ kind, frame }) => `${kind} at frame ${frame}`).join(', ');
  return `${all}, ${givesHandles ? 'with' : 'without'} handles, tools of ${toolMs} ms, ${returned} ones returned`;
}

/** One run. @returns what went wrong, in words; undefined where all went well */
export async function playRun(script: Session, { faults, givesHandles, returned, toolMs }: FaultyRun): Promise<string | undefined> {
  const clock = new VirtualClock();
  const peer = new FaultyPeer(clock, script, faults, givesHandles);
  const app = new RecordedApp(script, {
    session: { openSocket: peer.open, resumption: true, toolMs: 120_000 },
    clock,
    later: (act) => clock.setTimeout(act, toolMs),
    returns: (call) => (call % 2 === 0) === (returned === 'even'),
  });
  app.partRefused = (id) => peer.refusePart(id);
  app.unaskedLost = (id) => peer.loseUnasked(id);
  const { ref } = app.session;
  ref.start();
  while (!peer.isDone && clock.now() < longestMs && ref.getSnapshot().status === 'active') await clock.advanceByAsync(nextStep(clock));
  // What the last frame set off.
  await clock.advanceByAsync(20_000);
  const failure = ref.getSnapshot().status === 'active' ? undefined : JSON.stringify(ref.getSnapshot().output?.failure);
  void app.session.close();
  await clock.advanceByAsync(5_000);
  const isOver = ref.getSnapshot().status !== 'active';
  if (!isOver) ref.stop();
  peer.stop();
  if (!isOver) return `the session did not end: it was ${app.path.at(-1) ?? 'nowhere'}`;
  // A socket that is lost before the first setup is accepted is a failed start, and told as one.
  const hasBegun = app.path.some((state) => state.startsWith('ready'));
  const problem = app.unaccounted() ?? illegalStep(app.path) ?? leftOf(peer, clock);
  if (failure !== undefined) return hasBegun ? `the session ended by itself: ${failure}` : problem;
  if (!peer.isDone) return `the server could not end its script in ${longestMs} ms`;
  return peer.violations[0] ?? lostOf(script, app) ?? app.lostAnswer((id) => peer.answered.has(id)) ?? problem;
}

function leftOf(peer: FaultyPeer, clock: VirtualClock): string | undefined {
  if (peer.openSockets > 0) return `sockets left open: ${peer.openSockets}`;
  return clock.pending() > 0 ? `timers left: ${clock.pending()}` : undefined;
}

/** To the next timer, so that nothing is skipped; a little on where none is set. */
function nextStep(clock: VirtualClock): number {
  return Math.max(1, Math.min((clock.nextAt() ?? clock.now() + 1) - clock.now(), 5_000));
}

/** Every message of the recording must have been heard, in its order; a fault may add others. */
function lostOf({ heard }: Session, app: RecordedApp): string | undefined {
  let from = 0;
  for (const [index, message] of heard.entries()) {
    const place = app.heard.findIndex((got, at) => at >= from && isDeepStrictEqual(got, message));
    if (place === -1) return `message ${index} of the server was lost or came too early: ${brief(message)}`;
    from = place + 1;
  }
  return undefined;
}
