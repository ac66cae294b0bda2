/** What an adapter remembers of an app for one viewer: how things are, what is on its way, and of whom the viewer was told. Bounded. */
import { Scene, type SceneActor } from '../../recording/scene.js';
import type { RecordedChart } from '../../wire/recording/chart.js';
import type { RecordedEvent, RecordedLine } from '../../wire/recording/lines.js';
import type { Portable } from '../../wire/recording/portable-shape.js';
import { OnTheWay } from './on-the-way.js';

/** What came of a line. */
export interface Followed {
  /** Of a transition: the event that it was made of, where it was seen. */
  readonly event: Portable | undefined;
  /** Whom a keyframe does not have any more, of those that the viewer was told of. */
  readonly gone: readonly string[];
}

export class Following {
  readonly #mostActors: number;
  readonly #onTheWay = new OnTheWay();
  readonly #told = new Set<string>();
  /** Those for whom there was no room, in the order of their start. */
  readonly #waiting = new Set<string>();
  #scene = new Scene();
  /** Lines of a keyframe that are still to come. */
  #frame = 0;

  /** @param mostActors  that the viewer is told of at a time */
  constructor(mostActors: number) {
    this.#mostActors = mostActors;
  }

  /** How many actors there was no room for. */
  get untold(): number {
    return this.#waiting.size;
  }

  /** Begins anew; nobody was told of anybody. */
  clear(): void {
    this.#scene = new Scene();
    this.#onTheWay.clear();
    this.#told.clear();
    this.#waiting.clear();
    this.#frame = 0;
  }

  take(line: RecordedLine): Followed {
    const event = line.type === '@xstate.transition' ? this.#onTheWay.eventOf(line) : undefined;
    this.#scene.take(line);
    this.#onTheWay.take(line);
    this.#frame = line.type === '@espalier.keyframe' ? line.lines : this.#frame - 1;
    return { event, gone: this.#frame === 0 ? this.#gone() : [] };
  }

  /** The actor, as long as it lives. */
  living(path: string): SceneActor | undefined {
    const actor = this.#scene.actors.get(path);
    return actor?.exit === null ? actor : undefined;
  }

  /** The actor, if it has ended too. */
  known(path: string): SceneActor | undefined {
    return this.#scene.actors.get(path);
  }

  /** Its machine; undefined for an actor that is none, or was not looked at. */
  chartOf({ machine }: SceneActor): RecordedChart | undefined {
    return machine === null ? undefined : this.#scene.machines.get(machine);
  }

  /** Events that it has made nothing of yet, in order. */
  eventsTo(path: string): readonly RecordedEvent[] {
    return this.#onTheWay.to(path);
  }

  isTold(path: string): boolean {
    return this.#told.has(path);
  }

  /** The viewer is to be told of it. @returns whether there is room */
  tell(path: string): boolean {
    if (!this.#told.has(path) && this.#told.size >= this.#mostActors) {
      this.#waiting.add(path);
      return false;
    }
    this.#waiting.delete(path);
    this.#told.add(path);
    return true;
  }

  /** It has ended. @returns whether the viewer was told of it */
  end(path: string): boolean {
    this.#waiting.delete(path);
    return this.#told.delete(path);
  }

  /** Whom there is room for now. */
  next(): string | undefined {
    const [next] = this.#waiting;
    return this.#told.size < this.#mostActors ? next : undefined;
  }

  #gone(): readonly string[] {
    const gone = [...this.#told, ...this.#waiting].filter((path) => this.living(path) === undefined);
    return gone.filter((path) => this.end(path));
  }
}

/** A viewer that is told of an app line by line: what both directions of a connection need is said by those that extend it. */
export abstract class FollowingViewer {
  protected readonly following: Following;

  /** @param maxActors  that it is told of at a time */
  constructor(maxActors: number) {
    this.following = new Following(maxActors);
  }

  get untold(): number {
    return this.following.untold;
  }

  open(scene: Scene): string[] {
    this.following.clear();
    this.forget();
    return this.lines(scene.lines());
  }

  lines(news: readonly RecordedLine[]): string[] {
    return news.flatMap((line) => this.line(line).map((message) => JSON.stringify(message)));
  }

  /** It begins anew: nothing that it was told counts. */
  protected abstract forget(): void;

  /** What it is told of a line. */
  protected abstract line(line: RecordedLine): readonly object[];
}
