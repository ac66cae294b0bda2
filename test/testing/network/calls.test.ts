/** Calls over a simulated network: a reply, or unknown, and never more than one of them. */
import { expect, it } from 'vitest';
import { type NetworkOptions, type NetworkReply, type SimulatedNetwork, simulatedNetwork } from '../../../src/testing/index.js';

interface Desk {
  readonly network: SimulatedNetwork;
  readonly asked: readonly string[];
  readonly ended: readonly NetworkReply[];
  ask(request: string, timeoutMs?: number): void;
}

/** `client` asks `server`, which answers `slow` after 100 ms and everything else at once. */
function desk(options: Partial<NetworkOptions> = {}): Desk {
  const network = simulatedNetwork({ nodes: ['client', 'server'], links: { delay: 10 }, ...options });
  const [asked, ended]: [string[], NetworkReply[]] = [[], []];
  network.boot((node) => {
    node.onRequest((request) => {
      asked.push(String(request));
      if (request !== 'slow') return { to: request };
      return new Promise((answer) => {
        node.clock.setTimeout(() => answer({ to: request }), 100);
      });
    });
  }, 'server');
  network.boot(() => undefined);
  const ask = (request: string, timeoutMs = 50): void => {
    network.perform('client', `ask ${request}`, async (node) => {
      ended.push(await node.call('server', request, { timeoutMs }));
    });
  };
  return { network, asked, ended, ask };
}

const unknown: NetworkReply = { ok: false, reason: 'unknown' };

it('a call ends with its reply, each with its own', async () => {
  const { network, ended, ask } = desk();
  ask('slow', 500);
  ask('quick');
  await network.run({ forMs: 200 });
  expect(ended).toEqual([
    { ok: true, reply: { to: 'quick' } },
    { ok: true, reply: { to: 'slow' } },
  ]);
});

it('a call is unknown where the request is lost, the reply is lost, or either is late; the late reply is dropped and counted', async () => {
  const { network, asked, ended, ask } = desk();
  const [request, reply] = [
    () => network.partition(['client'], ['server'], { oneWay: true }),
    () => network.partition(['server'], ['client'], { oneWay: true }),
  ];
  const healRequest = request();
  ask('first');
  await network.run({ forMs: 50 });
  healRequest();
  const healReply = reply();
  ask('second');
  await network.run({ forMs: 50 });
  healReply();
  ask('slow');
  await network.run({ forMs: 50 });
  expect(ended).toEqual([unknown, unknown, unknown]);
  await network.run({ forMs: 500 });
  expect(ended).toHaveLength(3);
  expect(asked).toEqual(['second', 'slow']);
  expect(network.counts).toMatchObject({ unknown: 3, late: 1 });
  expect(network.trace.text()).toMatch(/ unknown client → server call client#1\.3: no reply in 50 ms\n/u);
  expect(network.trace.text()).toMatch(/ late #\d+ server → client reply client#1\.3 /u);
});

it('a request may be brought twice, and its reply counts once', async () => {
  const { network, asked, ended, ask } = desk({ links: { delay: 10, duplicate: 1 } });
  ask('twice');
  await network.run({ forMs: 500 });
  expect(asked).toEqual(['twice', 'twice']);
  expect(ended).toEqual([{ ok: true, reply: { to: 'twice' } }]);
  expect(network.counts.late).toBe(3);
});

it('no reply comes to the process after a crash that another one asked for', async () => {
  const { network, ended, ask } = desk();
  ask('slow', 500);
  await network.run({ forMs: 20 });
  network.crash('client')();
  ask('quick');
  await network.run({ forMs: 500 });
  expect(ended).toEqual([{ ok: true, reply: { to: 'quick' } }]);
  expect(network.counts.late).toBe(1);
});

it('a call waits by the clock of its own node', async () => {
  const { network, ended, ask } = desk();
  network.drift('client', 2);
  ask('slow', 100);
  await network.run({ forMs: 49 });
  expect(ended).toEqual([]);
  await network.run({ forMs: 1 });
  expect(ended).toEqual([unknown]);
});

it('a process has only so many calls open', async () => {
  const { network, ask } = desk({ mostCalls: 1 });
  ask('slow');
  ask('one too many');
  await expect(network.run({ forMs: 10 })).rejects.toThrow(/^client, at 0 ms: .*at most 1 open calls of client/u);
});

it('a server that does not listen leaves its callers unknown; one listens once', async () => {
  const network = simulatedNetwork({ nodes: 2 });
  network.boot((node) => {
    if (node.name === 'n1') return;
    node.onRequest(() => 1);
    expect(() => node.onRequest(() => 2)).toThrow(/one `onRequest` for a process/u);
  });
  const ended: unknown[] = [];
  network.perform('n2', 'ask', async (node) => void ended.push(await node.call('n1', 1, { timeoutMs: 100 })));
  await network.run({ forMs: 100 });
  expect(ended).toEqual([unknown]);
  expect(network.counts.unheard).toBe(1);
});
