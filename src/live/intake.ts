/**
 * Whether a session's socket is read: an app that falls behind can have it paused, so that the server feels it, whichever socket it is.
 *
 * While it is paused nothing of the server is heard, neither a cancellation nor a `goAway`; the deadlines of the chart go on.
 */
import type { AnyActorRef } from 'xstate';
import type { ClientSocket } from './socket.js';

interface Intake {
  socket: ClientSocket | null;
  /** How many have asked for a pause that they have not taken back. */
  pauses: number;
}

const intakes = new WeakMap<AnyActorRef, Intake>();

function intakeOf(session: AnyActorRef): Intake {
  const known = intakes.get(session) ?? { socket: null, pauses: 0 };
  intakes.set(session, known);
  return known;
}

/** The session has a new socket, whose setup is accepted: until then it must be read. */
export function noteSocket(session: AnyActorRef, socket: ClientSocket): void {
  const intake = intakeOf(session);
  intake.socket = socket;
  if (intake.pauses > 0) socket.pause();
}

/** Has the session's sockets read no more. @returns what takes that back; twice is once */
export function pauseIntake(session: AnyActorRef): () => void {
  const intake = intakeOf(session);
  if (intake.pauses++ === 0) intake.socket?.pause();
  let isPaused = true;
  return () => {
    if (!isPaused) return;
    isPaused = false;
    if (--intake.pauses === 0) intake.socket?.resume();
  };
}
