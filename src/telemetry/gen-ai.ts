/**
 * Names of OpenTelemetry's conventions for generative AI, in our own keeping: they are in development, and change places.
 *
 * Taken from @opentelemetry/semantic-conventions 1.45.0, the last release that has them; test/telemetry/gen-ai.test.ts holds each to it. From June 2026 on they
 * are kept in https://github.com/open-telemetry/semantic-conventions-genai, which has made no release; `gen_ai.execute_tool.duration` is from there.
 */

/** Which conventions these are: the instrumentation scope's version of names. */
export const genAiSchemaUrl = 'https://opentelemetry.io/schemas/1.45.0';

/** Attributes of spans and metrics. */
export const genAi = {
  operationName: 'gen_ai.operation.name',
  providerName: 'gen_ai.provider.name',
  requestModel: 'gen_ai.request.model',
  agentName: 'gen_ai.agent.name',
  toolName: 'gen_ai.tool.name',
  toolCallId: 'gen_ai.tool.call.id',
  toolType: 'gen_ai.tool.type',
  toolArguments: 'gen_ai.tool.call.arguments',
  toolResult: 'gen_ai.tool.call.result',
  inputTokens: 'gen_ai.usage.input_tokens',
  outputTokens: 'gen_ai.usage.output_tokens',
  tokenType: 'gen_ai.token.type',
  errorType: 'error.type',
} as const;

/** Values of `gen_ai.operation.name`. */
export const genAiOperations = { chat: 'chat', executeTool: 'execute_tool', invokeAgent: 'invoke_agent' } as const;

/** Values of `gen_ai.provider.name`. */
export const genAiProviders = { gemini: 'gcp.gemini', vertex: 'gcp.vertex_ai' } as const;

/** Metrics. */
export const genAiMetrics = {
  tokenUsage: 'gen_ai.client.token.usage',
  operationDuration: 'gen_ai.client.operation.duration',
  toolDuration: 'gen_ai.execute_tool.duration',
} as const;

/** Upper bounds of `gen_ai.client.token.usage`, as the conventions advise. */
export const tokenBuckets: readonly number[] = [
  ...[1, 4, 16, 64, 256, 1_024, 4_096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216, 67_108_864],
];
