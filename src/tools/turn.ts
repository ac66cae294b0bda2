/**
 * The actor `turn` of a conversation: passes the gate, reads the tools that there are now, asks the model once, and tells what it says beside the chart.
 *
 * The answer is read as the reader of the conversation can take it. Nothing here has a deadline of its own; the chart has. When the actor is stopped, the
 * request is aborted, and nothing of it reaches the conversation afterwards.
 */
import { type AnyActorRef, fromCallback } from 'xstate';
import type { JsonObject } from '../../machines/live/calls.js';
import { wordsOf } from '../../machines/live/ending.js';
import type { ModelCall } from '../../machines/tools/calls.js';
import type { ConversationEvent, TurnInput } from '../../machines/tools/conversation-events.js';
import { type ConversationFailure, failureAs, type HistoryEntry } from '../../machines/tools/outcome.js';
import { type BehindGate, type Passage, passGate, reportOf } from '../gate/behind.js';
import type { CallReport } from '../gate/permit.js';
import { type Clock, clockOf } from '../supervision/clock.js';
import { parentOf } from '../supervision/xstate-internals.js';
import type { ConversationModel, ModelTurn, TurnOutcome } from './model.js';
import { feedOf, type Place, placeOf, tellData, tellLoss } from './place.js';
import type { ReadTools, ToolPlan } from './tool-plan.js';

/** What {@link turn} asks, and with what. */
export interface TurnOptions {
  readonly model: ConversationModel;
  readonly readTools: ReadTools;
  readonly gate: BehindGate | undefined;
  /** For tools that have no deadline of their own, ms. */
  readonly toolMs: number;
}

/** The history as the wire has it. */
export function wireHistory<Item>(model: ConversationModel<unknown, Item>, history: readonly HistoryEntry[]): readonly Item[] {
  return history.flatMap((entry) => (entry.type === 'items' ? (entry.items as readonly Item[]) : model.results(entry.results)));
}

/** The logic of one turn. */
export function turn(options: TurnOptions) {
  return fromCallback<{ type: 'turn.none' }, TurnInput>(({ input, self, sendBack, system }) => {
    const conversation = parentOf(self) as AnyActorRef;
    const place = placeOf(conversation);
    const abort = new AbortController();
    const asking = new Asking(options, input, {
      ...{ self, conversation, place: place as Place, clock: clockOf(system), signal: abort.signal },
      report: (event) => {
        if (!abort.signal.aborted) sendBack(event);
      },
    });
    tellLoss(self);
    if (place !== undefined && !place.isVoid) void asking.run();
    return () => abort.abort();
  });
}

interface Surroundings {
  readonly self: AnyActorRef;
  readonly conversation: AnyActorRef;
  readonly place: Place;
  readonly clock: Clock;
  /** Aborts when the actor is stopped. */
  readonly signal: AbortSignal;
  report(event: ConversationEvent): void;
}

class Asking {
  readonly #options: TurnOptions;
  readonly #input: TurnInput;
  readonly #around: Surroundings;

  constructor(options: TurnOptions, input: TurnInput, around: Surroundings) {
    this.#options = options;
    this.#input = input;
    this.#around = around;
  }

  /** Never rejects. */
  async run(): Promise<void> {
    try {
      await this.#run();
    } catch (error) {
      this.#fail(failureAs('crashed', 'crash', wordsOf(error)));
    }
  }

  async #run(): Promise<void> {
    const { self, signal } = this.#around;
    const passage = await passGate(this.#options.gate, { holder: self });
    if (!passage.ok) {
      const { key, reason, retryAfterMs } = passage;
      const again = retryAfterMs === null ? {} : { retryAfterMs };
      this.#fail({ ...failureAs('gate', reason, `no permit of '${key}': ${reason}`), ...again });
      return;
    }
    let report: CallReport = { outcome: 'unused' };
    try {
      if (signal.aborted) return;
      const plan = await this.#plan();
      if (plan === null || signal.aborted) return;
      report = await this.#ask(plan, passage);
    } finally {
      passage.leave(report);
    }
  }

  /** The tools of this turn; null where they cannot be had. */
  async #plan(): Promise<ToolPlan | null> {
    const { place, signal } = this.#around;
    try {
      place.plan = await this.#options.readTools(signal);
      return place.plan;
    } catch (error) {
      this.#fail(failureAs('tools', 'list', `the tools could not be listed: ${wordsOf(error)}`));
      return null;
    }
  }

  /** @returns what became of it, for the gate */
  async #ask(plan: ToolPlan, { lost }: Extract<Passage, { ok: true }>): Promise<CallReport> {
    const { clock, self: parent, signal } = this.#around;
    const { model } = this.#options;
    const { history, turn: number } = this.#input;
    const asked = model.ask({
      ...{ history: wireHistory(model, history), tools: plan.declarations, clock, parent, turn: number },
      signal: lost === undefined ? signal : AbortSignal.any([signal, lost]),
    });
    await this.#tell(asked);
    if (signal.aborted) return {};
    const outcome = await asked.ended();
    if (outcome.ok) {
      this.#end(outcome, plan);
      return { outcome: 'ok' };
    }
    const { kind, ...failure } = outcome.failure;
    const isLost = lost?.aborted === true && !signal.aborted;
    if (isLost) this.#fail(failureAs('gate', 'lost', 'its permit was lost'));
    // Nobody here has cancelled it: whoever did has taken it away.
    else this.#fail({ ...failure, kind: kind === 'cancelled' ? 'killed' : kind });
    return reportOf(failure);
  }

  /** Tells what the model says, as it can be taken. */
  async #tell(asked: ModelTurn): Promise<void> {
    const { conversation, report, signal } = this.#around;
    let hasBegun = false;
    try {
      for await (const event of asked) {
        if (signal.aborted) return;
        if (!hasBegun) report({ type: 'turn.began' });
        hasBegun = true;
        tellData(conversation, { ...event, turn: this.#input.turn });
        await feedOf(conversation)?.ready();
        if (signal.aborted) return;
      }
    } catch {
      // Its outcome says why.
    }
  }

  #end({ answer, calls, items, next, text }: Extract<TurnOutcome, { ok: true }>, plan: ToolPlan): void {
    const wanted = calls.map(({ args, id = null, name }, index): ModelCall => {
      const deadlineMs = plan.deadlineOf(name) ?? this.#options.toolMs;
      return args === null ? { index, id, name, args: {}, unread: 'they are no JSON object', deadlineMs } : { index, id, name, args, deadlineMs };
    });
    const what = wanted.length > 0 ? 'calls' : next === 'calls' ? 'nothing' : next;
    this.#around.report({ type: 'turn.ended', answer: { items, text, calls: wanted, next: what, answer: answer as JsonObject } });
  }

  #fail(failure: ConversationFailure): void {
    this.#around.report({ type: 'turn.failed', failure });
  }
}
