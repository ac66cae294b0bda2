/** A network on which something went wrong that no fault accounts for. */

/** A program on a simulated network has thrown or rejected, or never comes to rest. */
export class NetworkFailure extends Error {
  override readonly name = 'NetworkFailure';

  /** @param cause  what was thrown, where something was */
  constructor(message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
  }
}
