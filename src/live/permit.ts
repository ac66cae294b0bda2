/**
 * The actor `permit` of a Live session behind a gate: one permit, from before its first socket to its end.
 *
 * The session holds it, over all its sockets: while it rotates, and while it backs off, the service may still count the conversation as one, and another
 * must not take its place. The gate is told at the end what became of it. When the permit is lost, the session has failed.
 */
import { type AnyActorRef, fromCallback } from 'xstate';
import type { SessionOutput } from '../../machines/live/ending.js';
import type { SessionEvent } from '../../machines/live/session-events.js';
import { type BehindGate, Pass, reportOf } from '../gate/behind.js';
import type { CallReport } from '../gate/permit.js';
import { onExit } from '../supervision/watch.js';
import { hasStopped, parentOf } from '../supervision/xstate-internals.js';
import { onStranger } from './stranger.js';

/** The logic of one permit. @param gate  undefined: it is granted at once */
export function permit(gate: BehindGate | undefined) {
  return fromCallback<{ type: 'permit.none' }, undefined>(({ self, sendBack }) => {
    if (gate === undefined) {
      // Restored while closing, in an app that has no gate.
      sendBack({ type: 'permit.granted' } satisfies SessionEvent);
      return;
    }
    const session = parentOf(self) as AnyActorRef;
    const failed = (code: string, reason: string): void => {
      if (!hasStopped(session)) session.send({ type: 'permit.failed', code, reason } satisfies SessionEvent);
    };
    const pass = new Pass(gate, session, ({ code, message }) => failed(code, message));
    // Before the gate watches it: at its end this is told first, and the gate has its report.
    onExit(session, () => pass.leave(reportOfEnd(session)));
    onStranger(self, (_, reason) => failed('killed', reason));
    sendBack({ type: 'permit.asked' } satisfies SessionEvent);
    void pass.enter().then((fault) => {
      if (fault === null) sendBack({ type: 'permit.granted' } satisfies SessionEvent);
      else failed(fault.code, fault.message);
    });
  });
}

/** What became of a session: of one that nobody could use, nothing is said. */
function reportOfEnd(session: AnyActorRef): CallReport {
  const { context, output, status } = session.getSnapshot() as { status: string; context: { hasBeenReady: boolean }; output?: SessionOutput };
  if (status === 'error') return { outcome: 'failed' };
  if (status !== 'done' || output === undefined) return {};
  const { failure } = output;
  if (failure === null) return context.hasBeenReady ? { outcome: 'ok' } : {};
  return failure.code === 'noCredentials' ? { outcome: 'unused' } : reportOf(failure);
}
