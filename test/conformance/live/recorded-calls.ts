/** What a recording says of its calls and their answers, and what of it counts where it is compared with what was heard. Pure. */
import { isDeepStrictEqual } from 'node:util';
import type { FunctionResponse } from '../../../src/wire/gemini/content.js';
import { type ClientMessage, parseServerMessage, type ServerMessage } from '../../../src/wire/gemini/live.js';
import type { Session } from './recordings.js';

/** The calls of a message: of `toolCall`, and those with an id among the parts of a turn. */
export function callsIn({ serverContent, toolCall }: ServerMessage): readonly { readonly id?: string | undefined; readonly name: string }[] {
  const inTurn = (serverContent?.modelTurn?.parts ?? []).flatMap(({ functionCall }) => (functionCall?.id ? [functionCall] : []));
  return [...(toolCall?.functionCalls ?? []), ...inTurn];
}

/**
 * Is it told of a frame of the recording that is an object and still no message? A server that replays it may set its blanks otherwise.
 * @param told  what a session tells of a frame, or of a part of one, that has not the shape that it should have
 */
export function isWholeFrame({ recording }: Session, told: { readonly detail: string; readonly excerpt: string }): boolean {
  const start = dense(told.excerpt.replace(/…$/, ''));
  return recording.frames.some(({ from, text }) => {
    const read = from === 'server' && dense(text).startsWith(start) ? parseServerMessage(text) : null;
    return read?.ok === false && read.reason === 'invalid-shape' && read.detail === told.detail;
  });
}

function dense(text: string): string {
  return text.replaceAll(/\s/g, '');
}

/** The answers of some messages, in order. */
export function answersIn(messages: readonly ClientMessage[]): readonly FunctionResponse[] {
  return messages.flatMap(({ toolResponse }) => toolResponse?.functionResponses ?? []);
}

/** The answers that our session gives in place of the recorded ones: each bears the name of its call, whatever the recorded client wrote. */
export function expectedAnswers({ heard, said }: Session): readonly FunctionResponse[] {
  return said.flatMap(({ afterServerMessages, message }) => {
    const calls = heard.slice(0, afterServerMessages).flatMap((one) => (one === null ? [] : callsIn(one)));
    return answersIn([message]).map((answer) => {
      const call = answer.id ? calls.findLast(({ id }) => id === answer.id) : undefined;
      return call === undefined ? answer : { ...answer, name: call.name };
    });
  });
}

/**
 * The first answer that differs, in words; undefined where none does. Several answers of one frame go out one by one, each as soon as it is there: order
 * counts among the answers to one id.
 */
export function answerDifference(expected: readonly FunctionResponse[], got: readonly FunctionResponse[]): string | undefined {
  const keys = [...new Set([...expected, ...got].map(keyOf))];
  const sorted = (answers: readonly FunctionResponse[]): readonly object[] =>
    keys.flatMap((key) => answers.filter((answer) => keyOf(answer) === key)).map(withoutDefaults);
  return difference('answer', sorted(expected), sorted(got));
}

function keyOf({ id, name }: FunctionResponse): string {
  return id ? `id ${id}` : `name ${name ?? ''}`;
}

/** Default values, which in protobuf's JSON say no more than an absent field; what the app's own object holds counts to the letter. */
export function withoutDefaults({ response, ...fields }: FunctionResponse): object {
  const isDefault = (value: unknown): boolean =>
    value === undefined ||
    value === null ||
    value === false ||
    value === '' ||
    value === 'SCHEDULING_UNSPECIFIED' ||
    (Array.isArray(value) && value.length === 0);
  return { ...Object.fromEntries(Object.entries(fields).filter(([, value]) => !isDefault(value))), response };
}

/** The fields of a setup, sorted; a handle that is empty is none. */
export function setupFields(setup: ClientMessage['setup']): readonly unknown[] {
  if (setup === undefined) return [];
  const { handle, ...asked } = setup.sessionResumption ?? {};
  // The Developer API refuses a setup with `transparent`, and our session leaves it out.
  delete asked['transparent'];
  const resumption = setup.sessionResumption === undefined ? {} : { sessionResumption: { ...asked, ...(handle ? { handle } : {}) } };
  return Object.entries({ ...setup, ...resumption }).sort(([one], [other]) => (one < other ? -1 : 1));
}

/** The first place where two lists of messages differ, in words; undefined where they are equal. */
export function difference(what: string, expected: readonly unknown[], got: readonly unknown[]): string | undefined {
  const place = Array.from({ length: Math.max(expected.length, got.length) }).findIndex(
    (_, index) => !isDeepStrictEqual(plain(expected[index]), plain(got[index])),
  );
  if (place === -1) return undefined;
  return `${what} ${place}: expected ${brief(expected[place])}, got ${brief(got[place])}`;
}

/** As JSON has it: prototypes and undefined fields mean nothing on the wire. */
function plain(value: unknown): unknown {
  return value === undefined ? undefined : (JSON.parse(JSON.stringify(value)) as unknown);
}

/** As JSON, no longer than a line of a report. */
export function brief(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 160 ? `${text.slice(0, 160)}…` : text;
}
