/**
 * An app of another process among those that a recorder tells of: one that has only `@statelyai/inspect`, and connects.
 *
 * It stands below an actor of its own, `~statelyai-1`, and whatever it says of itself comes out as lines with our numbers, on our clock. What it knows of
 * others, and what others know of it, is nothing: no name of its own can be that of one of ours. While nobody watches, it is only followed.
 */
import { briefly } from '../recording/actor-line.js';
import { Scene } from '../recording/scene.js';
import type { RecordedLine } from '../wire/recording/lines.js';
import type { Portable } from '../wire/recording/portable-shape.js';
import type { Refusal } from './adapters/foreign.js';
import { isFact } from './history.js';
import { StatelyApp, type StatelyAppOptions } from './adapters/stately-app.js';

/** What the path of a guest begins with. No actor of ours has such a name: a leading `~` of an id is written `%7E`. */
const guestMark = '~statelyai-';

/** Events that wait to be told of by number, of all actors together. */
const mostWaiting = 10_000;

/** What a guest needs of the recorder. */
export interface GuestHooks extends StatelyAppOptions {
  /** Does somebody watch? */
  isDetailed(): boolean;
  /** The number of the next line, which is then told. */
  number(): number;
  now(): number;
  tell(line: RecordedLine): void;
  left(guest: Guest): void;
}

/** Is this a guest, or one of a guest's actors? */
export function isOfGuest(path: string): boolean {
  return path.startsWith(guestMark);
}

export class Guest {
  readonly path: string;
  readonly #hooks: GuestHooks;
  readonly #app: StatelyApp;
  readonly #scene = new Scene();
  /** Numbers that events were told by, by those that the guest's own lines have. */
  readonly #told = new Map<number, number>();
  #isOver = false;

  /** @param index  which guest of the recorder it is, from 1 */
  constructor(index: number, hooks: GuestHooks) {
    this.path = `${guestMark}${index}`;
    this.#hooks = hooks;
    this.#app = new StatelyApp(hooks);
    const about = { actor: this.path, parent: null, id: 'an app of @statelyai/inspect', logic: 'other', src: null, machine: null } as const;
    this.#tell({ type: '@xstate.actor', seq: 0, at: 0, ...about, from: 'input', replaces: null, run: 1 });
  }

  /** Reads a text frame of the app. @returns why it is none; null: it is one */
  receive(frame: string): Refusal | null {
    if (this.#isOver) return null;
    const read = this.#app.receive(frame);
    if (read.kind === 'refused') return read;
    for (const line of read.lines) this.#tell(this.#named(line));
    return null;
  }

  /** All that there is of it, as lines of a keyframe. */
  frame(seq: number, at: number): readonly RecordedLine[] {
    return this.#scene
      .lines()
      .slice(1)
      .map((line) => ({ ...line, seq, at }));
  }

  /** It is gone, and with it all its actors. Again: nothing. */
  leave(why: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const living = [...this.#scene.actors.values()].filter(({ exit }) => exit === null).map(({ path }) => path);
    // Children before their parents.
    for (const actor of living.reverse()) this.#tell({ type: '@espalier.exit', seq: 0, at: 0, actor, reason: ['shutdown', why] });
    this.#hooks.left(this);
  }

  /** The line in our names. */
  #named(line: RecordedLine): RecordedLine {
    const of = <Path extends string | null>(path: Path): Path => (path === null ? path : `${this.path}/${path}`) as Path;
    switch (line.type) {
      case '@espalier.machine':
        return { ...line, machine: of(line.machine) };
      case '@xstate.actor': {
        const { actor, parent, machine, replaces } = line;
        return { ...line, actor: of(actor), parent: parent === null ? this.path : of(parent), machine: of(machine), replaces: of(replaces) };
      }
      case '@xstate.event':
        return { ...line, actor: of(line.actor), source: of(line.source) };
      case '@xstate.transition':
      case '@espalier.exit':
        return { ...line, actor: of(line.actor) };
      default:
        return line;
    }
  }

  #tell(line: RecordedLine): void {
    const { isDetailed, now, number, tell } = this.#hooks;
    const at = now();
    const told = line.type === '@xstate.transition' ? { ...line, event: this.#eventOf(line.event) } : line;
    if (!isDetailed() && !isFact(line)) {
      this.#scene.take({ ...told, seq: this.#scene.seq, at });
      return;
    }
    const seq = number();
    if (line.type === '@xstate.event') this.#note(line.seq, seq);
    const numbered = { ...told, seq, at };
    this.#scene.take(numbered);
    tell(isDetailed() || numbered.type !== '@xstate.actor' ? numbered : briefly(numbered));
  }

  #note(own: number, seq: number): void {
    const [oldest] = this.#told.keys();
    if (this.#told.size >= mostWaiting && oldest !== undefined) this.#told.delete(oldest);
    this.#told.set(own, seq);
  }

  /** What a transition was made of: the number under which that was told. */
  #eventOf(event: Portable): Portable {
    if (typeof event !== 'number') return event;
    const seq = this.#told.get(event);
    this.#told.delete(event);
    return seq ?? { type: 'unknown' };
  }
}
