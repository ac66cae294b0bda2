/**
 * A definition as a Mermaid state diagram: the same definition gives the same text, byte for byte. It shows what chart.ts says, as far as Mermaid can:
 *
 * | in the chart                             | in the diagram                                                                    |
 * |------------------------------------------|-----------------------------------------------------------------------------------|
 * | lines of a state that holds others       | in its title; transitions in a box `in any state`: its boxes take no lines        |
 * | an arrow to where a state around begins  | a line `event → state`: Mermaid draws no arrow from a state to one around it      |
 * | a final state                            | an arrow to Mermaid's end                                                         |
 */
import { type Arrow, type Box, type Chart, chartOf, type Line, written } from './chart.js';
import type { ChartDefinition } from './definition.js';

/** Words that Mermaid reads as its own, in any case. */
const reserved = new Set([
  ...['end', 'state', 'note', 'default', 'class', 'classdef', 'click', 'style', 'direction', 'root', 'as'],
  ...['scale', 'href', 'acctitle', 'accdescr', 'statediagram'],
]);

/** Mermaid keeps states in plain objects: what every object has is there already. */
function isReserved(name: string): boolean {
  return name === '' || reserved.has(name.toLowerCase()) || name in {};
}

/**
 * Signs that Mermaid reads as its own in any text: the ends of texts and its escapes; comments and settings (`%%{`), icons (`:fa-`), formulas (`$$`),
 * shapes (`[[`), breaks (`\\n`), emphasis, and entities.
 */
const ownSigns = /[#;"<>\\`]|(?<!\.)\*|\*(?=[^\s,\]])|%(?=%)|:(?=fa-)|\$(?=\$)|\[(?=\[)|\](?=\])|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])|&(?=[\w#])/g;

/**
 * @returns Mermaid `stateDiagram-v2` text that ends with a line break
 * @throws never
 */
export function mermaidOf(definition: ChartDefinition): string {
  return new Text(chartOf(definition, { startArrows: false })).lines().join('\n');
}

/** What is said of a state beside its name and its transitions. */
export function aboutLines({ description, lines }: Box): readonly string[] {
  return [...(description === undefined ? [] : [description]), ...lines.filter(({ edge }) => edge === undefined).map(written)];
}

class Text {
  readonly #chart: Chart;
  readonly #names = new Map<string, string>();
  readonly #taken = new Set<string>();
  /** How often a name was wanted that another box had. */
  readonly #again = new Map<string, number>();
  readonly #starts = new Map<string, Arrow>();

  constructor(chart: Chart) {
    this.#chart = chart;
    const visit = (box: Box, path: readonly string[]): void => {
      this.#names.set(box.key, this.#free(path.join('_')));
      for (const inner of box.boxes) {
        const key = inner.kind === 'any' ? 'any' : inner.kind === 'history' ? 'history' : (inner.title.parts[0]?.text ?? '');
        visit(inner, box === chart.root && inner.kind !== 'any' ? [key] : [...path, key]);
      }
    };
    visit(chart.root, [chart.root.title.parts[0]?.text ?? '']);
    for (const arrow of chart.arrows) if (arrow.from.startsWith('start')) this.#starts.set(arrow.from, arrow);
  }

  lines(): readonly string[] {
    const { root, arrows } = this.#chart;
    const isWhole = root.boxes.length === 0 || root.isStack;
    const body = [...(isWhole ? this.#state(root) : this.#inside(root)), ...arrows.flatMap((arrow) => this.#arrow(arrow))];
    return ['stateDiagram-v2', ...indented(body), ''];
  }

  /** A name that no other box has, of letters and digits. */
  #free(wanted: string): string {
    const plain = wanted.replace(/\W/g, '_');
    const first = isReserved(plain) ? `${plain}_` : plain;
    let name = first;
    for (let count = this.#again.get(first) ?? 1; this.#taken.has(name); this.#again.set(first, ++count))
      name = `${first}_${count === 1 ? '' : count}`;
    this.#taken.add(name);
    return name;
  }

  #name(key: string): string {
    return this.#names.get(key) ?? key;
  }

  /** A state with everything inside it. */
  #state(box: Box): readonly string[] {
    const name = this.#name(box.key);
    const title = written(box.title);
    if (box.boxes.length === 0) {
      const lines = [...aboutLines(box), ...edgeLines(box)];
      return [`state "${quoted(title)}" as ${name}`, ...lines.map((line) => `${name} : ${text(line)}`)];
    }
    return [`state "${quoted([title, ...aboutLines(box)].join(' · '))}" as ${name} {`, ...indented(this.#inside(box)), '}'];
  }

  /** What stands inside: where it starts, its states, where it ends, and what it does in any of them. */
  #inside(box: Box): readonly string[] {
    const any = this.#anyState(box);
    const states = box.boxes.filter(({ kind }) => kind !== 'start' && kind !== 'any');
    if (box.isStack) return [any, ...states.map((inner) => this.#state(inner))].filter((region) => region.length > 0).flatMap(asRegion);
    const starts = box.boxes.flatMap(({ key }) => this.#starts.get(key) ?? []);
    return [
      ...starts.map(({ to }) => `[*] --> ${this.#name(to)}`),
      ...states.flatMap((inner) => this.#state(inner)),
      ...states.filter(({ kind }) => kind === 'final').map(({ key }) => `${this.#name(key)} --> [*]`),
      ...any,
    ];
  }

  #anyState(box: Box): readonly string[] {
    const mark = box.boxes.find(({ kind }) => kind === 'any');
    const lines = edgeLines(box);
    if (mark === undefined && lines.length === 0) return [];
    const name = mark === undefined ? this.#free(`${this.#name(box.key)}_any`) : this.#name(mark.key);
    return [`state "in any state" as ${name}`, ...lines.map((line) => `${name} : ${text(line)}`)];
  }

  /** Arrows stand outside all boxes, because one inside a box moves its ends into it. */
  #arrow({ from, to, lines }: Arrow): readonly string[] {
    if (this.#starts.has(from)) return [];
    const arrow = `${this.#name(from)} --> ${this.#name(to)}`;
    return [lines.length === 0 ? arrow : `${arrow} : ${lines.map((line) => text(written(line))).join('<br/>')}`];
  }
}

function edgeLines({ lines }: Box): readonly string[] {
  return lines.filter((line: Line) => line.edge !== undefined).map(written);
}

function asRegion(lines: readonly string[], index: number): readonly string[] {
  return index === 0 ? lines : ['--', ...lines];
}

function indented(lines: readonly string[]): readonly string[] {
  return lines.map((line) => `  ${line}`);
}

/** Text after a colon: Mermaid ends it at a line break or `;`, and reads `:` and `#` as its own. */
function text(line: string): string {
  return quoted(line).replaceAll(':', '#58;');
}

/** Text between quotation marks; Mermaid takes none that is empty. */
function quoted(line: string): string {
  const plain = line.replace(/\s+/g, ' ').trim();
  return plain === '' ? '#160;' : plain.replace(ownSigns, (character) => `#${character.charCodeAt(0)};`);
}
