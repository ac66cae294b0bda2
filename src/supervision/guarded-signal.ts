/**
 * An abort signal whose listeners may throw.
 *
 * The listeners are the app's. Node throws what one of them throws again on the next tick, where nobody can catch it: one careless
 * `signal.addEventListener('abort', …)` in a tool would end the process. So they are wrapped as they are added.
 */

type ListenerFunction = (this: unknown, event: unknown) => unknown;
type Listener = ListenerFunction | { handleEvent(event: unknown): unknown };

/**
 * Has what this signal's listeners throw, or reject with, told to `report` instead. Covered is whatever is added through the signal from now on:
 * `addEventListener`, `onabort`, `addAbortListener` of Node, and the platform's own listeners. Not covered are the listeners of signals that the app
 * derives from it, with `AbortSignal.any` for one.
 * @param signal  one that nobody has had yet; it stays the same object, an `AbortSignal` for everyone
 * @param report  must not throw
 * @returns the signal; guarded twice, it is the later `report` that is told
 * @see Node.js, `EventTarget` error handling: what a listener throws goes to `process.nextTick()`, and is an `'uncaughtException'`
 */
export function guardedSignal(signal: AbortSignal, report: (error: unknown) => void): AbortSignal {
  // A wrap lives as long as its listener: Node holds some of its own weakly.
  const wraps = new WeakMap<Listener, ListenerFunction>();
  const wrapOf = (listener: Listener): unknown => {
    const isListener = typeof listener === 'function' || (typeof listener === 'object' && listener !== null);
    if (!isListener) return listener; // the platform's to refuse
    const wrap = wraps.get(listener) ?? contained(listener, report);
    wraps.set(listener, wrap);
    return wrap;
  };
  const { addEventListener, removeEventListener } = signal;
  const add = (type: string, listener: Listener, options?: unknown): void =>
    Reflect.apply(addEventListener, signal, [type, wrapOf(listener), options] as never);
  const remove = (type: string, listener: Listener, options?: unknown): void =>
    Reflect.apply(removeEventListener, signal, [type, wrapOf(listener), options] as never);
  return Object.defineProperties(signal, {
    addEventListener: { value: add, configurable: true },
    removeEventListener: { value: remove, configurable: true },
  });
}

function contained(listener: Listener, report: (error: unknown) => void): ListenerFunction {
  return function (event) {
    try {
      const result = typeof listener === 'function' ? listener.call(this, event) : listener.handleEvent(event);
      // An async listener: its rejection would be an uncaught exception too.
      const then = (result as { then?: unknown } | null | undefined)?.then;
      if (typeof then === 'function') then.call(result, undefined, report);
    } catch (error) {
      report(error);
    }
  };
}
