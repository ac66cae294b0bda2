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
  #socket: ClientSocket | undefined;

  constructor(...faults: readonly Fault[]) {
    this.peer = new FaultyPeer(this.clock, script, faults, false);
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
    this.#socket?.send(JSON.stringify(message), () => undefined);
    await this.clock.advanceByAsync(ms);
  }
}

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
    const client = new Client({ kind: 'duplicate', frame: 2, chance: 0 });
    await client.connect();
    await client.say(answer);
    await client.say(answer);
    expect(client.peer.violations).toEqual([]);
  });

  it('finds the answer to a call that was taken back, and none to one that was made again', async () => {
    const taken = new Client({ kind: 'cancel', frame: 3, chance: 0 });
    await taken.connect();
    await taken.say(answer);
    expect(taken.peer.violations).toEqual(['a was answered after it was cancelled']);
    const again = new Client({ kind: 'recall', frame: 3, chance: 0 });
    await again.connect();
    await again.say(answer);
    expect(again.peer.violations).toEqual([]);
    expect(again.heard.filter((text) => text.includes('toolCall'))).toHaveLength(3);
  });

  it('finds what is said before the setup is accepted', async () => {
    const client = new Client({ kind: 'delay', frame: 1, chance: 0.5 });
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
