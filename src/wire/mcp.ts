/**
 * The Model Context Protocol, as far as tools need it: what lists and calls are answered with, and the notification that the tools have changed.
 *
 * @see https://modelcontextprotocol.io/specification: tools/list, tools/call, notifications/tools/list_changed
 */
import { z } from 'zod';

/** The method of the notification. */
export const toolsChanged = 'notifications/tools/list_changed';

/** The notification, for clients that want a schema of it. */
export const toolsChangedNotification = z.looseObject({ method: z.literal(toolsChanged) });

/** A page of a list. */
export const listedTools = z.looseObject({
  tools: z.array(z.looseObject({ name: z.string(), description: z.string().optional(), inputSchema: z.record(z.string(), z.unknown()).optional() })),
  nextCursor: z.string().optional(),
});

/** The answer to a call. */
export const calledTool = z.looseObject({
  content: z.array(z.looseObject({ type: z.string(), text: z.string().optional() })).default([]),
  structuredContent: z.record(z.string(), z.unknown()).optional(),
  isError: z.boolean().optional(),
});
/** An answer, read. @see {@link calledTool} */
export type CalledTool = z.infer<typeof calledTool>;
