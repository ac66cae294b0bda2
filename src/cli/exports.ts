/** What a recording can be written as: the same that the page of the inspector gives away. */
import { activeStates } from '../charts/active.js';
import { dotOf } from '../charts/dot.js';
import { layOut } from '../charts/layout.js';
import { loadElk } from '../charts/load-elk.js';
import { mermaidOf } from '../charts/mermaid.js';
import { svgOf } from '../charts/svg.js';
import { chromeTrace } from '../recording/exports/chrome-trace.js';
import { otlpTrace } from '../recording/exports/otel.js';
import { sequenceMermaid } from '../recording/exports/sequence-mermaid.js';
import { sequenceSvg } from '../recording/exports/sequence-svg.js';
import { sequenceOf } from '../recording/exports/sequence.js';
import { sceneAt } from '../recording/scene.js';
import { isIn } from '../wire/recording/branch.js';
import type { RecordingEnd } from '../wire/recording/lines.js';
import type { ActorRecording } from '../wire/recording/parse.js';
import { bare } from './conceal.js';
import { actorIn } from './screen/actor-sheet.js';
import { usageError } from './usage.js';

/** The part of a recording that is meant. */
export interface Extract {
  readonly recording: ActorRecording;
  /** Up to the line with this number. */
  readonly at: number;
  /** An actor, and those below it; null: everybody. */
  readonly actor: string | null;
  /** For people. */
  readonly title: string;
}

type Writing = (extract: Extract) => string | Promise<string>;

const charts = {
  'chart-svg': async (extract) => {
    const { actor, definition } = chartOf(extract);
    const elk = await loadElk('draw/missing-peer', "charts as SVG ('chart-mermaid' and 'chart-dot' need none)");
    const layout = await layOut(definition, elk, { roomLetters: 6 });
    const highlights = { active: activeStates(definition, actor.value), last: actor.last?.taken ?? [], counts: actor.counts.edges };
    return svgOf(layout, { title: `${actor.path} (${definition.id})`, highlights });
  },
  'chart-mermaid': (extract) => mermaidOf(chartOf(extract).definition),
  'chart-dot': (extract) => dotOf(chartOf(extract).definition),
} satisfies Record<string, Writing>;

const writings: ReadonlyMap<string, Writing> = new Map<string, Writing>([
  ['trace', ({ recording, at }) => `${JSON.stringify(chromeTrace({ head: recording.head, lines: linesTo(recording, at) }))}\n`],
  ['otel', ({ recording, at }) => `${JSON.stringify(otlpTrace({ head: recording.head, lines: linesTo(recording, at) }))}\n`],
  ['mermaid', (extract) => sequenceMermaid(sequenceIn(extract).rows)],
  ['svg', (extract) => sequenceSvg(sequenceIn(extract), { title: extract.title })],
  ['ndjson', ndjson],
  ...Object.entries(charts),
]);

/** What `--export` takes. */
export const exportKinds: readonly string[] = [...writings.keys()];

/** The conversation of whom is meant, up to the moment that is meant. */
export function sequenceIn({ recording, at, actor }: Omit<Extract, 'title'>) {
  return sequenceOf(linesTo(recording, at), actor === null ? undefined : (path) => isIn(actor, path));
}

/**
 * The text of an export.
 * @param kind  one of {@link exportKinds}
 * @throws EspalierError `cli/usage`, `draw/missing-peer`
 */
export async function exported(kind: string, extract: Extract): Promise<string> {
  const write = writings.get(kind);
  if (write === undefined) throw usageError(`--export: one of ${exportKinds.join(', ')}`, bare(kind));
  const isWhole = kind === 'trace' || kind === 'otel' || kind === 'ndjson';
  if (isWhole && extract.actor !== null) throw usageError(`--export ${kind} without --actor: it is of the whole recording`, '--actor');
  return write(extract);
}

function linesTo({ lines }: ActorRecording, at: number): ActorRecording['lines'] {
  return at === Infinity ? lines : lines.filter(({ seq }) => seq <= at);
}

function chartOf({ recording, at, actor: path }: Extract) {
  if (path === null) throw usageError(`--actor PATH where --export is one of ${Object.keys(charts).join(', ')}`, 'none');
  const scene = sceneAt(recording.lines, at);
  const actor = actorIn(scene, path);
  const definition = scene.machines.get(actor.machine ?? '');
  if (definition === undefined) throw usageError('--actor: the path of an actor that runs a machine', bare(path));
  return { actor, definition };
}

function ndjson({ recording, at }: Extract): string {
  const { head, cut } = recording;
  const lines = linesTo(recording, at);
  const left = recording.lines.length - lines.length;
  const end: RecordingEnd = { type: 'end', lines: lines.length, cut: left === 0 ? cut : { why: `exported up to line ${at}`, dropped: left } };
  return [head, ...lines, end].map((line) => `${JSON.stringify(line)}\n`).join('');
}
