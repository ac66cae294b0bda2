/** The page: one store, one timeline, one source that feeds it, and one picture in each frame. */
import { bannerWords } from './components/connection-words.js';
import { element, setAttribute, setChildren, setHidden } from './components/element.js';
import { Header } from './components/header.js';
import { actionOf, KeyCard } from './components/keys.js';
import { Notices } from './components/notices.js';
import { partOf } from './exports/part.js';
import { ActorPage } from './pages/actor.js';
import { RecordingPage } from './pages/recording.js';
import { SequencePage } from './pages/sequence.js';
import { TimeBar } from './pages/time-bar.js';
import { TreePage } from './pages/tree.js';
import type { Doors, Orders, PageView, View } from './pages/view.js';
import { entriesOf } from './sources/entries.js';
import { openFile, type OpenedFile } from './sources/file.js';
import { Recall } from './sources/recall.js';
import { LiveSource } from './sources/socket.js';
import { watchPlan } from './sources/watch-plan.js';
import { hasEnded } from './state/actor-view.js';
import { appEndOf } from './state/app-end.js';
import type { Entry } from './state/entry.js';
import { lastActor } from './state/last-actor.js';
import { replayRefusalOf } from './state/replay-refusal.js';
import { ratesAt } from './state/rates.js';
import type { Page, State } from './state/state.js';
import { Store } from './state/store.js';
import { successorOf } from './state/successor.js';
import { Timeline } from './state/timeline.js';

/** How often figures that run by themselves (countdowns, rates) are shown anew, ms. */
const tickMs = 250;
/** How long good news is shown, ms. */
const praiseMs = 4_000;

export class InspectorPage {
  readonly #timeline = new Timeline();
  readonly #store = new Store((callback) => requestAnimationFrame(callback));
  readonly #pages: Readonly<Record<Page, PageView>>;
  readonly #tree: TreePage;
  readonly #recording: RecordingPage;
  readonly #timeBar: TimeBar;
  readonly #header: Header;
  readonly #notices = new Notices();
  readonly #keys: KeyCard;
  readonly #banner = element('div', { class: 'banner', role: 'alert', hidden: true });
  readonly #root: HTMLElement;
  #source: LiveSource | null = null;
  /** Whose page this is, and what lets it in. */
  #server: { readonly origin: string; readonly token: string } | null = null;
  /** The words of the banner that somebody has read. */
  #putAway = '';
  #fileText: string | null = null;
  /** The page's clock at `at` 0 of a living app, ms. */
  #clockAtZero = 0;
  #rates: { readonly index: number; readonly when: number; readonly rates: ReadonlyMap<string, number> } = { index: -2, when: 0, rates: new Map() };
  #followedAt = 0;
  /** Who is looked at, and whether it was alive when it was chosen. */
  #chosen: { readonly actor: string; readonly wasAlive: boolean } | null = null;
  /** What was before this page came. */
  readonly #past: Recall;

  constructor(root: HTMLElement) {
    this.#root = root;
    const { dispatch } = this.#store;
    const doors: Doors = {
      dispatch,
      timeline: this.#timeline,
      orders: () => this.#orders,
      open: (file) => void this.open(file),
      recording: () => this.#recordingFile(),
    };
    this.#tree = new TreePage(doors, this.#store.refresh);
    this.#recording = new RecordingPage(doors);
    this.#pages = {
      tree: this.#tree,
      actor: new ActorPage(doors),
      sequence: new SequencePage(doors, this.#store.refresh),
      recording: this.#recording,
    };
    this.#timeBar = new TimeBar(doors);
    this.#header = new Header(
      dispatch,
      () => this.#source?.retryNow(),
      () => this.#store.state,
    );
    this.#keys = new KeyCard(dispatch);
    this.#past = this.#recall();
    for (const [name, page] of Object.entries(this.#pages)) {
      setAttribute(page.element, 'id', `page-${name}`);
      if (name !== 'tree') setAttribute(page.element, 'role', 'tabpanel');
      setAttribute(page.element, 'aria-labelledby', `tab-${name}`);
    }
    root.replaceChildren(
      this.#header.element,
      this.#banner,
      element('main', { class: 'pages' }, ...Object.values(this.#pages).map((page) => page.element)),
      this.#timeBar.element,
      this.#notices.element,
      this.#keys.element,
    );
    this.#store.subscribe((state) => this.#render(state));
    this.#listen();
    this.#store.refresh();
  }

  /** Shows a recording in place of what is shown now. */
  async open(file: File): Promise<void> {
    const opened = await openFile(file);
    if (!opened.ok) {
      this.#store.dispatch({ type: 'notice.shown', tone: 'bad', text: `${opened.name} is not opened: ${opened.why}` });
      return;
    }
    this.#show(opened);
  }

  #show({ name, text, recording }: Extract<OpenedFile, { ok: true }>): void {
    const { head, lines, cut } = recording;
    this.#source?.stop();
    this.#source = null;
    this.#past.reset();
    this.#fileText = text;
    this.#timeline.clear(head);
    this.#store.dispatch({ type: 'recording.replaced' });
    this.#timeline.load(entriesOf(lines));
    this.#store.dispatch({ type: 'connection.changed', connection: { kind: 'file', name, cut: cut?.why ?? null } });
    const [first] = this.#timeline.newest.actors.keys();
    if (first !== undefined) this.#store.dispatch({ type: 'actor.chosen', actor: first });
  }

  /** Lives with an app. @param origin  of its inspector */
  connect(origin: string, token: string): void {
    const { dispatch } = this.#store;
    this.#server = { origin, token };
    this.#source = new LiveSource(origin, token, {
      connection: (connection) => dispatch({ type: 'connection.changed', connection }),
      welcome: ({ head, at }) => {
        this.#past.reset();
        this.#timeline.clear(head);
        this.#clockAtZero = performance.now() - at;
        dispatch({ type: 'recording.replaced' });
      },
      entries: (entries) => this.#append(entries),
      notice: (text) => dispatch({ type: 'notice.shown', tone: 'bad', text }),
    });
    this.#source.start();
  }

  #append(entries: readonly Entry[]): void {
    const dropped = this.#timeline.append(entries);
    if (dropped > 0) this.#store.dispatch({ type: 'lines.dropped', count: dropped });
    const { selected, position } = this.#store.state;
    if (selected === null) {
      const [first] = this.#timeline.newest.actors.keys();
      if (first !== undefined) this.#store.dispatch({ type: 'actor.chosen', actor: first });
    } else if (position === null) this.#stay(selected, entries);
    this.#store.refresh();
  }

  /** Whoever is started in the place of the actor that is looked at is looked at from then on: of a crash loop, the run that lives. */
  #stay(selected: string, entries: readonly Entry[]): void {
    if (this.#chosen?.actor !== selected || !this.#chosen.wasAlive) return;
    const actor = successorOf(selected, entries);
    if (actor === selected) return;
    this.#chosen = { actor, wasAlive: true };
    this.#store.dispatch({ type: 'actor.chosen', actor });
  }

  /** Who goes back to where this page began wants to know what was before. */
  #recall(): Recall {
    const timeline = this.#timeline;
    let generation = 0;
    return new Recall({
      now: () => performance.now(),
      ask: () => {
        ({ generation } = timeline);
        return this.#source?.history(timeline.seqOf(0)) ?? Promise.resolve([]);
      },
      take: (lines) => {
        if (timeline.generation !== generation) return 'stale';
        const moved = timeline.prepend(entriesOf(lines));
        if (moved > 0) this.#store.dispatch({ type: 'lines.dropped', count: -moved });
        return moved > 0 || lines.length === 0 ? 'taken' : 'noRoom';
      },
      tell: (words) => this.#say('bad', words),
    });
  }

  get #orders(): Orders {
    const source = this.#source;
    const { connection } = this.#store.state;
    const say = (words: string) => (tone: 'good' | 'bad') => this.#say(tone, words);
    const tell = (done: Promise<void> | undefined, words: string): void =>
      void done?.then(
        () => say(words)('good'),
        (error: unknown) => say(error instanceof Error ? error.message : String(error))('bad'),
      );
    return {
      refusal: refusalOf(this.#store.state),
      send: (actor, event) => tell(source?.control({ action: 'send', actor, event }), `${event.type} was sent to ${actor}.`),
      control: (actor, action) => tell(source?.control({ action, actor }), `${actor}: ${action} was ordered.`),
      value: (actor) => (connection.kind === 'live' && source !== null ? source.value(actor) : null),
      replayRefusal: replayRefusalOf(connection),
      replay: (actor, to, event) => (replayRefusalOf(connection) === null && source !== null ? source.replay(actor, to, event) : null),
    };
  }

  /** What went well is said for a while, what did not until somebody has seen it. */
  #say(tone: 'good' | 'bad', text: string): void {
    this.#store.dispatch({ type: 'notice.shown', tone, text });
    const id = this.#store.state.lastNotice;
    if (tone === 'good') setTimeout(() => this.#store.dispatch({ type: 'notice.closed', id }), praiseMs);
  }

  /** A file as it was opened; of a living app what its ring holds; of one that is gone what this page has. */
  async #recordingFile(): Promise<Blob> {
    const type = 'application/x-ndjson';
    if (this.#fileText !== null && this.#source === null) return new Blob([this.#fileText], { type });
    const server = this.#server;
    if (server === null) throw new Error('no app is connected, and no file is open');
    const isLive = this.#store.state.connection.kind === 'live';
    const headers = { authorization: `Bearer ${server.token}` };
    // An app may go before its page has seen that.
    const answer = isLive ? await fetch(`${server.origin}/recording`, { headers }).catch(() => null) : null;
    if (answer !== null && !answer.ok) throw new Error(`the server answered ${answer.status}`);
    const whole = await answer?.blob().catch(() => null);
    if (whole !== undefined && whole !== null) return whole;
    const part = partOf(this.#timeline);
    this.#say('bad', `The app does not answer: the file holds what this page had of it, ${part.lines.toLocaleString('en')} lines.`);
    return new Blob([part.text], { type });
  }

  #render(state: State): void {
    const timeline = this.#timeline;
    const index = state.position ?? timeline.last;
    const moment = timeline.momentAt(state.position);
    const isLive = state.position === null && state.connection.kind === 'live';
    const at = isLive ? Math.max(moment.at, performance.now() - this.#clockAtZero) : moment.at;
    const view: View = { state, timeline, moment, index, at, rates: this.#ratesAt(index, at, isLive) };
    if (state.selected !== (this.#chosen?.actor ?? null)) {
      const chosen = state.selected === null ? undefined : timeline.newest.actors.get(state.selected);
      this.#chosen = chosen === undefined ? null : { actor: chosen.path, wasAlive: !hasEnded(chosen) };
    }
    this.#source?.lookAt(state.selected, (actor) => watchPlan(actor, timeline.newest.actors.keys()));
    if (state.follow) this.#follow(view);
    const isAtBeginning = state.position !== null && timeline.stepFrom(state.position + 1, -1) === -(state.position + 1);
    if (!isAtBeginning) this.#past.left();
    else if (state.connection.kind === 'live') void this.#past.came();
    setAttribute(this.#root, 'data-theme', state.theme);
    setAttribute(this.#root, 'data-page', state.page);
    setAttribute(this.#root, 'data-connection', state.connection.kind);
    const end = appEndOf(timeline.newest);
    this.#header.render(state, end);
    this.#showBanner(bannerWords(state.connection, end));
    for (const page of Object.values(this.#pages)) if (page.element.offsetParent !== null || page === this.#recording) page.render(view);
    this.#timeBar.render(view);
    this.#notices.show(state.notices, this.#store.dispatch);
    this.#keys.show(state.showsKeys);
  }

  #ratesAt(index: number, at: number, isLive: boolean): ReadonlyMap<string, number> {
    const now = performance.now();
    const isFresh = isLive ? now - this.#rates.when < tickMs : index === this.#rates.index;
    if (!isFresh) this.#rates = { index, when: now, rates: ratesAt(this.#timeline, index, at) };
    return this.#rates.rates;
  }

  /** The selection goes to who acted last, not more often than one can read. */
  #follow({ state, timeline, index }: View): void {
    const now = performance.now();
    if (now - this.#followedAt < tickMs) return;
    const actor = lastActor(timeline, index);
    if (actor === undefined) return;
    this.#followedAt = now;
    if (actor !== state.selected) this.#store.dispatch({ type: 'actor.chosen', actor });
  }

  #showBanner(words: readonly string[]): void {
    // It lies over the page: whoever has read it may put it away, until there is another.
    if (words.length === 0) this.#putAway = '';
    setHidden(this.#banner, words.length === 0 || this.#putAway === words.join(''));
    if (this.#banner.dataset['words'] === words.join('')) return;
    this.#banner.dataset['words'] = words.join('');
    const putAway = (): void => {
      this.#putAway = words.join('');
      this.#store.refresh();
    };
    const close = element('button', { class: 'small', 'aria-label': 'close', on: { click: putAway } }, '✕');
    setChildren(
      this.#banner,
      ...words.map((text, index) => element(index === 0 ? 'strong' : 'span', {}, text)),
      ...(words.length > 0 ? [close] : []),
    );
  }

  #listen(): void {
    document.addEventListener('keydown', (event) => this.#key(event));
    document.addEventListener('dragover', (event) => {
      event.preventDefault();
      setAttribute(this.#root, 'data-dropping', true);
    });
    document.addEventListener('dragleave', (event) => event.relatedTarget === null && setAttribute(this.#root, 'data-dropping', null));
    document.addEventListener('drop', (event) => {
      event.preventDefault();
      setAttribute(this.#root, 'data-dropping', null);
      const file = event.dataTransfer?.files[0];
      if (file !== undefined) void this.open(file);
    });
    setInterval(() => {
      const { kind } = this.#store.state.connection;
      if (document.visibilityState === 'visible' && (kind === 'live' || kind === 'lost')) this.#store.refresh();
    }, tickMs);
  }

  #key(event: KeyboardEvent): void {
    const { target, key } = event;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const isWriting = target instanceof HTMLElement && target.matches('input:not([type=file]), textarea');
    if (isWriting) return;
    // A button that has the focus takes the space bar itself.
    if (key === ' ' && target instanceof HTMLElement && target.matches('button, summary, label')) return;
    if (key === '/') {
      event.preventDefault();
      this.#store.dispatch({ type: 'page.chosen', page: this.#isNarrow ? 'tree' : this.#store.state.page });
      requestAnimationFrame(() => this.#tree.search.focus());
      return;
    }
    if (key === 'o') this.#recording.chooser.click();
    const action = actionOf(key, this.#store.state, this.#timeline);
    if (action === null) return;
    event.preventDefault();
    this.#store.dispatch(action);
  }

  get #isNarrow(): boolean {
    return matchMedia('(max-width: 760px)').matches;
  }
}

function refusalOf({ connection, position }: State): string | null {
  if (connection.kind === 'file') return 'A recording can be looked at, and not be changed.';
  if (connection.kind !== 'live') return 'There is no connection to the app.';
  if (!connection.control) return 'Read-only: the app allows no control.';
  return position === null ? null : 'This moment is past: go back to now to send an event.';
}
