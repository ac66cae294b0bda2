/**
 * The resumption handles that a local server has given, and whether one may be resumed with.
 *
 * @see google's Live API as clients have met it: a resume is closed with 1011 while the socket of the session's earlier connection is still open
 */
import type { Connection, Refusal } from './connection.js';

/** Handles that are kept; above it the oldest is forgotten, and unknown when it comes. */
const maxHandles = 10_000;

/** Which connection gave which handle. */
export class Handles {
  readonly #givenBy = new Map<string, Connection>();

  /** A connection gives a handle (again). */
  give(handle: string, by: Connection): void {
    this.#givenBy.delete(handle);
    this.#givenBy.set(handle, by);
    const [oldest] = this.#givenBy.keys();
    if (this.#givenBy.size > maxHandles && oldest !== undefined) this.#givenBy.delete(oldest);
  }

  /** Why a connection may not resume with a handle, or null. A handle is good for any number of resumes. */
  refusalOf(handle: string, by: Connection): Refusal | null {
    const earlier = this.#givenBy.get(handle);
    if (earlier === undefined) return { code: 1008, reason: 'Requested entity was not found.' };
    if (earlier !== by && earlier.closed === null) return { code: 1011, reason: 'The session has a connection that is still open.' };
    return null;
  }
}
