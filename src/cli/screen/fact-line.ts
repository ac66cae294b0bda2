/** A fact as a line for people: when, who, what. Pure. */
import type { Fact } from '../stage/facts.js';
import { reasonWords, tookWords } from '../stage/states.js';
import type { Line, Span, Tone } from './spans.js';
import { cutTo } from './text-width.js';

/** Columns of the name. */
const nameWidth = 19;
/** How much of a call's arguments and answer is shown, characters. */
const longestJson = 100;

/** @returns null for a fact that people need not be told */
export function factLine(fact: Fact): Line | null {
  const worded = wordsOf(fact);
  if (worded === null) return null;
  const [who, words, tone = 'plain'] = worded;
  const spans: Span[] = [
    { text: `${(fact.atMs / 1_000).toFixed(2).padStart(6)} s  `, tone: 'quiet' },
    { text: `${who.padEnd(nameWidth)}  `, tone: 'name' },
  ];
  return [...spans, { text: words, tone }];
}

function wordsOf(fact: Fact): readonly [who: string, words: string, tone?: Tone] | null {
  const teller = fact.from.split('/').at(-1) as string;
  const id = String(fact['id']);
  const name = String(fact['name']);
  const reason = (): string => reasonWords(fact['reason']);
  switch (fact.type) {
    case 'said':
      return [fact['by'] === 'user' ? 'you' : 'model', String(fact['text']), 'strong'];
    case 'note':
      return [String(fact['who']), String(fact['words'])];
    case 'turn.ended':
      return fact['interrupted'] === true ? ['model', '(interrupted)', 'quiet'] : null;
    case 'server.goingAway':
      return ['model', `(the server will close in ${String(fact['timeLeft'])})`, 'busy'];
    case 'server.listening':
      return [teller, `listens on ${String(fact['url'])}`];
    case 'client.message':
      return [`client ${String(fact['connection'])}`, `${String(fact['kind'])} ${json(fact['message'])}`];
    case 'script.ended':
      return scriptWords(teller, fact);
    case 'client.refused':
      return [teller, `a client was refused: ${String(fact['reason'])}`, 'busy'];
    case 'client.request':
      return [`request ${String(fact['index'])}`, `${String(fact['method'])} ${String(fact['path'])} ${json(fact['body'])}`];
    case 'session.ready':
      return [teller, fact['resumed'] === true ? 'ready again: the conversation goes on' : 'ready', 'good'];
    case 'session.reconnecting':
      return [teller, `lost its connection (${lossOf(fact)}): again in ${tookWords(fact['delayMs'] as number)}`, 'busy'];
    case 'session.contextLost':
      return [teller, `could not resume (${lossOf(fact)}): a fresh conversation has begun`, 'bad'];
    case 'session.closed':
      return [teller, `closed by ${fact['by'] === 'client' ? 'us' : 'the server'} (${String(fact['code'])})`];
    case 'session.failed':
      return [teller, `failed: ${String(fact['kind'])}, ${String(fact['code'])} ${String(fact['reason'])}`, 'bad'];
    case 'session.malformed':
      return [teller, `cannot read a frame: ${String(fact['detail'])}`, 'bad'];
    case 'tool.called':
      return [name, `called with ${json(fact['args'])}`];
    case 'tool.answered':
      return hasError(fact['response'])
        ? [name, `failed; answered with ${json(fact['response'])}`, 'bad']
        : [name, `answered ${json(fact['response'])}`, 'good'];
    case 'tool.cancelled':
      return [name, 'cancelled by the server: not answered', 'busy'];
    case 'tool.abandoned':
      return [name, `abandoned: ${String(fact['reason'])}`, 'busy'];
    case 'tool.resent':
      return [name, 'its answer is sent again, over the new connection'];
    case 'child.started':
      return fact['run'] === 1 ? [id, 'started'] : null;
    case 'child.startFailed':
      return [id, `could not start: ${reasonWords(fact['reason'])}`, 'bad'];
    case 'child.exited':
      return [id, `${reason()}${fact['willRestart'] === true ? '; will be restarted' : ''}`, 'bad'];
    case 'child.restarted':
      return [id, `restarted (attempt ${String(fact['attempt'])})`, 'good'];
    case 'child.stopped':
      return fact['killed'] === true
        ? [id, `killed: did not end within ${tookWords(fact['tookMs'] as number)}`, 'bad']
        : [id, `stopped: ${reason()}, in ${tookWords(fact['tookMs'] as number)}`];
    case 'child.gaveUp':
      return [id, `stays down, its restart budget is spent: ${reason()}`, 'bad'];
    case 'supervisor.gaveUp':
      return [teller, `gives up: too many restarts of ${id}`, 'bad'];
    default:
      return null;
  }
}

/** Of the scripts that each client has for itself, only those that failed are news. */
function scriptWords(server: string, { connection, outcome }: Fact): readonly [who: string, words: string, tone?: Tone] | null {
  const { ok, step, reason } = outcome as { readonly ok: boolean; readonly step: number; readonly reason: string };
  const who = connection === null ? server : `client ${connection as number}`;
  const over = connection === null ? 'further clients are refused' : null;
  if (!ok) return [who, [`the script failed at step ${step}, ${reason}`, over].filter((words) => words !== null).join('; '), 'bad'];
  return over === null ? null : [who, `the script is over: ${over}`];
}

/** Code and reason, where there is one. */
function lossOf({ code, reason }: Fact): string {
  return [code, reason].filter((word) => word !== '').join(', ');
}

function json(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > longestJson ? `${cutTo(text, longestJson - 1)}…` : text;
}

function hasError(response: unknown): boolean {
  return typeof response === 'object' && response !== null && 'error' in response;
}
