/**
 * OTP's supervision as an oracle: a tree that exists only as data, to hold a real one against.
 *
 * It is told what is done to the tree (commands) and says what comes of it (effects), at once and always the same: no actor, no promise, no clock of its
 * own, no chance. It follows `./rules.js` and the sources of Erlang/OTP and Elixir that its parts name, and shares no code with the library's
 * supervisors.
 *
 * @example
 * const oracle = supervisorOracle({ strategy: 'oneForAll', intensity: 1 }, [{ id: 'a' }, { id: 'b' }]);
 * oracle.step({ type: 'start' });
 * oracle.step({ type: 'exit', path: 'top/a', reason: { crash: 'boom' } });
 * // exited top/a · reported childTerminated · exited top/b · started top/a · started top/b
 */
import type { OracleCommand, OracleEffect, OracleSnapshot, OracleState } from './commands.js';
import { otpRules, type OracleRules } from './rules.js';
import type { OracleFlags, OracleSpec } from './specs.js';
import { startChild } from './starting.js';
import { anything, Tree, type Member, type Steps } from './tree.js';
import { requireCommand, requireFlags, requireSpecs } from './strictness.js';

/** A tree that runs by OTP's rules, in thought. */
export interface SupervisorOracle {
  /**
   * Does one thing to the tree.
   * @returns all that happened until everything waits for time or for another command, in order
   * @throws EspalierError `supervision/invalid-options` for a command that it does not know, and for keys of it that it does not know
   * @throws EspalierError `supervision/invalid-intensity` when the tree never comes to rest: a start that always fails, under an intensity beyond bounds
   */
  step(command: OracleCommand): readonly OracleEffect[];
  /** The tree as it is now. */
  readonly state: OracleState;
}

/**
 * Makes an oracle for a supervisor, `top`, that has not been started.
 * @param flags  of `top`
 * @param specs  its children; of `simpleOneForOne` the template, of `dynamic` none. What OTP would refuse is refused when it starts, with OTP's term
 * @param rules  whose decisions it follows. Default OTP's. One with a decision changed shows that a comparison can fail
 * @throws EspalierError `supervision/invalid-options` for keys that it does not know
 */
export function supervisorOracle(flags: OracleFlags = {}, specs: readonly OracleSpec[] = [], rules: OracleRules = otpRules): SupervisorOracle {
  requireFlags(flags);
  requireSpecs(specs);
  const tree = new Tree(rules);
  const driver = tree.processes.spawn('(the parent of top)', null, true, (self) => drive(tree, self, flags, specs));
  tree.processes.run();
  let step = 0;
  return {
    step(command) {
      requireCommand(command);
      perform(tree, driver, command, step++);
      tree.processes.run();
      return tree.takeEffects();
    },
    get state() {
      return stateOf(tree);
    },
  };
}

/** The parent of `top`: blocked while `top` starts, as any parent is. */
function* drive(tree: Tree, self: Member, flags: OracleFlags, children: readonly OracleSpec[]): Steps {
  for (;;) {
    const message = yield anything;
    if (message?.type !== 'letter') continue;
    const { letter } = message;
    if (letter.type === 'shutdownTop') {
      const top = tree.at.get('top');
      if (top !== undefined) tree.processes.exit(self, top, letter.reason);
    } else if (letter.type === 'startTop') {
      if (tree.at.get('top')?.alive === true) {
        tree.reply(self, letter.step, { ok: false, reason: ['alreadyStarted', 'top'] });
        continue;
      }
      const outcome = yield* startChild(tree, self, 'top', { supervisor: { ...flags, children } });
      const reply =
        outcome.kind === 'failed'
          ? ({ ok: false, reason: outcome.reason } as const)
          : ({ ok: true, child: outcome.kind === 'started' ? 'top' : null } as const);
      tree.reply(self, letter.step, reply);
    }
  }
}

function perform(tree: Tree, driver: Member, command: OracleCommand, step: number): void {
  const { processes } = tree;
  switch (command.type) {
    case 'start':
      return processes.send(driver, { type: 'startTop', step });
    case 'shutdown':
      return processes.send(driver, { type: 'shutdownTop', reason: command.reason });
    case 'advance':
      return processes.advance(tree.nowMs + command.ms);
    case 'exit':
    case 'kill': {
      const process = tree.at.get(command.path);
      if (process === undefined) return;
      if (command.type === 'kill') processes.kill(process);
      else processes.send(process, { type: 'end', reason: command.reason });
      return;
    }
    default:
      return tree.call(step, command);
  }
}

function stateOf(tree: Tree): OracleState {
  const supervisors: Record<string, OracleSnapshot> = {};
  // One that was killed and replaced may still be ending: the path names the other.
  for (const [supervisor, snapshot] of tree.snapshots) if (tree.at.get(supervisor.path) === supervisor) supervisors[supervisor.path] = snapshot();
  return { atMs: tree.nowMs, alive: tree.alive(), supervisors };
}
