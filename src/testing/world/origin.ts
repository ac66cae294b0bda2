/**
 * Where something was started: the first frame of the stack that belongs to whoever uses the kit.
 *
 * A stack is kept as the error that caught it and read only when somebody asks: to format one costs a hundred times what catching it does.
 */
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A stack, caught where something was started. */
export interface Origin {
  readonly error: Error;
  /** What this was started by, where the stack itself holds no frame of the user's. */
  readonly parent: Origin | undefined;
}

const deepest = 60;
/** Of the package: src/ and machines/ as they are here, or below dist/. */
const home = fileURLToPath(new URL('../../../', import.meta.url)).replaceAll('\\', '/');
const own = [`${home}src/`, `${home}machines/`];
const foreign = /\/node_modules\//u;
const runner = /\/node_modules\/(?:@vitest|vitest|tinypool|birpc|mocha|jest[^/]*)\/|^node:internal\/test_runner/u;
/** Files of Node through which a program sets a timer; one set by any other of them is the runtime's own. */
const timerDoor = /^node:(?:timers|timers\/promises|internal\/timers|internal\/async_hooks|internal\/util)$/u;

/** Files through which a call passes on its way: the runtime's emitter, and what the runner has put before it. */
const passages = /^node:events$|\/node_modules\/vitest\/suppress-warnings\.cjs$/u;
/** Of the runtime: where it makes the standard streams of the process, when they are first asked for. */
const outputs = /^node:internal\/bootstrap\/switches\/is_main_thread$/u;

/** Catches the stack of the caller. */
export function originHere(parent?: Origin): Origin {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = deepest;
  const error = new Error('origin');
  Error.stackTraceLimit = stackTraceLimit;
  return { error, parent };
}

interface Frame {
  readonly file: string;
  readonly line: string;
  readonly column: string;
}

function framesOf({ error }: Origin): Frame[] {
  const frames: Frame[] = [];
  for (const text of (error.stack ?? '').split('\n').slice(1)) {
    const found = /\(?((?:file:\/\/|node:|\/|[A-Za-z]:[\\/])[^()]*?):(\d+):(\d+)\)?$/u.exec(text.trim());
    if (found === null) continue;
    const [, file = '', line = '', column = ''] = found;
    frames.push({ file: file.startsWith('file://') ? fileURLToPath(file).replaceAll('\\', '/') : file.replaceAll('\\', '/'), line, column });
  }
  return frames;
}

const isOwn = (file: string): boolean => own.some((prefix) => file.startsWith(prefix));
/** Where the kit itself looks on. */
const isLedger = (file: string): boolean => /\/testing\/world\/(?:ledger|origin)\.[jt]s$/u.test(file) && isOwn(file);

/**
 * Where it was started: `test/tree.test.ts:12:5`, below the working directory; of its starter where its own stack has no frame of the user's.
 * @returns undefined when no stack on the way holds one
 */
export function whereOf(origin: Origin): string | undefined {
  for (let at: Origin | undefined = origin; at !== undefined; at = at.parent) {
    const frame = framesOf(at).find(({ file }) => !file.startsWith('node:') && !foreign.test(file) && !isOwn(file));
    if (frame === undefined) continue;
    const near = relative(process.cwd(), frame.file);
    return `${near.startsWith('..') ? frame.file : near}:${frame.line}:${frame.column}`;
  }
  return undefined;
}

/** Was it started by the runner of the tests, for itself? */
export function isRunners(origin: Origin): boolean {
  const frames = framesOf(origin).filter(({ file }) => !isOwn(file));
  const first = frames.find(({ file }) => !file.startsWith('node:') && !passages.test(file)) ?? frames.find(({ file }) => runner.test(file));
  return first !== undefined && runner.test(first.file);
}

/** Is it one of the standard streams of the process? */
export function isOutput(origin: Origin): boolean {
  return framesOf(origin).some(({ file }) => outputs.test(file));
}

/** Of a timer of the runtime: was it set by a line of the user's own, and not by a library, the kit or the runtime? */
export function isUsersTimer(origin: Origin): boolean {
  const first = framesOf(origin).find(({ file }) => !timerDoor.test(file) && !isLedger(file));
  return first !== undefined && !first.file.startsWith('node:') && !foreign.test(first.file) && !isOwn(first.file);
}

/** Of a timer or a listener: was it set by the runtime, for itself (an HTTP client's, `AbortSignal.timeout`)? */
export function isRuntimes(origin: Origin): boolean {
  const first = framesOf(origin).find(({ file }) => !isOwn(file) && !timerDoor.test(file) && !passages.test(file));
  return first?.file.startsWith('node:') ?? false;
}
