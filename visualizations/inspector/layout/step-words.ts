/** What became of an event: the edges that its machine took, the crash it was, or that nobody handled it. */
import { edgeWords } from '../../../src/charts/active.js';
import type { ChartDefinition } from '../../../src/charts/definition.js';
import { crashText } from '../../../src/recording/exports/story.js';
import type { SceneStep } from '../../../src/recording/scene.js';
import type { RecordedTransition } from '../../../src/wire/recording/lines.js';
import { isUnhandled } from '../../../src/wire/recording/unhandled.js';
import { stateNames } from '../state/actor-view.js';

/** Of the last step of an actor, each in words of its own; none where it took no edge and needed none, as when it is stopped. */
export function stepWords(step: SceneStep, definition: ChartDefinition): readonly string[] {
  const edges = edgeWords(definition, step.taken);
  if (step.crash !== undefined) return [`crashed it: ${crashText(step.crash)}`, ...edges];
  return step.isUnhandled ? ['not handled'] : edges;
}

/** Of a message, as one part of a sentence; empty where there is nothing to say. */
export function madeWords(line: RecordedTransition): string {
  if (line.state.status === 'error') return 'crashed it';
  if (isUnhandled(line)) return 'not handled';
  const names = stateNames(line.state.value);
  return names.length === 0 ? '' : `then ${names.join(', ')}`;
}
