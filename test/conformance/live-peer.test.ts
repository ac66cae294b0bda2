/** The server that goes wrong: which clients it finds fault with, and which it does not. */
import { describe, expect, it } from 'vitest';
import type { ClientSocket } from '../../src/index.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import { type Fault, FaultyPeer } from './live/faulty-peer.js';
import { sessionOf } from './recorded.js';

const call = { id: 'a', name: 'weather', args: {} };
const answer = { toolResponse: { functionResponses: [{ id: 'a', name: 'weather', response: {} }] } };
const script = sessionOf(
  ['client', { setup: { model: 'models/m' } }],
  ['server', { setupComplete: {} }],
  ['server', { toolCall: { functionCalls: [call] } }],
  ['client', answer],
  ['server', { serverContent: { turnComplete: true } }],
);

/** A client that does what a test says, on virtual time. */
class Client {
  readonly clock = new VirtualClock();
  readonly peer: FaultyPeer;
  heard: string[] = [];
  /** How many messages its sockets did not take, or not pass on. */
  refused = 0;
  #socket: ClientSocket | undefined;

  constructor(session = script, ...faults: readonly Fault[]) {
    this.peer = new FaultyPeer(this.clock, session, faults, false);
  }

  async connect(handle?: string): Promise<void> {
    this.#socket?.terminate();
    const address = { url: 'ws://peer', headers: {}, closeMs: 1_000 };
    const frame = (data: unknown): void => void this.heard.push(String(data));
    this.#socket = this.peer.open(address, { opened: () => undefined, frame, closed: () => undefined });
    await this.clock.advanceByAsync(10);
    const sessionResumption = handle === undefined ? {} : { sessionResumption: { handle } };
    await this.say({ setup: { model: 'models/m', ...sessionResumption } });
  }

  async say(message: object, ms = 10): Promise<void> {
    this.#socket?.send(JSON.stringify(message), (ok) => (this.refused += ok ? 0 : 1));
    await this.clock.advanceByAsync(ms);
  }
}

const audio = { realtimeInput: { audio: { data: 'AAAA', mimeType: 'audio/pcm' } } };
const part = { toolResponse: { functionResponses: [{ id: 'a', name: 'weather', response: {}, willContinue: true }] } };
const taken = { toolCallCancellation: { ids: ['a'] } };
const made = { toolCall: { functionCalls: [call] } };

/** A session with these messages between its setup and its end. */
const around = (...messages: readonly (readonly [from: 'client' | 'server', message: object])[]) =>
  sessionOf(['client', { setup: { model: 'models/m' } }], ['server', { setupComplete: {} }], ...messages, [
    'server',
    { serverContent: { turnComplete: true } },
  ]);

describe('the server of a recording that goes wrong', () => {
  it('finds no fault with a client that answers once', async () => {
    const client = new Client();
    await client.connect();
    await client.say(answer);
    expect(client.peer.violations).toEqual([]);
    expect(client.peer.isDone).toBe(true);
  });

  it('finds an answer that is written twice on one connection', async () => {
    const client = new Client();
    await client.connect();
    await client.say(answer);
    await client.say(answer);
    expect(client.peer.violations).toEqual(['a was answered once more than it was called']);
  });

  it('lets a call that it makes twice be answered twice', async () => {
    const client = new Client(script, { kind: 'duplicate', frame: 2, chance: 0 });
    await client.connect();
    await client.say(answer);
    await client.say(answer);
    expect(client.peer.violations).toEqual([]);
  });

  it('finds the answer to a call that was taken back, and none to one that was made again', async () => {
    const taken = new Client(script, { kind: 'cancel', frame: 3, chance: 0 });
    await taken.connect();
    await taken.say(answer);
    expect(taken.peer.violations).toEqual(['a was answered after it was cancelled']);
    const again = new Client(script, { kind: 'recall', frame: 3, chance: 0 });
    await again.connect();
    await again.say(answer);
    expect(again.peer.violations).toEqual([]);
    expect(again.heard.filter((text) => text.includes('toolCall'))).toHaveLength(3);
  });

  it('finds what is said before the setup is accepted', async () => {
    const client = new Client(script, { kind: 'delay', frame: 1, chance: 0.5 });
    await client.connect();
    await client.say({ clientContent: { turnComplete: true } });
    expect(client.peer.violations).toEqual(['clientContent came before the setup was accepted']);
  });

  it('finds an answer to a call of a conversation that is over', async () => {
    const client = new Client();
    await client.connect();
    await client.connect();
    await client.say(answer);
    expect(client.peer.violations).toEqual(['a was answered, and this conversation never called it']);
  });

  it('counts no part of an answer as the answer', async () => {
    const client = new Client();
    await client.connect();
    const [part] = answer.toolResponse.functionResponses;
    await client.say({ toolResponse: { functionResponses: [{ ...part, willContinue: true }] } });
    expect(client.peer.answered.has('a')).toBe(false);
    await client.say(answer);
    expect(client.peer.answered.has('a')).toBe(true);
    expect(client.peer.violations).toEqual([]);
  });
});

describe('what a server waits for', () => {
  it('is what no dead socket took: said by nobody, it is found lost', async () => {
    const client = new Client(around(['client', audio], ['client', { realtimeInput: { text: 'hi' } }]));
    await client.connect();
    await client.say(audio, 29_000);
    expect(client.peer.isDone).toBe(false);
    await client.say({ realtimeInput: {} }, 2_000);
    expect(client.peer.violations).toEqual(['frame 3 never came: {"realtimeInput":{"text":"hi"}}']);
    expect(client.peer.isDone).toBe(true);
  });

  it('is neither audio that a dead socket took, nor anything before it: however much was recorded, nobody is waited for', async () => {
    const client = new Client(around(['client', audio], ['client', audio], ['client', audio]), { kind: 'drop', frame: 3, chance: 0 });
    await client.connect();
    await client.say(audio);
    await client.say(audio);
    expect(client.peer.openSockets).toBe(0);
    await client.connect();
    await client.say(audio);
    expect(client.peer.isDone).toBe(true);
    expect(client.peer.violations).toEqual([]);
  });

  it.each([
    ['at the frame that it answers', 2],
    ['while it is waited for', 3],
  ])('is what a closing socket refused (%s): said on the next one it has come, said by nobody it is found lost', async (_, frame) => {
    const turn = { clientContent: { turnComplete: true } };
    const refusing = async (): Promise<Client> => {
      const recorded = around(['server', { serverContent: { modelTurn: { parts: [{ text: 'hello' }] } } }], ['client', turn]);
      const client = new Client(recorded, { kind: 'refuse', frame, chance: 0 });
      await client.connect();
      expect(client.heard.join()).toContain('hello');
      await client.say(turn);
      expect(client.refused).toBe(1);
      expect(client.peer.openSockets).toBe(1);
      await client.clock.advanceByAsync(50);
      expect(client.peer.openSockets).toBe(0);
      await client.connect();
      return client;
    };
    const faithful = await refusing();
    await faithful.say(turn);
    expect(faithful.peer.isDone).toBe(true);
    expect(faithful.peer.violations).toEqual([]);
    const forgetful = await refusing();
    await forgetful.clock.advanceByAsync(31_000);
    expect(forgetful.peer.violations).toEqual(['frame 3 never came: {"clientContent":{"turnComplete":true}}']);
  });

  it('is the same again where the recording says the same again', async () => {
    const client = new Client(around(['client', audio], ['client', audio]));
    await client.connect();
    await client.say(audio);
    expect(client.peer.isDone).toBe(false);
    await client.say(audio);
    expect(client.peer.isDone).toBe(true);
  });

  it('is an answer that a dead socket took, as long as the conversation goes on', async () => {
    const client = new Client(
      around(['server', { sessionResumptionUpdate: { newHandle: 'h', resumable: true } }], ['server', made], ['client', answer]),
      { kind: 'drop', frame: 4, chance: 0 },
    );
    await client.connect();
    await client.say(answer);
    expect(client.peer.openSockets).toBe(0);
    await client.connect('h');
    expect(client.peer.isDone).toBe(false);
    await client.say(answer);
    expect(client.peer.isDone).toBe(true);
    expect(client.peer.violations).toEqual([]);
  });

  it('is not the answer to a call of a conversation that is over, with an id or without', async () => {
    const unnamed = { toolResponse: { functionResponses: [{ name: 'time', response: {} }] } };
    const calls = { toolCall: { functionCalls: [call, { name: 'time', args: {} }] } };
    const client = new Client(around(['server', calls], ['client', answer], ['client', unnamed]));
    await client.connect();
    await client.connect();
    expect(client.peer.isDone).toBe(true);
    expect(client.peer.violations).toEqual([]);
  });

  it('is not the answer to a call that is taken back, by a fault or by the recording, until it is made again', async () => {
    const fault = new Client(script, { kind: 'cancel', frame: 3, chance: 0 });
    await fault.connect();
    expect(fault.peer.isDone).toBe(true);
    const recorded = new Client(around(['server', made], ['server', taken], ['client', answer], ['server', made], ['client', answer]));
    await recorded.connect();
    expect(recorded.peer.isDone).toBe(false);
    await recorded.say(answer);
    expect(recorded.peer.isDone).toBe(true);
    expect([...fault.peer.violations, ...recorded.peer.violations]).toEqual([]);
  });

  it('is a part of an answer, unless the session has refused it', async () => {
    const client = new Client(around(['server', made], ['client', part], ['client', part], ['client', answer]));
    await client.connect();
    await client.say(part);
    client.peer.refusePart('a');
    await client.say(answer);
    expect(client.peer.isDone).toBe(true);
    expect(client.peer.violations).toEqual([]);
    const silent = new Client(around(['server', made], ['client', part], ['client', answer]));
    await silent.connect();
    await silent.clock.advanceByAsync(31_000);
    expect(silent.peer.violations).toEqual([expect.stringContaining('frame 3 never came') as string]);
  });

  it('is an answer that nobody had asked for, unless its conversation is over', async () => {
    const unasked = around(['client', answer]);
    const client = new Client(unasked);
    await client.connect();
    await client.connect();
    expect(client.peer.isDone).toBe(false);
    client.peer.loseUnasked('a');
    await client.clock.advanceByAsync(10);
    expect(client.peer.isDone).toBe(true);
    expect(client.peer.violations).toEqual([]);
    const hasty = new Client(unasked);
    await hasty.connect();
    hasty.peer.loseUnasked('a');
    await hasty.clock.advanceByAsync(31_000);
    expect(hasty.peer.violations).toEqual([
      'the answer a, which nobody had asked for, was given up in a conversation that goes on',
      expect.stringContaining('frame 2 never came') as string,
    ]);
  });
});
