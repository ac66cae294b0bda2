/** Who plays in the demo of agents: twelve gardeners, each of whom may lead, three of them with a fault. All that differs comes of the seed. */
import { type AnyActorLogic, fromCallback } from 'xstate';
import { drawnOrder } from '../../../machines/coordination/tie.js';
import type { AgentEvent } from '../../../machines/comms/message.js';
import { hash } from '../../../machines/hash.js';
import type { Backend } from '../../backend/port.js';
import { respondent } from '../../comms/respondent.js';
import { leader } from '../../coordination/leader.js';
import type { Clock } from '../../supervision/clock.js';
import { createChild, stopActor } from '../../supervision/xstate-internals.js';
import { pause } from '../stage/pause.js';

/** What is wrong with one: it crashes over a question, answers when nobody waits any more, or answers nonsense. */
export type Fault = 'crashes' | 'late' | 'nonsense';

const names = ['ada', 'ben', 'cem', 'dot', 'eli', 'fay', 'gus', 'hal', 'ida', 'jon', 'kim', 'lea'];
const faults: readonly Fault[] = ['crashes', 'late', 'nonsense'];

export interface Gardener {
  readonly id: string;
  readonly fault: Fault | null;
}

/** The twelve in the order in which they come; the last three have a fault each, so none of those leads before the others have. */
export function gardeners(seed: number): readonly Gardener[] {
  return drawnOrder(seed, 'arrival', names).map((id, index) => ({ id, fault: faults[index - (names.length - faults.length)] ?? null }));
}

/** What a gardener is made with. */
export interface Garden {
  readonly seed: number;
  readonly clock: Clock;
  readonly backend: Backend;
  /** What it does while it leads, and only then. */
  readonly work: AnyActorLogic;
}

/** What is answered after that time is answered to nobody, ms. */
const muchLaterMs = 60_000;

/** One gardener: a candidate, and who answers what it is asked. Killed, or crashed, it is neither any more. */
export function gardener({ fault, id }: Gardener, garden: Garden): AnyActorLogic {
  const { backend, work } = garden;
  const candidate = leader({ backend, election: 'coordinator', id, work, ttlMs: 3_000, backoff: { jitter: 0 } });
  const answering = answers(id, fault, garden);
  let questions = 0;
  const logic = fromCallback<AgentEvent>(({ receive, self }) => {
    const candidacy = createChild(candidate, { parent: self, id: 'candidacy' });
    const desk = createChild(answering, { parent: self, id: 'desk' });
    const end = (): void => [desk, candidacy].forEach(stopActor);
    candidacy.start();
    desk.start();
    receive((event) => {
      // Over the first question, and again over the fourth and the seventh, when it has come back and has answered well for a while.
      if (fault === 'crashes' && event.type === 'comms.request' && questions++ % 3 === 0) {
        end();
        throw new Error('broke down over a question');
      }
      if (event.type.startsWith('comms.')) desk.send(event);
    });
    return end;
  });
  // By which comms know what it takes.
  return Object.assign(logic, { events: ['comms.request', 'comms.cancelled'] });
}

/** What it is asked: by an auction, by a vote, or to do what it has won. */
type Asked =
  | { readonly ask: 'bid'; readonly lot: string }
  | { readonly ask: 'vote'; readonly options: readonly string[] }
  | { readonly ask: 'do'; readonly task: string };

function answers(id: string, fault: Fault | null, { clock, seed }: Garden): AnyActorLogic {
  return respondent({
    request: async (body, { signal }) => {
      const asked = body as Asked;
      if (fault === 'late') await pause(muchLaterMs, signal, clock);
      if (asked.ask === 'bid') return { bid: fault === 'nonsense' ? 'the moon' : 100 + (hash(`${seed} ${id} ${asked.lot}`) % 900) };
      if (asked.ask === 'vote') return { vote: fault === 'nonsense' ? 'the moon' : drawnOrder(seed, id, asked.options.slice(0, 2))[0] };
      await pause(200 + (hash(`${seed} ${id} ${asked.task} takes`) % 600), signal, clock);
      return { done: asked.task };
    },
  });
}
