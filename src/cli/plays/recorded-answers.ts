/** The tools of a replayed log: each answers as the log does, and when it does. */
import type { LiveTool, LiveTools } from '../../live/tool-plan.js';
import type { FunctionResponse } from '../../wire/gemini/content.js';
import type { LiveSetup } from '../../wire/gemini/live.js';
import { untilAborted } from '../stage/pause.js';

/** What Gemini allows as the name of a function, and a session as that of a tool. */
const toolName = /^[a-zA-Z_][a-zA-Z0-9_.:-]{0,127}$/;

interface RecordedAnswer {
  readonly response: FunctionResponse;
  /** Which call has taken it. */
  call: string | null;
  release(): void;
  readonly released: Promise<void>;
}

export class RecordedAnswers {
  readonly #answers: readonly RecordedAnswer[];

  constructor(responses: readonly FunctionResponse[]) {
    this.#answers = responses.map((response) => {
      let release: () => void = () => {};
      const released = new Promise<void>((resolve) => (release = resolve));
      return { response, call: null, release, released };
    });
  }

  /** The log has come to these answers. @returns the calls that have taken them so far */
  release(responses: readonly FunctionResponse[]): string[] {
    const due = this.#answers.filter(({ response }) => responses.includes(response));
    for (const answer of due) answer.release();
    return due.flatMap(({ call }) => (call === null ? [] : [call]));
  }

  /** A tool for each of these names; the log's setup declares their parameters, in a dialect that is Gemini's own. */
  tools(names: readonly string[], setup: LiveSetup): LiveTools {
    const declared = declarationsOf(setup);
    const tools = names
      .filter((name) => toolName.test(name))
      .map((name): [string, LiveTool] => {
        const { description } = declared.find((declaration) => declaration['name'] === name) ?? {};
        const execute: NonNullable<LiveTool['execute']> = (_args, { id, signal }) => this.#answer(id, name, signal);
        const words = typeof description === 'string' && description !== '' ? description : 'a function of the log';
        return [name, { description: words, execute }];
      });
    return Object.fromEntries(tools);
  }

  async #answer(id: string, name: string, signal: AbortSignal): Promise<object> {
    const answer = this.#answers.find(
      ({ response, call }) => call === null && (response.id === undefined ? response.name === name : response.id === id),
    );
    if (answer === undefined) return { output: null, note: 'the log has no answer to this call' };
    answer.call = id;
    await Promise.race([answer.released, untilAborted(signal)]);
    return answer.response.response;
  }
}

/** The setup without what is not to be said twice: the session itself says `model`, and declares the tools that it runs. */
export function restOfSetup(setup: LiveSetup, names: readonly string[]): Record<string, unknown> {
  const { tools, ...rest } = setup;
  const others = (tools ?? []).flatMap((tool) => {
    const { functionDeclarations, ...more } = tool;
    if (!Array.isArray(functionDeclarations)) return [tool];
    const kept = (functionDeclarations as Record<string, unknown>[]).filter((declaration) => !names.includes(String(declaration['name'])));
    return kept.length === 0 && Object.keys(more).length === 0 ? [] : [{ ...more, ...(kept.length === 0 ? {} : { functionDeclarations: kept }) }];
  });
  return { ...rest, model: undefined, ...(others.length === 0 ? {} : { tools: others }) };
}

function declarationsOf({ tools }: LiveSetup): Record<string, unknown>[] {
  return (tools ?? []).flatMap((tool) =>
    Array.isArray(tool['functionDeclarations']) ? (tool['functionDeclarations'] as Record<string, unknown>[]) : [],
  );
}
