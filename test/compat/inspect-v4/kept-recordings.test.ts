/** Every message about real trees, as XState 4 reads it. */
import { describe, expect, it } from 'vitest';
import { createMachine, State, type AnyStateMachine, type StateConfig } from 'xstate';

import { XStateInspect } from '../../../src/inspector/adapters/xstate-inspect.js';
import { sceneAt } from '../../../src/recording/scene.js';
import { keptRecording } from '../../inspector/adapters/lines-of.js';

interface Told {
  readonly type: string;
  readonly sessionId: string;
  readonly parent?: string;
  readonly machine: string;
  readonly state?: string;
}

describe.each(['crashing-tree', 'live-conversation', 'tasks-at-work'])('the recording %s', (name) => {
  const { lines } = keptRecording(name);

  it('is told so that XState 4 resolves every state, and nobody speaks before the start or after the end', () => {
    const machines = new Map<string, AnyStateMachine>();
    let states = 0;
    for (const text of new XStateInspect().lines(lines)) {
      const told = JSON.parse(text) as Told;
      if (told.type === 'service.register') machines.set(told.sessionId, createMachine(JSON.parse(told.machine) as never));
      const machine = machines.get(told.sessionId);
      expect(machine).toBeDefined();
      if (told.type === 'service.stop') machines.delete(told.sessionId);
      if (told.state === undefined || machine === undefined) continue;
      states++;
      const state = JSON.parse(told.state) as StateConfig<unknown, never>;
      const shown = machine.resolveState(State.create(state) as never);
      expect(shown.value).toEqual(state.value);
      expect([...shown.tags]).toEqual(expect.arrayContaining([...(state.tags ?? [])]));
    }
    expect(states).toBeGreaterThan(15);
  });

  it('leaves everybody in the state that its scene has in the end', () => {
    const adapter = new XStateInspect();
    const values = new Map<string, unknown>();
    for (const text of adapter.lines(lines)) {
      const told = JSON.parse(text) as Told;
      if (told.state !== undefined) values.set(told.sessionId, (JSON.parse(told.state) as { value: unknown }).value);
      if (told.type === 'service.stop') values.delete(told.sessionId);
    }
    const living = [...sceneAt(lines).actors.values()].filter(({ exit }) => exit === null);
    expect(Object.fromEntries(values)).toEqual(
      Object.fromEntries(living.map(({ path, machine, value }) => [path, machine === null ? 'active' : value])),
    );
  });
});
