/** A backend on one node of a simulated network, and what the others have of it: calls by messages, of which any may be lost. */
import type { Backend, BackendChange, BackendWatch, CallOptions, Refused, Unknown, WatchAnswer } from '../../src/backend/port.js';
import type { SimulatedNode } from '../../src/testing/network/node.js';

type Method = 'get' | 'list' | 'compareAndSet' | 'delete' | 'grant' | 'renew' | 'revoke' | 'status';

/** What goes over the network. A watch has no life of its own there: each question names where it goes on, so a lost answer loses no change. */
type Request =
  | { readonly method: Method; readonly args: readonly unknown[]; readonly id: string }
  | { readonly method: 'changes'; readonly prefix: string; readonly from: number; readonly withinMs: number };

/** A call that was not answered in so long is not answered any more, ms. */
const callMs = 150;
/** How long a question for changes waits at the backend, ms. */
const watchMs = 400;

/**
 * Has a node answer for a backend that runs there.
 * @param answers  to each call, by its name; of a backend that was opened again, those of before too
 */
export function serve(node: SimulatedNode, backend: Backend, answers = new Map<string, Promise<unknown>>()): void {
  node.onRequest(async (asked) => {
    const request = asked as Request;
    if (request.method !== 'changes') {
      const method = backend[request.method] as (...args: unknown[]) => Promise<unknown>;
      const { id, args } = request;
      const answer = answers.get(id) ?? method.apply(backend, [...args]);
      answers.set(id, answer);
      return answer;
    }
    const { prefix, from, withinMs } = request;
    const begun = await backend.watch(prefix, { from });
    if (begun.outcome !== 'ok') return { outcome: 'ended' };
    const heard = await begun.watch.next({ withinMs });
    begun.watch.close();
    return heard;
  });
}

/** How many each process has made. */
const remotes = new WeakMap<SimulatedNode, number>();

/** The backend that is served on the node `backend`, as another node has it. */
export class RemoteBackend implements Backend {
  readonly #node: SimulatedNode;
  /** Of no other ever: a call that the network doubles is done once, as an adapter would see to it. Done twice, it could be answered `conflict`, which says that it was not done. */
  readonly #name: string;
  #calls = 0;

  constructor(node: SimulatedNode) {
    const others = remotes.get(node) ?? 0;
    remotes.set(node, others + 1);
    this.#node = node;
    this.#name = `${node.name}#${node.incarnation} ${others}`;
  }

  get(key: string, call: CallOptions = {}): ReturnType<Backend['get']> {
    return this.#read('get', [key], call);
  }

  list(prefix: string, { signal, withinMs, ...rest }: NonNullable<Parameters<Backend['list']>[1]> = {}): ReturnType<Backend['list']> {
    return this.#read('list', [prefix, rest], bounded(signal, withinMs));
  }

  compareAndSet(...[key, expected, value, options = {}]: Parameters<Backend['compareAndSet']>): ReturnType<Backend['compareAndSet']> {
    const { signal, withinMs, ...rest } = options;
    return this.#write('compareAndSet', [key, expected, value, rest], bounded(signal, withinMs));
  }

  delete(key: string, expected: number, call: CallOptions = {}): ReturnType<Backend['delete']> {
    return this.#write('delete', [key, expected], call);
  }

  grant(ttlMs: number, call: CallOptions = {}): ReturnType<Backend['grant']> {
    return this.#write('grant', [ttlMs], call);
  }

  renew(lease: string, call: CallOptions = {}): ReturnType<Backend['renew']> {
    return this.#write('renew', [lease], call);
  }

  revoke(lease: string, call: CallOptions = {}): ReturnType<Backend['revoke']> {
    return this.#write('revoke', [lease], call);
  }

  status(call: CallOptions = {}): ReturnType<Backend['status']> {
    return this.#read('status', [], call);
  }

  async watch(prefix: string, options: NonNullable<Parameters<Backend['watch']>[1]> = {}): ReturnType<Backend['watch']> {
    return { outcome: 'ok', watch: new RemoteWatch(this.#node, prefix, options.from ?? 1) };
  }

  #read<Outcome>(method: Method, args: readonly unknown[], call: CallOptions): Promise<Outcome | Refused> {
    return this.#ask<Outcome, Refused>(method, args, call, (reason) => ({ outcome: 'refused', reason: reason === 'lost' ? 'unavailable' : reason }));
  }

  #write<Outcome>(method: Method, args: readonly unknown[], call: CallOptions): Promise<Outcome | Unknown> {
    return this.#ask<Outcome, Unknown>(method, args, call, (reason) => ({ outcome: 'unknown', reason }));
  }

  async #ask<Outcome, Lost>(
    method: Method,
    args: readonly unknown[],
    { signal, withinMs = callMs }: CallOptions,
    lost: (why: Unknown['reason']) => Lost,
  ) {
    if (signal?.aborted === true) return lost('cancelled');
    const timeoutMs = Math.max(1, Math.min(withinMs, callMs));
    const request: Request = { method, args, id: `${this.#name} ${++this.#calls}` };
    const answered = this.#node.call<Outcome>('backend', request, { timeoutMs });
    const reply = await unlessAborted(answered, signal);
    if (reply === null) return lost('cancelled');
    return reply.ok ? reply.reply : lost('lost');
  }
}

/** The same as an object of its own, of which a test may put others in the place of single calls. */
export function remoteBackend(node: SimulatedNode): Backend {
  const remote = new RemoteBackend(node);
  return {
    get: (...call) => remote.get(...call),
    list: (...call) => remote.list(...call),
    compareAndSet: (...call) => remote.compareAndSet(...call),
    delete: (...call) => remote.delete(...call),
    grant: (...call) => remote.grant(...call),
    renew: (...call) => remote.renew(...call),
    revoke: (...call) => remote.revoke(...call),
    status: (...call) => remote.status(...call),
    watch: (...call) => remote.watch(...call),
  };
}

/** Hears all that happens at a backend below a prefix, change by change, for as long as it is open. @throws Error where any may have been missed */
export async function watchOver(backend: Backend, prefix: string, hear: (change: BackendChange) => void): Promise<void> {
  const begun = await backend.watch(prefix);
  if (begun.outcome !== 'ok') throw new Error(`nobody watches over it: ${begun.outcome}`);
  for (;;) {
    const heard = await begun.watch.next();
    if (heard.outcome === 'gap') throw new Error('nobody watched over it');
    if (heard.outcome === 'changes') for (const change of heard.changes) hear(change);
  }
}

/** A backend of which some methods are replaced. */
export function altered(backend: Backend, methods: Partial<Backend>): Backend {
  return new Proxy(backend, {
    get: (target, name: keyof Backend) => methods[name] ?? (target[name] as (...call: unknown[]) => unknown).bind(target),
  });
}

/**
 * A backend as one node has it, of which single writes come late: whoever has asked was told by then that nobody knows.
 * @param isOf  of which keys
 * @returns with `delay` the next write of such a key is done so many ms later
 */
export function withLateWrites(
  node: SimulatedNode,
  backend: Backend,
  isOf: (key: string) => boolean,
): { readonly line: Backend; delay(ms: number): void } {
  let nextMs = 0;
  const later = (ms: number, act: () => void): void => void node.clock.setTimeout(act, ms);
  const compareAndSet: Backend['compareAndSet'] = async (...call) => {
    const [key, expected, value, { signal, ...options } = {}] = call;
    if (nextMs === 0 || !isOf(key)) return backend.compareAndSet(...call);
    later(nextMs, () => void backend.compareAndSet(key, expected, value, options));
    nextMs = 0;
    await unlessAborted(new Promise<void>((resolve) => later(callMs, resolve)), signal);
    return { outcome: 'unknown', reason: signal?.aborted === true ? 'cancelled' : 'lost' };
  };
  return {
    line: altered(backend, { compareAndSet }),
    delay: (ms) => {
      nextMs = ms;
    },
  };
}

class RemoteWatch implements BackendWatch {
  readonly #node: SimulatedNode;
  readonly #prefix: string;
  #from: number;
  #isClosed = false;

  constructor(node: SimulatedNode, prefix: string, from: number) {
    this.#node = node;
    this.#prefix = prefix;
    this.#from = from;
  }

  async next({ signal }: CallOptions = {}): Promise<WatchAnswer> {
    if (this.#isClosed) return { outcome: 'ended' };
    const request: Request = { method: 'changes', prefix: this.#prefix, from: this.#from, withinMs: watchMs };
    const reply = await unlessAborted(this.#node.call<WatchAnswer>('backend', request, { timeoutMs: watchMs + callMs }), signal);
    if (reply === null) return { outcome: 'cancelled' };
    if (!reply.ok) return { outcome: 'quiet', revision: this.#from - 1 };
    const heard = reply.reply;
    if ('revision' in heard) this.#from = Math.max(this.#from, heard.revision + 1);
    return heard;
  }

  close(): void {
    this.#isClosed = true;
  }
}

function bounded(signal: AbortSignal | undefined, withinMs: number | undefined): CallOptions {
  return { ...(signal === undefined ? {} : { signal }), ...(withinMs === undefined ? {} : { withinMs }) };
}

/** What was answered; null where the signal was first. */
function unlessAborted<Answer>(answered: Promise<Answer>, signal: AbortSignal | undefined): Promise<Answer | null> {
  if (signal === undefined) return answered;
  return new Promise((resolve, reject) => {
    const abort = (): void => resolve(null);
    signal.addEventListener('abort', abort, { once: true });
    answered.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
