/** `espalier draw`: a machine of the user's own, as a picture. */
import { extname } from 'node:path';

import { type ChartDefinition, definitionOf } from '../charts/definition.js';
import { dotOf } from '../charts/dot.js';
import type { Direction } from '../charts/framing.js';
import { layOut } from '../charts/layout.js';
import { loadElk } from '../charts/load-elk.js';
import { mermaidOf } from '../charts/mermaid.js';
import { svgOf } from '../charts/svg.js';
import type { CommandWorld } from './command-line.js';
import { bare } from './conceal.js';
import { readCall } from './flags.js';
import { loadMachine } from './machine-module.js';
import { writeOut } from './output-file.js';
import { drawUsage, usageError } from './usage.js';

const formats = ['svg', 'mermaid', 'dot'] as const;
type Format = (typeof formats)[number];

const formatOfEnding: Readonly<Record<string, Format>> = { '.svg': 'svg', '.mmd': 'mermaid', '.mermaid': 'mermaid', '.dot': 'dot', '.gv': 'dot' };

/** Runs the command. @returns the exit code */
export async function draw(args: readonly string[], world: CommandWorld): Promise<number> {
  const { flags, word } = readCall(
    args,
    {
      help: { type: 'boolean' },
      json: { type: 'boolean' },
      format: { type: 'string' },
      direction: { type: 'string' },
      out: { type: 'string' },
    },
    'MODULE[#export]',
  );
  if (flags.help === true) return world.tell(drawUsage);
  const format = formatOf(flags.format, flags.out);
  const direction = directionOf(flags.direction, format);
  if (word === undefined) throw usageError('MODULE[#export]: what exports a machine', 'none');
  const { name, machine } = await world.aside(() => loadMachine(word, world.directory));
  const definition = definitionOf(machine);
  const { text, layout } = await drawn(definition, format, direction, (note) => world.note(note));
  if (flags.out !== undefined) await writeOut(flags.out, world.directory, text);
  const file = flags.out ?? null;
  if (flags.json === true) {
    const drawing = {
      type: 'machine.drawn',
      machine: definition.id,
      export: name,
      format,
      ...layout,
      file,
      ...(file === null ? { text } : {}),
      definition,
    };
    return world.tell(`${JSON.stringify(drawing)}\n`);
  }
  return world.tell(file === null ? text : '');
}

function formatOf(given: string | undefined, out: string | undefined): Format {
  if (given === undefined) return formatOfEnding[extname(out ?? '').toLowerCase()] ?? 'svg';
  const format = formats.find((one) => one === given);
  if (format === undefined) throw usageError(`--format: one of ${formats.join(', ')}`, bare(given));
  return format;
}

function directionOf(given: string | undefined, format: Format): Direction {
  if (given === undefined) return 'down';
  if (given !== 'down' && given !== 'right') throw usageError('--direction: down or right', bare(given));
  if (format !== 'svg') throw usageError('--format svg where there is --direction', format);
  return given;
}

/** The picture, and how its layout went. */
async function drawn(
  definition: ChartDefinition,
  format: Format,
  direction: Direction,
  note: (text: string) => void,
): Promise<{ readonly text: string; readonly layout?: { readonly layout: string } }> {
  if (format === 'mermaid') return { text: mermaidOf(definition) };
  if (format === 'dot') return { text: dotOf(definition) };
  const elk = await loadElk('draw/missing-peer', "pictures as SVG ('--format mermaid' and '--format dot' need none)");
  const layout = await layOut(definition, elk, { direction });
  if (layout.rung !== 'full') note(`laid out by less than the best means (${layout.rung}): ${layout.failures.join('; ')}`);
  const about = definition.description === undefined ? {} : { about: definition.description };
  return { text: svgOf(layout, { title: definition.id, ...about }), layout: { layout: layout.rung } };
}
