/**
 * An agent behind which a tool conversation stands.
 *
 *   createAgents({ logics: { clerk: chatAgent({ model: generateModel({ apiKey, model: 'gemini-2.5-flash' }), tools: { weather } }) } })
 */
import { wordsOf } from '../../machines/live/ending.js';
import type { JsonObject } from '../../machines/live/calls.js';
import type { ConversationOutput } from '../../machines/tools/outcome.js';
import { createChild, stopActor } from '../supervision/xstate-internals.js';
import { onExit } from '../supervision/watch.js';
import { shown } from '../option-checks.js';
import { type ConversationRef, logicOf } from '../tools/conversation.js';
import { conversationKeys, type ConversationOptions, type ConversationPlan, planConversation } from '../tools/options.js';
import { wireHistory } from '../tools/turn.js';
import { invalid, requireOptions } from './agents-options.js';
import { type Mind, mindKeys, type MindLogic, type MindOptions, type MindScope, planMind, type Said, thinking } from './mind.js';

/** What a chat agent is asked for; `model` must be given. A name that is not here is refused. */
export interface ChatAgentOptions<Answer = unknown, Item = JsonObject>
  extends MindOptions,
    Omit<ConversationOptions<Answer, Item>, 'input' | 'signal' | 'subscriber'> {
  /** Questions with their answers that it remembers, 0 to 1 000, the latest; `history` it never forgets. Default 20. */
  readonly remembers?: number;
}

type Options = Omit<ConversationOptions, 'input' | 'signal' | 'subscriber'>;

const own: readonly string[] = [...mindKeys, 'remembers'];
const notForAgents: readonly string[] = ['input', 'signal', 'subscriber'];

/**
 * The logic of an agent that answers `comms.request` with what its model says, after as many calls of tools as that needs: a conversation for each question, its
 * child, which begins with what it remembers. One that fails is answered `error`, in words, and is not remembered; the agent lives on. A question that is
 * taken back is cancelled, with its tools.
 * @throws EspalierError `agents/invalid-options`, `tools/invalid-options`, `tools/invalid-tool` or `gate/invalid-options`; never with a key
 */
export function chatAgent<Answer, Item = JsonObject>(options: ChatAgentOptions<Answer, Item>): MindLogic {
  const keys = conversationKeys.filter((key) => !notForAgents.includes(key));
  requireOptions('the options of a chat agent', options, [...keys, ...own]);
  const asked = Object.fromEntries(Object.entries(options).filter(([key]) => !own.includes(key))) as unknown as Options;
  const { remembers = 20 } = options;
  if (!Number.isInteger(remembers) || remembers < 0 || remembers > 1_000) throw invalid('remembers', 'a whole number, 0 to 1000', shown(remembers));
  const plan: PlanOf = (input, history) => planConversation({ ...asked, input, history }, [...keys, 'input']);
  // Once now: what is wrong with them is refused before anything starts.
  plan('?', asked.history ?? []);
  return thinking((scope) => new ChatMind(scope, plan, asked.history ?? [], remembers), planMind(options));
}

/** The conversation that a question begins, after what was said before. */
type PlanOf = (input: string, history: readonly JsonObject[]) => ConversationPlan;

class ChatMind implements Mind {
  readonly #scope: MindScope;
  readonly #plan: PlanOf;
  readonly #beginning: readonly JsonObject[];
  readonly #remembers: number;
  /** Oldest first; each whole, so that the oldest may be forgotten. */
  readonly #remembered: (readonly JsonObject[])[] = [];
  #ref: ConversationRef | null = null;
  #count = 0;

  constructor(scope: MindScope, plan: PlanOf, beginning: readonly JsonObject[], remembers: number) {
    this.#scope = scope;
    this.#plan = plan;
    this.#beginning = beginning;
    this.#remembers = remembers;
  }

  think(question: string, settle: (said: Said) => void): () => void {
    let plan: ConversationPlan;
    try {
      plan = this.#plan(question, [...this.#beginning, ...this.#remembered.flat()]);
    } catch (error) {
      // The words of a model of the app's own: how it says a question is its business.
      settle({ ok: false, why: wordsOf(error) });
      return () => undefined;
    }
    const ref = createChild(logicOf(plan), { parent: this.#scope.self, id: `conversation.${++this.#count}` }) as ConversationRef;
    this.#ref = ref;
    onExit(ref, () => {
      if (this.#ref !== ref) return;
      this.#ref = null;
      settle(this.#outcome(ref, plan, question));
    });
    ref.start();
    return () => ref.send({ type: 'conversation.cancel', by: 'app', reason: 'nobody waits for the answer any more' });
  }

  end(): void {
    const ref = this.#ref;
    this.#ref = null;
    if (ref !== null) stopActor(ref);
  }

  #outcome(ref: ConversationRef, plan: ConversationPlan, question: string): Said {
    const { error, output } = ref.getSnapshot() as { error?: unknown; output?: ConversationOutput };
    if (output === undefined) return { ok: false, why: error === undefined ? 'its conversation was ended' : wordsOf(error) };
    const { end } = output;
    if (end.type === 'conversation.failed') return { ok: false, why: `${end.failure.kind}: ${end.failure.message}` };
    if (end.type === 'conversation.cancelled') return { ok: false, why: `cancelled: ${end.cancellation.reason}` };
    try {
      this.#remember(plan, output, question);
    } catch (fault) {
      return { ok: false, why: wordsOf(fault) };
    }
    return { ok: true, text: output.text };
  }

  /** @throws what the model throws where it cannot say what its tools have answered */
  #remember({ input, model }: ConversationPlan, { history }: ConversationOutput, question: string): void {
    const [before] = input.history;
    const known = (before?.type === 'items' ? before.items.length : 0) - model.input(question).length;
    this.#remembered.push(wireHistory(model, history).slice(known));
    this.#remembered.splice(0, Math.max(0, this.#remembered.length - this.#remembers));
  }
}
