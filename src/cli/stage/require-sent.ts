import type { SendOutcome } from '../../live/uplink.js';

/** @throws Error when a message will not reach the wire */
export function requireSent(outcome: SendOutcome, what: string): void {
  if (outcome.status === 'rejected' || outcome.status === 'dropped') throw new Error(`${what} was not sent: ${outcome.reason}`);
}
