/** Conversations as Mermaid. */
import { createActor, sendTo, setup, type AnyActorRef } from 'xstate';
import { describe, expect, it } from 'vitest';
import { parseRecording, type ActorRecording } from '../../../src/wire/recording/parse.js';
import { record } from '../../../src/testing/replay/recorder.js';
import { sequenceDiagram } from '../../../src/testing/replay/sequence.js';

function conversation(): ActorRecording {
  const echo = setup({}).createMachine({
    id: 'echo',
    on: { ping: { actions: sendTo(({ self }) => self._parent as AnyActorRef, { type: 'pong' }) } },
  });
  const caller = setup({ actors: { echo } }).createMachine({
    id: 'caller',
    invoke: { id: 'echo', src: 'echo' },
    initial: 'quiet',
    states: {
      quiet: { on: { call: 'waiting' } },
      waiting: { entry: sendTo('echo', { type: 'ping' }), on: { pong: 'end; #1 <end>\n%%' } },
      'end; #1 <end>\n%%': {},
    },
  });
  const recorder = record();
  const actor = createActor(caller, { id: 'caller', inspect: recorder.inspect }).start();
  actor.send({ type: 'call', words: 'x'.repeat(100) });
  actor.stop();
  actor.send({ type: 'call' });
  return parseRecording(recorder.recording());
}

describe('a sequence diagram', () => {
  it('shows who said what to whom, who changed its state, and what the dead were told', () => {
    expect(sequenceDiagram(conversation())).toBe(`sequenceDiagram
  participant p0 as caller
  participant p1 as caller/echo
  participant p2 as (outside)
  Note over p0: starts in quiet
  Note over p1: starts in {}
  p2->>p0: call {"words":"${'x'.repeat(49)}…
  p0->>p1: ping
  p1->>p0: pong
  Note over p0: quiet → waiting
  Note over p0: waiting → #101;nd#59; #35;1 #60;#101;nd#62; #37;#37;
  Note over p1: {} → {} (stopped)
  Note over p0: #101;nd#59; #35;1 #60;#101;nd#62; #37;#37; → #101;nd#59; #35;1 #60;#101;nd#62; #37;#37; (stopped)
  p2--xp0: call
`);
  });

  it('can end at a line of the file, show the last lines only, or some of the actors', () => {
    const recording = conversation();
    expect(sequenceDiagram(recording, { upTo: 3 })).toBe('sequenceDiagram\n  participant p0 as caller\n  Note over p0: starts in quiet\n');
    const short = sequenceDiagram(recording, { last: 2 });
    const told = recording.lines.filter(({ type }) => type.startsWith('@xstate.'));
    expect(short).toContain(`Note over p0: … ${told.length - 2} lines before`);
    expect(short.split('\n')).toHaveLength(7);
    expect(sequenceDiagram(recording, { actors: ['caller/echo'] })).not.toContain('(outside)');
  });
});
