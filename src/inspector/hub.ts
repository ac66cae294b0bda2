/**
 * Between the app and those who look: what each is told, at most once in 33 ms; and what is asked of the recorder, which is no more than somebody
 * watches.
 */
import type { WebSocket } from 'ws';

import type { Clock } from '../supervision/clock.js';
import { control } from './control.js';
import type { ForeignEvent, ForeignViewer } from './adapters/foreign.js';
import type { Feed, FeedLine } from './feed.js';
import { ForeignConnection } from './foreign-connection.js';
import { pageOf } from './history-page.js';
import type { InspectorPlan } from './plan.js';
import { Replays } from './replays.js';
import { type SharedTurns, sharedTurns } from './respite.js';
import { protocolVersion, type ViewerMessage, type Welcome } from './protocol.js';
import { Touched } from './touched.js';
import { Viewer } from './viewer.js';
import { hideIn } from '../wire/secrets.js';
import { outermostOf } from './watches.js';

/** Said of a value that is not whole. */
const cutWords = 'it was cut: ask for a part of it, by `pointer`';

/** What the hub tells of those who look. */
export interface HubListener {
  joined(viewers: number): void;
  left(viewers: number, why: string): void;
}

/** What the inspector is, for people. */
export type AppFacts = Omit<Welcome['app'], 'root'>;

export class Hub {
  readonly #feed: Feed;
  readonly #plan: InspectorPlan;
  readonly #facts: AppFacts;
  readonly #clock: Clock;
  readonly #listener: HubListener;
  readonly #viewers = new Set<Viewer | ForeignConnection>();
  readonly #touched: Touched;
  /** Branches that are followed in full, and what ends it. */
  readonly #followed = new Map<string, () => void>();
  readonly #replays: Replays;
  /** However many look, together they take no more of the app's time than one may. */
  readonly #turns: SharedTurns;
  #unfollowAll: (() => void) | undefined;
  #seq = -1;
  #timer: unknown;
  #isOver = false;

  constructor(feed: Feed, plan: InspectorPlan, facts: AppFacts, clock: Clock, listener: HubListener) {
    this.#feed = feed;
    this.#plan = plan;
    this.#facts = facts;
    this.#clock = clock;
    this.#listener = listener;
    this.#replays = new Replays(feed, clock);
    this.#turns = sharedTurns(clock);
    this.#touched = new Touched(feed.root, () => this.#wake());
  }

  /** Is there room for one more? */
  get hasRoom(): boolean {
    return !this.#isOver && this.#viewers.size < this.#plan.maxViewers;
  }

  /** Somebody was let in. */
  join(socket: WebSocket): void {
    const viewer = new Viewer(socket, { ...this.#hooks(), answer: (request, asking) => this.#answer(request, asking) });
    this.#viewers.add(viewer);
    viewer.welcome(this.#welcome());
    this.#listener.joined(this.#viewers.size);
  }

  /** Somebody was let in who speaks the protocol of another inspector. */
  joinForeign(socket: WebSocket, adapter: ForeignViewer): void {
    const viewer = new ForeignConnection(socket, adapter, { ...this.#hooks(), send: (actor, event) => this.#sendForeign(actor, event) });
    this.#viewers.add(viewer);
    viewer.welcome();
    this.#listener.joined(this.#viewers.size);
  }

  #hooks() {
    const { maxQueueBytes, stallMs } = this.#plan;
    return {
      ...{ feed: this.#feed, clock: this.#clock, maxQueueBytes, stallMs, turns: this.#turns },
      watchesChanged: () => this.#follow(),
      wake: () => this.#wake(),
      left: (viewer: Viewer | ForeignConnection, why: string) => this.#left(viewer, why),
    };
  }

  #sendForeign(actor: string, event: ForeignEvent): void {
    // Their protocols have no word for a refusal.
    if (this.#plan.control) void control(this.#feed, { type: 'control', id: 0, action: 'send', actor, event }, this.#feed.schemas());
  }

  /** Tells everybody what is left to tell, and why it ends. */
  close(why: string): void {
    if (this.#isOver) return;
    this.#flush();
    this.#isOver = true;
    for (const viewer of this.#viewers) viewer.bye(1001, why);
    this.#rest();
  }

  /** Cuts everybody off. */
  cut(): void {
    this.#isOver = true;
    for (const viewer of this.#viewers) viewer.cut('the inspector has ended');
    this.#rest();
  }

  #rest(): void {
    this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#replays.close();
    this.#lookAway();
  }

  #lookAway(): void {
    this.#touched.off();
    this.#unfollowAll?.();
    this.#unfollowAll = undefined;
    for (const unfollow of this.#followed.values()) unfollow();
    this.#followed.clear();
  }

  #welcome(): Welcome {
    const { root } = this.#feed;
    const head = this.#feed.head();
    return {
      ...{ type: 'welcome', v: protocolVersion, control: this.#plan.control, replay: this.#plan.replay ?? this.#plan.control },
      app: {
        ...this.#facts,
        title: hideIn(this.#facts.title || root.id, this.#feed.redaction().secrets ?? []),
        root: this.#feed.pathOf(root) ?? null,
      },
      ...{ head, wallAt: head.wallAt ?? 0, at: this.#feed.now(), seq: this.#feed.seq() },
    };
  }

  #left(viewer: Viewer | ForeignConnection, why: string): void {
    this.#viewers.delete(viewer);
    this.#replays.forget(viewer);
    if (!this.#isOver) this.#follow();
    this.#listener.left(this.#viewers.size, why);
  }

  // ---- what is followed

  /** Follows what somebody watches, and nothing else. */
  #follow(): void {
    const viewers = [...this.#viewers];
    if (!viewers.some(({ watches }) => !watches.isEmpty)) return this.#lookAway();
    this.#touched.on();
    this.#unfollowAll ??= this.#feed.follow('', 'summary', (line) => this.#line(line));
    const branches = outermostOf(viewers.flatMap(({ watches }) => watches.full()));
    // First what is new: where two branches become one, nobody stops looking in between.
    for (const branch of branches)
      if (!this.#followed.has(branch))
        this.#followed.set(
          branch,
          this.#feed.follow(branch, 'full', (line) => this.#line(line)),
        );
    for (const [branch, unfollow] of [...this.#followed]) {
      if (branches.includes(branch)) continue;
      this.#followed.delete(branch);
      unfollow();
    }
  }

  #line(line: FeedLine): void {
    // A start is told to those who follow everybody, and to those who follow it.
    if (line.line.seq <= this.#seq) return;
    this.#seq = line.line.seq;
    for (const viewer of this.#viewers) viewer.line(line);
  }

  // ---- telling, together

  #wake(): void {
    if (this.#isOver || this.#timer !== undefined) return;
    this.#timer = this.#clock.setTimeout(() => {
      this.#timer = undefined;
      try {
        this.#flush();
      } catch {
        // In a timer of the app's process, a fault would be its end: what was not told now is told with what comes next.
      }
      if ([...this.#viewers].some((viewer) => !viewer.isIdle)) this.#wake();
    }, this.#plan.flushMs);
  }

  #flush(): void {
    for (const [actor, events] of this.#touched.take()) {
      const path = this.#feed.pathOf(actor);
      if (path === undefined) continue;
      for (const viewer of this.#viewers) viewer.touched(actor, path, events);
    }
    for (const viewer of [...this.#viewers]) {
      try {
        viewer.flush();
      } catch (fault) {
        // In a timer of the app's process, a fault would be its end.
        viewer.cut(`the inspector failed: ${String(fault)}`);
      }
    }
  }

  // ---- answering

  #answer(request: Exclude<ViewerMessage, { type: 'watch' | 'unwatch' }>, viewer: Viewer): void {
    const { id } = request;
    switch (request.type) {
      case 'value': {
        if (this.#feed.actorAt(request.actor) === undefined) return viewer.refuse(id, 'unknown-actor', 'there is no such actor');
        const value = this.#feed.valueOf(request.actor, request.pointer);
        if (value === undefined) return viewer.refuse(id, 'unavailable', 'it has no context, or not this part of one');
        const text = JSON.stringify({ type: 'result', id, ok: true, value });
        // In a text of the app, the quotes would be escaped.
        return text.includes('{"$cut":') ? viewer.answer({ type: 'result', id, ok: true, value, words: cutWords }) : viewer.answerText(text);
      }
      case 'history': {
        const { texts, ...more } = pageOf(this.#feed.history(request.from, request.to), request.from, request.skip ?? 0);
        viewer.history(id, texts);
        return viewer.answer({ type: 'result', id, ok: true, count: texts.length, ...more });
      }
      case 'control':
        if (!this.#plan.control) return viewer.refuse(id, 'read-only', 'the app allows nobody to control it: inspect(app, { control: true })');
        void control(this.#feed, request, this.#feed.schemas(), this.#feed.redaction()).then((refusal) =>
          refusal === null ? viewer.answer({ type: 'result', id, ok: true }) : viewer.refuse(id, refusal.code, refusal.words),
        );
        return undefined;
      case 'replay':
        return this.#replay(request, viewer);
    }
  }

  #replay({ id, actor, to, event }: Extract<ViewerMessage, { type: 'replay' }>, viewer: Viewer): void {
    if (!(this.#plan.replay ?? this.#plan.control))
      return viewer.refuse(id, 'read-only', 'the app lets nobody replay: inspect(app, { replay: true })');
    const request = { actor, ...(to === undefined ? {} : { to }), ...(event === undefined ? {} : { event }) };
    const isTaken = this.#replays.ask(viewer, request, {
      done: (replay) => viewer.answer({ type: 'result', id, ok: true, replay }),
      refused: ({ code, words }) => viewer.refuse(id, code, words),
      failed: (fault) => viewer.refuse(id, 'unavailable', `the replay failed: ${String(fault).slice(0, 200)}`),
    });
    if (!isTaken) viewer.refuse(id, 'too-many', 'one replay at a time');
  }
}
