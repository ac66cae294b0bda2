/** When agents agree: which of their proposals are the same, how many, and what a round comes to. */
import type { RequestOutcome } from '../comms/request.js';
import { isPlain, isRecord } from '../supervision/option-keys.js';
import type { Departure, IterativeContext, IterativeEnd, IterativeStand, Proposal, Word } from './iterative-consensus-events.js';

/** Beyond this many levels a value is none: it has to be walked through. */
const mostLevels = 100;

/**
 * JSON in one way only: two values that are the same have the same text, whatever the order of their keys. Null for what is none: a Date and a Map are not what
 * their keys say.
 */
export function textOf(value: unknown, levels = mostLevels): string | null {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return JSON.stringify(value);
  if (typeof value === 'number') return Number.isFinite(value) ? JSON.stringify(value) : null;
  if (typeof value !== 'object' || levels === 0) return null;
  const isList = Array.isArray(value);
  if (!isList && !isPlain(value)) return null;
  // Of a list with holes, too, each place counts.
  const entries = isList ? Array.from(value, (item) => ['', item] as const) : Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  const texts: string[] = [];
  for (const [key, item] of entries) {
    const text = textOf(item, levels - 1);
    if (text === null) return null;
    texts.push(isList ? text : `${JSON.stringify(key)}:${text}`);
  }
  return isList ? `[${texts.join()}]` : `{${texts.join()}}`;
}

/** What an answer is as a proposal: `{ value }`, JSON, and nothing else. */
export function wordOf(agent: string, outcome: RequestOutcome): Word {
  if (!outcome.ok) return { agent, reason: outcome.reason };
  const { value: answer } = outcome;
  if (!isRecord(answer) || Object.keys(answer).join() !== 'value') return { agent, reason: 'invalid' };
  const { value } = answer as { readonly value: unknown };
  return textOf(value) === null ? { agent, reason: 'invalid' } : { agent, value };
}

/** A proposal, and how many made it. */
export interface Backing {
  readonly value: unknown;
  readonly count: number;
}

/** Proposals with how many made each, the most first; of equals that whose text is first. So they tell nothing of who proposed them. */
export function backingsOf(proposals: readonly Proposal[]): readonly Backing[] {
  const byText = new Map<string, Backing>();
  for (const { value } of proposals) {
    const text = textOf(value) ?? '';
    byText.set(text, { value, count: (byText.get(text)?.count ?? 0) + 1 });
  }
  const sorted = [...byText].sort(([a, { count: first }], [b, { count: second }]) => second - first || (a < b ? -1 : 1));
  return sorted.map(([, backing]) => backing);
}

/** A round of these, as it begins. The places are made once: to look for one of 10 000 whenever one is heard would take longer than all else. */
export function roundOf(present: readonly string[]): Pick<IterativeContext, 'present' | 'places' | 'heard'> {
  return { present, places: Object.fromEntries(present.map((agent, place) => [agent, place])), heard: present.map(() => null) };
}

/** The place of one who is asked in this round; undefined for anybody else. */
export function placeOf({ places }: Pick<IterativeContext, 'places'>, agent: string): number | undefined {
  return Object.hasOwn(places, agent) ? places[agent] : undefined;
}

/** How it stands when all of a round are heard. Who is not heard of at all has not come. */
export function standOf({ round, present, heard, left }: IterativeContext): IterativeStand {
  const proposals: Proposal[] = [];
  const gone: Departure[] = [...left];
  for (const [place, agent] of present.entries()) {
    const word = heard[place] ?? { agent, reason: 'late' };
    if ('reason' in word) gone.push({ agent, round, reason: word.reason });
    else proposals.push({ agent, value: word.value });
  }
  const [first] = backingsOf(proposals);
  return { round, share: first === undefined ? 0 : first.count / proposals.length, proposals, left: gone };
}

/** How it ends after this round; null: there is another. */
export function endOfRound(context: IterativeContext): IterativeEnd | null {
  const { agents, agreement, departures, quorum, round, rounds } = context;
  const stand = standOf(context);
  const { proposals, share, left } = stand;
  const fails = (why: string): IterativeEnd => ({ outcome: 'failed', why, details: stand });
  if (departures === 'fail' && left.length > 0) return fails('agentLeft');
  // A share that is meant to be whole is not made more by the way in which numbers are kept.
  if (proposals.length === 0 || proposals.length < agents.length * quorum - 1e-9) return fails('noQuorum');
  if (share >= agreement) return { outcome: 'decided', value: { value: backingsOf(proposals)[0]?.value, ...stand } };
  return round >= rounds ? fails('noAgreement') : null;
}
