/** What callbacks give back: a promise that rejects, and that nobody looks at, would end the process. */

/**
 * Has a rejection told, where a callback has given back a promise. It is not waited for.
 * @param rejected  must not throw
 * @throws what reading `then` of it throws
 */
export function heedRejection(result: unknown, rejected: (error: unknown) => void): void {
  if (result === null || (typeof result !== 'object' && typeof result !== 'function')) return;
  if (typeof (result as { readonly then?: unknown }).then === 'function') void Promise.resolve(result).then(undefined, rejected);
}
