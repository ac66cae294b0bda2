/** Events of Interactions by both sets of names, and the steps that they make. */
import { describe, expect, it } from 'vitest';
import { readInteraction, readInteractionEvent } from '../../src/wire/gemini/interactions.js';
import { callsIn, StepBook, textIn } from '../../src/wire/gemini/interactions-steps.js';

const read = (payload: object, sse: { event?: string; id?: string } = {}) => readInteractionEvent(payload, sse);

describe('an event', () => {
  it.each([
    ['interaction.start', { interaction: { id: 'a' } }, 'interaction.created'],
    ['interaction.complete', { interaction: { id: 'a', status: 'completed' } }, 'interaction.completed'],
    ['content.start', { index: 0, content: { type: 'text' } }, 'step.start'],
    ['content.delta', { index: 0, delta: { type: 'text', text: 'a' } }, 'step.delta'],
    ['content.stop', { index: 0 }, 'step.stop'],
    ['interaction.status_update', { interaction_id: 'a', status: 'queued' }, 'interaction.status_update'],
    ['interaction.dreamt', {}, 'other'],
    ['step.delta', { index: 'first', delta: {} }, 'other'],
    ['step.start', { step: { type: 'thought' } }, 'other'],
  ])('%s with %j is a %s, and kept as it came', (name, fields, type) => {
    const payload = { ...fields, event_type: name };
    expect(read(payload)).toMatchObject({ type, eventId: null, wire: payload });
    // Its type may stand in the `event:` line alone.
    expect(read(fields, { event: name })).toMatchObject({ type });
  });

  it('has its own id, or that of the server-sent event, or none', () => {
    expect(read({ event_type: 'step.stop', index: 0, event_id: 'own' }, { id: 'sse' })?.eventId).toBe('own');
    expect(read({ event_type: 'step.stop', index: 0 }, { id: 'sse' })?.eventId).toBe('sse');
    expect(read({ event_type: 'step.stop', index: 0, event_id: '' })?.eventId).toBeNull();
  });

  it('is none where it is no object', () => {
    for (const payload of [null, 3, 'a', ['a']]) expect(readInteractionEvent(payload, {})).toBeNull();
  });

  it('and an interaction passes with fields and members that nobody knows', () => {
    const whole = { id: 'a', status: 'dreaming', steps: [{ type: 'dream', of: 'sheep' }], more: 1 };
    expect(readInteraction(whole)).toEqual(whole);
    expect(readInteraction({ steps: 'many' })).toBeNull();
  });
});

/** The steps of these starts and deltas. */
function stepsOf(...events: readonly (readonly [index: number, start: object | null, ...deltas: object[]])[]): StepBook {
  const book = new StepBook();
  const add = (payload: object): void => book.add(read(payload) as NonNullable<ReturnType<typeof read>>);
  for (const [index, start, ...deltas] of events) {
    if (start !== null) add({ event_type: 'step.start', index, step: start });
    for (const delta of deltas) add({ event_type: 'step.delta', index, delta });
  }
  return book;
}

describe('steps', () => {
  it('are in their order, with texts joined and signatures verbatim', () => {
    const book = stepsOf(
      [
        1,
        { type: 'model_output' },
        { type: 'text', text: 'Hel' },
        { type: 'text', text: 'lo' },
        { type: 'text_annotation', annotations: [{ a: 1 }] },
      ],
      [
        0,
        { type: 'thought' },
        { type: 'thought_summary', content: { type: 'text', text: 'hm' } },
        { type: 'thought_signature', signature: 'c2ln+/==' },
      ],
    );
    expect(book.steps()).toEqual([
      { type: 'thought', summary: [{ type: 'text', text: 'hm' }], signature: 'c2ln+/==' },
      { type: 'model_output', content: [{ type: 'text', text: 'Hello', annotations: [{ a: 1 }] }] },
    ]);
    expect(textIn(book.steps())).toBe('Hello');
    expect(book.lacksStart).toBe(false);
  });

  it('of media stand beside texts, and what nobody knows becomes fields', () => {
    const image = { type: 'image', data: 'AAAA', mime_type: 'image/png' };
    const book = stepsOf(
      [0, { type: 'model_output' }, { type: 'text', text: 'a' }, image, { type: 'text', text: 'b' }],
      [1, { type: 'google_search_call', id: 's' }, { type: 'google_search_call', arguments: { queries: ['x'] } }],
    );
    expect(book.steps()).toEqual([
      { type: 'model_output', content: [{ type: 'text', text: 'a' }, image, { type: 'text', text: 'b' }] },
      { type: 'google_search_call', id: 's', arguments: { queries: ['x'] } },
    ]);
  });

  it('of before May 2026 are texts by themselves', () => {
    expect(textIn(stepsOf([0, { type: 'text' }, { type: 'text', text: 'Hel' }, { type: 'text', text: 'lo' }]).steps())).toBe('Hello');
  });

  it('that call have their arguments from all their pieces', () => {
    const start = { type: 'function_call', id: 'c', name: 'weather', arguments: {} };
    const book = stepsOf([0, start, { type: 'arguments_delta', arguments: '{"city":"Zü' }, { type: 'arguments_delta', arguments: 'rich"}' }]);
    expect(callsIn(book.steps())).toEqual([{ id: 'c', name: 'weather', arguments: { city: 'Zürich' } }]);
    const cut = stepsOf([0, start, { type: 'arguments_delta', arguments: '{"city":' }]);
    expect(callsIn(cut.steps())).toEqual([{ id: 'c', name: 'weather', arguments: null }]);
    expect(callsIn(stepsOf([0, start]).steps())).toEqual([{ id: 'c', name: 'weather', arguments: {} }]);
  });

  it('that were answered already are no calls to answer', () => {
    const steps = [
      { type: 'function_call', id: 'a', name: 'f' },
      { type: 'function_result', call_id: 'a', result: 1 },
      { type: 'function_call', id: 'b', name: 'g', arguments: { x: 1 } },
    ];
    expect(callsIn(steps)).toEqual([{ id: 'b', name: 'g', arguments: { x: 1 } }]);
  });

  it('without a start are what their deltas say, and it is known that they lack it', () => {
    const book = stepsOf(
      [0, null, { type: 'text', text: 'lo' }],
      [1, null, { type: 'thought_signature', signature: 's' }],
      [2, null, { type: 'arguments_delta', arguments: '{}' }],
    );
    expect(book.steps().map(({ type }) => type)).toEqual(['model_output', 'thought', 'function_call']);
    expect(book.lacksStart).toBe(true);
  });
});
