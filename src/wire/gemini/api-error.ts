/**
 * How Google's services say that they failed: as the body of an HTTP answer, as an event in mid-stream, as bare JSON between events.
 *
 * @see https://cloud.google.com/apis/design/errors: google.rpc.Status
 */
import { isDeeperThan } from './frame.js';
import { hideInExcerpt, hideInJson, type Secrets } from '../secrets.js';

/** An error of a service. */
export interface ApiError {
  /** Of HTTP as a rule: 429, 499. */
  readonly code: number;
  /** `RESOURCE_EXHAUSTED`; empty where there is none. */
  readonly status: string;
  readonly message: string;
  readonly details?: readonly unknown[];
}

const longestExcerpt = 300;

/**
 * The error that a value of JSON is: `{ error }`, or a list that begins with one, as answers without `alt=sse` have it. Whatever the shape of its fields: an
 * error must not be taken for something else because one of them is odd.
 * @param httpStatus  the code where the error names none
 * @returns null for what is no error
 */
export function apiErrorOf(value: unknown, httpStatus = 500): ApiError | null {
  const first: unknown = Array.isArray(value) ? value.find(hasError) : value;
  if (!hasError(first)) return null;
  const { error, error_description: description } = first;
  // OAuth's way.
  if (typeof error === 'string') return { code: httpStatus, status: '', message: textOf(description) || error };
  const { code: given, details, message, status } = error as { readonly [field: string]: unknown };
  const code = typeof given === 'number' || (typeof given === 'string' && given.trim() !== '') ? Number(given) : httpStatus;
  return {
    code: Number.isInteger(code) ? code : httpStatus,
    status: textOf(status),
    message: textOf(message),
    ...(details === undefined || details === null ? {} : { details: shallow(Array.isArray(details) ? (details as unknown[]) : [details]) }),
  };
}

function hasError(value: unknown): value is { readonly error: string | object; readonly error_description?: unknown } {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, 'error')) return false;
  const { error } = value as { error: unknown };
  return typeof error === 'string' || (typeof error === 'object' && error !== null);
}

const deepest = 64;

/** Those that can be handed on: what is nested without end breaks whoever walks through it. */
function shallow(details: readonly unknown[]): readonly unknown[] {
  return details.filter((detail) => typeof detail !== 'object' || detail === null || !isDeeperThan(detail, deepest));
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** The error that an HTTP answer is, whatever its body: JSON, HTML of something between, nothing. Without the secrets. @throws never */
export function apiErrorOfBody(httpStatus: number, text: string, secrets: Secrets): ApiError {
  let value: unknown = null;
  try {
    value = JSON.parse(text);
  } catch {
    // The text says what it is.
  }
  const error = apiErrorOf(value, httpStatus);
  if (error !== null) return hideInJson(error, secrets, hideInExcerpt);
  // It may have been cut on its way, and is cut here.
  const excerpt = hideInExcerpt(hideInExcerpt(text, secrets).trim().replaceAll(/\s+/g, ' ').slice(0, longestExcerpt), secrets);
  return { code: httpStatus, status: '', message: excerpt === '' ? `HTTP ${httpStatus}` : excerpt };
}
