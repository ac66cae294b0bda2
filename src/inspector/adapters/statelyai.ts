/**
 * The wire protocol of `@statelyai/inspect` 0.7: an app of ours as its viewers read it (`createWebSocketReceiver`, the bridge of its server). How an app
 * that has only that package is read is in stately-app.ts.
 *
 *   app → viewer   @xstate.actor    {name, definition: JSON of the machine's configuration, parentId, snapshot}
 *                  @xstate.event    {event, sourceId}
 *                  @xstate.snapshot {event, snapshot}
 *   all with {sessionId, rootId, createdAt: ms since the epoch as text, id: null, _version}; nothing is said the other way
 *
 * A session id is the actor's path. Beyond what that package does: an actor is shown as it was at that moment, times are those of the app, children are
 * not written again with each event, and a viewer that comes late is told of everybody.
 * @see src/{createInspector,webSocket,types}.ts of statelyai/inspect
 */
import type { SceneActor } from '../../recording/scene.js';
import type { RecordedChart } from '../../wire/recording/chart.js';
import type { RecordedExit, RecordedLine, RecordedTransition } from '../../wire/recording/lines.js';
import type { Portable } from '../../wire/recording/portable-shape.js';
import { activeStates, bareValue } from './active-states.js';
import { FollowingViewer } from './following.js';
import { foreignJson, refused, type ForeignViewer, type Inbound } from './foreign.js';
import { v5Config } from './v5-config.js';

/** The version of the package whose messages these are. */
export const statelyVersion = '0.7.2';

/** What {@link StatelyViewer} can be told. */
export interface StatelyViewerOptions {
  /** Ms since the epoch at `at` 0. Default 0. */
  readonly wallAt?: number;
  /** Most actors at a time; those beyond it are shown when others have ended. Each costs a message with its whole machine. Default 500. */
  readonly maxActors?: number;
}

type Message = { readonly [key: string]: Portable };

export class StatelyViewer extends FollowingViewer implements ForeignViewer {
  readonly isOpen = true;
  readonly #wallAt: number;
  readonly #definitions = new Map<RecordedChart, string>();
  #at = 0;

  constructor({ wallAt = 0, maxActors = 500 }: StatelyViewerOptions = {}) {
    super(maxActors);
    this.#wallAt = wallAt;
  }

  protected forget(): void {
    this.#definitions.clear();
  }

  /** Its viewers say nothing. */
  receive(text: string): Inbound {
    return foreignJson(text) === undefined ? refused('JSON of at most 64 kB') : { kind: 'nothing' };
  }

  protected line(line: RecordedLine): readonly Message[] {
    this.#at = line.at;
    const { event, gone } = this.following.take(line);
    const ends = gone.map((path) => this.#message('@xstate.snapshot', path, { event: { type: 'xstate.stop' }, snapshot: { status: 'stopped' } }));
    return [...this.#news(line, event), ...ends];
  }

  #news(line: RecordedLine, made: Portable | undefined): readonly Message[] {
    switch (line.type) {
      case '@xstate.actor':
        return this.#registered(line.actor);
      case '@xstate.event':
        return line.dead === true || !this.following.isTold(line.actor) ? [] : [this.#event(line.actor, line.event, line.source)];
      case '@xstate.transition':
        return this.#moved(line, made);
      case '@espalier.exit':
        return this.#ended(line);
      default:
        return [];
    }
  }

  #registered(path: string): readonly Message[] {
    const actor = this.following.living(path);
    if (actor === undefined) return [];
    const chart = this.following.chartOf(actor);
    // One that is about to say what it begins with is told of then.
    if ((chart !== undefined && activeStates(chart, actor.value) === undefined) || !this.following.tell(path)) return [];
    const parent: Message = actor.parent === null ? {} : { parentId: actor.parent };
    const definition = chart === undefined ? JSON.stringify({ id: actor.id }) : this.#definition(chart);
    const message = this.#message('@xstate.actor', path, { name: actor.id, ...parent, definition, snapshot: snapshotOf(actor, chart) });
    return [message, ...this.following.eventsTo(path).map(({ event, source }) => this.#event(path, event, source))];
  }

  #event(path: string, event: Portable, source: string | null): Message {
    return this.#message('@xstate.event', path, { event, ...(source === null ? {} : { sourceId: source }) });
  }

  #moved({ actor: path }: RecordedTransition, made: Portable | undefined): readonly Message[] {
    const actor = this.following.living(path);
    if (actor === undefined) return [];
    if (!this.following.isTold(path)) return this.#registered(path);
    const chart = this.following.chartOf(actor);
    return [this.#message('@xstate.snapshot', path, { event: made ?? { type: 'unknown' }, snapshot: snapshotOf(actor, chart) })];
  }

  #ended({ actor: path, reason }: RecordedExit): readonly Message[] {
    const actor = this.following.known(path);
    const messages: Message[] = [];
    if (this.following.end(path) && actor !== undefined) {
      const snapshot = { ...snapshotOf(actor, this.following.chartOf(actor)), reason };
      messages.push(this.#message('@xstate.snapshot', path, { event: { type: 'xstate.stop' }, snapshot }));
    }
    const next = this.following.next();
    return next === undefined ? messages : [...messages, ...this.#registered(next)];
  }

  #definition(chart: RecordedChart): string {
    const known = this.#definitions.get(chart) ?? JSON.stringify(v5Config(chart));
    this.#definitions.set(chart, known);
    return known;
  }

  #message(type: string, path: string, rest: Message): Message {
    const [root = path] = path.split('/', 1);
    const createdAt = String(Math.round(this.#wallAt + this.#at));
    return { type, ...rest, sessionId: path, rootId: root, createdAt, id: null, _version: statelyVersion };
  }
}

/** As XState's own `toJSON()` writes it, without the children. */
function snapshotOf({ status, value, context, output, error }: SceneActor, chart: RecordedChart | undefined): Message {
  const rest = { ...(output === undefined ? {} : { output }), ...(error === undefined ? {} : { error }) };
  if (chart === undefined) return { status, ...rest };
  const active = activeStates(chart, value);
  const tags = [...new Set(active?.flatMap((state) => state.tags))];
  return {
    status,
    ...rest,
    ...(active === undefined ? {} : { value: bareValue(value ?? {}) }),
    context: context ?? {},
    historyValue: {},
    tags,
    children: {},
  };
}
