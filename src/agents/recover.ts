/**
 * A supervisor of agents that comes after another registers all again who are in the ledger of its room, one after the other. Of those that still end, each in
 * its own time, the former chart is awaited: nobody runs twice, and nobody else waits for that.
 */
import type { AnyActorRef } from 'xstate';
import type { AgentEmitted, AgentsRecovered } from '../../machines/agents/agent-events.js';
import { supervisorHandle, type SupervisorHandle } from '../supervision/handle.js';
import { ended, terminate } from '../supervision/watch.js';
import { emitFrom, hasStopped, parentOf } from '../supervision/xstate-internals.js';
import { chartOf, type Place, placeOf } from './agents-place.js';

type Unregistered = Extract<AgentEmitted, { type: 'agent.unregistered' }>;

/** Done as the supervisor starts. Restored from a snapshot, it has them. */
export function recover(above: AnyActorRef): void {
  const room = parentOf(parentOf(above) as AnyActorRef) as AnyActorRef;
  const place = placeOf(room);
  // Whoever was to bring them is gone.
  place.awaited.clear();
  const handle = supervisorHandle(above);
  const missing = [...place.ledger.keys()].filter((id) => handle.child(id) === undefined);
  if (missing.length === 0) return;
  const recovery = new Recovery(room, place, handle, above);
  const recovering: Promise<void> = recovery.bring(missing).finally(() => {
    if (place.recovering === recovering) place.recovering = null;
  });
  place.recovering = recovering;
}

class Recovery {
  readonly #room: AnyActorRef;
  readonly #place: Place;
  readonly #handle: SupervisorHandle;
  readonly #above: AnyActorRef;
  #registered = 0;
  #started = 0;
  #lost = 0;

  constructor(room: AnyActorRef, place: Place, handle: SupervisorHandle, above: AnyActorRef) {
    this.#room = room;
    this.#place = place;
    this.#handle = handle;
    this.#above = above;
  }

  /** Settles when all are there again but those who are awaited; never rejects. */
  async bring(ids: readonly string[]): Promise<void> {
    const { awaited, ledger } = this.#place;
    for (const id of ids) {
      const former = ledger.formerOf(id);
      if (former === undefined) continue;
      const back: Promise<void> = ended(former, () => {})
        .then(() => this.#register(id))
        .finally(() => {
          if (awaited.get(id) === back) awaited.delete(id);
        });
      awaited.set(id, back);
    }
    // Now: one may be back before it would be its turn.
    const [late, rest] = [[...awaited.values()], ids.filter((id) => !awaited.has(id))];
    for (const id of rest) await this.#register(id);
    if (late.length === 0) this.#tell();
    else void Promise.all(late).then(() => this.#tell());
  }

  /** One that cannot be is the end of the supervisor, as of any that cannot do its work: the next one tries it again. */
  async #register(id: string): Promise<void> {
    const past = this.#place.ledger.get(id);
    // Whoever comes after it does so.
    if (past === undefined || hasStopped(this.#above)) return;
    if (past.was === 'leaving') return this.#forget(id);
    try {
      const begun = await this.#handle.startChild(chartOf(past.spec));
      if (hasStopped(this.#above)) return;
      if (begun.ok) this.#registered++;
      else this.#lose(id);
      if (begun.ok && past.was === 'up') this.#started++;
    } catch (error) {
      terminate(this.#above, { crash: error });
    }
  }

  #lose(id: string): void {
    this.#lost++;
    this.#forget(id);
  }

  #forget(id: string): void {
    this.#place.ledger.delete(id);
    const fact: Unregistered = { type: 'agent.unregistered', id };
    emitFrom(this.#room, fact);
  }

  #tell(): void {
    if (hasStopped(this.#above)) return;
    const fact: AgentsRecovered = { type: 'agents.recovered', registered: this.#registered, started: this.#started, lost: this.#lost };
    emitFrom(this.#room, fact);
  }
}
