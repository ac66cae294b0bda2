/**
 * The ledger of one world: all that was started within it, with where.
 *
 * Which world something belongs to is told by the asynchronous context in which it is started (`AsyncLocalStorage`), so worlds of tests that run side
 * by side never see each other's. XState's actors, their subscriptions and the runtime's handles are looked at only while a world is open.
 */
import { AsyncLocalStorage, createHook, executionAsyncId, type AsyncHook } from 'node:async_hooks';
import { Actor, type AnyActorRef } from 'xstate';

import { hasStopped } from '../../supervision/xstate-internals.js';
import { identityOf, type Opening, watchFiles } from './open-files.js';
import { isOutput, isRunners, isRuntimes, isUsersTimer, originHere, whereOf, type Origin } from './origin.js';

/** A subscription that was taken. */
export interface TakenSubscription {
  readonly actor: AnyActorRef;
  /** `subscribe`, or `on` with the type of event. */
  readonly what: string;
  readonly origin: Origin;
}

/** A timer, a socket or a handle of the runtime. */
export interface RuntimeResource {
  readonly kind: 'timer' | 'socket' | 'handle';
  readonly what: string;
  readonly origin: Origin;
  /** Does it still hold something, as far as can be seen? */
  readonly lives: () => boolean;
}

const kinds: Readonly<Record<string, readonly [RuntimeResource['kind'], what: string]>> = {
  Timeout: ['timer', 'a timer of the runtime'],
  Immediate: ['timer', 'an immediate of the runtime'],
  TCPWRAP: ['socket', 'a TCP connection'],
  TCPSERVERWRAP: ['socket', 'a TCP server'],
  PIPEWRAP: ['socket', 'a pipe'],
  PIPESERVERWRAP: ['socket', 'a pipe server'],
  UDPWRAP: ['socket', 'a UDP socket'],
  FSEVENTWRAP: ['handle', 'a file watcher'],
  STATWATCHER: ['handle', 'a file watcher'],
  DIRHANDLE: ['handle', 'an open directory'],
  PROCESSWRAP: ['handle', 'a child process'],
  WORKER: ['handle', 'a worker thread'],
  MESSAGEPORT: ['handle', 'a message port'],
  TTYWRAP: ['handle', 'a terminal'],
};

/** What of the runtime's own objects is looked at. */
interface Resource {
  readonly hasRef?: () => boolean;
  readonly promise?: unknown;
  /** Of an immediate, from its run on; the hook tells of its end turns later. */
  readonly _destroyed?: boolean;
}

/** All that was started within one world. */
export class Ledger {
  readonly actors = new Map<AnyActorRef, Origin>();
  readonly subscriptions = new Set<TakenSubscription>();
  /** By the runtime's number; files that have none of it, and listeners, by negative ones. */
  readonly resources = new Map<number, RuntimeResource>();
  /** Timers of the runtime that were set while an actor acted, by the runtime's number. */
  readonly #wallTimers = new Map<number, Origin>();
  #count = 0;
  #origins: Map<number, Origin> | undefined = new Map();
  #outer: Ledger | undefined;
  readonly #changed = new Set<() => void>();

  /** Begins to note what is started from here on, in this asynchronous context. */
  open(): void {
    this.#outer = context.getStore();
    watch(1);
    context.enterWith(this);
  }

  /** Notes nothing any more. */
  close(): void {
    if (!this.isOpen) return;
    this.#origins = undefined;
    if (context.getStore() === this) context.enterWith(this.#outer?.isOpen === true ? this.#outer : undefined);
    watch(-1);
  }

  get isOpen(): boolean {
    return this.#origins !== undefined;
  }

  /** Runs `fn` so that what it starts, at once and later, is noted here. */
  run<Result>(fn: () => Result): Result {
    return context.run(this, fn);
  }

  /** Runs `fn`, in which actors act, so that what it starts is noted here; a timer of the runtime that is set in it is out of place. */
  act<Result>(fn: () => Result): Result {
    return acting.run(true, () => this.run(fn));
  }

  /** The runtime's resources that are not the runner's or the runtime's own, and that still live. */
  living(): RuntimeResource[] {
    return [...this.resources.values()].filter(
      ({ kind, origin, lives }) =>
        lives() && !isRunners(origin) && !(kind === 'timer' && isRuntimes(origin)) && !(kind === 'socket' && isOutput(origin)),
    );
  }

  /** Where actors have set timers of the runtime that are gone by now, each place once. Those of libraries and of the runtime itself are their own affair. */
  wallTimers(): Origin[] {
    const places = new Map<string | undefined, Origin>();
    for (const [asyncId, origin] of this.#wallTimers) {
      if (!this.resources.has(asyncId) && isUsersTimer(origin)) places.set(whereOf(origin), origin);
    }
    return [...places.values()];
  }

  /** Settles at the next end of a resource of the runtime. */
  nextEnd(): { readonly promise: Promise<void>; forget(): void } {
    let listener = (): void => {};
    const promise = new Promise<void>((resolve) => {
      listener = resolve;
    });
    this.#changed.add(listener);
    return { promise, forget: () => this.#changed.delete(listener) };
  }

  /** Called by the hook. */
  began(asyncId: number, type: string, triggerId: number, resource: Resource): void {
    const origins = this.#origins;
    if (origins === undefined || type === 'PROMISE' || type === 'Microtask') return;
    const origin = originHere(origins.get(executionAsyncId()) ?? origins.get(triggerId));
    origins.set(asyncId, origin);
    ownerOf.set(asyncId, this);
    if (type === 'FSREQPROMISE') this.#file(resource, origin);
    const known = Object.hasOwn(kinds, type) ? kinds[type] : undefined;
    if (known === undefined) return;
    if (type === 'Timeout' && acting.getStore() === true) this.#wallTimers.set(asyncId, origin);
    const [kind, what] = known;
    // A port that nobody listens on holds nothing.
    const lives = type === 'MESSAGEPORT' ? () => resource.hasRef?.() === true : () => resource._destroyed !== true;
    this.resources.set(asyncId, { kind, what, origin, lives });
  }

  /** An opened file is made outside every context: it is known as what the request for it comes to. Closed, it keeps its object until collected. */
  #file({ promise }: Resource, origin: Origin): void {
    const opened = (file: unknown): void => {
      const { fd, getAsyncId } = (file ?? {}) as { fd?: unknown; getAsyncId?: () => number };
      if (typeof fd !== 'number' || typeof getAsyncId !== 'function') return;
      const lives = (): boolean => (file as { fd: number }).fd >= 0;
      this.resources.set(getAsyncId.call(file), { kind: 'handle', what: 'an open file', origin, lives });
    };
    if (promise instanceof Promise) unnoted(() => void promise.then(opened, () => {}));
  }

  /** A file is being opened: until it is known what came of it, it is one. */
  opens(): Opening {
    const number = --this.#count;
    const origin = originHere(this.#origins?.get(executionAsyncId()));
    const file = { kind: 'handle', what: 'an open file', origin } as const;
    this.resources.set(number, { ...file, lives: () => true });
    return {
      opened: (fd) => {
        const identity = identityOf(fd);
        this.resources.set(number, { ...file, lives: () => identityOf(fd) === identity });
        fileOf.get(fd)?.();
        fileOf.set(fd, () => this.ended(number));
      },
      failed: () => this.ended(number),
    };
  }

  /** Somebody listens to the process. */
  listens(event: string, listener: unknown): void {
    const origin = originHere();
    if (whereOf(origin) === undefined || isRuntimes(origin)) return;
    const what = event.startsWith('SIG') ? `a signal handler (${event})` : `a listener of the process (${event})`;
    const lives = (): boolean => process.listeners(event as 'exit').includes(listener as () => void);
    this.resources.set(--this.#count, { kind: 'handle', what, origin, lives });
  }

  /** Called by the hook. */
  ended(asyncId: number): void {
    this.#origins?.delete(asyncId);
    if (!this.resources.delete(asyncId)) return;
    for (const listener of this.#changed) listener();
    this.#changed.clear();
  }
}

const context = new AsyncLocalStorage<Ledger | undefined>();
/** Whether an actor acts, and not the test. */
const acting = new AsyncLocalStorage<boolean>();
const ownerOf = new Map<number, Ledger>();
/** What is to be done when the file of that number is closed. */
const fileOf = new Map<number, () => void>();

/** The ledger of the world that the caller runs in; undefined outside, and after its end. */
export function currentLedger(): Ledger | undefined {
  const ledger = context.getStore();
  return ledger?.isOpen === true ? ledger : undefined;
}

/** Runs `fn` so that nothing that it starts is noted anywhere. */
export function unnoted<Result>(fn: () => Result): Result {
  return context.run(undefined, fn);
}

let openCount = 0;
let hook: AsyncHook | undefined;
let restores: (() => void)[] = [];

function watch(change: 1 | -1): void {
  openCount += change;
  if (openCount === 1 && change === 1) {
    restores = [watchActors(), watchFiles({ opens: () => currentLedger()?.opens(), closed: closedFile }), watchListeners()];
    hook = createHook({
      init: (asyncId, type, triggerId, resource) => {
        // A connection that a server accepts is made outside every context; its trigger is the server.
        const ledger = currentLedger() ?? ownerOf.get(executionAsyncId()) ?? ownerOf.get(triggerId);
        ledger?.began(asyncId, type, triggerId, resource);
      },
      destroy: (asyncId) => {
        const owner = ownerOf.get(asyncId);
        ownerOf.delete(asyncId);
        owner?.ended(asyncId);
      },
    }).enable();
  } else if (openCount === 0) {
    hook?.disable();
    for (const restore of restores) restore();
    ownerOf.clear();
    fileOf.clear();
  }
}

function closedFile(fd: number): void {
  fileOf.get(fd)?.();
  fileOf.delete(fd);
}

/** Looks at whoever begins to listen to the process, to signals above all. */
function watchListeners(): () => void {
  const added = (event: string | symbol, listener: unknown): void => {
    if (typeof event === 'string') currentLedger()?.listens(event, listener);
  };
  process.on('newListener', added);
  return () => void process.off('newListener', added);
}

/** Looks at every actor that is started, and at every subscription; given back when the last world has ended. */
function watchActors(): () => void {
  const { prototype } = Actor;
  const { start, subscribe, on } = prototype;
  prototype.start = function (this: typeof prototype) {
    const ref = this as unknown as AnyActorRef;
    const ledger = currentLedger();
    if (ledger !== undefined && !ledger.actors.has(ref) && !hasStopped(ref))
      ledger.actors.set(ref, originHere(ref._parent === undefined ? undefined : ledger.actors.get(ref._parent)));
    return ledger?.actors.has(ref) === true ? ledger.act(() => start.call(this)) : start.call(this);
  };
  const taken = <Subscription extends { unsubscribe(): void }>(actor: AnyActorRef, what: string, subscription: Subscription): Subscription => {
    const ledger = currentLedger();
    if (ledger === undefined || hasStopped(actor)) return subscription;
    const entry: TakenSubscription = { actor, what, origin: originHere(ledger.actors.get(actor)) };
    ledger.subscriptions.add(entry);
    const { unsubscribe } = subscription;
    subscription.unsubscribe = () => {
      ledger.subscriptions.delete(entry);
      unsubscribe();
    };
    return subscription;
  };
  prototype.subscribe = function (this: typeof prototype, ...observer: Parameters<typeof subscribe>) {
    return taken(this as unknown as AnyActorRef, 'subscribe()', subscribe.apply(this, observer));
  } as typeof subscribe;
  prototype.on = function (this: typeof prototype, type: string, handler: never) {
    return taken(this as unknown as AnyActorRef, `on('${type}')`, on.call(this, type, handler));
  };
  return () => {
    Object.assign(prototype, { start, subscribe, on });
  };
}
