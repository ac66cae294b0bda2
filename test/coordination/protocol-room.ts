/** One protocol run by hand, on a virtual clock, with agents that answer by a script. */
import { type AnyActorRef, createActor } from 'xstate';
import { reasonOfOutput } from '../../machines/supervision/exit.js';
import type { Protocol } from '../../src/coordination/protocol.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import { type Script, type ScriptedAgents, scriptedAgents } from './scripted-agents.js';

export interface Ran<End> {
  readonly end: End;
  readonly agents: ScriptedAgents;
  /** Everything the chart has emitted. */
  readonly facts: readonly object[];
  /** When it ended, ms. */
  readonly atMs: number;
}

/** Starts a protocol whose agents are those of the scripts. */
export function begin(
  protocol: Protocol,
  scripts: Readonly<Record<string, Script>>,
  { seed = 1, who = Object.keys(scripts), clock = new VirtualClock() }: { seed?: number; who?: readonly string[]; clock?: VirtualClock } = {},
): { readonly actor: AnyActorRef; readonly agents: ScriptedAgents; readonly facts: object[]; readonly clock: VirtualClock } {
  protocol.requireAgents(who);
  const agents = scriptedAgents(clock, scripts);
  const facts: object[] = [];
  const actor = createActor(protocol.logic(agents), { input: { session: 's1', agents: who, seed }, clock });
  actor.on('*', (fact: object) => void facts.push(fact));
  actor.start();
  return { actor, agents, facts, clock };
}

/** Runs it to its end, moving the clock from timer to timer. @throws Error where nothing is left that could end it */
export async function run<End>(...call: Parameters<typeof begin>): Promise<Ran<End>> {
  const { actor, agents, facts, clock } = begin(...call);
  await settled(actor, clock);
  return { end: actor.getSnapshot().output as End, agents, facts, atMs: clock.now() };
}

/** Moves the clock from timer to timer until the actor has ended. */
export async function settled(actor: AnyActorRef, clock: VirtualClock): Promise<void> {
  await clock.flush();
  while ((actor.getSnapshot() as { status: string }).status === 'active') {
    const next = clock.nextAt();
    if (next === undefined) throw new Error('it waits for what never comes');
    await clock.advanceToAsync(next);
  }
}

/** What a protocol that crashed has crashed of. */
export function crashOf(actor: AnyActorRef): unknown {
  const reason = reasonOfOutput((actor.getSnapshot() as { output: unknown }).output);
  return typeof reason === 'object' && 'crash' in reason ? reason.crash : null;
}
