/**
 * A Gemini Live session as supervised logic: the chart with its sockets, its uplink and its tools.
 *
 *   orchestrator({ actors: { voice: liveSession({ apiKey, model, tools }) }, children: [{ id: 'voice', src: 'voice' }] })
 *
 * The handle that an app holds is in handle.ts.
 */
import type { ActorLogic, ActorRefFrom, AnyActorRef, SnapshotFrom } from 'xstate';
import { sessionMachine } from '../../machines/live/session.js';
import type { SessionEmitted, SessionEvent } from '../../machines/live/session-events.js';
import { connectingAgain } from '../../machines/live/session-restore.js';
import { toolCallMachine } from '../../machines/live/tool-call.js';
import { compile } from '../compiled/compile.js';
import { withInput } from '../supervision/supervisors.js';
import { geminiSubject, withSubject } from '../telemetry/subject.js';
import { connection } from './connection.js';
import { liveSessionHandle } from './handle.js';
import { openWebSocket } from './node-socket.js';
import { inLane } from './lean-call.js';
import { type LiveSessionOptions, planSession } from './options.js';
import { permit } from './permit.js';
import { superviseTools } from './tool-tasks.js';
import { answeringFor, execute, toolsActor } from './tools.js';
import { uplink } from './uplink-actor.js';

/** The logic of one session; it needs no input. */
export type LiveSessionLogic = ActorLogic<SnapshotFrom<typeof sessionMachine>, SessionEvent, undefined, AnyActorRef['system'], SessionEmitted>;

/** A running session. */
export type LiveSessionRef = ActorRefFrom<LiveSessionLogic>;

/**
 * The logic of a Live session with these options: for `createActor`, `invoke`, `spawn`, or as a supervisor's child, where it is *starting* until the
 * server has accepted the setup, closes in order on `supervisor.shutdown`, and crashes when the connection is lost for good. Restored from a snapshot, it
 * is connecting, or at the gate that these options name, whatever it was doing: its calls are abandoned, and the conversation is resumed where it has a
 * handle, else set up again.
 * @throws EspalierError `live/invalid-options`, `live/invalid-tool` or `gate/invalid-options`; never with a key
 */
export function liveSession(options: LiveSessionOptions): LiveSessionLogic {
  const { input, endpoint, gate, secrets, find, maxCalls, limits, schedulingPlace } = planSession(options);
  const { openSocket = openWebSocket } = options;
  const hold = (ref: AnyActorRef) => liveSessionHandle(ref as LiveSessionRef);
  const call = compile(toolCallMachine.provide({ actors: { execute: execute(find, hold) } }));
  const charted = sessionMachine.provide({
    actors: {
      connection: connection({ endpoint, secrets, openSocket }),
      uplink: uplink(limits, schedulingPlace),
      tools: toolsActor(superviseTools(maxCalls)),
      permit: permit(gate),
      toolCall: inLane(answeringFor(call), { find, hold }),
    },
  });
  return withSubject(withInput(withoutSocket(compile(charted), gate !== undefined), input), geminiSubject(options));
}

/**
 * The machine, restoring no session as one that has a socket, or whose calls go on. Its chart leaves such a state by itself, but only once it has been
 * started: who looks at it before that must not see it `accepting`, and no function may be run a second time.
 */
function withoutSocket(machine: typeof sessionMachine, isBehindGate: boolean): typeof sessionMachine {
  const { restoreSnapshot } = machine;
  const restore: typeof restoreSnapshot = (snapshot, scope) => restoreSnapshot(connectingAgain(snapshot, isBehindGate), scope);
  return Object.assign(machine, { restoreSnapshot: restore });
}
