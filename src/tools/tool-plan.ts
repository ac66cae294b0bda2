/** The functions that the model may call: as an app gives them, and as they are declared, found and run. */
import type { EspalierError } from '../errors.js';
import { readParameters, type ReadParameters, type ToolParameters } from './parameters.js';
import { isDuration, isPlainObject, sortOf } from '../option-checks.js';
import { invalid, invalidTool } from './refusal.js';

type JsonObject = { readonly [key: string]: unknown };

/** What a running function is given beside its arguments. */
export interface ToolContext {
  /** Aborts on cancellation, at the call's and the turn's deadline, and at the end of the conversation. */
  readonly signal: AbortSignal;
  /** The call's id; `local:TURN.INDEX` where the model gave none. */
  readonly id: string;
  readonly name: string;
  /** The turn that it is called in, 1 for the first. */
  readonly turn: number;
  /** Its place among the calls of the turn, from 0. */
  readonly index: number;
}

/** A function that the model may call. `Args`: what `parameters` reads. */
export interface Tool<Args = JsonObject> {
  /** What it does, for the model. */
  readonly description: string;
  /** Its arguments. A call whose arguments do not fit is answered with what is wrong, and not run. Absent: it takes none, or any. */
  readonly parameters?: ToolParameters<Args>;
  /** Declared in place of what `parameters` says of itself; must be given where that is a Standard Schema without JSON schema. */
  readonly parametersJsonSchema?: JsonObject;
  /** Runs beside the other calls of its turn. What it returns, or yields last, goes to the model; what it throws too, as `{ error }`. */
  execute(args: Args, context: ToolContext): unknown;
  /** Its own deadline, ms. Default: the conversation's `toolMs`. */
  readonly timeoutMs?: number;
}

/** The functions that the model may call, by the names that it calls them by. Argument types are each tool's own. */
// oxlint-disable-next-line typescript/no-explicit-any -- a record of tools with different arguments has no narrower type
export type Tools = Readonly<Record<string, Tool<any>>>;

/** Tools that may change: an MCP server's. Asked at each turn, within the turn's deadline; to have kept them is the source's own matter. */
export interface ToolSource {
  list(options: { readonly signal: AbortSignal }): Tools | Promise<Tools>;
}

/** Tools, a source of them, or several of both. A name that two of them have is refused. */
export type ToolsOption = Tools | ToolSource | readonly (Tools | ToolSource)[];

/** A function as it is declared to the model. */
export interface ToolDeclaration {
  readonly name: string;
  readonly description: string;
  readonly parametersJsonSchema?: JsonObject;
}

/** A function as it is run. */
export interface PlannedTool {
  readonly check: ReadParameters['check'];
  run(args: JsonObject, context: ToolContext): unknown;
}

/** What the tools of one turn come to. */
export interface ToolPlan {
  readonly declarations: readonly ToolDeclaration[];
  find(name: string): PlannedTool | undefined;
  deadlineOf(name: string): number | undefined;
}

const toolKeys: readonly (keyof Tool)[] = ['description', 'parameters', 'parametersJsonSchema', 'execute', 'timeoutMs'];
/** Gemini's rule for the names of functions. */
const toolName = /^[a-zA-Z_][a-zA-Z0-9_.:-]{0,127}$/;

/** What reads the tools of a turn. */
export type ReadTools = (signal: AbortSignal) => ToolPlan | Promise<ToolPlan>;

/**
 * Checks the tools. Those that stand now are planned once; sources are asked at each turn.
 * @throws EspalierError `tools/invalid-options` or `tools/invalid-tool`; the result throws, or rejects with, the same for what a source lists
 */
export function planTools(option: ToolsOption = {}): ReadTools {
  const parts: readonly unknown[] = Array.isArray(option) ? option : [option];
  for (const part of parts)
    if (!isSource(part) && !isPlainObject(part)) throw invalid('tools', 'tools by name, a source of tools, or a list', sortOf(part));
  const given = parts as readonly (Tools | ToolSource)[];
  const standing = planRecords(given.filter((part): part is Tools => !isSource(part)));
  const sources = given.filter(isSource);
  if (sources.length === 0) return () => standing;
  return async (signal) => {
    const listed = await Promise.all(sources.map(async (source) => source.list({ signal })));
    for (const tools of listed) if (!isPlainObject(tools)) throw invalid('tools', 'a source that lists tools by name', sortOf(tools));
    return planRecords([...given.filter((part): part is Tools => !isSource(part)), ...listed]);
  };
}

function isSource(part: unknown): part is ToolSource {
  // A tool may be called `list`; a source's is a function.
  return typeof (part as Partial<ToolSource> | null | undefined)?.list === 'function';
}

function planRecords(records: readonly Tools[]): ToolPlan {
  const plans = new Map<string, PlannedTool & { readonly timeoutMs: number | undefined }>();
  const declarations: ToolDeclaration[] = [];
  for (const [name, tool] of records.flatMap((tools) => Object.entries(tools))) {
    checkTool(name, tool);
    if (plans.has(name)) throw invalidTool(name, 'a name that no other tool has', name);
    const { description, execute, parameters, parametersJsonSchema, timeoutMs } = tool;
    const { check, schema } = readParameters(name, parameters, parametersJsonSchema);
    plans.set(name, { check, run: (args, context) => execute.call(tool, args, context), timeoutMs });
    declarations.push({ name, description, ...(schema === undefined ? {} : { parametersJsonSchema: schema }) });
  }
  return { declarations, find: (name) => plans.get(name), deadlineOf: (name) => plans.get(name)?.timeoutMs };
}

/** @throws EspalierError `tools/invalid-tool` */
function checkTool(name: string, tool: unknown): void {
  const refuse = (expected: string, got: unknown): EspalierError => invalidTool(name, expected, got);
  if (!toolName.test(name)) throw refuse(`a name that matches ${toolName.source}`, name);
  if (typeof tool !== 'object' || tool === null || Array.isArray(tool)) throw refuse('an object', sortOf(tool));
  const { description, execute, timeoutMs } = tool as Partial<Record<keyof Tool, unknown>>;
  // An instance of the app's own class may have fields of its own.
  const unknown = isPlainObject(tool) ? Object.keys(tool).find((key) => !(toolKeys as readonly string[]).includes(key)) : undefined;
  if (unknown !== undefined) throw refuse(`the keys ${toolKeys.join(', ')}`, unknown);
  if (typeof description !== 'string' || description.trim() === '') throw refuse('a description, for the model', sortOf(description));
  if (typeof execute !== 'function') throw refuse('a function execute(args, { signal, id, … })', sortOf(execute));
  if (timeoutMs !== undefined && !isDuration(timeoutMs)) throw refuse('timeoutMs: a number of ms', timeoutMs);
}
