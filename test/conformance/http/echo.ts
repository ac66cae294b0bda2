/** The same recording by a server that repeats the key of the request: what it answers is for apps to see, and the key is not. */
import { blot, key } from './client.js';
import { type Expected, expectedOf } from './expected.js';
import type { Play } from './recordings.js';

/** So many characters of the key are as bad as all of it. */
const telling = key.slice(0, 8);

const half = Math.floor(key.length / 2);

/** Where a body that is no JSON is cut for the failure's message: the key must not be half of it. */
const atExcerptEnd = 290;

/** A text of JSON that an app is shown, and what stands in it. */
const shownText = /("(?:text|message)"\s*:\s*")((?:[^"\\]|\\.)*)/g;

/** Ways to repeat it; none where there is no text in which it could stand. */
export function echoesOf(one: Play): readonly { readonly run: string; readonly play: Play }[] {
  const text = Buffer.from(one.exchange.response.body).toString('utf8');
  return [
    { run: 'the key echoed', play: repeating(one, text, whole(text, one.exchange.response.status), telling) },
    // Of an answer, each half by itself is nothing; what joins them is.
    { run: 'the key echoed in halves', play: withoutHalf(repeating(one, text, inHalves(text), key)) },
  ].flatMap(({ play, run }) => (play === undefined ? [] : [{ run, play }]));
}

function whole(text: string, status: number): string {
  const isPage = status >= 400 && !/[{[]/.test(text);
  return isPage ? `${text.trim().slice(0, atExcerptEnd).padEnd(atExcerptEnd, '.')}${key}` : text.replaceAll(shownText, `$1${key} $2`);
}

/** At the end of the first text, and at the start of the second. */
function inHalves(text: string): string {
  let count = 0;
  const cut = text.replaceAll(shownText, (found, name: string, said: string) => {
    count++;
    if (count === 1) return `${found}${key.slice(0, half)}`;
    return count === 2 ? `${name}${key.slice(half)}${said}` : found;
  });
  return count < 2 ? text : cut;
}

/** The words of a failure may have been cut: an app must see no half of the key in them either. */
function withoutHalf(play: Play | undefined): Play | undefined {
  const end = play?.expected.end;
  if (play === undefined || end?.ok !== false || end.message === undefined) return play;
  const message = end.message.replace(key.slice(0, half), blot);
  return { ...play, expected: { ...play.expected, end: { ...end, message } } };
}

/** An app must see a blot in its place. */
function repeating({ exchange: { request, response }, name }: Play, text: string, body: string, secret: string): Play | undefined {
  if (body === text) return undefined;
  const exchange = { request, response: { ...response, body: Buffer.from(body) } };
  const expected = expectedOf(name, request, exchange.response);
  if (expected === undefined) return undefined;
  return { name, exchange, expected: JSON.parse(JSON.stringify(expected).replaceAll(key, blot)) as Expected, secret };
}
