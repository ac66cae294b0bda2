/**
 * The wire protocol of `@xstate/inspect` 0.8, an XState-4 package that cannot be installed beside XState 5: so its viewers attach to apps of XState 5
 * (`…/viz?inspect&server=ws://…`).
 *
 *   viewer → app   xstate.inspecting                                    tell me everything
 *                  xstate.event {event: JSON of an SCXML event}         its `origin` is the session that is to get it
 *   app → viewer   service.register {machine, state, id, sessionId, parent}
 *                  service.event {event, sessionId}   service.state {state, sessionId}   service.stop {sessionId}
 *
 * A session id is the actor's path. Beyond what that package does: parents are told, also over the socket and to viewers that come late; every state
 * is a whole one; actors that are no machine are shown; no frame of a viewer harms anybody.
 * @see reference of the original: packages/xstate-inspect/src/{server,inspectMachine,utils}.ts of statelyai/xstate, branch v4
 */
import type { SceneActor } from '../../recording/scene.js';
import type { RecordedChart } from '../../wire/recording/chart.js';
import type { RecordedEvent, RecordedExit, RecordedLine, RecordedTransition } from '../../wire/recording/lines.js';
import type { Portable } from '../../wire/recording/portable-shape.js';
import { activeStates, bareValue } from './active-states.js';
import { FollowingViewer } from './following.js';
import { foreignJson, isForeignEvent, refused, type ForeignViewer, type Inbound } from './foreign.js';
import { v4Event, v4EventNames, v4Machine, v4Stand, type ScxmlEvent } from './v4-machine.js';

/** What {@link XStateInspect} can be told. */
export interface XStateInspectOptions {
  /** Most actors at a time; those beyond it are shown when others have ended. Each costs a message with its whole machine. Default 500. */
  readonly maxActors?: number;
}

/** No context in a message is longer, characters of JSON. */
const longestContext = 32_768;
const noNames: ReadonlyMap<string, string> = new Map();

/** A machine as the viewer gets it, made once. */
interface Shown {
  readonly text: string;
  readonly names: ReadonlyMap<string, string>;
}

type Message = { readonly type: string; readonly sessionId: string; readonly [key: string]: string };

export class XStateInspect extends FollowingViewer implements ForeignViewer {
  readonly #machines = new Map<RecordedChart, Shown>();
  #isOpen = false;

  constructor({ maxActors = 500 }: XStateInspectOptions = {}) {
    super(maxActors);
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  protected forget(): void {
    this.#machines.clear();
  }

  receive(text: string): Inbound {
    const frame = foreignJson(text);
    if (typeof frame !== 'object' || frame === null || !('type' in frame)) return refused('a JSON object with a type, of at most 64 kB');
    if (frame.type === 'xstate.inspecting') {
      this.#isOpen = true;
      return { kind: 'open' };
    }
    if (frame.type !== 'xstate.event') return { kind: 'nothing' };
    const scxml = 'event' in frame && typeof frame.event === 'string' ? foreignJson(frame.event) : undefined;
    if (typeof scxml !== 'object' || scxml === null) return refused('an SCXML event as JSON in `event`');
    const { origin, name, data } = scxml as { readonly origin?: unknown; readonly name?: unknown; readonly data?: unknown };
    if (typeof origin !== 'string' || !this.following.isTold(origin))
      return refused('the session id of an actor that this viewer was told of as `origin`');
    const event = data ?? { type: name };
    if (!isForeignEvent(event)) return refused('an event object with a type that does not begin with `xstate.` as `data` of the SCXML event');
    return { kind: 'send', actor: origin, event };
  }

  protected line(line: RecordedLine): readonly Message[] {
    const { event, gone } = this.following.take(line);
    return [...this.#news(line, event), ...gone.map(stopMessage)];
  }

  #news(line: RecordedLine, made: Portable | undefined): readonly Message[] {
    switch (line.type) {
      case '@xstate.actor':
        return this.#registered(line.actor);
      case '@xstate.event':
        return this.#event(line);
      case '@xstate.transition':
        return this.#moved(line, made);
      case '@espalier.exit':
        return this.#ended(line);
      default:
        return [];
    }
  }

  /** Tells of an actor as it is now, where there is room. One whose state is not known yet is told of when it is. */
  #registered(path: string): readonly Message[] {
    const actor = this.following.living(path);
    if (actor === undefined) return [];
    const chart = this.following.chartOf(actor);
    const begun = { type: 'xstate.init' };
    const state = chart === undefined ? standText(actor, 'active', begun) : machineState(actor, chart, begun, this.#shown(chart).names, []);
    if (state === undefined || !this.following.tell(path)) return [];
    const machine =
      chart === undefined
        ? JSON.stringify(v4Stand(actor.src ?? actor.id, actor.isBrief ? `${actor.logic}, not watched` : `${actor.logic}, no machine`))
        : this.#shown(chart).text;
    const message: Message = { type: 'service.register', machine, state, id: actor.id, sessionId: path };
    const events = this.following.eventsTo(path).map(({ event, source }) => eventMessage(path, event, this.#namesOf(actor), source));
    return [actor.parent === null ? message : { ...message, parent: actor.parent }, ...events];
  }

  #event({ actor: path, event, source, dead }: RecordedEvent): readonly Message[] {
    const actor = this.following.living(path);
    if (dead === true || actor === undefined || !this.following.isTold(path)) return [];
    return [eventMessage(path, event, this.#namesOf(actor), source)];
  }

  #moved({ actor: path, event, state, actions }: RecordedTransition, made: Portable | undefined): readonly Message[] {
    const actor = this.following.living(path);
    if (actor === undefined) return [];
    if (!this.following.isTold(path)) return this.#registered(path);
    const chart = this.following.chartOf(actor);
    if (chart === undefined) return [];
    const { names } = this.#shown(chart);
    // XState's own words, its start and its stop, have no line of their own.
    const messages = typeof event === 'number' ? [] : [eventMessage(path, event, names, null)];
    const ordered = actions.map((action) => ({ type: action.kind === 'run' ? action.name : action.kind }));
    const text = machineState(actor, chart, made, names, ordered);
    if (text !== undefined) messages.push({ type: 'service.state', state: text, sessionId: path });
    const failed = { type: 'error.execution', data: state.error ?? null };
    return state.status === 'error' ? [...messages, eventMessage(path, failed, noNames, null)] : messages;
  }

  #ended({ actor: path, reason }: RecordedExit): readonly Message[] {
    const actor = this.following.known(path);
    const messages: Message[] = [];
    if (actor !== undefined && this.following.isTold(path) && this.following.chartOf(actor) === undefined) {
      const how = actor.status === 'active' ? 'stopped' : actor.status;
      messages.push({ type: 'service.state', state: standText(actor, how, { type: `espalier.${how}`, reason }), sessionId: path });
    }
    if (this.following.end(path)) messages.push(stopMessage(path));
    const next = this.following.next();
    return next === undefined ? messages : [...messages, ...this.#registered(next)];
  }

  #namesOf(actor: SceneActor): ReadonlyMap<string, string> {
    const chart = this.following.chartOf(actor);
    return chart === undefined ? noNames : this.#shown(chart).names;
  }

  #shown(chart: RecordedChart): Shown {
    const known = this.#machines.get(chart);
    if (known !== undefined) return known;
    const shown = { text: JSON.stringify(v4Machine(chart)), names: v4EventNames(chart) };
    this.#machines.set(chart, shown);
    return shown;
  }
}

function stopMessage(sessionId: string): Message {
  return { type: 'service.stop', sessionId };
}

function eventMessage(path: string, event: Portable, names: ReadonlyMap<string, string>, from: string | null): Message {
  return { type: 'service.event', event: JSON.stringify(v4Event(event, names, from)), sessionId: path };
}

/** Undefined where its state is not known, or was cut: XState 4 could make nothing of it. */
function machineState(
  { path, value, context, status }: SceneActor,
  chart: RecordedChart,
  event: Portable | undefined,
  names: ReadonlyMap<string, string>,
  actions: Portable,
): string | undefined {
  const active = activeStates(chart, value);
  if (active === undefined) return undefined;
  const tags = [...new Set(active.flatMap((state) => state.tags))];
  return stateText(path, bareValue(value ?? {}), context, v4Event(event, names), { actions, tags, done: status === 'done' });
}

/** How an actor without a machine is: which state of its stand-in is the active one. */
function standText({ path, context }: SceneActor, how: string, event: Portable): string {
  return stateText(path, how, context, v4Event(event, noNames), { actions: [], tags: [], done: how !== 'active' });
}

/** A state of XState 4, as its own `toJSON()` writes it. */
function stateText(
  path: string,
  value: Portable,
  context: Portable | undefined,
  event: ScxmlEvent,
  more: { readonly [key: string]: Portable },
): string {
  const told = JSON.stringify(context ?? {});
  const kept = told.length > longestContext ? JSON.stringify({ $cut: `a context of ${told.length} characters of JSON` }) : told;
  const rest = { value, _event: event, _sessionid: path, event: event.data, ...more, activities: {}, meta: {}, events: [], children: {} };
  return `{"context":${kept},${JSON.stringify(rest).slice(1)}`;
}
