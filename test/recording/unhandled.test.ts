/** Whether an event was handled: one rule for the counts, the traces, the terminal and the page. */
import { describe, expect, it } from 'vitest';
import { factsOf } from '../../src/cli/screen/line-facts.js';
import { storyOf } from '../../src/recording/exports/story.js';
import { sceneAt } from '../../src/recording/scene.js';
import type { RecordedTransition } from '../../src/wire/recording/lines.js';
import { madeWords, stepWords } from '../../visualizations/inspector/layout/step-words.js';
import { machine, made, numbered, sent } from '../inspector-page/lines.js';

const definition = { id: 'm', key: 'm', type: 'compound', tags: [], invoke: [], entry: [], exit: [], edges: [], states: [] } as const;

describe('an event of which no edge is told', () => {
  it.each<[what: string, wanted: boolean, more: Partial<RecordedTransition>]>([
    ['of a machine that goes on as before was not handled', true, {}],
    ['was not handled, also where actions were left out', true, { left: { actions: 1 } }],
    ['was, where its edges were left out', false, { left: { taken: 3 } }],
    ['was, where the machine ended with it', false, { state: { status: 'done', value: 'idle' } }],
    ['was, where it crashed the machine', false, { state: { status: 'error', value: 'idle', error: 'x' } }],
    ['was, where the machine was stopped', false, { state: { status: 'stopped', value: 'idle' } }],
    ['is no event where it is a stop', false, { event: { type: 'xstate.stop' } }],
  ])('%s', (_, wanted, more) => {
    const lines = numbered(
      machine('app', 0, {}),
      sent('app', 1, 'go'),
      made('app', 1, 2, { taken: [], state: { status: 'active', value: 'idle' }, ...more }),
    );
    const line = lines[2] as RecordedTransition;
    const { unhandled, actors } = sceneAt(lines);
    const last = actors.get('app')?.last;
    expect({
      scene: unhandled.length === 1,
      counts: actors.get('app')?.counts.unhandled === 1,
      traces: storyOf(lines).lives[0]?.steps[0]?.isUnhandled,
      terminal: factsOf(line, 0).length === 1,
      sequence: madeWords(line) === 'not handled',
      actor: last !== null && last !== undefined && stepWords(last, definition).join() === 'not handled',
    }).toEqual({ scene: wanted, counts: wanted, traces: wanted, terminal: wanted, sequence: wanted, actor: wanted });
  });
});
