/** The messages of a network: sent, under way, arrived or lost, each of them counted. */
import { Chance } from '../world/chance.js';
import { refuse } from '../world/options.js';
import type { VirtualClock } from '../virtual-clock.js';
import type { NetworkCounts, Tally } from './counts.js';
import { Link, type LinkOptions } from './link.js';
import { type NetworkTrace, shownMs } from './network-trace.js';
import { copied, type Envelope, type NodeProcess } from './node.js';

/** One message, or one of its copies. */
export interface Message {
  readonly from: string;
  readonly to: string;
  readonly envelope: Envelope;
  /** As the trace shows it. */
  readonly text: string;
}

/** A message at its node: to be handled by the process there, by {@link Arrival.run}. */
export interface Arrival {
  readonly message: Message;
  readonly what: string;
  readonly run: (process: NodeProcess) => void;
}

/** Why a message has not been handled; all of them are counted. */
type Loss = Exclude<keyof NetworkCounts, 'sent' | 'delivered' | 'duplicated' | 'reordered' | 'late' | 'unknown' | 'events'>;

export interface TrafficParts {
  readonly names: readonly string[];
  readonly seed: number;
  readonly links: LinkOptions;
  readonly mostInFlight: number;
  readonly clock: VirtualClock;
  readonly counts: Tally;
  readonly trace: NetworkTrace;
  readonly arrived: (to: string, arrival: Arrival) => void;
}

/** All links of a network, and what is under way on them. */
export class Traffic {
  readonly #parts: TrafficParts;
  readonly #links = new Map<string, Link>();
  #inFlight = 0;
  #messages = 0;

  constructor(parts: TrafficParts) {
    this.#parts = parts;
    const { names, links, seed } = parts;
    for (const from of names) {
      for (const to of names) if (from !== to) this.#links.set(`${from} → ${to}`, new Link(links, new Chance(seed, `link ${from} → ${to}`)));
    }
  }

  /** @throws EspalierError `testing/invalid-options` */
  link(from: string, to: string): Link {
    return this.#links.get(`${from} → ${to}`) ?? refuse(`two of the nodes ${this.#parts.names.join(', ')}`, `${from} → ${to}`);
  }

  /** Ends all partitions and disturbances. */
  heal(): void {
    for (const link of this.#links.values()) link.heal();
  }

  carry(from: string, to: string, envelope: Envelope): void {
    const { clock, counts, trace } = this.#parts;
    const kind = envelope.kind === 'message' ? '' : `${envelope.kind} ${envelope.id} `;
    const text = `#${++this.#messages} ${from} → ${to} ${kind}${trace.brief(envelope.body)}`;
    const message: Message = { from, to, envelope, text };
    counts.sent++;
    if (from === to) {
      trace.add('send', `${text}, to itself`);
      this.#arrive(message);
      return;
    }
    const link = this.link(from, to);
    // Drawn in any case, so that the draws of later messages do not depend on faults before them.
    const { arrivals, isReordered } = link.pass(clock.now());
    const loss = this.#lossOf(link, arrivals);
    if (loss !== undefined) {
      this.lost(message, ...loss);
      return;
    }
    if (isReordered) counts.reordered++;
    const moments = arrivals.map(shownMs).join(' and ');
    trace.add('send', `${text}, arrives at ${moments}${isReordered ? ', out of order' : ''}`);
    for (const [copy, at] of arrivals.entries()) {
      if (copy > 0) {
        counts.sent++;
        counts.duplicated++;
      }
      const own = copy === 0 ? message : { ...message, envelope: { ...envelope, body: copied(envelope.body) } };
      this.#inFlight++;
      clock.setTimeout(() => {
        this.#inFlight--;
        if (link.isCut) this.lost(own, 'cut', 'a partition, on its way');
        else this.#arrive(own);
      }, at - clock.now());
    }
  }

  lost(message: Message, count: Loss, why: string): void {
    this.#parts.counts[count]++;
    this.#parts.trace.add('lost', `${message.text}: ${why}`);
  }

  #lossOf(link: Link, arrivals: readonly number[]): [Loss, string] | undefined {
    if (link.isCut) return ['cut', 'a partition'];
    if (arrivals.length === 0) return ['dropped', 'dropped'];
    return this.#inFlight >= this.#parts.mostInFlight ? ['overflowed', `${this.#inFlight} are under way`] : undefined;
  }

  #arrive(message: Message): void {
    const { counts, trace, arrived } = this.#parts;
    const { envelope, from, to, text } = message;
    const run = (process: NodeProcess): void => {
      if (envelope.kind === 'reply' && !process.isOpen(envelope.id)) {
        counts.late++;
        trace.add('late', text);
      } else if (process.listensTo(envelope)) {
        counts.delivered++;
        trace.add('deliver', text);
        process.handle(envelope, from);
      } else this.lost(message, 'unheard', 'nobody listens');
    };
    arrived(to, { message, what: text, run });
  }
}
