/**
 * What is drawn of a definition: boxes in boxes with lines of text in them, and arrows with labels. Nothing here has a place yet.
 *
 * | in the machine                                          | in the picture                                                     |
 * |---------------------------------------------------------|--------------------------------------------------------------------|
 * | transition to another state                             | an arrow `event [guard]`; those between the same two share one     |
 * | transition without a target, or to its own state        | a line in its state; `↻` where it enters the state again           |
 * | transition of a compound state to one inside it         | an arrow from a box `in any state` in it                           |
 * | transition to a compound state around its own           | an arrow to where that state begins                                |
 * | transition between regions, to a parallel state around  | a line `event → state`: regions are pictures of their own          |
 * | more than one target                                    | an arrow or a line for each                                        |
 * | tags, `invoke`, `entry`, `exit`                         | lines in their state                                               |
 */
import { type ChartDefinition, type ChartEdge, chartStates, type ChartState } from './definition.js';
import { short } from './text-width.js';

/** A piece of a line. */
export interface Part {
  readonly text: string;
  /** Its class in the picture, where it has one of its own. */
  readonly tone?: string;
}

/** A line of text, with what is known of it as its tooltip. */
export interface Line {
  readonly parts: readonly Part[];
  readonly about: string;
  /** The id of the edge that it tells of. */
  readonly edge?: string;
}

/** A box: a state, or a mark within one. */
export interface Box {
  /** Its own in this chart, short and harmless whatever the states are called. */
  readonly key: string;
  /** The id of its state; a mark has none. */
  readonly state?: string;
  readonly kind: 'state' | 'final' | 'region' | 'start' | 'history' | 'any';
  readonly title: Line;
  readonly description?: string;
  readonly lines: readonly Line[];
  readonly boxes: readonly Box[];
  /** Whether its boxes are regions, each a picture of its own. */
  readonly isStack: boolean;
}

/** An arrow between two boxes, by their keys. */
export interface Arrow {
  readonly key: string;
  readonly from: string;
  readonly to: string;
  /** One for each transition; none where it says only where a state begins. */
  readonly lines: readonly Line[];
}

export interface Chart {
  readonly root: Box;
  readonly arrows: readonly Arrow[];
}

/** What is written beside the machine's own words, and what tooltips say too. */
export interface Remark {
  readonly parts: readonly Part[];
  readonly about: string;
}

/** Remarks of somebody who knows more than the definition, as a coverage does. */
export interface Remarks {
  /** After the name of a state. */
  state?(state: ChartState): Remark;
  /** After a transition; `guard` within its brackets. */
  edge?(edge: ChartEdge): Remark & { readonly guard?: readonly Part[] };
  /** After what a state invokes, by the index among its invocations. */
  invoke?(state: ChartState, index: number): Remark;
  /** More lines of a state. */
  lines?(state: ChartState): readonly Line[];
}

export interface ChartOptions {
  readonly remarks?: Remarks;
  /** False: every transition is a line `event → state`. */
  readonly arrows?: boolean;
  /** False: so is one to a state around its own. */
  readonly startArrows?: boolean;
}

export function chartOf(definition: ChartDefinition, { remarks = {}, arrows = true, startArrows = true }: ChartOptions = {}): Chart {
  return new Draft(definition, remarks, arrows, startArrows).chart();
}

/** Every box of a chart, the outermost first. */
export function boxesOf(box: Box): readonly Box[] {
  return [box, ...box.boxes.flatMap(boxesOf)];
}

/** A line as it reads. */
export function written(line: Line): string {
  return line.parts.map(({ text }) => text).join('');
}

class Draft {
  readonly #root: ChartState;
  readonly #remarks: Remarks;
  readonly #startArrows: boolean;
  readonly #parents = new Map<ChartState, ChartState>();
  readonly #numbers = new Map<ChartState, number>();
  readonly #byId = new Map<string, ChartState>();
  readonly #arrows = new Map<string, { readonly from: string; readonly to: string; readonly lines: Line[] }>();
  /** Keys of boxes at which an arrow begins or ends. */
  readonly #ends = new Set<string>();
  /** Transitions that are lines in their state. */
  readonly #inner = new Map<ChartState, Line[]>();
  readonly #inAnyState = new Set<ChartState>();
  /** Without arrows: states in which another begins. */
  readonly #firsts = new Set<ChartState>();

  constructor(root: ChartState, remarks: Remarks, withArrows: boolean, startArrows: boolean) {
    this.#root = root;
    this.#remarks = remarks;
    this.#startArrows = startArrows;
    for (const [number, state] of chartStates(root).entries()) {
      this.#numbers.set(state, number);
      if (!this.#byId.has(state.id)) this.#byId.set(state.id, state);
      for (const child of state.states) this.#parents.set(child, state);
    }
    for (const state of this.#numbers.keys()) {
      for (const edge of state.edges) this.#placeEdge(state, edge, withArrows);
      const initial = state.initial === undefined ? undefined : this.#byId.get(state.initial);
      if (initial === undefined) continue;
      if (!withArrows) this.#firsts.add(initial);
      // A history state is where its own default begins.
      else if (state.type !== 'history') this.#arrow(this.#key('start', state), this.#key('box', initial));
      else if (!this.#isApart(state, initial) && !this.#isWithin(state, initial)) this.#arrow(this.#key('box', state), this.#key('box', initial));
    }
  }

  chart(): Chart {
    const arrows = [...this.#arrows.values()].map(({ from, to, lines }, index): Arrow => ({ key: `arrow${index}`, from, to, lines }));
    return { root: this.#box(this.#root), arrows };
  }

  #key(kind: 'box' | 'start' | 'any', state: ChartState): string {
    return `${kind}${this.#numbers.get(state) ?? ''}`;
  }

  #arrow(from: string, to: string, ...lines: readonly Line[]): void {
    const key = `${from} ${to}`;
    const arrow = this.#arrows.get(key) ?? { from, to, lines: [] };
    this.#arrows.set(key, arrow);
    this.#ends.add(from).add(to);
    arrow.lines.push(...lines);
  }

  #placeEdge(state: ChartState, edge: ChartEdge, withArrows: boolean): void {
    const inner = (suffix: string): void => {
      const known = this.#inner.get(state);
      if (known === undefined) this.#inner.set(state, [this.#edgeLine(state, edge, suffix)]);
      else known.push(this.#edgeLine(state, edge, suffix));
    };
    if (edge.targets === null || edge.targets.length === 0) inner('');
    for (const [index, id] of (edge.targets ?? []).entries()) {
      const target = this.#byId.get(id);
      if (target === state) inner(edge.reenter ? ' ↻' : '');
      else if (target === undefined || !withArrows || this.#isApart(state, target)) inner(` → ${short(target?.key ?? id)}`);
      else this.#arrow(this.#tail(state, target), this.#head(state, target), this.#edgeLine(state, edge, index === 0 ? '' : ' (also)'));
    }
  }

  /** Where an arrow begins: of one that stays inside its state, in any state there. */
  #tail(state: ChartState, target: ChartState): string {
    if (!this.#isWithin(target, state)) return this.#key('box', state);
    this.#inAnyState.add(state);
    return this.#key('any', state);
  }

  /** Where an arrow ends: of one to a state around its own, where that begins. */
  #head(state: ChartState, target: ChartState): string {
    return this.#key(this.#isWithin(state, target) ? 'start' : 'box', target);
  }

  /** Whether no arrow can lead from one to the other: regions are pictures of their own, and a parallel state begins nowhere. */
  #isApart(state: ChartState, target: ChartState): boolean {
    const around = new Set(this.#around(state));
    const common = this.#around(target).find((one) => around.has(one));
    return common === undefined || common.type === 'parallel' || (common === target && (!this.#startArrows || startOf(target) === undefined));
  }

  /** The state and those around it, from within. */
  #around(state: ChartState): readonly ChartState[] {
    const found: ChartState[] = [];
    for (let at: ChartState | undefined = state; at !== undefined; at = this.#parents.get(at)) found.push(at);
    return found;
  }

  #isWithin(inner: ChartState, outer: ChartState): boolean {
    return inner !== outer && this.#around(inner).includes(outer);
  }

  #box(state: ChartState): Box {
    const key = this.#key('box', state);
    const remark = this.#remarks.state?.(state);
    const name = state.type === 'history' ? (state.history === 'deep' ? 'H*' : 'H') : short(state.key);
    const title = this.#firsts.has(state) ? `${name} (begins here)` : name;
    const about = [remark?.about ?? state.id, state.description ?? ''].filter((text) => text !== '').join('\n');
    const marks: Box[] = [];
    if (this.#arrowsStartIn(state)) marks.push(markOf(this.#key('start', state), 'start', ''));
    if (this.#inAnyState.has(state)) marks.push(markOf(this.#key('any', state), 'any', 'in any state'));
    const isRegion = this.#parents.get(state)?.type === 'parallel';
    return {
      key,
      state: state.id,
      kind: state.type === 'history' ? 'history' : state.type === 'final' ? 'final' : isRegion ? 'region' : 'state',
      title: { parts: [{ text: title }, ...(state.type === 'history' ? [] : (remark?.parts ?? []))], about },
      ...(state.description === undefined ? {} : { description: state.description }),
      lines: [
        ...listLines('tags', state.tags),
        ...this.#invokeLines(state),
        ...listLines('entry', state.entry),
        ...listLines('exit', state.exit),
        ...(this.#remarks.lines?.(state) ?? []),
        ...(this.#inner.get(state) ?? []),
      ],
      boxes: [...marks, ...state.states.map((child) => this.#box(child))],
      isStack: state.type === 'parallel' && state.states.length > 0,
    };
  }

  #arrowsStartIn(state: ChartState): boolean {
    return state.type !== 'history' && this.#ends.has(this.#key('start', state));
  }

  #invokeLines(state: ChartState): readonly Line[] {
    return state.invoke.map(({ id, src }, index) => {
      const remark = this.#remarks.invoke?.(state, index);
      // XState calls what has no id of its own after its place.
      const isNamed = id !== src && id !== `${index}.${state.id}`;
      const words = `invoke ${isNamed ? `${short(id)} (${short(src)})` : short(src)}`;
      return { parts: [{ text: words }, ...(remark?.parts ?? [])], about: remark?.about ?? words };
    });
  }

  #edgeLine(state: ChartState, edge: ChartEdge, suffix: string): Line {
    const event = eventWords(state, edge);
    const { guard, actions, description } = edge;
    const remark = this.#remarks.edge?.(edge);
    const parts: Part[] = [{ text: short(event) }];
    if (guard !== undefined) {
      const inside = remark?.guard ?? [];
      parts.push({ text: ` [${short(guard)}` }, ...inside, { text: ']' });
    }
    if (suffix !== '') parts.push({ text: suffix });
    if (remark !== undefined) parts.push(...remark.parts);
    const facts = [remark?.about ?? edge.id, description ?? '', actions.length === 0 ? '' : `does ${actions.join(', ')}`];
    return { parts, about: facts.filter((fact) => fact !== '').join('\n'), edge: edge.id };
  }
}

/** The event; of what an actor without an id of its own does, by the name of that actor: `done(load)`. */
export function eventWords(state: ChartState, { event }: ChartEdge): string {
  const nameless = state.invoke.find(({ id }, index) => id === `${index}.${state.id}` && event.endsWith(`(${id})`));
  return nameless === undefined ? event : event.replace(`(${nameless.id})`, () => `(${nameless.src})`);
}

/** The state in which one begins, by id. */
function startOf({ type, initial }: ChartState): string | undefined {
  return type === 'compound' ? initial : undefined;
}

function markOf(key: string, kind: Box['kind'], text: string): Box {
  return { key, kind, title: { parts: [{ text }], about: '' }, lines: [], boxes: [], isStack: false };
}

/** Longest line of a list, in letters. */
const longestList = 56;

/** `entry / a, b`, on as many lines as it takes. */
function listLines(name: string, words: readonly string[]): readonly Line[] {
  if (words.length === 0) return [];
  const about = `${name} ${words.join(', ')}`;
  const rows: string[] = [];
  let row = `${name} /`;
  for (const [index, word] of words.entries()) {
    const next = `${short(word)}${index === words.length - 1 ? '' : ','}`;
    if (index > 0 && row.length + next.length >= longestList) {
      rows.push(row);
      row = ' '.repeat(name.length + 2);
    }
    row += ` ${next}`;
  }
  return [...rows, row].map((text) => ({ parts: [{ text }], about }));
}
