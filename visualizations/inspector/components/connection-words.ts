/** What the head and the banner say of the connection. */
import type { Connection } from '../state/state.js';
import { countdown, duration } from './words.js';

/** How the connection is, in words. @param end  how the app at its end has ended; null while it lives */
export function connectionWords(connection: Connection, now: number, end: string | null): string {
  switch (connection.kind) {
    case 'none':
      return 'no app';
    case 'connecting':
      return connection.attempt === 1 ? 'connecting…' : `connecting, attempt ${connection.attempt}…`;
    case 'live':
      return `${connection.app} · ${end ?? (connection.control ? 'control' : 'read-only')}`;
    case 'lost':
      return `${end === null ? '' : `${end} · `}lost ${duration(Math.floor((now - connection.since) / 1_000) * 1_000)} ago · again in ${countdown(Math.ceil((connection.retryAt - now) / 1_000) * 1_000)}`;
    case 'refused':
      return 'refused';
    case 'file':
      return connection.cut === null ? connection.name : `${connection.name} · cut off`;
  }
}

/**
 * What the newest moment is, in a word: whether another follows it.
 * @param end  how the app has ended, as far as one was told: nothing comes any more, however well the connection is
 */
export function nowWord({ kind }: Connection, end: string | null): 'live' | 'lost' | 'waiting' | 'end' {
  if (end !== null) return 'end';
  return kind === 'live' || kind === 'lost' ? kind : kind === 'connecting' ? 'waiting' : 'end';
}

/** Attempts after which a lost connection is more than a hiccup. */
const patience = 3;

/**
 * What has to be said so that nobody misses it: the first is the title; empty where there is nothing.
 * @param end  how the app has ended, as far as one was told; null while it lives
 */
export function bannerWords(connection: Connection, end: string | null): readonly string[] {
  const advice = 'Open the address that the app has printed last, whole, with what stands behind #.';
  const again = `What is shown is how it was. If it was started anew, it has another address and token. ${advice}`;
  if (connection.kind === 'refused') return ['The inspector does not let this page in.', connection.why, advice];
  if (connection.kind !== 'lost') return [];
  if (end !== null) return [`The app is over (${end}).`, again];
  return connection.attempt < patience ? [] : ['The app does not answer.', again];
}
