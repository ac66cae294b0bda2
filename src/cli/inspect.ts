/** `espalier inspect`: an app of the user's own, open to be looked at. */
import type { AnyActorRef } from 'xstate';

import { isClean } from '../../machines/supervision/exit.js';
import type { SupervisorEmitted } from '../../machines/supervision/supervisor-facts.js';
import { inspect } from '../inspector/inspector.js';
import { type InspectorOptions, planInspector } from '../inspector/plan.js';
import { recorder, type Recorder } from '../inspector/recorder.js';
import { exitReason, onExit } from '../supervision/watch.js';
import { isUnstarted } from '../supervision/xstate-internals.js';
import type { CommandWorld } from './command-line.js';
import { bare } from './conceal.js';
import { readCall, shownFlags } from './flags.js';
import { load } from './machine-module.js';
import { reasonWords } from './stage/states.js';
import { inspectUsage, usageError } from './usage.js';

/** Where an inspector listens that was given no port: there, or on the next that is free. */
export const inspectorPort = { port: 4_747, orNext: 50 } as const;

/** Runs the command. @returns the exit code */
export async function inspectCommand(args: readonly string[], world: CommandWorld): Promise<number> {
  const { flags, word } = readCall(
    args,
    { ...shownFlags, port: { type: 'string' }, control: { type: 'boolean' }, origin: { type: 'string' } },
    'MODULE',
  );
  if (flags.help === true) return world.tell(inspectUsage);
  if (word === undefined) throw usageError('MODULE: what exports an app', 'none');
  const port = flags.port === undefined ? inspectorPort.port : /^\d{1,5}$/.test(flags.port) ? Number(flags.port) : Number.NaN;
  if (!(port <= 65_535)) throw usageError('--port: a number from 0 to 65535', bare(flags.port ?? ''));
  await using seen = recorder();
  const orNext = flags.port === undefined ? inspectorPort.orNext : 0;
  const origins = flags.origin === undefined ? [] : [flags.origin];
  const options = { port, orNext, control: flags.control === true, origins, title: bare(word), recorder: seen };
  // Before anything of the user's begins: what is wrong on the command line is found first.
  planInspector(options);
  // Whatever the app prints, from its module's first line to its end.
  return await world.aside(async () => {
    const app = await appOf(await load(word, world.directory), word, seen);
    try {
      return await attended(app, options, flags, world);
    } finally {
      if (exitReason(app.ref) === null) await app.stop();
    }
  });
}

/** Has it looked at until it ends, or is interrupted. @returns the exit code */
async function attended(app: RunningApp, options: InspectorOptions, flags: Shown, world: CommandWorld): Promise<number> {
  const lost = losses(app.ref);
  return world.attend(flags, async (_show, signal) => {
    const eye = inspect(app.ref, options);
    const ready = await eye.ready();
    const told = ready.ok
      ? { type: 'inspector.listening', url: ready.url, port: ready.port, control: options.control }
      : { type: 'inspector.failed', reason: reasonWords(ready.reason) };
    if (flags.json === true) world.tell(`${JSON.stringify(told)}\n`);
    else if (ready.ok) world.tell(`open ${ready.url}\n`);
    if (!ready.ok) {
      world.note(`the inspector is not there: ${reasonWords(ready.reason)}`);
      return 1;
    }
    await ended(app.ref, signal);
    const reason = exitReason(app.ref);
    await eye.close();
    if (reason === null || signal.aborted) return 0;
    world.note(`the app has ended: ${[reasonWords(reason), ...lost].join('; ')}`);
    return isClean(reason) && lost.length === 0 ? 0 : 1;
  });
}

/** Whom a supervisor could not keep up, once it has given up: it ends `shutdown` then, as one does that was asked to. @see OTP supervisor.erl */
function losses(ref: AnyActorRef): readonly string[] {
  const lost: string[] = [];
  ref.on('supervisor.gaveUp', (event) => {
    const { id, reason } = event as unknown as Extract<SupervisorEmitted, { type: 'supervisor.gaveUp' }>;
    lost.push(`it gave up on ${id}, ${reasonWords(reason)}`);
  });
  return lost;
}

/** Flags that say how it is told. */
type Shown = { readonly json?: boolean; readonly 'no-color'?: boolean };

/** What runs, and how it is stopped. */
interface RunningApp {
  readonly ref: AnyActorRef;
  stop(): Promise<unknown>;
}

async function appOf(module: Readonly<Record<string, unknown>>, word: string, seen: Recorder): Promise<RunningApp> {
  const exported = module['app'] ?? module['default'];
  const made: unknown = typeof exported === 'function' ? await (exported as () => unknown)() : await exported;
  // Attached before anything starts: who is made by no chart could not be found later.
  const app = isStartable(made) ? made.start({ inspect: seen }) : made;
  // First: an actor has `ref` and `stop` as well.
  if (isActor(app)) {
    if (isUnstarted(app)) {
      seen.attach(app);
      app.start();
    }
    return {
      ref: app,
      stop: () => {
        app.stop();
        return Promise.resolve();
      },
    };
  }
  const { ref, stop } = (typeof app === 'object' && app !== null ? app : {}) as { ref?: unknown; stop?: unknown };
  if (isActor(ref) && typeof stop === 'function') return app as RunningApp;
  throw usageError(`an app, an actor or an orchestrator that ${bare(word)} exports as \`app\` or by default`, Object.keys(module));
}

/** An orchestrator; an actor has `start` too, and is one. */
function isStartable(value: unknown): value is { start(environment: object): unknown } {
  return typeof value === 'object' && value !== null && typeof (value as { start?: unknown }).start === 'function' && !isActor(value);
}

function isActor(value: unknown): value is AnyActorRef {
  const { getSnapshot, subscribe } = (typeof value === 'object' && value !== null ? value : {}) as Partial<AnyActorRef>;
  return typeof getSnapshot === 'function' && typeof subscribe === 'function';
}

function ended(ref: AnyActorRef, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
    onExit(ref, () => resolve());
  });
}
