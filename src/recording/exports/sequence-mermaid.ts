/** The conversation as a Mermaid sequence diagram, for a report or an issue. Mermaid slows down beyond some hundreds of messages, so there is a bound. */
import { missingWords, outside, pauseWords, type SequenceRow } from './sequence.js';

/** Most messages, the newest. */
const mostMessages = 200;

export function sequenceMermaid(rows: readonly SequenceRow[]): string {
  const shown = rows.slice(-mostMessages);
  const lanes = new Map<string, string>();
  const lane = (actor: string | null): string => {
    const name = actor ?? outside;
    const known = lanes.get(name) ?? `a${lanes.size}`;
    lanes.set(name, known);
    return known;
  };
  const lines = shown.map((row) => {
    switch (row.kind) {
      case 'message':
        return `  ${lane(row.from)}${row.isDead ? '-x' : '->>'}${lane(row.to)}: ${escaped(row.event)}`;
      case 'idle':
        return lanes.size === 0 ? '' : `  Note over ${[...lanes.values()][0]}: ${pauseWords(row.ms)}`;
      case 'missing':
        return lanes.size === 0 ? '' : `  Note over ${[...lanes.values()][0]}: ${escaped(missingWords(row))}`;
      default:
        return `  Note over ${lane(row.actor)}: ${row.kind}`;
    }
  });
  const heads = [...lanes].map(([name, id]) => `  participant ${id} as ${escaped(name)}`);
  return ['sequenceDiagram', ...heads, ...lines.filter((line) => line !== ''), ''].join('\n');
}

/** Mermaid ends a text at a line break or `;`, and reads `:` and `#` as its own. */
function escaped(text: string): string {
  return text.replaceAll(/\s+/gu, ' ').replaceAll(/[#;:<>"%]/gu, (sign) => `#${sign.charCodeAt(0)};`);
}
