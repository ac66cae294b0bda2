/**
 * How Google's services say that they failed: as the body of an HTTP answer, as an event in mid-stream, as bare JSON between events.
 *
 * @see https://cloud.google.com/apis/design/errors: google.rpc.Status
 */
import { z } from 'zod';

/** An error of a service. */
export interface ApiError {
  /** Of HTTP as a rule: 429, 499. */
  readonly code: number;
  /** `RESOURCE_EXHAUSTED`; empty where there is none. */
  readonly status: string;
  readonly message: string;
  readonly details?: readonly unknown[];
}

const body = z.looseObject({
  error: z.union([
    z.looseObject({
      code: z.union([z.number(), z.string()]).nullish(),
      message: z.string().nullish(),
      status: z.string().nullish(),
      details: z.array(z.unknown()).nullish(),
    }),
    // OAuth's way.
    z.string(),
  ]),
  error_description: z.string().nullish(),
});

const longestExcerpt = 300;

/**
 * The error that a value of JSON is: `{ error }`, or a list that begins with one, as answers without `alt=sse` have it.
 * @param httpStatus  the code where the error names none
 * @returns null for what is no error
 */
export function apiErrorOf(value: unknown, httpStatus = 500): ApiError | null {
  const first: unknown = Array.isArray(value) ? value.find((one) => typeof one === 'object' && one !== null && 'error' in one) : value;
  const read = body.safeParse(first);
  if (!read.success) return null;
  const { error, error_description: description } = read.data;
  if (typeof error === 'string') return { code: httpStatus, status: '', message: description ?? error };
  const code = Number(error.code ?? httpStatus);
  return {
    code: Number.isInteger(code) ? code : httpStatus,
    status: error.status ?? '',
    message: error.message ?? '',
    ...(error.details === undefined || error.details === null ? {} : { details: error.details }),
  };
}

/** The error that an HTTP answer is, whatever its body: JSON, HTML of something between, nothing. @throws never */
export function apiErrorOfBody(httpStatus: number, text: string): ApiError {
  const excerpt = text.trim().replaceAll(/\s+/g, ' ').slice(0, longestExcerpt);
  const plain: ApiError = { code: httpStatus, status: '', message: excerpt === '' ? `HTTP ${httpStatus}` : excerpt };
  try {
    return apiErrorOf(JSON.parse(text), httpStatus) ?? plain;
  } catch {
    return plain;
  }
}
