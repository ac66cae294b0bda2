/** What the oracle promises to those who hold their own tree against it. That its rules are OTP's is shown by the golden traces beside this file. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

import { EspalierError } from '../../../src/errors.js';
import type { OracleCommand, OracleEffect } from '../../../src/testing/oracle/commands.js';
import { supervisorOracle, type SupervisorOracle } from '../../../src/testing/oracle/oracle.js';
import { otpRules } from '../../../src/testing/oracle/rules.js';
import type { OracleFlags, OracleSpec } from '../../../src/testing/oracle/specs.js';
import { repositoryRoot } from '../../conformance/otp/command.js';

const boom = { crash: 'boom' };

function told(effects: readonly OracleEffect[]): string[] {
  return effects.map((effect) => {
    if (effect.type === 'replied') return `replied ${effect.step} ${JSON.stringify(effect.reply)}`;
    if (effect.type === 'reported') return `reported ${effect.context} of ${effect.child} by ${effect.supervisor}`;
    return effect.type === 'exited' ? `exited ${effect.path} ${JSON.stringify(effect.reason)}` : `${effect.type} ${effect.path}`;
  });
}

/** An oracle that has been started. */
function started(flags: OracleFlags, specs: readonly OracleSpec[] = []): SupervisorOracle {
  const oracle = supervisorOracle(flags, specs);
  oracle.step({ type: 'start' });
  return oracle;
}

function steps(oracle: SupervisorOracle, ...commands: readonly OracleCommand[]): string[] {
  return commands.flatMap((command) => told(oracle.step(command)));
}

describe('an oracle', () => {
  test('tells all that comes of a command, in order', () => {
    const oracle = supervisorOracle({ strategy: 'oneForAll', intensity: 1 }, [{ id: 'a' }, { id: 'b' }]);
    expect(steps(oracle, { type: 'start' })).toEqual(['started top/a', 'started top/b', 'started top', 'replied 0 {"ok":true,"child":"top"}']);
    expect(steps(oracle, { type: 'exit', path: 'top/a', reason: boom })).toEqual([
      'exited top/a {"crash":"boom"}',
      'reported childTerminated of top/a by top',
      'exited top/b "shutdown"',
      'started top/a',
      'started top/b',
    ]);
    expect(steps(oracle, { type: 'exit', path: 'top/b', reason: boom })).toEqual([
      'exited top/b {"crash":"boom"}',
      'reported childTerminated of top/b by top',
      'reported shutdown of top/b by top',
      'exited top/a "shutdown"',
      'exited top "shutdown"',
    ]);
    expect(oracle.state).toEqual({ atMs: 0, alive: [], supervisors: {} });
  });

  test('counts a restart exactly one period ago, and forgets it a millisecond later', () => {
    const outcomeAfter = (ms: number): readonly string[] => {
      const oracle = started({ intensity: 1, periodMs: 1_000 }, [{ id: 'a' }]);
      steps(oracle, { type: 'exit', path: 'top/a', reason: boom }, { type: 'advance', ms }, { type: 'exit', path: 'top/a', reason: boom });
      return oracle.state.alive;
    };
    expect(outcomeAfter(1_000)).toEqual([]);
    expect(outcomeAfter(1_001)).toEqual(['top', 'top/a']);
  });

  test('is blocked while a child starts: calls wait, and are answered in order', () => {
    const slow = { id: 'a', start: [{ do: 'ok' }, { do: 'ok', delayMs: 100 }] } satisfies OracleSpec;
    const oracle = started({}, [slow]);
    expect(steps(oracle, { type: 'exit', path: 'top/a', reason: boom }, { type: 'childSpec', supervisor: 'top', child: 'b' })).not.toContain(
      'started top/a',
    );
    expect(oracle.state.supervisors).toEqual({ top: 'busy' });
    expect(oracle.step({ type: 'advance', ms: 150 })).toEqual([
      { type: 'started', path: 'top/a', atMs: 100 },
      { type: 'replied', step: 2, reply: { ok: false, reason: 'notFound' }, atMs: 100 },
    ]);
    expect(oracle.state.atMs).toBe(150);
  });

  test('shows the tree as plain data', () => {
    const oracle = started({}, [
      { id: 'a', restart: 'transient' },
      { id: 'pool', type: 'supervisor', supervisor: { strategy: 'dynamic' } },
    ]);
    steps(oracle, { type: 'startChild', supervisor: 'top/pool', spec: { id: 'x' } }, { type: 'exit', path: 'top/a', reason: 'normal' });
    const state = {
      atMs: 0,
      alive: ['top/pool', 'top', 'top/pool/x'],
      supervisors: {
        top: {
          which: [
            { id: 'pool', child: 'top/pool', restarting: false, type: 'supervisor' },
            { id: 'a', child: null, restarting: false, type: 'worker' },
          ],
          count: { specs: 2, active: 1, supervisors: 1, workers: 1 },
        },
        'top/pool': {
          which: [{ id: null, child: 'top/pool/x', restarting: false, type: 'worker' }],
          count: { specs: 1, active: 1, supervisors: 0, workers: 1 },
        },
      },
    };
    expect(oracle.state).toEqual(state);
    expect(JSON.parse(JSON.stringify(oracle.state))).toEqual(state);
  });

  test('says the same whenever it is told the same, and keeps its hands off what it is given', () => {
    const specs = deepFrozen<OracleSpec[]>([
      { id: 'a' },
      { id: 'pool', supervisor: { strategy: 'simpleOneForOne', children: [{ id: 'tpl', restart: 'transient' }] } },
    ]);
    const flags = deepFrozen<OracleFlags>({ strategy: 'restForOne' });
    const commands = deepFrozen<OracleCommand[]>([
      { type: 'start' },
      { type: 'startChild', supervisor: 'top/pool', spec: { id: 'x' } },
      { type: 'exit', path: 'top/pool/x', reason: boom },
      { type: 'kill', path: 'top/pool' },
      { type: 'shutdown', reason: 'shutdown' },
    ]);
    const [one, other] = [supervisorOracle(flags, specs), supervisorOracle(flags, specs)];
    expect(commands.map((command) => one.step(command))).toEqual(commands.map((command) => other.step(command)));
  });

  test('answers faulty flags and specs with the term that OTP answers', () => {
    const termOf = (flags: OracleFlags, specs: readonly OracleSpec[] = []): string =>
      steps(supervisorOracle(flags, specs), { type: 'start' }).at(-1) ?? '';
    expect(termOf({ intensity: -1 })).toBe('replied 0 {"ok":false,"reason":["supervisorData",["invalidIntensity",-1]]}');
    expect(termOf({}, [{ id: 'a' }, { id: 'a' }])).toBe('replied 0 {"ok":false,"reason":["startSpec",["duplicateChildName","a"]]}');
    expect(termOf({}, [{ id: 'a', start: [] }])).toBe('replied 0 {"ok":false,"reason":["startSpec","missingStart"]}');
  });

  test('starts once, and answers noproc before and after', () => {
    const oracle = supervisorOracle({}, [{ id: 'a' }]);
    const call: OracleCommand = { type: 'restartChild', supervisor: 'top', child: 'a' };
    const noproc = '{"ok":false,"reason":"noproc","exit":true}';
    expect(steps(oracle, call)).toEqual([`replied 0 ${noproc}`]);
    steps(oracle, { type: 'start' });
    expect(steps(oracle, { type: 'start' })).toEqual(['replied 2 {"ok":false,"reason":["alreadyStarted","top"]}']);
    expect(steps(oracle, { type: 'stop', supervisor: 'top' })).toEqual(['exited top/a "shutdown"', 'exited top "normal"', 'replied 3 {"ok":true}']);
    expect(steps(oracle, call)).toEqual([`replied 4 ${noproc}`]);
  });

  test('follows other rules where it is given some, so that a comparison can be seen to fail', () => {
    const oracle = supervisorOracle({}, [{ id: 'a', restart: 'temporary' }], { ...otpRules, isRestarted: () => true });
    expect(steps(oracle, { type: 'start' }, { type: 'kill', path: 'top/a' }).at(-1)).toBe('started top/a');
  });
});

describe('where newer OTP differs from the recorded 25.2.3, the oracle is newer:', () => {
  const template: OracleSpec = { id: 'tpl' };

  test('an auto-shutdown over instances of a template is refused', () => {
    const oracle = supervisorOracle({ strategy: 'simpleOneForOne', autoShutdown: 'allSignificant' }, [template]);
    expect(steps(oracle, { type: 'start' }).at(-1)).toMatch(/"supervisorData",\["badCombination"/u);
  });

  test('an instance that declines its restart is dropped', () => {
    const oracle = started({ strategy: 'simpleOneForOne' }, [template]);
    steps(
      oracle,
      { type: 'startChild', supervisor: 'top', spec: { id: 'x', start: [{ do: 'ok' }, { do: 'decline' }] } },
      { type: 'kill', path: 'top/x' },
    );
    expect(oracle.state.supervisors['top']).toEqual({ which: [], count: { specs: 1, active: 0, supervisors: 0, workers: 0 } });
  });

  test('one that is terminated between two attempts is not subtracted from the active ones', () => {
    const oracle = started({ strategy: 'simpleOneForOne', intensity: 9 }, [template]);
    const start = [{ do: 'ok' }, { do: 'fail', reason: 'no', delayMs: 100 }] as const;
    const terminate: OracleCommand = { type: 'terminateChild', supervisor: 'top', child: 'top/x', by: 'path' };
    steps(oracle, { type: 'startChild', supervisor: 'top', spec: { id: 'x', start } }, { type: 'kill', path: 'top/x' }, terminate, {
      type: 'advance',
      ms: 900,
    });
    expect(oracle.state.supervisors['top']).toEqual({ which: [], count: { specs: 1, active: 0, supervisors: 0, workers: 0 } });
  });
});

describe('an oracle refuses', () => {
  const refusals: Readonly<Record<string, readonly [() => unknown, RegExp]>> = {
    'a flag that nobody knows': [() => supervisorOracle({ maxRestarts: 3 } as OracleFlags), /keys strategy, .*got: "maxRestarts"/u],
    'flags that are no object': [() => supervisorOracle([] as OracleFlags), /flags to be an object/u],
    'a key of a child spec that nobody knows': [() => supervisorOracle({}, [{ id: 'a', shutdown: 5 } as OracleSpec]), /got: "shutdown"/u],
    'such a key far below': [
      () => supervisorOracle({}, [{ id: 's', supervisor: { children: [{ id: 'a', src: 'x' } as OracleSpec] } }]),
      /got: "src"/u,
    ],
    'a start that nobody knows': [
      () => supervisorOracle({}, [{ id: 'a', start: [{ do: 'ignore' } as never] }]),
      /ok, fail, crash, decline, got: \{"do":"ignore"\}/u,
    ],
    'a stop that nobody knows': [() => supervisorOracle({}, [{ id: 'a', stop: 'slow' as never }]), /prompt, ignore or an object, got: "slow"/u],
    'a supervisor with the behaviour of a worker': [() => supervisorOracle({}, [{ id: 's', stop: 'ignore', supervisor: {} }]), /among its flags/u],
    'a command that nobody knows': [() => supervisorOracle().step({ type: 'crash' } as never), /commands? of the types start, exit/u],
    'a key of a command that nobody knows': [() => supervisorOracle().step({ type: 'kill', path: 'top', reason: 'x' } as never), /got: "reason"/u],
    'time that runs back': [() => supervisorOracle().step({ type: 'advance', ms: -1 }), /at least 0, got: -1/u],
  };

  for (const [what, [attempt, message]] of Object.entries(refusals)) {
    test(what, () => {
      expect(attempt).toThrow(EspalierError);
      expect(attempt).toThrow(message);
    });
  }

  test('to restart for ever', () => {
    const oracle = started({ intensity: 1e9 }, [{ id: 'a', start: [{ do: 'ok' }, { do: 'fail', reason: 'no' }] }]);
    expect(() => oracle.step({ type: 'kill', path: 'top/a' })).toThrow(/`intensity` with which the tree comes to rest/u);
  });
});

describe('the oracle is independent', () => {
  const folder = join(repositoryRoot(), 'src', 'testing', 'oracle');

  test.each(readdirSync(folder))('%s takes only types from the rest of the house', (file) => {
    const values = [...readFileSync(join(folder, file), 'utf8').matchAll(/^(?:import|export) (?!type )[^;]*? from '(?<from>[^']+)';/gmu)];
    const outside = values.map((match) => match.groups?.['from'] ?? '').filter((from) => !from.startsWith('./'));
    expect(outside.filter((from) => from !== '../../errors.js')).toEqual([]);
  });
});

function deepFrozen<Value>(value: Value): Value {
  if (typeof value === 'object' && value !== null) {
    Object.freeze(value);
    for (const inner of Object.values(value)) deepFrozen(inner);
  }
  return value;
}
