/**
 * A subject in a process of its own: what the peers let go unhandled ends a process, and that is part of what is seen.
 *
 * The process dies with this one, and by {@link Running.kill} at the latest.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { monotonicMs } from '../live/monotonic.js';
import type { FactKind, Figures } from './facts.js';

/**
 * What a subject's process sends: that its client is loaded, what the app sees, that the app is through. `at`: monotonic ms, the same in all processes of
 * a machine.
 */
export type ChildMessage = { readonly type: 'loaded' | 'acted' } | ({ readonly type: 'fact' } & ToldFact);

/** What its app says, when; ms, in the parent those of `performance.now()`. */
export interface ToldFact {
  readonly kind: FactKind;
  readonly detail: string;
  readonly figures?: Figures;
  readonly at: number;
}

/** How a process ended; `words` are the error that ended it. */
export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: string | null;
  readonly words: string;
}

export interface Running {
  /** Settles when its client is loaded: what follows is the case. */
  readonly loaded: Promise<void>;
  /** Settles when the app has done what it does. */
  readonly acted: Promise<void>;
  /** Settles when the process has ended. Never rejects. */
  readonly ended: Promise<ProcessEnd>;
  /** Ends it now. Twice is once. */
  kill(): void;
}

/** One thing that is compared. */
export interface Subject {
  readonly name: string;
  readonly version: string;
  /** Starts the app of a case against the server at `url`. */
  start(task: { readonly id: string; readonly url: string }, tell: (fact: ToldFact) => void): Running;
}

/** How much of what a process writes to stderr is kept, characters. */
const longestTail = 8_000;

/**
 * A subject in a process of its own.
 * @param adapterUrl  the module that exports `open` (see {@link import('./adapter.js').Adapter}), or an object `adapter` that has it
 * @param program     what is run with it, the id of the case and the server's URL: child.ts
 */
export function processSubject(name: string, version: string, adapterUrl: string, program: string = childProgram): Subject {
  return { name, version, start: ({ id, url }, tell) => follow(forkChild(program, [adapterUrl, id, url]), tell) };
}

const childProgram = fileURLToPath(new URL('./child.js', import.meta.url));

function forkChild(program: string, args: readonly string[]): ChildProcess {
  const { GOOGLE_GENAI_USE_VERTEXAI: _vertex, GOOGLE_GENAI_USE_ENTERPRISE: _enterprise, ...env } = process.env;
  return fork(program, args, {
    // Neither a key of the user's nor a proxy of theirs: all of it goes to the local server.
    env: { ...env, GEMINI_API_KEY: 'local', GOOGLE_API_KEY: 'local', GOOGLE_GENAI_API_KEY: 'local', NO_PROXY: '127.0.0.1' },
    execArgv: [],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
}

function follow(child: ChildProcess, tell: (fact: ToldFact) => void): Running {
  let tail = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (tail = (tail + text).slice(-longestTail)));
  const ended = new Promise<ProcessEnd>((resolve) => {
    child.once('error', (error) => resolve({ code: null, signal: null, words: error.message }));
    child.once('close', (code, signal) => resolve({ code, signal, words: lastWords(tail) ?? `exit ${signal ?? code}` }));
  });
  child.on('message', (message: ChildMessage) => {
    if (message.type !== 'fact') return;
    const { type: _type, ...fact } = message;
    tell({ ...fact, at: performance.now() - (monotonicMs() - fact.at) });
  });
  const said = (type: ChildMessage['type']): Promise<void> =>
    new Promise((resolve) => {
      child.on('message', (message: ChildMessage) => {
        if (message.type === type) resolve();
      });
    });
  return { loaded: said('loaded'), acted: said('acted'), ended, kill: () => void child.kill('SIGKILL') };
}

/** The error among what Node writes when it ends a process, undefined where there is none. */
export function lastWords(stderr: string): string | undefined {
  return /^(?:Uncaught )?(\w*(?:Error|Exception)\b.*)$/m.exec(stderr)?.[1]?.slice(0, 160);
}
