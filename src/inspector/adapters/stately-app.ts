/**
 * An app that has only `@statelyai/inspect` (`createWebSocketInspector({ url })`), read as lines of a recording: so our viewers show it.
 *
 * What that package does not say is not made up, with one exception: the edges that were taken are those that were likely (likely-edges.ts). An actor
 * begins as it was when the package got round to it, times are those of its messages, and there are no actions, causes and delays.
 * One connection is one app; its lines are numbered from 1.
 */
import { z } from 'zod';

import { reasonOfOutput } from '../../../machines/supervision/exit.js';
import { streamBytes, streamLimits } from '../../recording/limits.js';
import { PortableWriter, secretKeys } from '../../recording/portable.js';
import type { RecordedChart } from '../../wire/recording/chart.js';
import { recordingVersion, type RecordedLine, type RecordedState, type RecordingHead } from '../../wire/recording/lines.js';
import type { Portable } from '../../wire/recording/portable-shape.js';
import type { Secrets } from '../../wire/secrets.js';
import { ChartsByText } from './charts-by-text.js';
import { foreignJson, refused, type Refusal } from './foreign.js';
import { likelyEdges } from './likely-edges.js';
import { StatelyNames } from './stately-names.js';

/** What {@link StatelyApp} can be told. */
export interface StatelyAppOptions {
  /** Keys whose values are not kept; null: none. Default: what looks like a password, an API key, a token. */
  readonly secret?: RegExp | null;
  /** Texts that are blotted out wherever they stand. */
  readonly secrets?: Secrets;
}

/** Lines of the app, or why a frame is none of its messages. */
export type StatelyFrame = { readonly kind: 'lines'; readonly lines: readonly RecordedLine[] } | Refusal;

/** Larger frames are refused, characters: a definition and a context can be long. */
export const maxStatelyFrame = 1_048_576;
const maxDepth = 200;
/** Actors that live, or whose end is remembered. */
const mostActors = 10_000;
const mostWaiting = 64;

const text = z.string().max(4_096);
const base = { sessionId: text.min(1), createdAt: text.optional() };
const snapshot = z.looseObject({ status: z.enum(['active', 'done', 'error', 'stopped']).catch('active') });
const event = z.looseObject({ type: text });
const message = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('@xstate.actor'),
    ...base,
    name: text.optional(),
    parentId: text.nullish(),
    definition: z.string().nullish(),
    snapshot: snapshot.nullish(),
  }),
  z.object({ type: z.literal('@xstate.event'), ...base, event, sourceId: text.nullish() }),
  z.object({ type: z.literal('@xstate.snapshot'), ...base, event: event.nullish(), snapshot }),
]);

type Message = z.infer<typeof message>;
type Of<Type extends Message['type']> = Extract<Message, { type: Type }>;

interface Actor {
  readonly path: string;
  /** Null where it is no machine, or one that nobody knows. */
  readonly chart: RecordedChart | null;
  readonly isMachine: boolean;
  value: Portable | undefined;
  /** As JSON, to see whether it is another. */
  context: string;
  hasEnded: boolean;
  /** Events that it has made nothing of yet: their numbers, by their JSON. */
  readonly waiting: [number, string][];
}

export class StatelyApp {
  readonly #secret: RegExp | null;
  readonly #writer: PortableWriter;
  readonly #names = new StatelyNames();
  readonly #charts = new ChartsByText();
  readonly #actors = new Map<string, Actor>();
  #seq = 0;
  #at = 0;
  #wallAt: number | null = null;

  constructor({ secret = secretKeys, secrets = [] }: StatelyAppOptions = {}) {
    this.#secret = secret;
    const naming = { pathOf: () => 'unknown', textOf: (given: string) => this.#names.textOf(given) };
    this.#writer = new PortableWriter(naming, { secret, secrets });
  }

  /** The first line of a recording of it. */
  get head(): RecordingHead {
    const wallAt = this.#wallAt === null ? {} : { wallAt: this.#wallAt };
    return { type: 'recording', v: recordingVersion, secret: this.#secret?.source ?? null, ...wallAt, contexts: 'whole' };
  }

  /** Reads a text frame of the app. Never throws. */
  receive(frame: string): StatelyFrame {
    const json = foreignJson(frame, maxStatelyFrame, maxDepth);
    if (json === undefined) return refused('JSON of at most 1 MiB');
    const read = message.safeParse(json);
    if (!read.success) return refused(`a message of @statelyai/inspect (${read.error.issues[0]?.path.join('.') ?? ''})`);
    this.#pass(Number(read.data.createdAt));
    return { kind: 'lines', lines: this.#lines(read.data) };
  }

  /** Time goes on only; it begins with the first message. */
  #pass(wallAt: number): void {
    if (!Number.isFinite(wallAt)) return;
    this.#wallAt ??= wallAt;
    this.#at = Math.max(this.#at, wallAt - this.#wallAt);
  }

  #lines(told: Message): readonly RecordedLine[] {
    switch (told.type) {
      case '@xstate.actor':
        return this.#started(told);
      case '@xstate.event':
        return this.#sent(told);
      case '@xstate.snapshot':
        return this.#became(told);
    }
  }

  #next(): { readonly seq: number; readonly at: number } {
    return { seq: ++this.#seq, at: this.#at };
  }

  #started({ sessionId, name = sessionId, parentId, definition, snapshot }: Of<'@xstate.actor'>): readonly RecordedLine[] {
    // What was sent before the socket was open is sent again each time that it opens.
    if (this.#actors.has(sessionId) || !this.#makeRoom()) return [];
    const named = this.#names.name(sessionId, name, parentId ?? null);
    if (named === null) return [];
    const read = typeof definition !== 'string' ? null : this.#charts.read(definition);
    const known = read ?? (snapshot?.value === undefined ? null : this.#charts.unknown());
    const lines: RecordedLine[] = [];
    if (known?.isNew === true) lines.push({ type: '@espalier.machine', ...this.#next(), machine: known.key, definition: known.chart });
    const isMachine = known !== null;
    const state = this.#stateOf(snapshot ?? {}, isMachine);
    lines.push({
      type: '@xstate.actor',
      ...this.#next(),
      ...named,
      id: name,
      logic: isMachine ? 'machine' : 'other',
      src: null,
      machine: known?.key ?? null,
      from: 'joined',
      ...(isMachine ? { state } : {}),
    });
    const { value, context } = state;
    this.#actors.set(sessionId, {
      path: named.actor,
      chart: read?.chart ?? null,
      isMachine,
      value,
      context: JSON.stringify(context ?? null),
      hasEnded: false,
      waiting: [],
    });
    return lines;
  }

  #sent({ sessionId, sourceId, event }: Of<'@xstate.event'>): readonly RecordedLine[] {
    const actor = this.#actors.get(sessionId);
    // XState's own words have no line of their own: the transition tells of them.
    if (actor === undefined || isOwnWord(event)) return [];
    const source = typeof sourceId !== 'string' ? null : (this.#actors.get(sourceId)?.path ?? null);
    const written = this.#written(event, streamBytes.event, true);
    const line: RecordedLine = {
      type: '@xstate.event',
      ...this.#next(),
      actor: actor.path,
      source,
      event: written,
      ...(actor.hasEnded ? { dead: true } : {}),
    };
    if (!actor.hasEnded && actor.waiting.push([line.seq, JSON.stringify(written)]) > mostWaiting) actor.waiting.shift();
    return [line];
  }

  #became({ sessionId, event, snapshot }: Of<'@xstate.snapshot'>): readonly RecordedLine[] {
    const actor = this.#actors.get(sessionId);
    if (actor === undefined || actor.hasEnded) return [];
    const { isMachine } = actor;
    const state = this.#stateOf(snapshot, isMachine);
    const lines: RecordedLine[] = isMachine ? [this.#transition(actor, event ?? { type: 'unknown' }, state)] : [];
    if (state.status === 'active') return lines;
    actor.hasEnded = true;
    actor.waiting.length = 0;
    const reason =
      state.status === 'error' ? { crash: state.error ?? null } : state.status === 'stopped' ? 'shutdown' : reasonOfOutput(snapshot.output);
    return [...lines, { type: '@espalier.exit', ...this.#next(), actor: actor.path, reason: this.#written(reason, streamBytes.other) }];
  }

  #transition(actor: Actor, event: { readonly type: string }, { context, ...state }: RecordedState): RecordedLine {
    const written = this.#written(event, streamBytes.event, true);
    const text = JSON.stringify(written);
    const index = actor.waiting.findIndex(([, waiting]) => waiting === text);
    const [[seq] = [null]] = index < 0 ? [] : actor.waiting.splice(0, index + 1).slice(-1);
    const isOwn = isOwnWord(event);
    const taken = actor.chart === null || isOwn ? [] : (likelyEdges(actor.chart, actor.value, state.value, event.type) ?? []);
    const now = JSON.stringify(context ?? null);
    const hasMoved = now !== actor.context || JSON.stringify(state.value) !== JSON.stringify(actor.value);
    const line: RecordedLine = {
      type: '@xstate.transition',
      ...this.#next(),
      actor: actor.path,
      event: seq ?? written,
      taken,
      state: now === actor.context || context === undefined ? state : { ...state, context },
      actions: [],
      // It has done something, and nobody knows by which edge.
      ...(taken.length === 0 && !isOwn && (hasMoved || actor.chart === null) ? { left: { taken: 1 } } : {}),
    };
    actor.value = state.value;
    actor.context = now;
    return line;
  }

  #stateOf(snapshot: { readonly [key: string]: unknown }, isMachine: boolean): RecordedState {
    const { status = 'active', value, context, output, error } = snapshot;
    const given = (key: string, part: unknown, most: number): object =>
      part === undefined || part === null ? {} : { [key]: this.#written(part, most) };
    return {
      status: status as RecordedState['status'],
      ...(isMachine ? { ...given('value', value, streamBytes.other), ...given('context', context, streamBytes.context) } : {}),
      ...given('output', output, streamBytes.other),
      ...given('error', error, streamBytes.other),
    };
  }

  #written(value: unknown, most: number, isEvent = false): Portable {
    return this.#writer.writeWithin(value, most, streamLimits, isEvent);
  }

  /** The oldest of those that have ended is forgotten first; those that live are kept. @returns whether there is room */
  #makeRoom(): boolean {
    if (this.#actors.size < mostActors) return true;
    for (const [session, { hasEnded }] of this.#actors) {
      if (!hasEnded) continue;
      this.#names.forget(session);
      return this.#actors.delete(session);
    }
    return false;
  }
}

/** What XState tells an actor, and nobody sends. */
function isOwnWord({ type }: { readonly type: string }): boolean {
  return type === 'xstate.init' || type === 'xstate.stop';
}
