/** What a fetch throws, as a failure: with its reason, and whether anything of the request can have reached the server. */
import { wordsOf } from '../../machines/live/ending.js';
import { failureOf, type StreamFailure } from '../../machines/stream/outcome.js';

/** There never was a connection: names that have no other meaning. */
const unconnected = /^(?:ECONNREFUSED|ENOTFOUND|EAI_\w+|UND_ERR_CONNECT_TIMEOUT)$/;

/** The server's certificate was refused, or it speaks no TLS: before the handshake is over, nothing of a request is sent. @see Node, X509 error codes */
const unsecured =
  /^(?:CERT_\w+|DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_\w+|HOSTNAME_MISMATCH|ERR_TLS_CERT_ALTNAME_INVALID|ERR_SSL_WRONG_VERSION_NUMBER)$/;

/** As Node says it when the other side hangs up in the middle of the handshake, by the name of any broken connection. */
const halfShaken = 'before secure TLS connection was established';

/** System calls by which a connection is made; the same errors of `read` and `write` are of one that was there. */
const connecting = ['connect', 'getaddrinfo'];

/** `fetch failed (ECONNREFUSED)`: fetch tells the reason in the cause of its error. @throws never */
export function networkFailure(error: unknown): StreamFailure {
  const { cause } = fieldsOf(error);
  const { code, message } = fieldsOf(cause);
  const name = typeof code === 'string' ? code : 'network';
  const why = typeof code === 'string' ? code : typeof message === 'string' ? message : '';
  const failure = failureOf('network', name, why === '' ? wordsOf(error) : `${wordsOf(error)} (${why})`);
  return isUnsent(cause) ? { ...failure, isUnsent: true } : failure;
}

function isUnsent(cause: unknown): boolean {
  const { code, errors, message, syscall } = fieldsOf(cause);
  // A host with several addresses, each of which was tried.
  if (Array.isArray(errors)) return errors.length > 0 && errors.every(isUnsent);
  if (typeof message === 'string' && message.includes(halfShaken)) return true;
  return typeof code === 'string' && (unconnected.test(code) || unsecured.test(code) || connecting.includes(syscall as string));
}

function fieldsOf(value: unknown): { readonly [field: string]: unknown } {
  return typeof value === 'object' && value !== null ? (value as { readonly [field: string]: unknown }) : {};
}
