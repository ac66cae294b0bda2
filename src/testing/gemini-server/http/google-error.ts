/** Errors as Google's APIs write them: `{ error: { code, message, status, details? } }`, pretty-printed, with a newline behind. Pure. */

/** A status of google.rpc by its HTTP code, where a request does not name one. */
const statusNames: Readonly<Record<number, string>> = {
  400: 'INVALID_ARGUMENT',
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
  408: 'DEADLINE_EXCEEDED',
  409: 'ABORTED',
  412: 'FAILED_PRECONDITION',
  413: 'INVALID_ARGUMENT',
  429: 'RESOURCE_EXHAUSTED',
  499: 'CANCELLED',
  500: 'INTERNAL',
  501: 'UNIMPLEMENTED',
  503: 'UNAVAILABLE',
  504: 'DEADLINE_EXCEEDED',
};

/** An error, as a script writes it. */
export interface GoogleError {
  /** HTTP's. */
  readonly code: number;
  readonly message?: string | undefined;
  /** google.rpc's, `RESOURCE_EXHAUSTED`; absent: the one that goes with the code. */
  readonly status?: string | undefined;
  readonly details?: readonly object[] | undefined;
  /** A duration as protobuf writes it (`34.4s`): a `RetryInfo` behind the details. */
  readonly retryDelay?: string | undefined;
}

/** The value of the body. */
export function googleError({ code, message, status, details = [], retryDelay }: GoogleError): { readonly error: object } {
  const retry = retryDelay === undefined ? [] : [{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay }];
  const all = [...details, ...retry];
  const name = status ?? statusNames[code] ?? 'UNKNOWN';
  return { error: { code, message: message ?? `refused by the script with ${code}`, status: name, ...(all.length > 0 ? { details: all } : {}) } };
}

/** The body as text. */
export function errorText(error: GoogleError): string {
  return prettyJson(googleError(error));
}

/** JSON as Google's servers send what is not streamed. */
export function prettyJson(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

/** The refusal of a key that is not this server's, as the Developer API words it. */
export const invalidKey: GoogleError = {
  code: 400,
  message: 'API key not valid. Please pass a valid API key.',
  details: [
    {
      '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
      reason: 'API_KEY_INVALID',
      domain: 'googleapis.com',
      metadata: { service: 'generativelanguage.googleapis.com' },
    },
  ],
};

/** The refusal of a bearer token that is not this server's. */
export const invalidToken: GoogleError = { code: 401, message: 'Request had invalid authentication credentials.' };

/** The refusal of a request without any credential. */
export const noCredential: GoogleError = {
  code: 403,
  message:
    "Method doesn't allow unregistered callers (callers without established identity). Please use API Key or other form of API consumer identity.",
};
