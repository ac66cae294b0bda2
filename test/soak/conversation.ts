/** A conversation as a recorder would have kept it, made up under a seed: turns, tools in parallel, audio, transcriptions. */
import type { RecordedFrame } from '../../src/testing/gemini-server/recording.js';
import type { Chance } from '../../src/testing/world/chance.js';
import { type Session, sessionFrom } from '../conformance/live/recordings.js';

/** A made-up session, in the form of a recorded one. */
export function madeUpSession(name: string, chance: Chance): Session {
  const frames: RecordedFrame[] = [];
  const client = (message: object): number => frames.push({ from: 'client', text: JSON.stringify(message) });
  const server = (message: object): number => frames.push({ from: 'server', text: JSON.stringify(message) });
  client({ setup: { model: 'models/made-up' } });
  server({ setupComplete: {} });
  const turns = 1 + Math.floor(chance.next() * 3);
  for (let turn = 0; turn < turns; turn++) {
    if (chance.next() < 0.3) client({ realtimeInput: { audio: { data: 'AAAA', mimeType: 'audio/pcm;rate=16000' } } });
    client({ clientContent: { turns: [{ role: 'user', parts: [{ text: `turn ${turn}` }] }], turnComplete: true } });
    if (chance.next() < 0.6) callTools(turn, chance, client, server);
    const parts = 1 + Math.floor(chance.next() * 4);
    for (let part = 0; part < parts; part++) {
      server({ serverContent: { modelTurn: { parts: [{ inlineData: { mimeType: 'audio/pcm;rate=24000', data: `part${turn}x${part}` } }] } } });
      if (chance.next() < 0.5) server({ serverContent: { outputTranscription: { text: `word ${turn} ${part}` } } });
    }
    if (chance.next() < 0.2) server({ serverContent: { interrupted: true }, turn });
    else server({ serverContent: { generationComplete: true }, turn });
    server({ serverContent: { turnComplete: true }, usageMetadata: { totalTokenCount: turn } });
  }
  return sessionFrom(name, { frames });
}

function callTools(turn: number, chance: Chance, client: (message: object) => number, server: (message: object) => number): void {
  const count = 1 + Math.floor(chance.next() * 3);
  const calls = Array.from({ length: count }, (_, index) => ({ id: `call-${turn}-${index}`, name: `tool${index}`, args: { turn } }));
  server({ toolCall: { functionCalls: calls } });
  // Answered together, or one by one.
  const answers = calls.map(({ id, name }) => ({ id, name, response: chance.next() < 0.2 ? { error: `no ${name}` } : { output: id } }));
  if (chance.next() < 0.5) client({ toolResponse: { functionResponses: answers } });
  else for (const answer of answers) client({ toolResponse: { functionResponses: [answer] } });
}
