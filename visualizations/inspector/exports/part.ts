/**
 * A recording of what the page has, for when the app that had all of it is gone: lines in the format of a file, which any reader takes. Where the page was
 * told of a branch alone, or has let its oldest lines go, a keyframe of what it knew then takes their place; what fits nowhere is left out, and counted.
 */
import { type RecordedActor, type RecordedLine, type RecordingEnd, type RecordingHead, recordingVersion } from '../../../src/wire/recording/lines.js';
import type { ActorView } from '../state/actor-view.js';
import type { Entry } from '../state/entry.js';
import type { Moment } from '../state/moment.js';
import type { Timeline } from '../state/timeline.js';

/** The file, and how many lines lie between its first and its last. */
export interface RecordingPart {
  readonly text: string;
  readonly lines: number;
}

/** What a timeline holds, as a file that says that it is a part. */
export function partOf(timeline: Timeline): RecordingPart {
  const head: RecordingHead = timeline.head ?? { type: 'recording', v: recordingVersion, secret: null, contexts: 'patches' };
  const writer = new PartWriter();
  const first = timeline.line(0);
  if (first !== undefined && first.type !== '@espalier.keyframe' && timeline.seqOf(0) > 1) writer.frame(timeline.momentAt(-1));
  for (let index = 0; index < timeline.length; index++) {
    const entry = timeline.line(index) as Entry;
    if (entry.type === 'branch') {
      if (entry.branch !== '') writer.frame(timeline.momentAt(index));
    } else if (entry.type !== 'summary') writer.take(entry);
  }
  const { lines } = writer;
  const end: RecordingEnd = {
    type: 'end',
    lines: lines.length,
    cut: { why: "it is what the inspector's page had when the app was gone", dropped: 0 },
  };
  return { text: `${[head, ...lines, end].map((line) => JSON.stringify(line)).join('\n')}\n`, lines: lines.length };
}

class PartWriter {
  readonly lines: RecordedLine[] = [];
  /** Who is known, and whether transitions of it may follow. */
  readonly #actors = new Map<string, 'detailed' | 'other' | 'ended'>();
  readonly #machines = new Set<string>();
  /** To whom events were on their way, by number. */
  readonly #events = new Map<number, string>();
  #seq: number | null = null;
  /** What lies before this number may have been left out. */
  #gap = 0;
  /** Lines that a keyframe has still to tell. */
  #frame = 0;

  take(line: RecordedLine): void {
    const isFrame = this.#frame > 0 || line.type === '@espalier.keyframe';
    // Of a keyframe of one branch: one of all that is known comes after it.
    if (!isFrame && line.seq <= (this.#seq ?? 0)) return;
    if (this.#frame > 0) this.#frame--;
    if (line.type === '@espalier.dropped') this.#skipTo(line.seq, line.at, line.why);
    else if (isFrame || this.#fits(line)) {
      if (this.#seq !== null || !isFrame) this.#skipTo(isFrame ? line.seq : line.seq - 1, line.at);
      this.#add(line);
    }
  }

  /** All that is known at a moment. */
  frame(moment: Moment): void {
    const { scene } = moment;
    const { seq, at } = scene;
    if (this.#seq !== null) this.#skipTo(seq, at);
    const living = [...moment.actors.values()].filter(({ exit }) => exit === null);
    const machines = [...moment.machines].map(
      ([machine, definition]) => ({ type: '@espalier.machine', seq, at, machine, definition }) as RecordedLine,
    );
    const children = new Map<string | null, Record<string, string>>();
    for (const { parent, id, path } of living) children.set(parent, Object.assign(children.get(parent) ?? {}, { [id]: path }));
    const actors = living.map((actor) => joined(actor, moment, children.get(actor.path) ?? {}));
    this.#add({ type: '@espalier.keyframe', seq, at, lines: machines.length + actors.length });
    for (const line of [...machines, ...actors]) this.#add(line);
    this.#frame = 0;
  }

  #skipTo(seq: number, at: number, why = 'the page was not told of them, or not enough'): void {
    const count = seq - (this.#seq ?? 0);
    if (count > 0) this.#add({ type: '@espalier.dropped', seq, at, count, why });
  }

  #add(line: RecordedLine): void {
    this.lines.push(line);
    this.#seq = line.seq;
    if (line.type === '@espalier.dropped' || line.type === '@espalier.keyframe') this.#gap = line.seq;
    if (line.type === '@espalier.keyframe') {
      this.#frame = line.lines;
      this.#actors.clear();
    } else if (line.type === '@espalier.machine') this.#machines.add(line.machine);
    else if (line.type === '@xstate.actor') this.#actors.set(line.actor, line.state === undefined ? 'other' : 'detailed');
    else if (line.type === '@xstate.event') this.#events.set(line.seq, line.actor);
    else if (line.type === '@espalier.exit') this.#actors.set(line.actor, 'ended');
  }

  #fits(line: RecordedLine): boolean {
    switch (line.type) {
      case '@espalier.machine':
        return !this.#machines.has(line.machine);
      case '@xstate.actor':
        return !this.#actors.has(line.actor) && (line.machine === null || this.#machines.has(line.machine));
      case '@xstate.transition': {
        const { actor, event } = line;
        const isKnown = typeof event !== 'number' || (this.#events.has(event) ? this.#events.get(event) === actor : event <= this.#gap);
        if (this.#actors.get(actor) === 'detailed' && isKnown) return true;
        // What comes after it would be of a context that nobody knows.
        if (this.#actors.has(actor)) this.#actors.set(actor, 'other');
        return false;
      }
      case '@espalier.exit':
        return this.#actors.has(line.actor) && this.#actors.get(line.actor) !== 'ended';
      default:
        return true;
    }
  }
}

function joined(actor: ActorView, { scene: { seq, at }, machines }: Moment, children: Record<string, string>): RecordedActor {
  const { path, parent, id, systemId, logic, src, isBrief, run, replaces, status, value, context, output, error, timers } = actor;
  const machine = actor.machine !== null && machines.has(actor.machine) ? actor.machine : null;
  const state = {
    status,
    ...(value === undefined ? {} : { value }),
    ...(context === undefined ? {} : { context }),
    ...(output === undefined ? {} : { output }),
    ...(error === undefined ? {} : { error }),
  };
  return {
    ...{ type: '@xstate.actor', seq, at, actor: path, parent, id, logic, src, machine, from: 'joined', replaces, run },
    ...(systemId === null ? {} : { systemId }),
    ...(isBrief ? { brief: true } : {}),
    ...(machine === null || isBrief ? {} : { state, children }),
    ...(timers.length === 0 || isBrief ? {} : { timers: [...timers] }),
  };
}
