/**
 * A Gemini Live session as supervised logic: the chart with its socket and its tools.
 *
 *   orchestrator({ actors: { voice: liveSession({ apiKey, model, tools }) }, children: [{ id: 'voice', src: 'voice' }] })
 *
 * The handle that an app holds is in handle.ts.
 */
import type { ActorLogic, ActorRefFrom, AnyActorRef, Snapshot, SnapshotFrom } from 'xstate';
import { type SessionEmitted, type SessionEvent, sessionMachine } from '../../machines/live/session.js';
import { withInput } from '../supervision/supervisors.js';
import { connection } from './connection.js';
import { type LiveSessionOptions, planSession } from './options.js';
import { superviseTools } from './tool-tasks.js';
import { toolsActor } from './tools.js';

/** The logic of one session; it needs no input. */
export type LiveSessionLogic = ActorLogic<SnapshotFrom<typeof sessionMachine>, SessionEvent, undefined, AnyActorRef['system'], SessionEmitted>;

/** A running session. */
export type LiveSessionRef = ActorRefFrom<LiveSessionLogic>;

/**
 * The logic of a Live session with these options: for `createActor`, `invoke`, `spawn`, or as a supervisor's child, where it is *starting* until the
 * server has accepted the setup, closes in order on `supervisor.shutdown`, and crashes when the connection is lost. Restored from a snapshot, it is
 * connecting, whatever it was doing: its calls are abandoned and the conversation is set up again.
 * @throws EspalierError `live/invalid-options` or `live/invalid-tool`; never with a key
 */
export function liveSession(options: LiveSessionOptions): LiveSessionLogic {
  const { input, url, headers, secrets, tools, maxCalls } = planSession(options);
  const { openSocket } = options;
  const machine = sessionMachine.provide({
    actors: {
      connection: connection({ url, headers, secrets, ...(openSocket === undefined ? {} : { openSocket }) }),
      tools: toolsActor(tools, superviseTools(maxCalls)),
    },
  });
  return withInput(withoutSocket(machine), input);
}

/**
 * The machine, restoring no session as one that has a socket. Its chart leaves such a state by itself, but only once it has been started: who looks at
 * it before that must not see it `accepting`.
 */
function withoutSocket(machine: typeof sessionMachine): typeof sessionMachine {
  const { restoreSnapshot } = machine;
  const restore: typeof restoreSnapshot = (snapshot, scope) => restoreSnapshot(connectingAgain(snapshot), scope);
  return Object.assign(machine, { restoreSnapshot: restore });
}

/** A saved session as it is to begin again; one that was closing, or had ended, stays what it was. */
function connectingAgain(saved: Snapshot<unknown>): Snapshot<unknown> {
  const { value } = saved as { value?: { connected?: unknown } };
  const hadSocket = value?.connected === 'settingUp' || value?.connected === 'ready';
  return hadSocket ? Object.assign({ ...saved }, { value: { connected: 'connecting' } }) : saved;
}
