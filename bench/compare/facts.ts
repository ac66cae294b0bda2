/** What was seen of one subject in one case: by the app, on the wire, of its process. Times are ms since the case's zero. */
import type { ReceivedMessage } from '../../src/testing/index.js';

/** What an app can see or do, as its report words it. */
export const factKinds = {
  opened: 'connected',
  refused: 'connecting was refused',
  toolRuns: 'tool runs',
  toolAborted: "tool's signal aborts",
  toolEnds: 'tool ends',
  toolThrows: 'tool throws',
  text: 'hears',
  interrupted: 'interrupted',
  cancellation: 'told of the cancellation',
  malformed: 'told of the bad frame',
  answered: 'told: answered',
  cancelled: 'told: cancelled',
  abandoned: 'told: abandoned',
  dropped: 'told: dropped',
  error: 'error',
  lost: 'told of the lost socket',
  resumed: 'connected again',
  failed: 'told of the failure',
  ended: 'told of a normal end',
  sent: 'sends',
  flooded: 'all is sent:',
} as const;

export type FactKind = keyof typeof factKinds;

/** What was measured, by name, in the unit that the name says. */
export type Figures = Readonly<Record<string, number>>;

/** One thing that the app saw or did. */
export interface Fact {
  readonly kind: FactKind;
  /** In words, for people, and for rules that look for one. */
  readonly detail: string;
  readonly figures?: Figures;
  readonly atMs: number;
}

/** One message that reached the server. */
export interface WireFact {
  /** From 1, in the order in which they came in. */
  readonly connection: number;
  /** `setup`, `setup resuming h1`, `audio`, `answer call-1 {"weather":"sun"}`, … */
  readonly what: string;
  /** The calls that it answers for good. */
  readonly answers: readonly string[];
  readonly atMs: number;
}

/** How a subject's process came to an end by itself: `words` are the error that ended it. */
export interface Exit {
  readonly code: number | null;
  readonly signal: string | null;
  readonly words: string;
  readonly atMs: number;
}

/** All of it. */
export interface Observation {
  readonly facts: readonly Fact[];
  readonly wire: readonly WireFact[];
  /** Sockets that were let in. */
  readonly connections: number;
  /** Null where the process lived to the end. */
  readonly exit: Exit | null;
  /** When the observation ended, and so the least that anything unseen would have taken. */
  readonly untilMs: number;
}

/** A message of the client, as the report shows it. */
export function wireFactOf({ connection, kind, message, at }: ReceivedMessage, zeroMs: number): WireFact {
  const responses = message.toolResponse?.functionResponses ?? [];
  const answers = responses.flatMap(({ id, willContinue }) => (id === undefined || willContinue === true ? [] : [id]));
  const handle = message.setup?.sessionResumption?.handle;
  let what: string = kind;
  if (kind === 'setup') what = handle ? `setup resuming ${handle}` : 'setup';
  if (kind === 'realtimeInput' && message.realtimeInput?.audio !== undefined) what = 'audio';
  if (responses.length > 0) what = responses.map(({ id, response }) => `answer ${id ?? '?'} ${JSON.stringify(response)}`).join(', ');
  return { connection: connection + 1, what, answers, atMs: at - zeroMs };
}

/** The first fact of a kind, with this in its detail where given. */
export function firstFact({ facts }: Observation, kind: FactKind, detail = ''): Fact | undefined {
  return facts.find((fact) => fact.kind === kind && fact.detail.includes(detail));
}

/** The message that answers a call, the last one where there are several. */
export function answerTo({ wire }: Observation, id: string): WireFact | undefined {
  return wire.findLast(({ answers }) => answers.includes(id));
}
