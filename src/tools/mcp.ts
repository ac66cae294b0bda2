/**
 * The tools of an MCP server, for conversations: listed when a turn needs them, listed again when the server says that they have changed.
 *
 *   const client = new Client({ name: 'app', version: '1' });          // of the official SDK, `@modelcontextprotocol/client` or `@modelcontextprotocol/sdk`
 *   await client.connect(transport);
 *   converse({ model, input, tools: [mcpTools(client), { weather }] });
 *
 * | the server's answer to a call                | what the model is told                                          |
 * |----------------------------------------------|-----------------------------------------------------------------|
 * | `structuredContent`                          | that                                                            |
 * | texts alone                                  | `{ output: text }`, a line each                                 |
 * | anything else                                | `{ content }`, as it came                                       |
 * | `isError`, an error of the protocol, no connection | `{ error }`, in the server's words                        |
 *
 * A call that is cancelled, or past its deadline, is cancelled at the server too. Arguments are the server's to check.
 */
import { type CalledTool, calledTool, listedTools, toolsChanged, toolsChangedNotification } from '../wire/mcp.js';
import { isDuration, longestMs, sortOf } from '../option-checks.js';
import { invalid, requireOptions } from './refusal.js';
import type { Tool, Tools, ToolSource } from './tool-plan.js';

type JsonObject = { readonly [key: string]: unknown };

/** The part of an MCP client that is used: `Client` of the official SDK has it, in its first version and in its second. */
export interface McpClient {
  // oxlint-disable-next-line typescript/no-explicit-any -- the SDK's own signature has a type for each method, and differs between its versions
  request(request: any, resultSchema: any, options?: any): Promise<any>;
  // oxlint-disable-next-line typescript/no-explicit-any -- as above
  setNotificationHandler(...registration: any[]): void;
  removeNotificationHandler(method: string): void;
}

/** Options of {@link mcpTools}. */
export interface McpToolsOptions {
  /** Put before each name, so that the tools of two servers do not meet: `files_`. Default: nothing. */
  readonly prefix?: string;
  /** For each call, ms. Default: the conversation's `toolMs`. */
  readonly timeoutMs?: number;
}

/** The tools of a server. Disposing of it ends its ear for changes; the client stays the app's. */
export interface McpTools extends ToolSource, Disposable {
  list(options: { readonly signal: AbortSignal }): Promise<Tools>;
}

/** More pages than that are a server that goes round in circles. */
const mostPages = 1_000;
/** The SDK has a deadline of its own, of a minute; the call's deadline is the conversation's, and comes by the signal. */
const noTimeoutMs = longestMs;

/**
 * A source of tools, for the option `tools` of a conversation; any number of conversations may share it.
 * @param client  one that is connected when the first turn begins. Its handler of `notifications/tools/list_changed` becomes the source's
 * @throws EspalierError `tools/invalid-options`
 */
export function mcpTools(client: McpClient, options: McpToolsOptions = {}): McpTools {
  requireOptions('options of the MCP tools', options, ['prefix', 'timeoutMs']);
  const { prefix = '', timeoutMs } = options;
  const { request, setNotificationHandler } = (client ?? {}) as Partial<McpClient>;
  if (typeof request !== 'function' || typeof setNotificationHandler !== 'function') throw invalid('client', 'an MCP client', sortOf(client));
  if (typeof prefix !== 'string' || !/^(?:[a-zA-Z_][a-zA-Z0-9_.:-]{0,63})?$/.test(prefix)) throw invalid('prefix', 'the beginning of a name', prefix);
  if (timeoutMs !== undefined && !isDuration(timeoutMs)) throw invalid('timeoutMs', 'a number of ms', timeoutMs);
  return new Source(client, prefix, timeoutMs);
}

class Source implements McpTools {
  readonly #client: McpClient;
  readonly #prefix: string;
  readonly #timeoutMs: number | undefined;
  #known: Tools | null = null;
  /** Counts changes: what was listed before the last is not kept. */
  #version = 0;

  constructor(client: McpClient, prefix: string, timeoutMs: number | undefined) {
    this.#client = client;
    this.#prefix = prefix;
    this.#timeoutMs = timeoutMs;
    listen(client, () => {
      this.#version++;
      this.#known = null;
    });
  }

  async list({ signal }: { readonly signal: AbortSignal }): Promise<Tools> {
    if (this.#known !== null) return this.#known;
    const version = this.#version;
    const tools: Record<string, Tool> = {};
    let cursor: string | undefined;
    for (let page = 0; page < mostPages; page++) {
      const params = cursor === undefined ? {} : { cursor };
      const answer = listedTools.parse(await this.#client.request({ method: 'tools/list', params }, listedTools, { signal }));
      for (const { description, inputSchema, name } of answer.tools) {
        const known = nameFor(this.#prefix, name);
        if (Object.hasOwn(tools, known)) throw new Error(`the MCP server has two tools that are called '${known}' here`);
        tools[known] = this.#tool(name, description, inputSchema);
      }
      cursor = answer.nextCursor;
      if (cursor !== undefined) continue;
      if (version === this.#version) this.#known = tools;
      return tools;
    }
    throw new Error(`the MCP server lists its tools on more than ${mostPages} pages`);
  }

  [Symbol.dispose](): void {
    this.#client.removeNotificationHandler(toolsChanged);
  }

  #tool(name: string, description: string | undefined, inputSchema: JsonObject | undefined): Tool {
    return {
      description: description === undefined || description.trim() === '' ? name : description,
      ...(inputSchema === undefined ? {} : { parametersJsonSchema: withoutDialect(inputSchema) }),
      ...(this.#timeoutMs === undefined ? {} : { timeoutMs: this.#timeoutMs }),
      execute: async (args, { signal }) => {
        const asked = { method: 'tools/call', params: { name, arguments: args } };
        return valueOf(name, calledTool.parse(await this.#client.request(asked, calledTool, { signal, timeout: noTimeoutMs })));
      },
    };
  }
}

/** The first version of the SDK wants a schema where the second wants the name of the method. */
function listen(client: McpClient, heard: () => void): void {
  try {
    client.setNotificationHandler(toolsChanged, heard);
  } catch {
    client.setNotificationHandler(toolsChangedNotification, heard);
  }
}

/** A name that Gemini takes. */
function nameFor(prefix: string, name: string): string {
  const plain = `${prefix}${name}`.replaceAll(/[^a-zA-Z0-9_.:-]/g, '_');
  return (/^[a-zA-Z_]/.test(plain) ? plain : `_${plain}`).slice(0, 128);
}

function withoutDialect({ $schema: _dialect, ...schema }: JsonObject): JsonObject {
  return schema;
}

/** @throws what the server says went wrong */
function valueOf(name: string, { content, isError, structuredContent }: CalledTool): unknown {
  const texts = content.flatMap(({ text, type }) => (type === 'text' && text !== undefined ? [text] : []));
  if (isError === true) throw new Error(texts.join('\n') || `tool '${name}' failed`);
  if (structuredContent !== undefined) return structuredContent;
  return texts.length === content.length ? texts.join('\n') : { content };
}
