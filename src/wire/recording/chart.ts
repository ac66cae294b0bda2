/** A machine as data, as a recording holds it: the shape of `ChartDefinition` (src/charts/definition.ts), checked. */
import { z } from 'zod';

import { asSchema, type JsonSchema } from './event-schema.js';
import { isPortable } from './portable-shape.js';

const edge = z.strictObject({
  id: z.string(),
  event: z.string(),
  descriptor: z.string(),
  guard: z.string().exactOptional(),
  targets: z.array(z.string()).nullable(),
  reenter: z.boolean(),
  actions: z.array(z.string()),
  description: z.string().exactOptional(),
});

export const chartState = z.strictObject({
  id: z.string(),
  key: z.string(),
  type: z.enum(['atomic', 'compound', 'parallel', 'final', 'history']),
  history: z.enum(['shallow', 'deep']).exactOptional(),
  description: z.string().exactOptional(),
  tags: z.array(z.string()),
  initial: z.string().exactOptional(),
  invoke: z.array(z.strictObject({ id: z.string(), src: z.string() })),
  entry: z.array(z.string()),
  exit: z.array(z.string()),
  edges: z.array(edge),
  get states() {
    return z.array(chartState);
  },
});

/** A whole machine. */
export const chartDefinition = z.strictObject({
  ...chartState.shape,
  events: z
    .record(
      z.string(),
      z.custom<JsonSchema>((schema) => asSchema(schema) !== null && isPortable(schema), 'a JSON Schema'),
    )
    .exactOptional(),
});

/** A recorded machine, with everything in it. */
export type RecordedChart = z.infer<typeof chartDefinition>;
