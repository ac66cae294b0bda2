/**
 * An app, open to be looked at: `inspect(app)`, or as a child of the tree itself.
 *
 *   const eye = inspect(app);
 *   console.log((await eye.ready()).url);       // http://127.0.0.1:PORT/#token=…
 *
 *   orchestrator({ actors: { …, eye: inspector() }, children: [ …, { id: 'eye', src: 'eye', restart: 'temporary' }] })
 *
 * Either way it is on its own: its end, whatever brought it about, changes nothing in the app.
 */
import { createActor, type ActorLogic, type ActorRefFrom, type AnyActorRef, type SnapshotFrom } from 'xstate';

import { inspectorMachine, type InspectorEmitted, type InspectorEvent } from '../../machines/inspector/inspector.js';
import type { ExitReason } from '../../machines/supervision/exit.js';
import { EspalierError } from '../errors.js';
import { isActor } from '../option-checks.js';
import { systemClock } from '../supervision/clock.js';
import { contain } from '../supervision/contain.js';
import { withInput } from '../supervision/supervisors.js';
import { exitReason, onExit } from '../supervision/watch.js';
import { rootOf } from '../supervision/xstate-internals.js';
import { type InspectorOptions, type InspectorPlan, planInspector } from './plan.js';
import { recorderFeed } from './recorder-feed.js';
import { runtimeFacts } from './runtime-facts.js';
import { addressOf, server } from './server.js';

/** How long the port may take, ms. */
const listenMs = 10_000;
/** How long viewers may take to hang up, ms. */
const closeMs = 1_000;

/** The logic of one inspector; it needs no input. */
export type InspectorLogic = ActorLogic<SnapshotFrom<typeof inspectorMachine>, InspectorEvent, undefined, AnyActorRef['system'], InspectorEmitted>;

/** A running inspector. */
export type InspectorRef = ActorRefFrom<InspectorLogic>;

/** Where it is found, once it listens; or why it is not. `url` holds the token of this run: who has it may look. */
export type InspectorReady =
  | { readonly ok: true; readonly url: string; readonly port: number; readonly token: string }
  | { readonly ok: false; readonly reason: ExitReason };

/** An inspector in the hands of an app. */
export interface Inspector extends AsyncDisposable {
  readonly ref: AnyActorRef;
  /** Settles once it listens, or has ended. Never rejects. */
  ready(): Promise<InspectorReady>;
  /** Settles with the reason when it has ended, whoever ended it. Never rejects. */
  ended(): Promise<ExitReason>;
  /** Tells those who look, frees the port. Again: the same. */
  close(): Promise<ExitReason>;
}

/**
 * An inspector as XState logic, for a child of the tree that it looks at: the whole tree that it is in. Best as a `temporary` child, and the last.
 * @throws EspalierError `inspector/invalid-options`
 */
export function inspector(options: InspectorOptions = {}): InspectorLogic {
  return logicFor(planInspector(options), rootOf);
}

/**
 * Opens a running app to be looked at, by an inspector beside it. It ends with the app.
 * @param app  what {@link orchestrator}'s `start` returns, or any actor: everything in its system is seen
 * @throws EspalierError `inspector/invalid-options`
 */
export function inspect(app: { readonly ref: AnyActorRef } | AnyActorRef, options: InspectorOptions = {}): Inspector {
  const plan = planInspector(options);
  const root = rootOf(requireActor(app));
  const ref = createActor(
    logicFor(plan, () => root),
    { id: 'inspector', clock: systemClock },
  ) as AnyActorRef;
  contain(ref);
  // Nobody hears a root's crash but the process: an inspector's is told by `ended()`.
  ref.subscribe({ error: () => undefined });
  ref.start();
  const handle = inspectorHandle(ref);
  const watch = onExit(root, () => void handle.close());
  onExit(ref, () => watch.unsubscribe());
  return handle;
}

/** A handle on a running inspector: a child of a tree, as `app.child('eye')` has it. */
export function inspectorHandle(ref: AnyActorRef): Inspector {
  const ended = (): Promise<ExitReason> =>
    new Promise((resolve) => {
      onExit(ref, () => resolve(exitReason(ref) ?? 'shutdown'));
    });
  return {
    ref,
    ended,
    ready: () =>
      new Promise((resolve) => {
        const look = (): void => {
          const address = addressOf(ref);
          const reason = exitReason(ref);
          if (reason === null && address === undefined) return;
          subscription.unsubscribe();
          if (reason !== null || address === undefined) resolve({ ok: false, reason: reason ?? 'shutdown' });
          else resolve({ ok: true, url: `http://127.0.0.1:${address.port}/#token=${address.token}`, ...address });
        };
        const subscription = ref.subscribe({ next: look, complete: look, error: look });
        look();
      }),
    close: () => {
      const end = ended();
      if (exitReason(ref) === null) ref.send({ type: 'inspector.close' } satisfies InspectorEvent);
      return end;
    },
    async [Symbol.asyncDispose]() {
      await this.close();
    },
  };
}

function logicFor(plan: InspectorPlan, targetOf: (inspector: AnyActorRef) => AnyActorRef): InspectorLogic {
  const actor = server({ plan, facts: runtimeFacts(plan.title), open: (ref) => recorderFeed(targetOf(ref), plan) });
  return withInput(inspectorMachine.provide({ actors: { server: actor } }), { listenMs, closeMs });
}

function requireActor(app: { readonly ref: AnyActorRef } | AnyActorRef): AnyActorRef {
  for (const one of [app, (app as { ref?: unknown } | null)?.ref]) if (isActor(one)) return one;
  throw new EspalierError('inspector/invalid-options', { expected: 'an app, or an actor', got: app });
}
