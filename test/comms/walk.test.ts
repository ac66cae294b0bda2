/** Whatever agents and callers do: one answer to each question, no mailbox beyond its bound, no message unaccounted for, nothing left running. */
import { describe, expect, it } from 'vitest';
import type { AnyActorRef } from 'xstate';
import { exchangeOf } from '../../src/comms/comms.js';
import type { Exchange } from '../../src/comms/exchange.js';
import type { Lane } from '../../src/comms/lane.js';
import { type Defect, walk } from './walk.js';

const inExchange =
  (change: (exchange: Exchange) => void): Defect =>
  ({ ref }) =>
    change(exchangeOf(ref as AnyActorRef) as Exchange);

/** Changes each channel as it is made. */
const inLane = (change: (lane: Lane) => void): Defect =>
  inExchange((exchange) => {
    const spawn = exchange.spawn.bind(exchange);
    exchange.spawn = (lane) => {
      change(lane);
      return spawn(lane);
    };
  });

/** What is broken, and what the walk says of it. */
const defects: readonly (readonly [string, Defect, RegExp])[] = [
  [
    'has no bound',
    inLane(
      (lane) =>
        void (lane.offer = (message) => {
          message.state = 'queued';
          lane.queued.push(message);
          return 'taken';
        }),
    ),
    /in the mailbox/,
  ],
  ['loses what it cannot deliver', inExchange((exchange) => void (exchange.undeliverable = () => {})), /accounted|not answered/],
  ['keeps to itself that an agent has crashed', inExchange((exchange) => void (exchange.fail = () => {})), /who is not there|not answered/],
  ['gives no credit back', inLane((lane) => void (lane.release = () => {})), /out at|could have more/],
  ['forgets to go on', inLane((lane) => void (lane.admit = () => {})), /has room/],
  ['lets all or none be some', inLane((lane) => void (lane.refusalOf = () => null)), /all or none/],
  ['forgets no subscriber', inExchange((exchange) => void (exchange.topics.removeAgent = () => [])), /hears a topic/],
  ['delivers without credit', inLane((lane) => void Object.defineProperty(lane, 'credits', { get: () => 1 })), /at once|credits/],
  ['counts what is asked again twice', inExchange((exchange) => void (exchange.requeued = () => {})), /accounted/],
];

describe('random walks', () => {
  it('find nothing wrong', async () => {
    for (let seed = 0; seed < 200; seed++) expect(await walk(seed, 120), `seed ${seed}`).toBeNull();
  });

  it.each(defects)('find out comms that %s', async (_, defect, said) => {
    let found: string | null = null;
    for (let seed = 0; seed < 60 && found === null; seed++) found = await walk(seed, 120, defect);
    expect(found).toMatch(said);
  });
});
