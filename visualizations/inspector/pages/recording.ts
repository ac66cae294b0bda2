/** Recordings: what is in this one, another from a file, and all the forms in which it can be taken away. */
import { activeStates } from '../../../src/charts/active.js';
import type { ChartDefinition } from '../../../src/charts/definition.js';
import { dotOf } from '../../../src/charts/dot.js';
import { mermaidOf } from '../../../src/charts/mermaid.js';
import { svgOf } from '../../../src/charts/svg.js';
import { chromeTrace } from '../../../src/recording/exports/chrome-trace.js';
import { otlpTrace } from '../../../src/recording/exports/otel.js';
import { sequenceMermaid } from '../../../src/recording/exports/sequence-mermaid.js';
import { sequenceSvg } from '../../../src/recording/exports/sequence-svg.js';
import { SequenceRows } from '../../../src/recording/exports/sequence.js';
import { recordingVersion, type RecordedLine, type RecordingHead } from '../../../src/wire/recording/lines.js';
import { layoutOf } from '../chart/chart-view.js';
import { element, setAttribute, setChildren, setHidden } from '../components/element.js';
import { icon } from '../components/icons.js';
import { counted, duration } from '../components/words.js';
import { fileName, save } from '../exports/save.js';
import { linesOf } from '../sources/entries.js';
import type { Entry } from '../state/entry.js';
import type { Connection } from '../state/state.js';
import type { Timeline } from '../state/timeline.js';
import type { Doors, PageView, View } from './view.js';

const sources: Partial<Readonly<Record<Connection['kind'], string>>> = { live: 'the app, as it runs', lost: 'the app, as it ran' };

function sourceWords(connection: Connection): string {
  return connection.kind === 'file' ? connection.name : (sources[connection.kind] ?? '');
}

export class RecordingPage implements PageView {
  readonly element: HTMLElement;
  readonly chooser: HTMLInputElement;
  readonly #doors: Doors;
  readonly #facts = element('dl', { class: 'record-facts' });
  readonly #factsPanel: HTMLElement;
  readonly #exports: HTMLElement;
  readonly #buttons: readonly { readonly button: HTMLButtonElement; readonly needsChart: boolean }[];
  #view: View | null = null;
  #shownFor = '';

  constructor(doors: Doors) {
    this.#doors = doors;
    this.chooser = element('input', {
      type: 'file',
      accept: '.ndjson,.jsonl,.json',
      class: 'chooser',
      'aria-label': 'open a recording',
      on: {
        change: () => {
          const file = this.chooser.files?.[0];
          if (file !== undefined) doors.open(file);
          this.chooser.value = '';
        },
      },
    });
    this.#buttons = [
      this.#button('Recording (NDJSON)', 'opens here again, with or without the app', false, () => this.#saveRecording()),
      this.#button('Chart (SVG)', 'of the chosen actor, with its states lit', true, () => this.#saveChart()),
      this.#button('Chart (Mermaid)', 'of the chosen actor, for a report', true, () => this.#saveChartText('mmd', mermaidOf)),
      this.#button('Chart (DOT)', 'of the chosen actor, for Graphviz', true, () => this.#saveChartText('dot', dotOf)),
      this.#button('Sequence (Mermaid)', 'the last 200 messages, for a report', false, () => this.#saveSequence('mmd')),
      this.#button('Sequence (SVG)', 'the last 1 000 messages, as a picture', false, () => this.#saveSequence('svg')),
      this.#button('Trace (Chrome, Perfetto)', 'states and messages over time', false, () => this.#saveTrace('trace', chromeTrace)),
      this.#button('Trace (OpenTelemetry)', 'OTLP as JSON, for a collector', false, () => this.#saveTrace('otel', otlpTrace)),
    ];
    this.#factsPanel = element('section', { class: 'panel' }, element('h3', {}, 'This recording'), this.#facts);
    this.#exports = element(
      'section',
      { class: 'panel' },
      element('h3', {}, 'Take away'),
      element('div', { class: 'exports' }, ...this.#buttons.map(({ button }) => button)),
    );
    this.element = element(
      'section',
      { class: 'page recording-page', 'aria-label': 'recording' },
      element(
        'label',
        { class: 'drop' },
        icon('open'),
        element('strong', {}, 'Drop a recording here'),
        element('span', { class: 'quiet' }, 'or choose a file. It is read in this page and sent nowhere.'),
        this.chooser,
      ),
      this.#factsPanel,
      this.#exports,
    );
  }

  render(view: View): void {
    this.#view = view;
    const { timeline, state, moment } = view;
    const isEmpty = timeline.length === 0;
    setHidden(this.#factsPanel, isEmpty);
    setHidden(this.#exports, isEmpty);
    const machine = state.selected === null ? null : (moment.actors.get(state.selected)?.machine ?? null);
    for (const { button, needsChart } of this.#buttons) button.disabled = needsChart && (machine === null || !moment.machines.has(machine));
    const key = `${timeline.generation} ${Math.floor(timeline.length / 50)} ${timeline.length < 50 ? timeline.length : ''} ${state.connection.kind}`;
    if (isEmpty || key === this.#shownFor) return;
    this.#shownFor = key;
    const { connection } = state;
    const rows: readonly (readonly [string, string])[] = [
      ['from', sourceWords(connection)],
      ...(connection.kind === 'file' && connection.cut !== null ? [['cut off', connection.cut] as const] : []),
      ['lines', timeline.length.toLocaleString('en')],
      ['spans', duration(timeline.scale.timeOf(timeline.last) - timeline.scale.timeOf(0))],
      ...(timeline.head?.wallAt === undefined
        ? []
        : [['began', new Date(timeline.head.wallAt + timeline.scale.timeOf(0)).toLocaleString()] as const]),
      ['actors', counted(timeline.newest.actors.size, 'actor')],
      ['machines', [...timeline.newest.machines.keys()].join(', ')],
      ['crashes', String(timeline.marks.filter(({ kind }) => kind === 'crash').length)],
      ['restarts', String(timeline.marks.filter(({ kind }) => kind === 'restart').length)],
      ['dead letters', String(timeline.marks.filter(({ kind }) => kind === 'dead').length)],
      ['left out', counted(timeline.newest.dropped, 'line')],
      ['redacted', timeline.head === null ? 'not known' : timeline.head.secret === null ? 'nothing' : `what has a key like ${timeline.head.secret}`],
    ];
    setChildren(
      this.#facts,
      ...rows.filter(([, words]) => words !== '').flatMap(([name, words]) => [element('dt', {}, name), element('dd', {}, words)]),
    );
  }

  #button(title: string, about: string, needsChart: boolean, make: () => Promise<void>) {
    const click = (): void => {
      setAttribute(button, 'aria-busy', 'true');
      void make()
        .catch((error: unknown) => this.#doors.dispatch({ type: 'notice.shown', tone: 'bad', text: `It could not be saved: ${String(error)}` }))
        .finally(() => setAttribute(button, 'aria-busy', null));
    };
    const button = element(
      'button',
      { class: 'export', on: { click } },
      icon('save'),
      element('strong', {}, title),
      element('span', { class: 'quiet' }, about),
    );
    return { button, needsChart };
  }

  get #name(): string {
    const connection = this.#view?.state.connection;
    return connection?.kind === 'file' ? connection.name.replace(/\.[a-z]+$/u, '') : connection?.kind === 'live' ? connection.app : 'recording';
  }

  async #saveRecording(): Promise<void> {
    save(fileName(this.#name, 'ndjson'), await this.#doors.recording());
  }

  /** The chosen actor, and what it runs. */
  #chosen() {
    const { state, moment } = this.#view as View;
    const actor = moment.actors.get(state.selected ?? '');
    const definition = moment.machines.get(actor?.machine ?? '');
    return actor === undefined || definition === undefined ? null : { actor, definition };
  }

  async #saveChart(): Promise<void> {
    const chosen = this.#chosen();
    if (chosen === null) return;
    const { actor, definition } = chosen;
    const highlights = { active: activeStates(definition, actor.value), last: actor.last?.taken ?? [], counts: actor.counts.edges };
    const svg = svgOf(await layoutOf(definition), { title: `${actor.path} (${definition.id})`, highlights });
    save(fileName(actor.path.replaceAll('/', '-'), 'svg'), new Blob([svg], { type: 'image/svg+xml' }));
  }

  async #saveChartText(ending: 'mmd' | 'dot', write: (definition: ChartDefinition) => string): Promise<void> {
    const chosen = this.#chosen();
    if (chosen === null) return;
    save(fileName(chosen.definition.id, ending), new Blob([write(chosen.definition)], { type: 'text/plain' }));
  }

  async #saveSequence(ending: 'mmd' | 'svg'): Promise<void> {
    const rows = new SequenceRows(() => true);
    rows.extend(this.#doors.timeline);
    const text = ending === 'svg' ? sequenceSvg(rows, { title: this.#name }) : sequenceMermaid(rows.rows);
    save(fileName(`${this.#name}-sequence`, ending), new Blob([text], { type: ending === 'svg' ? 'image/svg+xml' : 'text/plain' }));
  }

  async #saveTrace(name: string, write: (recording: { head: RecordingHead; lines: readonly RecordedLine[] }) => object): Promise<void> {
    const { timeline } = this.#doors;
    const head = timeline.head ?? { type: 'recording', v: recordingVersion, secret: null, contexts: 'patches' };
    const text = JSON.stringify(write({ head, lines: linesOf(allOf(timeline)) }));
    save(fileName(`${this.#name}-${name}`, 'json'), new Blob([text], { type: 'application/json' }));
  }
}

function allOf(timeline: Timeline): readonly Entry[] {
  return Array.from({ length: timeline.length }, (_, index) => timeline.line(index) as Entry);
}
