/** What whoever leads the gardeners does: the steps of a plan, each of which is written down where the next leader finds it. */
import { fromPromise, type PromiseActorLogic } from 'xstate';
import type { LeadershipInput } from '../../../machines/coordination/leader-events.js';
import type { AuctionResult } from '../../../machines/coordination/auction-events.js';
import type { SessionResult } from '../../../machines/coordination/session-events.js';
import type { VotingDecision } from '../../../machines/coordination/voting-events.js';
import type { Backend } from '../../backend/port.js';
import type { Requests } from '../../comms/port.js';
import { auction } from '../../coordination/auction.js';
import type { Coordinator } from '../../coordination/coordinator-handle.js';
import type { Protocol } from '../../coordination/protocol.js';
import { voting } from '../../coordination/voting.js';
import { untilAborted } from '../stage/pause.js';
import type { Stage } from '../stage/stage.js';

/** A step is a task that is auctioned and done, or a vote. */
type Step = { readonly task: string } | { readonly about: string; readonly options: readonly string[] };

export const plan: readonly Step[] = [
  { task: 'mow the lawn' },
  { task: 'prune the vines' },
  { task: 'dig the beds' },
  { about: 'what is sown', options: ['beans', 'peas', 'kale'] },
  { task: 'sow' },
  { task: 'water the beds' },
  { about: 'what is eaten', options: ['soup', 'pie', 'nothing'] },
];

/** The task over whose auction the leader is lost. */
export const fatalTask = 'sow';

/** What a leader works with. */
export interface Office {
  readonly stage: Stage;
  readonly seed: number;
  readonly agents: readonly string[];
  readonly backend: Backend;
  readonly requests: Requests;
  coordinator(): Coordinator;
  /** Settles when all agents are there. */
  readonly begun: Promise<void>;
}

/** The logic of a leader's work. It is never over: who has nothing more to do leads on. */
export function leading(office: Office): PromiseActorLogic<void, LeadershipInput> {
  return fromPromise<void, LeadershipInput>(async ({ input, signal }) => {
    await Promise.race([office.begun, untilAborted(signal)]);
    const path = `app/agents/agents/${input.id}`;
    office.stage.watch.describe({ [path]: `leads, term ${input.term}` });
    signal.addEventListener('abort', () => office.stage.watch.describe({ [path]: '' }), { once: true });
    await new Term(office, input, signal).serve();
    await untilAborted(signal);
  });
}

class Term {
  readonly #office: Office;
  readonly #leadership: LeadershipInput;
  readonly #signal: AbortSignal;

  constructor(office: Office, leadership: LeadershipInput, signal: AbortSignal) {
    this.#office = office;
    this.#leadership = leadership;
    this.#signal = signal;
  }

  async serve(): Promise<void> {
    const { backend } = this.#office;
    const known = await backend.list('plan/');
    if (known.outcome !== 'ok') throw new Error(`the plan cannot be read: ${known.outcome}`);
    const done = known.entries.length;
    this.#say(`leads, term ${this.#leadership.term}: ${done === 0 ? 'nothing is done yet' : `${done} of ${plan.length} steps are done`}`);
    for (const [index, step] of plan.entries()) {
      if (known.entries.some(({ key }) => key === keyOf(index))) continue;
      if (this.#signal.aborted) return;
      await this.#write(index, await ('task' in step ? this.#award(step.task) : this.#ask(step.about, step.options)));
    }
    if (this.#signal.aborted) return;
    this.#say('the plan is done');
    this.#office.stage.tell({ type: 'plan.done' });
  }

  /** Once, whoever leads: of two who write the same step, one is refused. */
  async #write(index: number, result: unknown): Promise<void> {
    if (this.#signal.aborted) return;
    const written = await this.#office.backend.compareAndSet(keyOf(index), 0, result);
    if (written.outcome !== 'ok') throw new Error(`step ${index + 1} was not written: ${written.outcome}`);
  }

  async #award(task: string, attempt = 1): Promise<unknown> {
    const { requests, stage } = this.#office;
    stage.tell({ type: 'task.offered', task, by: this.#leadership.id });
    this.#say(`auctions${attempt > 1 ? ' anew' : ''}: ${task}`);
    const name = `auction of '${task}'${attempt > 1 ? `, attempt ${attempt}` : ''}`;
    const sold = await this.#run<AuctionResult>(auction({ kind: 'vickrey', lot: task, withinMs: 1_000 }), name);
    if (sold === null) return null;
    const { bidders, price, winner } = sold;
    const out = bidders.filter(({ status }) => status !== 'bid').map(({ agent, status }) => `${agent} ${status}`);
    this.#say(`${winner} wins '${task}' for ${price}${out.length === 0 ? '' : `; without a bid: ${out.join(', ')}`}`);
    const answer = await requests.request(winner, { ask: 'do', task }, { signal: this.#signal, from: this.#leadership.id });
    if (this.#signal.aborted) return null;
    if (!answer.ok) {
      this.#say(`${winner} has not done it: ${answer.reason}`);
      if (attempt === 3) throw new Error(`nobody does it: ${task}`);
      return this.#award(task, attempt + 1);
    }
    stage.tell({ type: 'note', who: winner, words: `has done it: ${task}` });
    return { task, winner, price };
  }

  async #ask(about: string, options: readonly string[]): Promise<unknown> {
    this.#say(`has them vote ${about}: ${options.join(', ')}`);
    const rule = { rule: 'plurality', ties: 'draw', withinMs: 1_000 } as const;
    const decision = await this.#run<VotingDecision>(voting({ about, options, ...rule }), `vote ${about}`);
    if (decision === null) return null;
    const { isDrawn, option, tally } = decision;
    const votes = tally.votes.map(({ option: one, count }) => `${one} ${count}`).join(', ');
    const absent = tally.absent.map(({ agent, reason }) => `${agent} ${reason}`);
    const out = [...tally.invalid.map((agent) => `${agent} invalid`), ...absent].join(', ');
    this.#say(`it is ${option}${isDrawn ? ', by lot' : ''} (${votes}); without a vote: ${out === '' ? 'nobody' : out}`);
    return { about, option };
  }

  /** @returns what was decided; null where this term is over */
  async #run<Value>(protocol: Protocol<Value>, what: string): Promise<Value | null> {
    const { agents, coordinator, seed } = this.#office;
    const id = `${what}, term ${this.#leadership.term}`;
    const begun = coordinator().run(protocol, { id, agents, seed, signal: this.#signal });
    const result: SessionResult = begun.ok ? await begun.session.result() : { outcome: 'failed', why: begun.reason, attempts: 0 };
    if (this.#signal.aborted) return null;
    if (result.outcome !== 'decided') throw new Error(`the ${what} came to nothing: ${result.outcome === 'failed' ? result.why : result.outcome}`);
    return result.value as Value;
  }

  #say(words: string): void {
    this.#office.stage.tell({ type: 'note', who: this.#leadership.id, words });
  }
}

function keyOf(index: number): string {
  return `plan/${index + 1}`;
}
