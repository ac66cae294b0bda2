/** The conversation of a recording as a Mermaid sequence diagram. */
import { inline } from '../../recording/replay/difference.js';
import type { ActorLine } from '../../wire/recording/lines.js';
import type { ActorRecording } from '../../wire/recording/parse.js';
import type { Portable } from '../../wire/recording/portable-shape.js';

export interface SequenceOptions {
  /** The line of the file at which the picture ends. Default: the last. */
  readonly upTo?: number;
  /** How many lines before that it shows. Default 40. */
  readonly last?: number;
  /** Only these actors, by name. Default: all. */
  readonly actors?: readonly string[];
  /** A note in red at the end. */
  readonly verdict?: { readonly actor: string; readonly says: readonly string[] };
}

const outside = '(outside)';

/** What is said and what comes of it. */
type Talk = Exclude<ActorLine, { type: '@espalier.exit' }>;
const talk: ReadonlySet<string> = new Set<Talk['type']>(['@xstate.actor', '@xstate.event', '@xstate.transition']);

/** Mermaid of what the actors said to each other, with a note where one changed its state. */
export function sequenceDiagram(recording: ActorRecording, { upTo = Infinity, last = 40, actors, verdict }: SequenceOptions = {}): string {
  const isShown = (path: string): boolean => actors?.includes(path) !== false;
  const known = recording.lines.slice(0, Math.max(0, Math.min(upTo, recording.lines.length + 1) - 1));
  const told = known.filter((line): line is Talk => talk.has(line.type));
  const shown = told.filter((line) => isShown(line.actor) || (line.type === '@xstate.event' && isShown(line.source ?? outside)));
  const left = Math.max(0, shown.length - last);
  const cast = new Map<string, string>();
  const alias = (path: string): string => {
    const name = cast.get(path) ?? `p${cast.size}`;
    cast.set(path, name);
    return name;
  };
  const states = statesBefore(shown.slice(0, left));
  const steps = shown.slice(left).flatMap((line) => stepOf(line, alias, states));
  const end = verdict === undefined ? [] : verdictOf(alias(verdict.actor), verdict.says);
  const [first] = cast.values();
  const earlier = left === 0 || first === undefined ? [] : [`Note over ${first}: … ${left} lines before`];
  const participants = [...cast].map(([path, name]) => `participant ${name} as ${label(path)}`);
  return ['sequenceDiagram', ...[...participants, ...earlier, ...steps, ...end].map((line) => `  ${line}`), ''].join('\n');
}

function statesBefore(lines: readonly Talk[]): Map<string, string> {
  const states = new Map<string, string>();
  for (const line of lines) if (line.type !== '@xstate.event' && line.state !== undefined) states.set(line.actor, stateOf(line.state));
  return states;
}

function stepOf(line: Talk, alias: (path: string) => string, states: Map<string, string>): string[] {
  if (line.type === '@xstate.event') {
    const arrow = line.dead === true ? '--x' : '->>';
    return [`${alias(line.source ?? outside)}${arrow}${alias(line.actor)}: ${label(textOf(line.event))}`];
  }
  if (line.state === undefined) return [];
  const before = states.get(line.actor);
  const now = stateOf(line.state);
  states.set(line.actor, now);
  if (before === now) return [];
  return [`Note over ${alias(line.actor)}: ${label(before === undefined ? `starts in ${now}` : `${before} → ${now}`)}`];
}

function verdictOf(name: string, says: readonly string[]): string[] {
  return ['rect rgb(255, 224, 224)', ...says.map((text) => `  Note over ${name}: ${label(text)}`), 'end'];
}

function stateOf({ status, value }: { readonly status: string; readonly value?: Portable | undefined }): string {
  const where = typeof value === 'string' ? value : inline(value, 60).replaceAll('"', '');
  return status === 'active' ? where : `${where} (${status})`;
}

/** An event's type, and what it carries, cut short. */
function textOf(event: Portable): string {
  if (typeof event !== 'object' || event === null || Array.isArray(event)) return inline(event, 60);
  const { type, ...rest } = event as { readonly [key: string]: Portable };
  return `${typeof type === 'string' ? type : inline(type, 40)}${Object.keys(rest).length === 0 ? '' : ` ${inline(rest, 60)}`}`;
}

/** A text that means nothing to Mermaid. */
function label(text: string): string {
  return text
    .replaceAll(/[#;<>%]/g, (mark) => `#${mark.charCodeAt(0)};`)
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/\bend\b/g, '#101;nd');
}
