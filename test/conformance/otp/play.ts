/** Plays lines: reads them, decides which are skipped, and lets nothing that one line does harm the next. */
import type { Json, Line, Outcome } from './line.js';
import { playElixir } from './elixir-adapter.js';
import { playProcess } from './process-adapter.js';
import { playSupervisor } from './supervisor-adapter.js';

/** A line that is left out, and why: one row of excluded.json. */
export interface Exclusion {
  readonly name: string;
  /** The OTP rule that JavaScript cannot follow. */
  readonly rule: string;
  readonly reason: string;
}

/** Most lines that may be excluded. */
export const mostExclusions = 10;

const players: Readonly<Record<string, (line: Line) => Promise<Outcome>>> = {
  supervisor: playSupervisor,
  process: playProcess,
  elixir: playElixir,
};

/** Reads one line of a file. @returns the line, or what is wrong with it */
export function readLine(text: string): Line | { readonly broken: string } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { broken: `not JSON: ${error instanceof Error ? error.message : String(error)}` };
  }
  const { name, scenario, golden } = (value ?? {}) as Partial<Line>;
  if (typeof name !== 'string') return { broken: 'a line needs a `name`' };
  if (!Array.isArray(scenario?.steps)) return { broken: `${name}: a line needs a \`scenario\` with \`steps\`` };
  if (typeof golden !== 'object' || golden === null) return { broken: `${name}: a line needs a \`golden\` trace` };
  return value as Line;
}

/** Why a line is not played; null when it is. */
export function skipReason(line: Line, exclusions: readonly Exclusion[]): string | null {
  const { quirk, kind } = line.scenario;
  if (quirk !== undefined) return `newer OTP differs: ${quirk}`;
  const excluded = exclusions.find(({ name }) => name === line.name);
  // A supervisor can do whatever OTP does: such lines are never excluded.
  if (excluded === undefined || kind === 'supervisor') return null;
  return `JavaScript cannot: ${excluded.rule} (${excluded.reason})`;
}

/**
 * Plays one line.
 * @returns what came of it; an adapter that throws has failed the line
 * @throws never
 */
export async function playLine(line: Line, exclusions: readonly Exclusion[] = []): Promise<Outcome> {
  const reason = skipReason(line, exclusions);
  if (reason !== null) return { status: 'skipped', reason };
  const { kind } = line.scenario;
  const player = Object.hasOwn(players, kind) ? players[kind] : undefined;
  if (player === undefined) return { status: 'failed', reason: `unknown kind ${JSON.stringify(kind)}: known are ${Object.keys(players).join(', ')}` };
  try {
    return await player(line);
  } catch (error) {
    return { status: 'failed', reason: `the adapter threw ${describe(error)}` };
  }
}

/** An error with where it came from, on one line. */
export function describe(error: unknown): string {
  if (!(error instanceof Error)) return JSON.stringify(error) ?? String(error);
  const from = error.stack?.split('\n').find((row) => row.trim().startsWith('at ')) ?? '';
  return `${error.name}: ${error.message} ${from.trim()}`.trim();
}

/**
 * Reads excluded.json.
 * @throws {TypeError} when it holds more than {@link mostExclusions} rows, or a row that says too little
 */
export function readExclusions(text: string): Exclusion[] {
  const rows = JSON.parse(text) as Json;
  if (!Array.isArray(rows)) throw new TypeError('excluded.json holds a list');
  if (rows.length > mostExclusions) throw new TypeError(`excluded.json may hold at most ${mostExclusions} rows, got: ${rows.length}`);
  return rows.map((row) => {
    const { name, rule, reason } = (row ?? {}) as unknown as Partial<Exclusion>;
    for (const field of [name, rule, reason]) {
      if (typeof field !== 'string' || field === '')
        throw new TypeError(`a row of excluded.json needs name, rule and reason, got: ${JSON.stringify(row)}`);
    }
    return { name, rule, reason } as Exclusion;
  });
}
