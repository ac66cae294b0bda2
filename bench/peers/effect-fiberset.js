/**
 * Effect's FiberSet as subject of the supervision benchmark, in the shape of bench/supervision/subject.ts.
 *
 * Plain JavaScript in the package of the peers: the root neither installs Effect nor checks its types.
 */
import { Effect, Exit, FiberSet, Scope } from 'effect';

async function openSet() {
  const scope = Effect.runSync(Scope.make());
  const set = Effect.runSync(Scope.provide(FiberSet.make(), scope));
  const fork = Effect.runSync(FiberSet.runtime(set)());
  return { fork, stop: () => Effect.runPromise(Scope.close(scope, Exit.void)) };
}

/** A task in a FiberSet: forked into the set, removed from it at its end, interrupted when the scope closes. */
export const fiberSet = {
  name: 'effect-fiberset',
  open: async () => {
    const { fork, stop } = await openSet();
    return { start: (work, noticed) => void fork(Effect.promise(() => work())).addObserver(noticed), stop };
  },
};

/** The nearest equal of a supervised task: the set, with retry of a failing task and an AbortSignal for it. */
export const fiberSetRetrySignal = {
  name: 'effect-fiberset-retry-signal',
  share: () => 0.25,
  open: async () => {
    const { fork, stop } = await openSet();
    const supervised = (work) => Effect.tryPromise((signal) => work(signal)).pipe(Effect.retry({ times: 3 }));
    return { start: (work, noticed) => void fork(supervised(work)).addObserver(noticed), stop };
  },
  openRestarted: async (siblings, restarted) => {
    const { fork, stop } = await openSet();
    const crashed = new Error('the worker crashes');
    let crash = () => {};
    let running = false;
    const worker = Effect.callback((resume) => {
      crash = () => resume(Effect.fail(crashed));
      if (running) restarted();
    }).pipe(Effect.retry({ times: Number.POSITIVE_INFINITY }));
    for (let i = 0; i < siblings; i++) fork(worker);
    await new Promise((resolve) => setImmediate(resolve));
    running = true;
    return { crash: () => crash(), stop };
  },
};
