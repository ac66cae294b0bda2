/**
 * How the app was at one moment: the scene that the lines up to there come to (src/recording/scene.ts), and what the page knows besides: what a context
 * was before, with what an actor was started, how actors are that are told of in summaries only. `follow` takes the next line; `copy` keeps a moment.
 */
import type { ChartDefinition } from '../../../src/charts/definition.js';
import { Scene, type SceneActor } from '../../../src/recording/scene.js';
import { isIn } from '../../../src/wire/recording/branch.js';
import { type ActorView, eventType } from './actor-view.js';
import type { Entry, SummaryEntry } from './entry.js';

/** What the page adds to what the scene knows of an actor. */
type Own = Pick<ActorView, 'contextBefore' | 'input' | 'lastEvent'>;

const nothing: Own = { contextBefore: undefined, input: undefined, lastEvent: null };

export class Moment {
  /** Everybody who is known, in the order of their starts. */
  readonly actors: Map<string, ActorView>;
  /** Grows with each change of who there is. */
  structure: number;
  readonly #scene: Scene;

  constructor(from?: Moment) {
    this.#scene = from === undefined ? new Scene() : from.scene.copy();
    this.actors = new Map(from?.actors);
    this.structure = from?.structure ?? 0;
  }

  get scene(): Scene {
    return this.#scene;
  }

  get machines(): ReadonlyMap<string, ChartDefinition> {
    return this.#scene.machines;
  }

  /** Of the last line, ms. */
  get at(): number {
    return this.#scene.at;
  }

  /** Lines that were left out. */
  get dropped(): number {
    return this.#scene.dropped;
  }

  copy(): Moment {
    return new Moment(this);
  }

  /** @param typeOf  the type of the event whose line has this `seq` */
  follow(line: Entry, typeOf: (seq: number) => string): void {
    if (line.type === 'summary') {
      this.#summary(line);
      return;
    }
    if (line.type === 'branch') {
      this.#branch(line.branch, line.known, line.at);
      return;
    }
    const size = this.#scene.actors.size;
    this.#scene.take(line);
    switch (line.type) {
      case '@xstate.actor': {
        this.structure++;
        const known = this.actors.get(line.actor);
        this.#show(line.actor, { input: line.input ?? known?.input });
        if (line.replaces !== null) this.#show(line.replaces);
        break;
      }
      case '@xstate.event':
        this.#show(line.actor);
        if (line.delay !== undefined && line.source !== null) this.#show(line.source);
        break;
      case '@xstate.transition': {
        const before = this.actors.get(line.actor);
        const lastEvent = typeof line.event === 'number' ? typeOf(line.event) : eventType(line.event);
        const isSame = line.state.context === undefined && line.state.patch === undefined;
        this.#show(line.actor, isSame ? { lastEvent } : { lastEvent, contextBefore: before?.context });
        if (before?.status !== line.state.status) this.structure++;
        break;
      }
      case '@espalier.exit':
        this.structure++;
        this.#show(line.actor);
        break;
      default:
    }
    // A keyframe says of many that they have ended, and the oldest ends are forgotten.
    if (line.type !== '@espalier.keyframe' && this.#scene.actors.size >= size) return;
    this.structure++;
    for (const path of this.actors.keys()) this.#show(path);
  }

  /** Shows an actor as the scene has it. */
  #show(path: string, own: Partial<Own> = {}): void {
    const actor = this.#scene.actors.get(path);
    if (actor === undefined) {
      this.actors.delete(path);
      return;
    }
    const before = this.actors.get(path);
    const { contextBefore, input, lastEvent } = before ?? nothing;
    const kept = actor.isBrief && before !== undefined ? keptOf(actor, before) : {};
    this.actors.set(path, { ...actor, ...kept, contextBefore, input, lastEvent, ...own });
  }

  #summary({ actors }: SummaryEntry): void {
    for (const { actor, status, value, events } of actors) {
      const before = this.actors.get(actor);
      if (before === undefined) continue;
      if (before.status !== status) this.structure++;
      const counts = { ...before.counts, events: before.counts.events + events };
      this.actors.set(actor, { ...before, status, value: value ?? before.value, counts });
    }
  }

  /** Who was in the branch and is not known there any more has ended, and nobody was told how. */
  #branch(branch: string, known: ReadonlySet<string>, at: number): void {
    const { seq } = this.#scene;
    for (const [path, { exit }] of this.actors) {
      if (!isIn(branch, path) || known.has(path) || exit !== null) continue;
      this.#scene.take({ type: '@espalier.exit', seq, at, actor: path, reason: { $cut: 'it ended unseen' } });
      this.structure++;
      this.#show(path);
    }
  }
}

/** Of one that is told of in brief: what summaries have said, and what was known while it was told of in full. */
function keptOf(actor: SceneActor, { status, value, context, machine, counts }: ActorView): Partial<ActorView> {
  return {
    value,
    context,
    machine: actor.machine ?? machine,
    status: actor.exit === null ? status : actor.status,
    counts: counts.events > actor.counts.events ? counts : actor.counts,
  };
}
