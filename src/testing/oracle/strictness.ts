/** Refuses names that nobody knows: a misspelt field would be silently its default. Values are OTP's to judge. */
import { EspalierError } from '../../errors.js';
import type { OracleCommand } from './commands.js';
import type { OracleFlags, OracleSpec, OracleStart } from './specs.js';

const flagKeys = ['strategy', 'intensity', 'periodMs', 'autoShutdown', 'maxChildren', 'start'];
const specKeys = ['id', 'restart', 'shutdownMs', 'type', 'significant', 'start', 'stop', 'supervisor'];
const startKeys: Readonly<Record<OracleStart['do'], readonly string[]>> = {
  ok: ['info', 'endsAfterMs', 'reason'],
  fail: ['reason'],
  crash: ['reason'],
  decline: [],
};
const commandKeys: Readonly<Record<OracleCommand['type'], readonly string[]>> = {
  start: [],
  exit: ['path', 'reason'],
  kill: ['path'],
  shutdown: ['reason'],
  startChild: ['supervisor', 'spec'],
  terminateChild: ['supervisor', 'child', 'by'],
  restartChild: ['supervisor', 'child'],
  deleteChild: ['supervisor', 'child'],
  childSpec: ['supervisor', 'child'],
  stop: ['supervisor', 'reason'],
  advance: ['ms'],
};

function refuse(expected: string, got: unknown): never {
  throw new EspalierError('supervision/invalid-options', { expected, got });
}

function requireKeys(value: unknown, known: readonly string[], what: string): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) refuse(`${what} to be an object`, value);
  for (const key of Object.keys(value)) if (!known.includes(key)) refuse(`${what} with the keys ${known.join(', ')}`, key);
}

function requireStarts(plan: readonly OracleStart[] | undefined, what: string): void {
  if (plan === undefined) return;
  if (!Array.isArray(plan)) refuse(`${what} to be a list, one entry for each attempt`, plan);
  for (const start of plan as readonly OracleStart[]) {
    const name = (start as OracleStart | null)?.do as string;
    if (!Object.hasOwn(startKeys, name)) refuse(`${what} to do ${Object.keys(startKeys).join(', ')}`, start);
    requireKeys(start, ['do', 'delayMs', ...startKeys[name as OracleStart['do']]], what);
  }
}

/** @throws EspalierError for a key of a supervisor's flags that nobody knows */
export function requireFlags(flags: OracleFlags, more: readonly string[] = []): void {
  requireKeys(flags, [...flagKeys, ...more], "an oracle's flags");
  requireStarts(flags.start, "a supervisor's `start`");
}

/** @throws EspalierError for a key of a spec, at any depth, that nobody knows */
export function requireSpecs(specs: readonly OracleSpec[]): void {
  if (!Array.isArray(specs)) refuse("an oracle's child specs to be a list", specs);
  for (const spec of specs as readonly OracleSpec[]) requireSpec(spec);
}

function requireSpec(spec: OracleSpec): void {
  requireKeys(spec, specKeys, "an oracle's child spec");
  const { supervisor, start, stop } = spec;
  if (supervisor === undefined) {
    requireStarts(start, "a worker's `start`");
    if (typeof stop === 'object') requireKeys(stop, ['delayMs', 'reason'], "a worker's `stop`");
    else if (stop !== undefined && stop !== 'prompt' && stop !== 'ignore') refuse("a worker's `stop` to be prompt, ignore or an object", stop);
    return;
  }
  if (start !== undefined || stop !== undefined) refuse('a supervisor to have its `start` among its flags, and no `stop`', spec);
  requireFlags(supervisor, ['children']);
  requireSpecs(supervisor.children ?? []);
}

/** @throws EspalierError for a command that nobody knows, a key of it, or time that runs back */
export function requireCommand(command: OracleCommand): void {
  const type = (command as OracleCommand | null)?.type as string;
  if (!Object.hasOwn(commandKeys, type)) refuse(`a command of the types ${Object.keys(commandKeys).join(', ')}`, command);
  requireKeys(command, ['type', ...commandKeys[type as OracleCommand['type']]], `the command ${type}`);
  if (command.type === 'startChild') requireSpec(command.spec);
  if (command.type === 'advance' && !(typeof command.ms === 'number' && command.ms >= 0)) refuse('`ms` of at least 0', command.ms);
}
