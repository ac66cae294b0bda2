/**
 * The actor `exchange` of an interaction: one request for its events, from the first byte to the last, handed on one by one as the target takes them.
 *
 * Behind a gate it asks for a permit first, and gives it back with the last event, or with whatever ends it before that.
 *
 * It ends with the event that the interaction is over, or with `[DONE]`; what a server sends behind that is nobody's. A body that merely ends was cut.
 */
import { type AnyActorRef, fromCallback } from 'xstate';
import type { Breach, ExchangeInput, InteractionEvent } from '../../machines/interactions/interaction-events.js';
import { verdictOf } from '../../machines/interactions/interaction-state.js';
import { wordsOf } from '../../machines/live/ending.js';
import { failureOf, type StreamFailure } from '../../machines/stream/outcome.js';
import { type BehindGate, type GateFault, Pass, reportOf, tokensIn } from '../gate/behind.js';
import { truncated } from '../stream/body.js';
import { deliveryOf, tellLoss } from '../stream/delivery.js';
import { type HttpStream, openPlan } from '../stream/http-stream.js';
import type { Lane } from '../stream/lane.js';
import { gateFailure } from '../stream/request.js';
import { clockOf } from '../supervision/clock.js';
import { parentOf } from '../supervision/xstate-internals.js';
import { readInteraction } from '../wire/gemini/interactions.js';
import { hideInExcerpt } from '../wire/secrets.js';
import { type Account, accountOf, isGood } from './account.js';
import type { BodyNews } from './body.js';
import { breachOf } from './breach.js';
import type { Creations } from './creation.js';
import type { StreamPlan } from '../stream/options.js';

/** How an interaction asks for its events, and whether it is asked for as one value. */
export interface ExchangeOptions {
  readonly gate: BehindGate | undefined;
  /** Of its logic. */
  readonly creations: Creations;
  planFor(input: ExchangeInput): StreamPlan;
  readonly isWhole: boolean;
}

/** The logic of one request. */
export function exchange({ creations, gate, isWhole, planFor }: ExchangeOptions) {
  return fromCallback<{ type: 'exchange.none' }, ExchangeInput>(({ input, self, sendBack, system }) => {
    const interaction = parentOf(self) as AnyActorRef;
    const place = deliveryOf(interaction);
    tellLoss(self, 'exchange');
    if (place === undefined || place.isVoid) return undefined;
    const account = accountOf(interaction);
    account.begin(input);
    const isCreation = input.ask === 'create';
    const doubt = isCreation ? creations.doubtOf(interaction) : null;
    if (doubt !== null) {
      sendBack({ type: 'exchange.broke', breach: { failure: doubt, isRetryable: false, trace: 'unknown' }, cursor: account.cursor() });
      return undefined;
    }
    const open = (): HttpStream<BodyNews> => {
      // Not before: while it waits at the gate, nothing is in doubt.
      if (isCreation) creations.begin(interaction);
      const plan = planFor(input);
      account.secrets = plan.secrets;
      return openPlan<BodyNews>(plan, clockOf(system), self);
    };
    const report = (event: InteractionEvent): void => {
      if (isCreation) note(creations, interaction, event);
      sendBack(event);
    };
    const work = new Exchange({ account, gate, isWhole, lane: place.lane, open, report, self });
    void work.run();
    return () => work.stop();
  });
}

/** What becomes of a creation. An error in mid-stream says nothing of it: the server had taken it on by then. */
function note(creations: Creations, interaction: AnyActorRef, event: InteractionEvent): void {
  if (event.type === 'interaction.known' || event.type === 'exchange.over') creations.settle(interaction);
  // A refusal before its words: whatever ends it now, its status has said what was made.
  const isBroken = event.type === 'exchange.refused' || (event.type === 'exchange.broke' && event.cursor.id === null);
  if (!isBroken) return;
  const { failure, trace } = event.breach;
  if (trace === 'unknown' || failure.kind === 'serverError') creations.doubt(interaction, failure);
  else creations.settle(interaction);
}

interface Surroundings {
  readonly account: Account;
  readonly gate: BehindGate | undefined;
  readonly isWhole: boolean;
  readonly lane: Lane<unknown>;
  readonly self: AnyActorRef;
  open(): HttpStream<BodyNews>;
  report(event: InteractionEvent): void;
}

class Exchange {
  readonly #around: Surroundings;
  #pass: Pass | null = null;
  #stream: HttpStream<BodyNews> | null = null;
  #isOver = false;
  #hasProgressed = false;
  #refusal: StreamFailure | null = null;

  constructor(around: Surroundings) {
    this.#around = around;
  }

  stop(): void {
    this.#isOver = true;
    this.#pass?.leave(this.#refusal !== null ? reportOf(this.#refusal) : this.#stream === null ? { outcome: 'unused' } : {});
    void this.#stream?.cancel('its interaction needs it no more');
  }

  /** Never rejects. */
  async run(): Promise<void> {
    try {
      if (this.#around.gate !== undefined && !(await this.#enter(this.#around.gate))) return;
      await this.#read();
    } catch (error) {
      this.#break(breachOf(failureOf('crashed', 'crash', hideInExcerpt(wordsOf(error), this.#around.account.secrets()))));
    }
  }

  /** Passes the gate. @returns whether it may go on */
  async #enter(gate: BehindGate): Promise<boolean> {
    this.#pass = new Pass(gate, this.#around.self, (fault) => this.#break(this.#breachOfGate(fault)));
    const fault = await this.#pass.enter();
    if (this.#isOver) return false;
    if (fault === null) this.#report({ type: 'permit.granted' });
    else this.#break(this.#breachOfGate(fault));
    return fault === null && !this.#isOver;
  }

  /** Where nothing was asked yet, nothing is in doubt; what was refused by then, is refused. */
  #breachOfGate(fault: GateFault): Breach {
    if (this.#refusal !== null) return { ...breachOf(this.#refusal), isRetryable: false };
    const breach = breachOf(gateFailure(fault));
    return this.#stream === null ? { ...breach, trace: 'none' } : breach;
  }

  async #read(): Promise<void> {
    const { account, lane } = this.#around;
    // It may be over since it has its permit, and again while the request begins.
    if (this.#isOver) return;
    const stream = this.#around.open();
    this.#stream = stream;
    if (this.#isOver) return this.stop();
    stream.ref.subscribe({ next: ({ context, status }) => this.#refused(status === 'active' ? context.refusal : null), error: () => undefined });
    const events = stream[Symbol.asyncIterator]();
    for (;;) {
      // What the target does not want yet stays in the socket.
      while (!lane.isOpen && !this.#isOver) await lane.changed();
      if (this.#isOver) return;
      const step = await events.next().catch(() => null);
      if (this.#isOver) return;
      if (step === null) return await this.#broke(stream);
      if (step.done === true) return this.#break(breachOf(truncated('the body ended before the interaction did')));
      if (this.#take(step.value)) break;
    }
    await this.#end(account.overBy ?? account.answer().status);
  }

  /** What its status alone says, then with what has come of its words: the rest of them may never come. */
  #refused(refusal: { readonly failure: StreamFailure } | null): void {
    if (refusal === null || refusal.failure === this.#refusal) return;
    this.#refusal = refusal.failure;
    this.#report({ type: 'exchange.refused', breach: breachOf(refusal.failure) });
  }

  /** @returns whether that was the end */
  #take(news: BodyNews): boolean {
    const { account, isWhole, lane } = this.#around;
    if (news.kind === 'done') {
      if (account.done()) return true;
      this.#break(breachOf(truncated('its events ended, and it did not')));
      return false;
    }
    const wasKnown = account.id !== null;
    if (news.kind === 'whole') {
      const resource = readInteraction(news.value);
      if (resource === null) {
        this.#break(breachOf(failureOf('malformed', 'shape', 'the answer is no interaction')));
        return false;
      }
      const status = account.takeWhole(resource);
      this.#name(wasKnown);
      const { fault } = account;
      if (fault !== null) {
        // No news: else a server that answers so again and again would be asked again and again.
        this.#break(breachOf(fault));
        return false;
      }
      this.#progress();
      if (isWhole || verdictOf(status) !== 'running') return true;
      this.#break(breachOf(truncated(`it is '${status}', and no events were sent`)));
      return false;
    }
    const event = account.take(news.event);
    if (event === null) return false;
    this.#name(wasKnown);
    this.#progress();
    lane.give(event);
    return account.overBy !== null;
  }

  #name(wasKnown: boolean): void {
    const { id } = this.#around.account;
    if (!wasKnown && id !== null) this.#report({ type: 'interaction.known', id });
  }

  #progress(): void {
    if (this.#hasProgressed) return;
    this.#hasProgressed = true;
    this.#report({ type: 'exchange.progressed' });
  }

  async #end(status: string): Promise<void> {
    const { account, isWhole, lane } = this.#around;
    const verdict = verdictOf(status);
    if (verdict === 'running' && !isWhole) return this.#break(breachOf(truncated(`it is '${status}', and its events ended`)));
    const isOk = isGood(status) || verdict === 'running';
    this.#pass?.leave({ outcome: isOk ? 'ok' : 'failed', ...tokensIn(account.answer().usage?.total_tokens) });
    if (isOk) lane.give({ type: 'answer', answer: account.answer() });
    // The end comes after the last event, which the target may not have taken yet.
    while (!lane.isDrained && !this.#isOver) await lane.changed();
    this.#report({ type: 'exchange.over', status, cursor: account.cursor() });
  }

  async #broke(stream: HttpStream<BodyNews>): Promise<void> {
    const outcome = await stream.ended();
    const failure = outcome.ok ? truncated('the body ended before the interaction did') : outcome.failure;
    this.#break(breachOf(failure));
  }

  #break(breach: ReturnType<typeof breachOf>): void {
    // Before it is told: whoever asks next finds the permit free, and the pause that the service wants.
    this.#pass?.leave(breach.failure.kind === 'noCredentials' ? { outcome: 'unused' } : reportOf(breach.failure));
    this.#report({ type: 'exchange.broke', breach, cursor: this.#around.account.cursor() });
    this.stop();
  }

  #report(event: InteractionEvent): void {
    if (!this.#isOver) this.#around.report(event);
  }
}
