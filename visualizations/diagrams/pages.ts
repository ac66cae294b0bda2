/** The files of this folder: of each machine a picture and a page with its Mermaid text, and an index. The same machines give the same bytes. */
import type { AnyStateMachine } from 'xstate';
import { chartStates, definitionOf, type ChartDefinition } from '../../src/charts/definition.js';
import type { Elk } from '../../src/charts/elk-graph.js';
import { layOut } from '../../src/charts/layout.js';
import { mermaidOf } from '../../src/charts/mermaid.js';
import { svgOf } from '../../src/charts/svg.js';

const edit = 'Drawn from the machine by `npm run draw`; edit the machine, not this page.';

/** @returns text by the name of its file */
export async function pagesOf(machines: readonly AnyStateMachine[], elk: Elk): Promise<ReadonlyMap<string, string>> {
  const pages = new Map<string, string>();
  for (const machine of machines) {
    const definition = definitionOf(machine);
    pages.set(`${definition.id}.svg`, await pictureOf(definition, elk));
    pages.set(`${definition.id}.md`, pageOf(definition));
  }
  pages.set('README.md', indexOf(machines.map((machine) => definitionOf(machine))));
  return pages;
}

/** @throws Error where ELK could not do its best: a worse picture in the documents would go unseen */
async function pictureOf(definition: ChartDefinition, elk: Elk): Promise<string> {
  const layout = await layOut(definition, elk);
  if (layout.rung !== 'full') throw new Error(`${definition.id} could not be laid out: ${layout.failures.join('; ')}`);
  return svgOf(layout, { title: definition.id, ...(definition.description === undefined ? {} : { about: definition.description }) });
}

export function pageOf(definition: ChartDefinition): string {
  const { id, description } = definition;
  const parts = [`# ${id}`, edit, ...(description === undefined ? [] : [description]), `![The statechart ${id}](${id}.svg)`];
  return `${parts.join('\n\n')}\n\n## As Mermaid\n\n\`\`\`mermaid\n${mermaidOf(definition)}\`\`\`\n`;
}

function indexOf(definitions: readonly ChartDefinition[]): string {
  const rows = definitions.map((definition) => {
    const states = chartStates(definition).filter(({ type }) => type !== 'history');
    const edges = states.flatMap((state) => state.edges);
    const { id, description = '' } = definition;
    return `| [${id}](${id}.md) | ${description.replaceAll('|', '\\|')} | ${states.length} | ${edges.length} | [SVG](${id}.svg) |`;
  });
  const about = `Every machine of the catalogue, \`espalier/machines\`. ${edit}`;
  const guide = 'How a picture is read, and how to draw machines of your own: [docs/guides/diagrams.md](../../docs/guides/diagrams.md).';
  return ['# Diagrams', '', about, guide, '', '| machine | | states | transitions | picture |', '|---|---|---|---|---|', ...rows, ''].join('\n');
}
