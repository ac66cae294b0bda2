/** What runs in place of a service that is off: what the app did before there was a supervisor. */
import { type AnyActorLogic, fromCallback } from 'xstate';
import { printFault } from '../supervision/last-resort.js';
import { terminate } from '../supervision/watch.js';

/**
 * Begins what a service does, unsupervised, and may return a function that ends it, or promise one. That it throws as it is called is a start that failed;
 * that it rejects later ends it, and nobody restarts it. The end may return a promise, which is waited for within the service's `shutdownMs`; that it throws
 * or rejects is told as the `why` of `application.serviceStopped`.
 */
export type Otherwise = (scope: { readonly signal: AbortSignal }) => unknown;

/** As logic: it lasts until it was stopped and has ended, or has rejected. */
export function otherwiseLogic(begin: Otherwise): AnyActorLogic {
  const logic = fromCallback(({ self, receive }) => {
    const controller = new AbortController();
    let hasEnded = false;
    let made: unknown = begin({ signal: controller.signal });
    if (isPromise(made)) {
      const promised = made;
      made = promised.then(
        (end) => end,
        (error: unknown) => {
          if (!controller.signal.aborted) terminate(self, { crash: error });
        },
      );
    }
    /** Never rejects. @returns what went wrong, in a list */
    const end = async (): Promise<readonly unknown[]> => {
      if (hasEnded) return [];
      hasEnded = true;
      controller.abort();
      try {
        const own = await made;
        if (typeof own === 'function') await (own as () => unknown)();
        return [];
      } catch (error) {
        return [error];
      }
    };
    receive(({ type }) => {
      if (type !== 'supervisor.shutdown') return;
      void end().then((faults) => terminate(self, faults.length === 0 ? 'shutdown' : { crash: faults[0] }));
    });
    // Killed, or with its tree: nobody is left to be told of what its end throws, but people.
    return () => {
      void end().then((faults) => {
        for (const fault of faults) printFault('the end of what runs in place of a service', fault);
      });
    };
  });
  const { getInitialSnapshot } = logic;
  return Object.assign(logic, {
    events: ['supervisor.shutdown'],
    getInitialSnapshot: (...made: Parameters<typeof getInitialSnapshot>) =>
      // By this is told who ends in his own time.
      Object.defineProperty(getInitialSnapshot(...made), 'can', { value: ({ type }: { type: string }) => type === 'supervisor.shutdown' }),
  }) as AnyActorLogic;
}

function isPromise(value: unknown): value is Promise<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function';
}
