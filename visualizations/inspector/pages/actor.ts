/** One actor: its chart with what is active, what its context has changed in, what it would take next, and how it has fared. */
import { activeStates, nextEvents } from '../../../src/charts/active.js';
import { ChartView } from '../chart/chart-view.js';
import { chipsOf, moodOf, moodSigns } from '../components/chip.js';
import { element, setAttribute, setChildren, setHidden, setText } from '../components/element.js';
import { ValueView } from '../components/value-view.js';
import { counted, duration, eventWords, moment as momentWords } from '../components/words.js';
import type { ChartDefinition } from '../../../src/charts/definition.js';
import { gaveUpText, reasonText } from '../../../src/recording/exports/story.js';
import { stepWords } from '../layout/step-words.js';
import type { Portable } from '../../../src/wire/recording/portable-shape.js';
import { type ActorView, eventType, hasEnded } from '../state/actor-view.js';
import { lineageOf } from '../../../src/recording/scene-lineage.js';
import { budgetAt } from '../state/supervision.js';
import { NextEvents, OrderButtons } from './actor-orders.js';
import { ReplayPanel } from './replay-panel.js';
import type { Doors, PageView, View } from './view.js';

/** A part of the page with a title, which is not there when it has nothing to say. */
function panel(title: string, ...content: HTMLElement[]): HTMLElement {
  return element('section', { class: 'panel' }, element('h3', {}, title), ...content);
}

export class ActorPage implements PageView {
  readonly element: HTMLElement;
  readonly #doors: Doors;
  readonly #none = element(
    'div',
    { class: 'empty' },
    element('strong', {}, 'No actor is chosen.'),
    element('p', {}, 'Choose one in the tree, with the mouse or the arrow keys.'),
  );
  readonly #some = element('div', { class: 'actor' });
  readonly #path = element('nav', { class: 'path', 'aria-label': 'path to the root' });
  readonly #sign = element('span', { class: 'sign', 'aria-hidden': 'true' });
  readonly #facts = element('p', { class: 'facts quiet' });
  readonly #chips = element('div', { class: 'chips' });
  readonly #orders = new OrderButtons();
  readonly #chart = new ChartView();
  readonly #last = element('div', { class: 'last' });
  readonly #context = new ValueView();
  readonly #whole = element('button', { class: 'small', on: { click: () => this.#askWhole() } }, 'whole value');
  readonly #contextTitle = element('span', { class: 'quiet' });
  readonly #next: NextEvents;
  readonly #replay: ReplayPanel;
  readonly #nextPanel: HTMLElement;
  readonly #readOnly = element('p', { class: 'quiet hint' });
  readonly #restarts = element('table', { class: 'facts-table' });
  readonly #restartsPanel: HTMLElement;
  readonly #timers = element('table', { class: 'facts-table' });
  readonly #timersPanel: HTMLElement;
  readonly #input = new ValueView();
  readonly #inputPanel: HTMLElement;
  readonly #end = new ValueView();
  readonly #endPanel: HTMLElement;
  /** The whole context that was asked for, and of whom. */
  #asked: { readonly actor: string; readonly value: Portable } | null = null;
  #actor: ActorView | null = null;

  constructor(doors: Doors) {
    this.#doors = doors;
    this.#next = new NextEvents(doors);
    this.#replay = new ReplayPanel(doors);
    const contextPanel = element(
      'section',
      { class: 'panel context' },
      element('h3', {}, 'Context ', this.#contextTitle, this.#whole),
      this.#context.element,
    );
    this.#nextPanel = panel('Next events', this.#next.element, this.#readOnly);
    this.#restartsPanel = panel('Restarts', this.#restarts);
    this.#timersPanel = panel('Timers', this.#timers);
    this.#inputPanel = panel('Input', this.#input.element);
    this.#endPanel = panel('End', this.#end.element);
    this.#some.append(
      element(
        'header',
        { class: 'actor-head' },
        element('div', { class: 'title' }, this.#sign, this.#path, this.#orders.element),
        element('div', { class: 'title second' }, this.#chips, this.#facts),
      ),
      element('section', { class: 'panel chart-panel', 'aria-label': 'statechart' }, this.#chart.element, this.#last),
      this.#replay.element,
      element(
        'div',
        { class: 'columns-of-panels' },
        element('div', {}, contextPanel),
        element('div', {}, this.#nextPanel, this.#restartsPanel, this.#timersPanel, this.#endPanel, this.#inputPanel),
      ),
    );
    this.element = element('section', { class: 'page actor-page', 'aria-label': 'actor' }, this.#none, this.#some);
  }

  render(view: View): void {
    const { state, moment } = view;
    const actor = state.selected === null ? undefined : moment.actors.get(state.selected);
    setHidden(this.#none, actor !== undefined);
    setHidden(this.#some, actor === undefined);
    if (actor === undefined) {
      const [title, words] = this.#none.children;
      if (title !== undefined) setText(title, state.selected === null ? 'No actor is chosen.' : `${state.selected} is not there at this moment.`);
      if (words !== undefined)
        setText(
          words,
          state.selected === null ? 'Choose one in the tree, with the mouse or the arrow keys.' : 'It has not started yet, or is forgotten.',
        );
      return;
    }
    if (this.#actor?.path !== actor.path) this.#asked = null;
    this.#actor = actor;
    const definition = actor.machine === null ? null : (moment.machines.get(actor.machine) ?? null);
    const active = definition === null ? [] : activeStates(definition, actor.value);
    this.#showHead(actor, view);
    this.#chart.show(actor.path, definition, { active, last: actor.last?.taken ?? [], counts: actor.counts.edges });
    setHidden(this.#chart.element, definition === null);
    this.#showLast(actor, definition, view);
    this.#showContext(actor, view);
    setHidden(this.#nextPanel, definition === null || hasEnded(actor));
    if (definition !== null)
      this.#next.show(actor.path, nextEvents(definition, active), definition.events, (type) => this.#sample(actor.path, type, view));
    const sample = (type: string): Portable | null => this.#sample(actor.path, type, view);
    const supposable = definition === null || hasEnded(actor) ? [] : nextEvents(definition, active);
    this.#replay.show(actor.path, { events: supposable, schemas: definition?.events, sample }, view);
    setHidden(this.#replay.element, definition === null);
    const { refusal } = this.#doors.orders();
    setText(this.#readOnly, refusal ?? '');
    setHidden(this.#readOnly, refusal === null);
    this.#showRestarts(actor, view);
    this.#showTimers(actor, view);
    const ending = actor.error ?? actor.output;
    setHidden(this.#endPanel, ending === undefined);
    if (ending !== undefined) this.#end.show(ending, undefined);
    setHidden(this.#inputPanel, actor.input === undefined);
    if (actor.input !== undefined) this.#input.show(actor.input, undefined);
  }

  #showHead(actor: ActorView, { at }: View): void {
    const mood = moodOf(actor, null);
    setText(this.#sign, moodSigns[mood]);
    setAttribute(this.#some, 'data-mood', mood);
    this.#showPath(actor.path);
    const words = chipsOf(actor);
    if (this.#chips.dataset['words'] !== words.join(' ')) {
      this.#chips.dataset['words'] = words.join(' ');
      setChildren(this.#chips, ...words.map((word) => element('span', { class: 'chip' }, word)));
    }
    const budget = budgetAt(actor, at);
    setText(
      this.#facts,
      [
        actor.machine ?? actor.src ?? actor.logic,
        actor.exit === null
          ? hasEnded(actor)
            ? actor.status
            : actor.startedAt === null
              ? 'started before this'
              : `for ${duration(Math.floor((at - actor.startedAt) / 1_000) * 1_000)}`
          : reasonText(actor.exit.reason),
        counted(actor.counts.events, 'event'),
        ...(actor.counts.unhandled === 0 ? [] : [`${actor.counts.unhandled} unhandled`]),
        ...(actor.counts.dead === 0 ? [] : [counted(actor.counts.dead, 'dead letter')]),
        ...(actor.gaveUp === null ? [] : [`gave up: ${gaveUpText(actor.gaveUp)}`]),
        ...(budget === null ? [] : [`${budget.used} of ${budget.intensity} restarts in ${duration(budget.periodMs)}`]),
      ].join(' · '),
    );
    this.#orders.show(actor.path, hasEnded(actor), this.#doors);
  }

  #showPath(path: string): void {
    if (this.#path.dataset['path'] === path) return;
    this.#path.dataset['path'] = path;
    const steps = path.split('/');
    const parts = steps.flatMap((step, index) => {
      const to = steps.slice(0, index + 1).join('/');
      if (index === steps.length - 1) return [element('strong', {}, step)];
      const click = (): void => this.#doors.dispatch({ type: 'actor.chosen', actor: to });
      return [element('button', { class: 'link', on: { click } }, step), element('span', { class: 'quiet' }, '/')];
    });
    setChildren(this.#path, ...parts);
  }

  #showLast({ last, lastEvent }: ActorView, definition: ChartDefinition | null, { at, timeline }: View): void {
    setHidden(this.#last, definition === null);
    const key = `${last?.seq ?? ''} ${timeline.head === null ? '' : last?.at}`;
    if (definition === null || this.#last.dataset['key'] === key) return;
    this.#last.dataset['key'] = key;
    if (last === null) {
      setChildren(this.#last, element('span', { class: 'quiet' }, 'no transition yet'));
      return;
    }
    const words = stepWords(last, definition);
    const show = (): void => {
      const index = timeline.indexOf(last.seq);
      // Its line may have been let go since.
      if (index >= 0) this.#doors.dispatch({ type: 'time.moved', to: index, last: timeline.last });
    };
    setChildren(
      this.#last,
      element('button', { class: 'link', title: 'go to this moment', on: { click: show } }, momentWords(Math.min(last.at, at))),
      element('strong', { title: lastEvent ?? '' }, eventWords(lastEvent ?? '?')),
      ...words.slice(0, 6).map((word) => element('span', { class: last.crash === undefined ? 'edge-words' : 'edge-words crash' }, word)),
    );
  }

  #showContext(actor: ActorView, view: View): void {
    const asked = this.#asked?.actor === actor.path && view.state.position === null ? this.#asked.value : undefined;
    const isLast = actor.contextBefore !== undefined;
    this.#context.show(asked ?? actor.context, asked === undefined && isLast ? actor.contextBefore : undefined);
    setText(this.#contextTitle, asked === undefined ? (isLast ? 'with what changed last' : '') : 'whole, as it was when it was asked for');
    setHidden(this.#whole, view.state.connection.kind !== 'live' || view.state.position !== null || actor.machine === null);
  }

  #askWhole(): void {
    const { path } = this.#actor ?? {};
    if (path === undefined) return;
    void this.#doors
      .orders()
      .value(path)
      ?.then(
        (value) => {
          this.#asked = { actor: path, value };
        },
        (error: unknown) => this.#doors.dispatch({ type: 'notice.shown', tone: 'bad', text: String(error) }),
      );
  }

  /** The last event of a type that somebody has sent to it: what a new one may look like. */
  #sample(actor: string, type: string, { timeline, index }: View): Portable | null {
    for (let at = index; at >= 0 && at > index - 20_000; at--) {
      const line = timeline.line(at);
      if (line?.type === '@xstate.event' && line.actor === actor && eventType(line.event) === type) return line.event;
    }
    return null;
  }

  #showRestarts(actor: ActorView, { moment }: View): void {
    const runs = lineageOf(moment.actors, actor);
    const isWorth = runs.length > 1 || actor.run > 1 || actor.exit !== null;
    setHidden(this.#restartsPanel, !isWorth);
    const key = runs.map(({ path, exit }) => `${path} ${exit?.at ?? ''}`).join(' ') + actor.path;
    if (!isWorth || this.#restarts.dataset['key'] === key) return;
    this.#restarts.dataset['key'] = key;
    const rows = runs
      .slice(0, 50)
      .map((one) =>
        element(
          'tr',
          { class: one === actor ? 'chosen' : null },
          element(
            'td',
            { class: 'number' },
            element('button', { class: 'link', on: { click: () => this.#doors.dispatch({ type: 'actor.chosen', actor: one.path }) } }, `#${one.run}`),
          ),
          element('td', { class: 'number' }, one.startedAt === null ? 'before' : momentWords(one.startedAt)),
          element('td', { class: 'number' }, one.exit === null ? 'lives' : one.startedAt === null ? '?' : duration(one.exit.at - one.startedAt)),
          element('td', { class: 'reason' }, one.exit === null ? '' : reasonText(one.exit.reason)),
        ),
      );
    const heads = ['run', 'started', 'lived', 'ended by'].map((word) => element('th', { scope: 'col' }, word));
    setChildren(this.#restarts, element('thead', {}, element('tr', {}, ...heads)), element('tbody', {}, ...rows));
  }

  #showTimers({ timers, path: actorPath }: ActorView, { at }: View): void {
    setHidden(this.#timersPanel, timers.length === 0);
    const rows = timers
      .slice(0, 50)
      .map(({ event, to, ms, dueAt }) => [eventWords(event), to === actorPath ? '' : to, `${duration(Math.max(0, dueAt - at))} of ${duration(ms)}`]);
    const key = rows.join('\n');
    if (this.#timers.dataset['key'] === key) return;
    this.#timers.dataset['key'] = key;
    setChildren(this.#timers, element('tbody', {}, ...rows.map((cells) => element('tr', {}, ...cells.map((cell) => element('td', {}, cell))))));
  }
}
