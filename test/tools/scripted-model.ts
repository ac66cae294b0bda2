/** A model that says what a test has written, turn by turn, and remembers what it was asked. */
import type { CallResult } from '../../machines/tools/calls.js';
import type { ConversationModel, ModelEvent, TurnOutcome, TurnRequest } from '../../src/tools/model.js';

type Item = { readonly [field: string]: unknown };

/** What one turn says. `held`: nothing of it comes before {@link ScriptedModel.release}, or the end of the request. */
export interface ScriptedTurn {
  readonly events?: readonly ModelEvent[];
  readonly calls?: readonly { readonly id?: string; readonly name: string; readonly args?: object }[];
  readonly text?: string;
  readonly next?: 'continue';
  readonly failure?: Extract<TurnOutcome, { ok: false }>['failure'];
  readonly held?: boolean;
}

export class ScriptedModel implements ConversationModel<Item, Item> {
  readonly asked: TurnRequest<Item>[] = [];
  /** How many turns of it are under way. */
  openCount = 0;
  readonly #turns: readonly ScriptedTurn[];
  #waiting: (() => void)[] = [];
  #watching: (() => void)[] = [];

  constructor(...turns: readonly ScriptedTurn[]) {
    this.#turns = turns;
  }

  /** Settles when it has been asked so many times. */
  async askedTimes(count: number): Promise<void> {
    while (this.asked.length < count) await new Promise<void>((resolve) => this.#watching.push(resolve));
  }

  release(): void {
    for (const go of this.#waiting.splice(0)) go();
  }

  /** The results that it was given with that question, the first being 0. */
  resultsOf(question: number): readonly CallResult[] {
    const item = this.asked[question]?.history.at(-1);
    return (item?.['results'] ?? []) as readonly CallResult[];
  }

  ask(request: TurnRequest<Item>) {
    const turn = this.#turns[this.asked.length] ?? { text: 'no more' };
    this.asked.push(request);
    this.openCount++;
    const released = turn.held === true ? this.#held(request.signal) : Promise.resolve();
    const over = (): void => void this.openCount--;
    for (const seen of this.#watching.splice(0)) seen();
    return {
      async *[Symbol.asyncIterator]() {
        for (const event of turn.events ?? []) yield event;
        await released;
      },
      ended: async (): Promise<TurnOutcome<Item, Item>> => {
        await released;
        over();
        const { calls = [], failure, next, text = '' } = turn;
        if (failure !== undefined) return { ok: false, failure };
        const parts = [...(text === '' ? [] : [{ text }]), ...calls.map((functionCall) => ({ functionCall }))];
        const wanted = calls.map(({ args = {}, ...call }) => ({ ...call, args: args as Item }));
        return {
          ok: true,
          items: [{ role: 'model', parts }],
          text,
          calls: wanted,
          next: calls.length > 0 ? 'calls' : (next ?? 'nothing'),
          answer: { text },
        };
      },
    };
  }

  #held(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const go = (): void => {
        if (signal.aborted) this.openCount--;
        resolve();
      };
      this.#waiting.push(resolve);
      signal.addEventListener('abort', go, { once: true });
    });
  }

  input(input: string | readonly Item[]): readonly Item[] {
    return typeof input === 'string' ? [{ role: 'user', parts: [{ text: input }] }] : input;
  }

  results(results: readonly object[]): readonly Item[] {
    return [{ role: 'user', results: results.map((result) => ({ ...result })) }];
  }
}
