/**
 * A backend as supervised logic, and what an app holds of it.
 *
 *   orchestrator({ actors: { backend: coordinationBackend({ store }) }, children: [{ id: 'backend', src: 'backend', restart: 'transient' }] })
 *
 * It ends when it is stopped, or when another has opened the same store. Where it is not known what the store has, it crashes, and knows when it is started again.
 */
import { type AnyActorRef, fromPromise, type PromiseActorLogic } from 'xstate';
import { invalid } from '../backend/checks.js';
import { type BackendEnd, type MemoryBackend, type MemoryBackendSettings, openMemory, planMemory } from '../backend/memory.js';
import type { Backend, Refused } from '../backend/port.js';
import { memoryEvents } from '../events/memory.js';
import { isActor, sortOf } from '../option-checks.js';
import { clockOf } from '../supervision/clock.js';
import { onExit } from '../supervision/watch.js';

/** The logic of a backend; it needs no input. Its output says that another has it now. */
export type CoordinationBackendLogic = PromiseActorLogic<BackendEnd, undefined>;

const backends = new WeakMap<AnyActorRef, MemoryBackend>();
const logics = new WeakSet<object>();

/**
 * The logic of a backend with these options, on the clock of its system. Without a store it outlasts the loss of its actor, not the end of the process: what it
 * knows belongs to the logic, and whoever is started with it last has it.
 * @throws EspalierError `backend/invalid-options`
 */
export function coordinationBackend(settings: Omit<MemoryBackendSettings, 'firstRevision'> = {}): CoordinationBackendLogic {
  const asked = planMemory(settings);
  if ('firstRevision' in settings) throw invalid('firstRevision', 'nothing, of a service', 'one');
  // Revisions go on over its restarts, and so do the leases of those who did not notice.
  const plan = asked.store === undefined ? { ...asked, store: memoryEvents() } : asked;
  const logic: CoordinationBackendLogic = fromPromise<BackendEnd, undefined>(async ({ self }) => {
    const backend = openMemory(plan, clockOf(self.system));
    backends.set(self, backend);
    onExit(self, () => void backend.close());
    const end = await backend.ended;
    if (end.reason === 'lost' || end.reason === 'notOpened') throw asError(end);
    return end;
  });
  logics.add(logic);
  return logic;
}

function asError({ reason, error }: BackendEnd): Error {
  if (error instanceof Error) return error;
  return new Error(`the backend was lost (${reason}): ${String(error)}`);
}

/**
 * A backend that a supervisor runs: with its reference, or with a function that finds it, which follows its restarts. While none runs, each call is `refused`,
 * `unavailable`.
 * @throws EspalierError `backend/invalid-options` for a reference that runs no backend; from each call, for a function that finds one
 */
export function backendHandle(ref: AnyActorRef | (() => AnyActorRef | undefined)): Backend {
  if (typeof ref === 'function') return new Handle(ref);
  requireBackend(ref);
  return new Handle(() => ref);
}

function requireBackend(ref: unknown): void {
  if (!isActor(ref) || !logics.has((ref as unknown as { logic: object }).logic))
    throw invalid('ref', 'an actor that runs coordinationBackend()', sortOf(ref));
}

const unavailable: Refused = { outcome: 'refused', reason: 'unavailable', what: 'no backend runs' };

class Handle implements Backend {
  readonly #find: () => AnyActorRef | undefined;

  constructor(find: () => AnyActorRef | undefined) {
    this.#find = find;
  }

  get(...call: Parameters<Backend['get']>): ReturnType<Backend['get']> {
    return this.#ask((backend) => backend.get(...call));
  }

  list(...call: Parameters<Backend['list']>): ReturnType<Backend['list']> {
    return this.#ask((backend) => backend.list(...call));
  }

  compareAndSet(...call: Parameters<Backend['compareAndSet']>): ReturnType<Backend['compareAndSet']> {
    return this.#ask((backend) => backend.compareAndSet(...call));
  }

  delete(...call: Parameters<Backend['delete']>): ReturnType<Backend['delete']> {
    return this.#ask((backend) => backend.delete(...call));
  }

  grant(...call: Parameters<Backend['grant']>): ReturnType<Backend['grant']> {
    return this.#ask((backend) => backend.grant(...call));
  }

  renew(...call: Parameters<Backend['renew']>): ReturnType<Backend['renew']> {
    return this.#ask((backend) => backend.renew(...call));
  }

  revoke(...call: Parameters<Backend['revoke']>): ReturnType<Backend['revoke']> {
    return this.#ask((backend) => backend.revoke(...call));
  }

  watch(...call: Parameters<Backend['watch']>): ReturnType<Backend['watch']> {
    return this.#ask((backend) => backend.watch(...call));
  }

  status(...call: Parameters<Backend['status']>): ReturnType<Backend['status']> {
    return this.#ask((backend) => backend.status(...call));
  }

  /** One that ended is no end of the service: another may be started in its seat. */
  async #ask<Outcome extends { readonly outcome: string }>(ask: (backend: Backend) => Promise<Outcome>): Promise<Outcome> {
    const ref = this.#find();
    if (ref !== undefined) requireBackend(ref);
    const backend = ref === undefined ? undefined : backends.get(ref);
    if (backend === undefined) return unavailable as unknown as Outcome;
    const outcome = await ask(backend);
    return outcome.outcome === 'refused' && (outcome as unknown as Refused).reason === 'closed' ? (unavailable as unknown as Outcome) : outcome;
  }
}
