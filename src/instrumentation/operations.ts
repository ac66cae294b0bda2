/** Operations under way: a call of a model, of an agent, of a tool. Each has one end, whatever becomes of its actor; what it measures is recorded there. */
import { genAi, genAiOperations } from '../telemetry/gen-ai.js';
import type { Subject } from '../telemetry/subject.js';
import type { SpanAttributes, SpanLike, SpanLink, Tracing } from '../telemetry/tracer.js';
import type { OwnMetrics } from './own-metrics.js';
import type { Seen } from './seen.js';

/** How an operation has ended: null is well, else the type of the error. */
export type ErrorType = string | null;

/** What an operation is. */
export interface OperationPlan {
  readonly operation: keyof typeof genAiOperations;
  /** The model, the agent, the tool; empty where that is not known. */
  readonly name: string;
  readonly subject?: Subject | undefined;
  readonly attributes?: SpanAttributes;
  /** null: below whatever is active; `root`: below nothing. */
  readonly parent: SpanLike | 'root' | null;
  readonly links?: SpanLink[];
}

/** One that is under way. */
export interface Operation {
  readonly span: SpanLike | null;
  /** Tokens, as far as they are known; the last word counts. */
  used(input: number | undefined, output: number | undefined): void;
  attributes(more: SpanAttributes): void;
  event(name: string, attributes?: SpanAttributes): void;
  /** Twice is once. */
  end(error?: ErrorType): void;
}

/** Starts an operation. @throws never */
export function startOperation(seen: Seen, plan: OperationPlan, metrics: OwnMetrics, tracing: Tracing | null): Operation {
  const { operation, name, subject, parent, links } = plan;
  const began = seen.now();
  const isTool = operation === 'executeTool';
  const word = genAiOperations[operation];
  const ofModel = { [genAi.operationName]: word, [genAi.providerName]: subject?.provider ?? '', [genAi.requestModel]: subject?.model ?? '' };
  const attributes: SpanAttributes = {
    ...(isTool ? { [genAi.operationName]: word, [genAi.toolName]: name } : given(ofModel)),
    ...(operation === 'invokeAgent' ? { [genAi.agentName]: name } : {}),
    'espalier.actor.path': seen.path,
    'espalier.actor.incarnation': seen.incarnation,
    ...plan.attributes,
  };
  const title = name === '' ? word : `${word} ${name}`;
  const span = tracing?.start(title, operation === 'chat' ? 'client' : 'internal', attributes, parent, links) ?? null;
  if (isTool) metrics.toolsInFlight.add(1, { tool: name });
  let tokens: readonly [number | undefined, number | undefined] = [undefined, undefined];
  let isOver = false;
  const onSpan = (act: (span: SpanLike) => void): void => {
    if (span !== null && !isOver) tracing?.safely(() => act(span));
  };
  return {
    span,
    used: (input, output) => {
      tokens = [input ?? tokens[0], output ?? tokens[1]];
    },
    attributes: (more) => onSpan((open) => open.setAttributes(more)),
    event: (event, more) => onSpan((open) => open.addEvent(event, more)),
    end: (error = null) => {
      if (isOver) return;
      const [input, output] = tokens;
      onSpan((open) => {
        open.setAttributes({
          ...(input === undefined ? {} : { [genAi.inputTokens]: input }),
          ...(output === undefined ? {} : { [genAi.outputTokens]: output }),
          ...(error === null ? {} : { [genAi.errorType]: error }),
        });
        if (error !== null) open.setStatus({ code: 2, message: error });
        open.end();
      });
      isOver = true;
      const seconds = Math.max(0, seen.now() - began) / 1_000;
      if (isTool) {
        metrics.toolsInFlight.add(-1, { tool: name });
        metrics.tools.record(seconds, { [genAi.toolName]: name, [genAi.errorType]: error ?? '' });
        return;
      }
      metrics.operations.record(seconds, { ...ofModel, [genAi.errorType]: error ?? '' });
      if (input !== undefined) metrics.tokens.record(input, { ...ofModel, [genAi.tokenType]: 'input' });
      if (output !== undefined) metrics.tokens.record(output, { ...ofModel, [genAi.tokenType]: 'output' });
    },
  };
}

function given(attributes: Readonly<Record<string, string>>): SpanAttributes {
  return Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== ''));
}

/** Tokens, as a service of Gemini counts them, by whichever of its names. @throws never */
export function tokensOf(usage: unknown): readonly [input: number | undefined, output: number | undefined] {
  const words = (typeof usage === 'object' && usage !== null ? usage : {}) as Readonly<Record<string, unknown>>;
  const first = (...names: readonly string[]): number | undefined => {
    for (const name of names) if (Number.isFinite(words[name]) && (words[name] as number) >= 0) return words[name] as number;
    return undefined;
  };
  const output = first('candidatesTokenCount', 'responseTokenCount', 'total_output_tokens');
  const thoughts = first('thoughtsTokenCount', 'total_thought_tokens');
  // Thoughts are given out too, and are not among the others.
  const all = output === undefined ? thoughts : output + (thoughts ?? 0);
  return [first('promptTokenCount', 'total_input_tokens'), all];
}
