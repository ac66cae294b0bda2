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
import type { ConversationEvent, TurnAnswer, TurnInput } from '../../machines/tools/conversation-events.js';
import { type ConversationFailure, failureAs, type HistoryEntry } from '../../machines/tools/outcome.js';
import { type BehindGate, type Passage, passGate, reportOf, tokensIn } from '../gate/behind.js';
import type { CallReport } from '../gate/permit.js';
import { type Clock, clockOf } from '../supervision/clock.js';
import { guardedSignal } from '../supervision/guarded-signal.js';
import { printFault } from '../supervision/last-resort.js';
import { parentOf } from '../supervision/xstate-internals.js';
import { type ConversationModel, failureIn, type ModelTurn, msIn, type TurnOutcome } from './model.js';
import { feedOf, type Place, placeOf, tellData, tellLoss } from './place.js';
import { sortOf } from '../option-checks.js';
import type { ReadTools, ToolPlan } from './tool-plan.js';

/** What {@link turn} asks, and with what. */
export interface TurnOptions {
  readonly model: ConversationModel;
  readonly readTools: ReadTools;
  readonly gate: BehindGate | undefined;
  /** For tools that have no deadline of their own, ms. */
  readonly toolMs: number;
}

/** The history as the wire has it. @throws what the model throws, or where it says what is no list */
export function wireHistory<Item>(model: ConversationModel<unknown, Item>, history: readonly HistoryEntry[]): readonly Item[] {
  return history.flatMap((entry) => {
    if (entry.type === 'items') return entry.items as readonly Item[];
    const items: unknown = model.results(entry.results);
    if (!Array.isArray(items)) throw new TypeError(`expected results() of the model to say a list of items, got: ${sortOf(items)}`);
    return items as readonly Item[];
  });
}

/** The logic of one turn. */
export function turn(options: TurnOptions) {
  return fromCallback<{ type: 'turn.none' }, TurnInput>(({ input, self, sendBack, system }) => {
    const conversation = parentOf(self) as AnyActorRef;
    const place = placeOf(conversation);
    const abort = new AbortController();
    guardedSignal(abort.signal, (error) => printFault('an abort listener of a source of tools', error));
    const asking = new Asking(options, input, {
      ...{ self, conversation, place: place as Place, clock: clockOf(system), signal: abort.signal },
      report: (event) => {
        if (!abort.signal.aborted) sendBack(event);
      },
    });
    tellLoss(self);
    if (place !== undefined && !place.isVoid) void asking.run();
    return () => {
      abort.abort();
      asking.stop();
    };
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
  #passage: Extract<Passage, { ok: true }> | null = null;
  #hasAsked = false;
  /** What the model was refused by, while the rest of its words may still come. */
  #refusal: CallReport | null = null;

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
    this.#passage = passage;
    if (!signal.aborted) {
      const plan = await this.#plan();
      if (plan !== null && !signal.aborted) await this.#ask(plan, passage);
    }
    this.stop();
  }

  /** Whatever comes, the permit is back before the actor is seen to have ended: that would tell of a holder lost, and nothing of its call. */
  stop(): void {
    this.#leave(this.#hasAsked ? (this.#refusal ?? {}) : { outcome: 'unused' });
  }

  /** Before the chart is told, for it ends this actor at once. */
  #leave(report: CallReport): void {
    this.#passage?.leave(report);
    this.#passage = null;
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

  async #ask(plan: ToolPlan, passage: Extract<Passage, { ok: true }>): Promise<void> {
    const { clock, self: parent, signal } = this.#around;
    const { model } = this.#options;
    const { history, turn: number } = this.#input;
    const { lost } = passage;
    const ends = AbortSignal.any(lost === undefined ? [signal] : [signal, lost]);
    const said = wireHistory(model, history);
    this.#hasAsked = true;
    const asked = model.ask({
      ...{ history: said, tools: plan.declarations, clock, parent, turn: number },
      signal: guardedSignal(ends, (error) => printFault('an abort listener of a model', error)),
      retrying: (failure, given) =>
        this.#note(passage, () => {
          this.#refusal = null;
          const delayMs = msIn(given);
          passage.again({ ...reportOf(failureIn(failure, 'retrying()')), ...(delayMs === undefined ? {} : { delayMs }) });
        }),
      refused: (failure) => this.#note(passage, () => (this.#refusal = reportOf(failureIn(failure, 'refused()')))),
    });
    await this.#tell(asked);
    if (signal.aborted) return;
    const outcome = await asked.ended();
    if (outcome.ok) {
      const answer = this.#answerOf(outcome, plan);
      this.#leave({ outcome: 'ok', ...tokensIn(outcome.tokensUsed) });
      this.#around.report({ type: 'turn.ended', answer });
      return;
    }
    const { kind, ...failure } = failureIn(outcome.failure, 'ended()');
    const isLost = lost?.aborted === true && !signal.aborted;
    this.#leave(reportOf(failure));
    if (isLost) this.#fail(failureAs('gate', 'lost', 'its permit was lost'));
    // Nobody here has cancelled it: whoever did has taken it away.
    else this.#fail({ ...failure, kind: kind === 'cancelled' ? 'killed' : kind });
  }

  /** What the model says of itself while it is asked. Never throws: that may come of whatever of the app's, with whatever. */
  #note(passage: Extract<Passage, { ok: true }>, take: () => unknown): void {
    if (this.#passage !== passage) return;
    try {
      take();
    } catch (error) {
      this.#fail(failureAs('crashed', 'crash', wordsOf(error)));
    }
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

  #answerOf({ answer, calls, items, next, text }: Extract<TurnOutcome, { ok: true }>, plan: ToolPlan): TurnAnswer {
    const wanted = calls.map(({ args, id = null, name }, index): ModelCall => {
      const deadlineMs = plan.deadlineOf(name) ?? this.#options.toolMs;
      return args === null ? { index, id, name, args: {}, unread: 'they are no JSON object', deadlineMs } : { index, id, name, args, deadlineMs };
    });
    const what = wanted.length > 0 ? 'calls' : next === 'calls' ? 'nothing' : next;
    return { items, text, calls: wanted, next: what, answer: answer as JsonObject };
  }

  #fail(failure: ConversationFailure): void {
    this.#around.report({ type: 'turn.failed', failure });
  }
}
