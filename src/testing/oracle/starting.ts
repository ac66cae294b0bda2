/** How a child is started, and what a worker does. Both behave as their spec says; the rules of supervision are elsewhere. */
import { dynamicSupervisor } from './dynamic-supervisor.js';
import type { Wait } from './processes.js';
import { resolveFlags, type OracleFlags, type OracleSpec, type OracleStart, type OracleStop } from './specs.js';
import { staticSupervisor } from './static-supervisor.js';
import type { Letter, Member, StartOutcome, Steps, Tree } from './tree.js';

/** Waits until then, and hears nothing meanwhile. */
function until(untilMs: number): Wait<Letter> {
  return { take: () => false, untilMs };
}

/**
 * The start function of a child, run by its parent: until it returns the parent does nothing else.
 * @see OTP supervisor.erl do_start_child_i/3
 */
export function* startChild(tree: Tree, parent: Member, path: string, spec: Pick<OracleSpec, 'start' | 'stop' | 'supervisor'>): Steps<StartOutcome> {
  const { supervisor } = spec;
  const action = tree.takeStart(path, supervisor === undefined ? spec.start : supervisor.start);
  if (action.delayMs !== undefined && action.delayMs > 0) yield until(tree.nowMs + action.delayMs);
  const outcome: StartOutcome =
    action.do !== 'ok'
      ? notStarted(action)
      : supervisor === undefined
        ? { kind: 'started', process: spawnWorker(tree, parent, path, action, spec.stop ?? 'prompt') }
        : yield* startSupervisor(tree, parent, path, supervisor);
  if (outcome.kind === 'declined') tree.tell({ type: 'declined', path });
  else if (outcome.kind === 'failed') tree.tell({ type: 'startFailed', path, reason: outcome.reason });
  else {
    // A supervisor says so itself, before it does anything else.
    if (supervisor === undefined) tree.started(outcome.process);
    if (action.do === 'ok' && action.info !== undefined) return { ...outcome, info: action.info };
  }
  return outcome;
}

function notStarted(action: Exclude<OracleStart, { do: 'ok' }>): StartOutcome {
  if (action.do === 'decline') return { kind: 'declined' };
  const { reason } = action;
  return action.do === 'fail' ? { kind: 'failed', reason } : { kind: 'failed', reason: ['EXIT', reason], bare: reason };
}

/** Spawns a supervisor and waits until its children are up. @see OTP proc_lib:start_link/3, gen_server init */
function* startSupervisor(
  tree: Tree,
  parent: Member,
  path: string,
  flags: OracleFlags & { readonly children?: readonly OracleSpec[] },
): Steps<StartOutcome> {
  const { children: specs = [], ...given } = flags;
  const isDynamic = flags.strategy === 'simpleOneForOne' || flags.strategy === 'dynamic';
  const body = isDynamic ? dynamicSupervisor : staticSupervisor;
  const process = tree.processes.spawn(path, parent, true, (self) => body({ tree, self, parent, flags: resolveFlags(given), specs, startChild }));
  const message = yield { take: (it) => it.type === 'letter' && it.letter.type === 'acknowledged' && it.letter.from === process };
  return message?.type === 'letter' && message.letter.type === 'acknowledged' ? message.letter.outcome : { kind: 'failed', reason: 'noproc' };
}

function spawnWorker(tree: Tree, parent: Member, path: string, action: OracleStart & { do: 'ok' }, stop: OracleStop): Member {
  return tree.processes.spawn(path, parent, stop !== 'prompt', () => worker(tree, parent, action, stop));
}

/** One that does not trap exits never sees a request: the exit signal ends it. */
function* worker(tree: Tree, parent: Member, action: OracleStart & { do: 'ok' }, stop: OracleStop): Steps {
  const end: Wait<Letter> = { take: () => true, ...(action.endsAfterMs === undefined ? {} : { untilMs: tree.nowMs + action.endsAfterMs }) };
  for (;;) {
    const message = yield end;
    if (message === null) return action.reason ?? 'normal';
    if (message.type === 'letter' && message.letter.type === 'end') return message.letter.reason;
    if (message.type !== 'exit' || message.from !== parent || typeof stop !== 'object') continue;
    if (stop.delayMs !== undefined && stop.delayMs > 0) yield until(tree.nowMs + stop.delayMs);
    return stop.reason ?? message.reason;
  }
}
