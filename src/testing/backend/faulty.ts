/** A backend behind a bad line: requests and answers are lost, come late or twice, as a plan says. */
import type { Backend, Refused, Unknown } from '../../backend/port.js';
import { EspalierError } from '../../errors.js';
import { sortOf } from '../../option-checks.js';
import { Chance } from '../world/chance.js';

/**
 * What the line does to a call. Of a write: `loseRequest` and `loseAnswer` say `unknown`, and it was not done, or was; `delay` says `unknown`, and it is done
 * when {@link FaultyBackend.deliver} is called; `duplicate` does it twice, and answers the first; `unavailable` refuses it, and nothing is done. A call that
 * changes nothing is `refused`, `unavailable`, for all of them but `duplicate`.
 */
export type BackendFault = 'loseRequest' | 'loseAnswer' | 'delay' | 'duplicate' | 'unavailable';

/** A call that is made, for a plan to look at. */
export interface FaultyCall {
  readonly method: keyof Backend;
  /** The key, the prefix or the lease; empty for a grant and a status. */
  readonly name: string;
  /** How many there were before it. */
  readonly index: number;
}

/** What to do to each call; null: nothing. */
export type BackendFaultPlan = (call: FaultyCall) => BackendFault | null;

export interface FaultyBackend extends Backend {
  /** Calls that the line has kept. */
  readonly pending: number;
  /** Brings those to the backend, in order, or the newest first. What they answer nobody hears. */
  deliver(order?: 'oldest' | 'newest'): Promise<void>;
  /** What happens to the next call, before the plan is asked; several wait in order. */
  next(...faults: readonly BackendFault[]): void;
}

/** Calls that a line may keep; what comes beyond is lost. */
const mostKept = 1_000;
const faults: readonly BackendFault[] = ['loseRequest', 'loseAnswer', 'delay', 'duplicate', 'unavailable'];
const unknown: Unknown = { outcome: 'unknown', reason: 'lost' };
const unavailable: Refused = { outcome: 'refused', reason: 'unavailable' };

/** A plan by chance: the same seed, the same faults. @param share  of calls that one happens to, 0 to 1 */
export function randomFaults(seed: number, share: number, among: readonly BackendFault[] = faults): BackendFaultPlan {
  if (!(share >= 0 && share <= 1)) throw new EspalierError('testing/invalid-options', { expected: 'share: 0 to 1', got: sortOf(share) });
  const chance = new Chance(seed, 'backend');
  return () => (chance.next() < share ? chance.pick(among) : null);
}

/** Puts a bad line before a backend; without a plan it does only what `next` says. */
export function faultyBackend(backend: Backend, plan: BackendFaultPlan = () => null): FaultyBackend {
  return new BadLine(backend, plan);
}

type Outcome<Method extends keyof Backend> = ReturnType<Backend[Method]>;

class BadLine implements FaultyBackend {
  readonly #backend: Backend;
  readonly #plan: BackendFaultPlan;
  #kept: (() => Promise<unknown>)[] = [];
  #next: BackendFault[] = [];
  #count = 0;

  constructor(backend: Backend, plan: BackendFaultPlan) {
    this.#backend = backend;
    this.#plan = plan;
  }

  get pending(): number {
    return this.#kept.length;
  }

  async deliver(order: 'oldest' | 'newest' = 'oldest'): Promise<void> {
    const kept = this.#kept.splice(0);
    for (const call of order === 'oldest' ? kept : kept.reverse()) await call();
  }

  next(...planned: readonly BackendFault[]): void {
    this.#next.push(...planned);
  }

  get(...call: Parameters<Backend['get']>): Outcome<'get'> {
    return this.#read('get', call[0], () => this.#backend.get(...call));
  }

  list(...call: Parameters<Backend['list']>): Outcome<'list'> {
    return this.#read('list', call[0], () => this.#backend.list(...call));
  }

  watch(...call: Parameters<Backend['watch']>): Outcome<'watch'> {
    return this.#read('watch', call[0], () => this.#backend.watch(...call));
  }

  status(...call: Parameters<Backend['status']>): Outcome<'status'> {
    return this.#read('status', '', () => this.#backend.status(...call));
  }

  compareAndSet(...call: Parameters<Backend['compareAndSet']>): Outcome<'compareAndSet'> {
    return this.#write('compareAndSet', call[0], () => this.#backend.compareAndSet(...call));
  }

  delete(...call: Parameters<Backend['delete']>): Outcome<'delete'> {
    return this.#write('delete', call[0], () => this.#backend.delete(...call));
  }

  grant(...call: Parameters<Backend['grant']>): Outcome<'grant'> {
    return this.#write('grant', '', () => this.#backend.grant(...call));
  }

  renew(...call: Parameters<Backend['renew']>): Outcome<'renew'> {
    return this.#write('renew', call[0], () => this.#backend.renew(...call));
  }

  revoke(...call: Parameters<Backend['revoke']>): Outcome<'revoke'> {
    return this.#write('revoke', call[0], () => this.#backend.revoke(...call));
  }

  #faultOf(method: keyof Backend, name: string): BackendFault | null {
    const index = this.#count++;
    return this.#next.shift() ?? this.#plan({ method, name, index });
  }

  async #read<Answer>(method: keyof Backend, name: string, ask: () => Promise<Answer>): Promise<Answer | Refused> {
    const fault = this.#faultOf(method, name);
    return fault === null || fault === 'duplicate' ? ask() : unavailable;
  }

  async #write<Answer>(method: keyof Backend, name: string, ask: () => Promise<Answer>): Promise<Answer | Unknown | Refused> {
    switch (this.#faultOf(method, name)) {
      case null:
        return ask();
      case 'unavailable':
        return unavailable;
      case 'loseRequest':
        return unknown;
      case 'loseAnswer':
        await ask();
        return unknown;
      case 'delay':
        if (this.#kept.length < mostKept) this.#kept.push(ask);
        return unknown;
      case 'duplicate': {
        const [first] = await Promise.all([ask(), ask()]);
        return first;
      }
    }
  }
}
