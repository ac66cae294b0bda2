import { describe, expect, it } from 'vitest';
import { type AnyActorRef, createActor, createMachine } from 'xstate';
import { noteSocket, pauseIntake } from '../../src/live/intake.js';
import { FakeSocket } from './uplink-world.js';

function intakeWorld() {
  const session: AnyActorRef = createActor(createMachine({}));
  const heard: string[] = [];
  const connect = (name: string) => {
    const socket = Object.assign(new FakeSocket(), {
      pause: () => (heard.push(`${name} pauses`), true),
      resume: () => void heard.push(`${name} resumes`),
    });
    noteSocket(session, socket);
  };
  return { session, heard, connect };
}

describe('the intake of a session', () => {
  it('is paused once for all who ask, and goes on when the last has taken it back', () => {
    const { session, heard, connect } = intakeWorld();
    connect('one');
    const first = pauseIntake(session);
    const second = pauseIntake(session);
    first();
    first();
    expect(heard, 'twice is once').toEqual(['one pauses']);
    second();
    expect(heard).toEqual(['one pauses', 'one resumes']);
  });

  it('stays paused over a new socket, and the old one is let be', () => {
    const { session, heard, connect } = intakeWorld();
    connect('one');
    const resume = pauseIntake(session);
    connect('two');
    resume();
    connect('three');
    expect(heard).toEqual(['one pauses', 'two pauses', 'two resumes']);
  });

  it('can be paused before there is any socket, and is each session’s own', () => {
    const { session, heard, connect } = intakeWorld();
    const other = intakeWorld();
    pauseIntake(session);
    connect('one');
    other.connect('other');
    expect([heard, other.heard]).toEqual([['one pauses'], []]);
  });
});
