/** Lines of a recording as facts for people: what started again, what ended, what nobody read. Pure. */
import type { RecordedEvent, RecordedLine } from '../../wire/recording/lines.js';
import type { Portable } from '../../wire/recording/portable-shape.js';
import { isUnhandled } from '../../wire/recording/unhandled.js';
import type { Fact } from '../stage/facts.js';

/**
 * The facts that a line tells.
 * @param since        `at` when the telling began, ms
 * @param hasMessages  whether a message is one, also where somebody reads it
 */
export function factsOf(line: RecordedLine, since: number, hasMessages = false): Fact[] {
  if (!('at' in line)) return [];
  const atMs = Math.max(0, line.at - since);
  const fact = (from: string, type: string, more: Readonly<Record<string, unknown>>): Fact[] => [{ ...more, type, from, atMs }];
  switch (line.type) {
    case '@xstate.actor':
      if (line.from === 'joined' || line.logic === 'pool') return [];
      if (line.run > 1 && line.replaces !== null) return fact(line.actor, 'child.restarted', { id: line.id, attempt: line.run - 1 });
      return fact(line.actor, 'child.started', { id: line.id, run: 1 });
    case '@espalier.exit':
      return fact(line.actor, 'child.exited', { id: nameOf(line.actor), reason: termOf(line.reason) });
    case '@xstate.event':
      if (line.dead === true) return fact(line.actor, 'note', { who: nameOf(line.actor), words: `has ended: nobody reads ${typeOf(line.event)}` });
      if (!hasMessages) return [];
      return fact(line.actor, 'note', { who: nameOf(line.actor), words: `← ${typeOf(line.event)}, from ${sourceOf(line)}` });
    case '@xstate.transition':
      return isUnhandled(line) ? fact(line.actor, 'note', { who: nameOf(line.actor), words: 'did not handle an event' }) : [];
    case '@espalier.dropped':
      return line.count > 0 ? fact('', 'note', { who: 'inspector', words: `${line.count} lines were left out: ${line.why}` }) : [];
    default:
      return [];
  }
}

/** Whoever sent it; by its name, for one line has not room for two paths. */
function sourceOf({ actor, source, delay }: RecordedEvent): string {
  if (delay !== undefined) return `a timer of ${delay.ms} ms`;
  return source === null ? 'outside' : source === actor ? 'itself' : nameOf(source);
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

function typeOf(event: Portable): string {
  const { type } = (event ?? {}) as { readonly type?: unknown };
  return typeof type === 'string' ? type : 'an event';
}

/** An exit reason as it was before it was written: errors by what they say. */
function termOf(reason: Portable): unknown {
  if (typeof reason !== 'object' || reason === null) return reason;
  if (Array.isArray(reason)) return (reason as readonly Portable[]).map(termOf);
  if ('$error' in reason) return (reason['$error'] as { readonly message?: unknown }).message;
  return Object.fromEntries(Object.entries(reason).map(([key, value]) => [key, termOf(value)]));
}
