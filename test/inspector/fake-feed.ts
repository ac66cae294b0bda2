/** A feed under the test's hand: an app of real actors, and lines that the test makes. */
import { type AnyActorRef, createActor, createMachine } from 'xstate';
import type { Feed, FeedLine } from '../../src/inspector/feed.js';
import { Guest } from '../../src/inspector/guest.js';
import { isIn } from '../../src/inspector/protocol.js';
import type { RecordedActor, RecordedLine } from '../../src/wire/recording/lines.js';
import type { Portable } from '../../src/wire/recording/portable-shape.js';

const counter = createMachine({ id: 'counter', initial: 'on', states: { on: { on: { TICK: 'off' } }, off: { on: { TICK: 'on' } } } });

export class FakeFeed implements Feed {
  readonly root: AnyActorRef = createActor(counter, { id: 'app' }).start();
  readonly actors = new Map<string, AnyActorRef>([['app', this.root]]);
  readonly values = new Map<string, Portable>();
  /** What is followed now, as `detail branch`. */
  readonly followed: string[] = [];
  readonly kept: FeedLine[] = [];
  isDisposed = false;
  #seq = 0;
  readonly #followers = new Set<(line: RecordedLine) => void>();

  /** Adds an actor that runs. */
  actor(path: string): AnyActorRef {
    const ref = createActor(counter, { id: path, parent: this.root } as never) as unknown as AnyActorRef;
    ref.start();
    this.actors.set(path, ref);
    return ref;
  }

  /** Something happens. @returns its number */
  tell(line: Record<string, unknown> & { readonly type: string }): number {
    const whole = { seq: ++this.#seq, at: this.#seq, ...line } as unknown as RecordedLine;
    this.kept.push({ line: whole, text: JSON.stringify(whole) });
    for (const follower of this.#followers) follower(whole);
    return this.#seq;
  }

  /** An event comes to an actor. */
  event(actor: string, size = 0): number {
    return this.tell({ type: '@xstate.event', actor, source: null, event: { type: 'TICK', ...(size === 0 ? {} : { pad: 'x'.repeat(size) }) } });
  }

  head(): ReturnType<Feed['head']> {
    return { type: 'recording', v: 2, secret: null, wallAt: 0, contexts: 'patches' };
  }

  now(): number {
    return this.#seq;
  }

  seq(): number {
    return this.#seq;
  }

  follow(branch: string, detail: 'summary' | 'full', take: (line: FeedLine) => void): () => void {
    const name = `${detail} ${branch}`;
    this.followed.push(name);
    const follower = (line: RecordedLine): void => {
      const isFact = ['@espalier.machine', '@xstate.actor', '@espalier.exit'].includes(line.type);
      const isOfBranch = !('actor' in line) || isIn(branch, line.actor);
      if (isFact || (detail === 'full' && isOfBranch)) take({ line, text: JSON.stringify(line) });
    };
    this.#followers.add(follower);
    return () => {
      this.followed.splice(this.followed.indexOf(name), 1);
      this.#followers.delete(follower);
    };
  }

  keyframe(branch: string, isFull: (actor: string) => boolean): ReturnType<Feed['keyframe']> {
    const { seq } = { seq: this.#seq };
    const lines: RecordedLine[] = [...this.actors.keys()]
      .filter((path) => isIn(branch, path))
      .map((path): RecordedActor => {
        const parent = path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : null;
        const about = { type: '@xstate.actor', seq, at: seq, actor: path, parent, id: path, logic: 'machine', src: null } as const;
        const more = { machine: 'counter', from: 'joined', replaces: null, run: 1 } as const;
        return { ...about, ...more, ...(isFull(path) ? { state: { status: 'active', value: 'on', context: {} } } : { brief: true }) };
      });
    if (branch === '') lines.unshift({ type: '@espalier.keyframe', seq, at: seq, lines: lines.length });
    return { seq, at: seq, lines: lines.map((line) => ({ line, text: JSON.stringify(line) })) };
  }

  actorAt(path: string): AnyActorRef | undefined {
    return this.actors.get(path);
  }

  pathOf(actor: AnyActorRef): string | undefined {
    return [...this.actors].find(([, ref]) => ref === actor)?.[0];
  }

  valueOf(path: string): Portable | undefined {
    return this.values.get(path);
  }

  history(from: number, to: number): readonly FeedLine[] {
    return this.kept.filter(({ line }) => 'seq' in line && line.seq >= from && line.seq <= to);
  }

  redaction(): ReturnType<Feed['redaction']> {
    return { secret: null };
  }

  past(): readonly RecordedLine[] {
    return this.kept.map(({ line }) => line);
  }

  schemas(): Record<string, never> {
    return {};
  }

  takeIn(): Guest {
    const tell = ({ seq: _seq, at: _at, ...line }: RecordedLine): void => void this.tell(line);
    return new Guest(1, { isDetailed: () => true, number: () => this.#seq + 1, now: () => this.#seq, tell, left: () => undefined });
  }

  recording(): string {
    return `${JSON.stringify(this.head())}\n`;
  }

  dispose(): void {
    this.isDisposed = true;
    this.root.stop();
    for (const ref of this.actors.values()) ref.stop();
  }
}
