/** The names of GenAI are those of the convention, and none changes unseen. */
import * as opentelemetry from '@opentelemetry/api';
import * as convention from '@opentelemetry/semantic-conventions/incubating';
import { expect, it } from 'vitest';
import { genAi, genAiMetrics, genAiOperations, genAiProviders, genAiSchemaUrl, tokenBuckets } from '../../src/telemetry/gen-ai.js';
import type { MeterLike } from '../../src/telemetry/meter.js';
import type { OpenTelemetryLike, TracerLike } from '../../src/telemetry/tracer.js';

const known = new Set<string>(Object.values(convention).filter((value) => typeof value === 'string'));

it('are in the release that they were taken from, but for the one that its successor adds', () => {
  const ours = [...Object.values(genAi), ...Object.values(genAiMetrics), ...Object.values(genAiOperations), ...Object.values(genAiProviders)];
  expect(ours.filter((name) => !known.has(name))).toEqual(['gen_ai.execute_tool.duration']);
});

it('are these', () => {
  expect({ genAi, genAiMetrics, genAiOperations, genAiProviders, genAiSchemaUrl, tokenBuckets }).toMatchInlineSnapshot(`
    {
      "genAi": {
        "agentName": "gen_ai.agent.name",
        "errorType": "error.type",
        "inputTokens": "gen_ai.usage.input_tokens",
        "operationName": "gen_ai.operation.name",
        "outputTokens": "gen_ai.usage.output_tokens",
        "providerName": "gen_ai.provider.name",
        "requestModel": "gen_ai.request.model",
        "tokenType": "gen_ai.token.type",
        "toolArguments": "gen_ai.tool.call.arguments",
        "toolCallId": "gen_ai.tool.call.id",
        "toolName": "gen_ai.tool.name",
        "toolResult": "gen_ai.tool.call.result",
        "toolType": "gen_ai.tool.type",
      },
      "genAiMetrics": {
        "operationDuration": "gen_ai.client.operation.duration",
        "tokenUsage": "gen_ai.client.token.usage",
        "toolDuration": "gen_ai.execute_tool.duration",
      },
      "genAiOperations": {
        "chat": "chat",
        "executeTool": "execute_tool",
        "invokeAgent": "invoke_agent",
      },
      "genAiProviders": {
        "gemini": "gcp.gemini",
        "vertex": "gcp.vertex_ai",
      },
      "genAiSchemaUrl": "https://opentelemetry.io/schemas/1.45.0",
      "tokenBuckets": [
        1,
        4,
        16,
        64,
        256,
        1024,
        4096,
        16384,
        65536,
        262144,
        1048576,
        4194304,
        16777216,
        67108864,
      ],
    }
  `);
});

it('go to an API that has what is asked of it', () => {
  const api: OpenTelemetryLike = opentelemetry;
  const tracer: TracerLike = opentelemetry.trace.getTracer('x');
  const meter: MeterLike = opentelemetry.metrics.getMeter('x');
  expect([typeof api.trace.setSpan, typeof tracer.startSpan, typeof meter.createGauge]).toEqual(['function', 'function', 'function']);
});
