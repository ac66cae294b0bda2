import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  childOfEvent,
  declineStart,
  Exit,
  exitWith,
  failStart,
  failureOfExit,
  isClean,
  reasonOfError,
  reasonOfEvent,
  reasonOfOutput,
  startOfOutput,
  type ExitReason,
} from '../../machines/supervision/exit.js';

const reasons: fc.Arbitrary<ExitReason> = fc.oneof(
  fc.constantFrom<ExitReason>('normal', 'shutdown', 'killed'),
  fc.tuple(fc.constant('shutdown' as const), fc.string()),
  fc.record({ crash: fc.string() }),
);

describe('an exit reason', () => {
  it('goes through an output and through a thrown Exit unchanged', () => {
    fc.assert(
      fc.property(reasons, (reason) => {
        expect(reasonOfOutput(exitWith(reason))).toBe(reason);
        expect(reasonOfError(new Exit(reason))).toBe(reason);
        expect(reasonOfEvent({ type: 'xstate.done.actor.x', output: exitWith(reason) })).toBe(reason);
        expect(reasonOfEvent({ type: 'xstate.error.actor.x', error: new Exit(reason) })).toBe(reason);
      }),
    );
  });

  it('of any other output is normal, of any other error a crash with that error', () => {
    fc.assert(
      fc.property(fc.anything(), (value) => {
        expect(reasonOfOutput(value)).toBe('normal');
        expect(reasonOfError(value)).toEqual({ crash: value });
      }),
    );
  });

  it('is clean when it is normal, shutdown or shutdown with a term', () => {
    expect((['normal', 'shutdown', ['shutdown', 1], 'killed', { crash: 1 }] as ExitReason[]).map(isClean)).toEqual([true, true, true, false, false]);
  });

  it("of a start that ended by a crash is OTP's EXIT with what crashed it", () => {
    expect(failureOfExit({ crash: 'x' })).toEqual(['EXIT', 'x']);
    expect(failureOfExit('killed')).toBe('killed');
    expect(failureOfExit(['shutdown', 'x'])).toEqual(['shutdown', 'x']);
  });

  it('says itself in the message of an Exit', () => {
    expect(new Exit('shutdown').message).toBe('exit: shutdown');
    expect(new Exit(['shutdown', 'idle']).message).toBe('exit: ["shutdown","idle"]');
    const circle: { crash?: unknown } = {};
    circle.crash = circle;
    expect(() => new Exit(circle as ExitReason)).not.toThrow();
  });
});

describe('what an output says of a start', () => {
  it('is a decline, a failure with its reason, or nothing', () => {
    expect(startOfOutput(declineStart())).toEqual({ kind: 'declined' });
    expect(startOfOutput(failStart(undefined))).toEqual({ kind: 'failed', reason: undefined });
    expect(startOfOutput(exitWith('normal'))).toBeUndefined();
    expect(startOfOutput(null)).toBeUndefined();
  });

  it('survives JSON, as a persisted snapshot does', () => {
    for (const output of [declineStart(), failStart('x'), exitWith(['shutdown', 'y'])]) {
      const back = JSON.parse(JSON.stringify(output)) as unknown;
      expect([startOfOutput(back), reasonOfOutput(back)]).toEqual([startOfOutput(output), reasonOfOutput(output)]);
    }
  });
});

describe("the event of a child's end", () => {
  it('names the child whatever its id, dots and prefixes included', () => {
    for (const id of ['a', 'a.b', 'xstate.done.actor.x', '', '0.(machine)', 'task#1']) {
      expect(childOfEvent({ type: `xstate.done.actor.${id}` })).toBe(id);
      expect(childOfEvent({ type: `xstate.error.actor.${id}` })).toBe(id);
    }
    expect(reasonOfEvent({ type: 'xstate.snapshot.x' })).toBeUndefined();
    expect(reasonOfEvent({ type: 'anything' })).toBeUndefined();
  });
});
