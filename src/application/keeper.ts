/** The actors of an application's chart: who orders its tree and hears of it, and who has a service flushed. */
import { type AnyActorRef, fromCallback, fromPromise } from 'xstate';
import type { ApplicationEvent, KeeperCommand, Service } from '../../machines/application/application-events.js';
import { hasServed } from '../../machines/application/services.js';
import type { ServiceFact } from '../../machines/health/facts.js';
import { type ExitReason, isClean } from '../../machines/supervision/exit.js';
import type { ChildFact } from '../../machines/supervision/supervisor-facts.js';
import type { Whereabouts } from '../health/whereabouts.js';
import { clockOf } from '../supervision/clock.js';
import { SupervisorHandle } from '../supervision/handle.js';
import { onExit, onLoss, terminate } from '../supervision/watch.js';
import { childrenOf, hasStopped, parentOf } from '../supervision/xstate-internals.js';
import { hideInQueries } from '../wire/secrets.js';
import { type CheckedApplication, monitorId } from './options.js';

type Fact<Type extends ChildFact['type']> = Extract<ChildFact, { type: Type }>;

/** The same for every call: there is one at a time, and one that a snapshot was taken in the midst of is answered too. */
const callId = 'application';

/** An exit reason, or OTP's term for a failed start, in words; of an error its name and message, cut, without the secrets of URLs. @throws never */
export function wordsOf(reason: unknown): string {
  if (typeof reason === 'string') return hideInQueries(reason).slice(0, 200);
  // Hidden before it is cut: what is left of a secret at the cut would not be known for one.
  if (reason instanceof Error) return hideInQueries(`${reason.name}: ${reason.message}`).slice(0, 200);
  if (Array.isArray(reason)) return reason.map(wordsOf).join(': ').slice(0, 200);
  if (typeof reason === 'object' && reason !== null && 'crash' in reason) return `crash: ${wordsOf(reason.crash)}`.slice(0, 200);
  return typeof reason;
}

/** The tree of an application that runs. */
export function treeOf(application: AnyActorRef): AnyActorRef | undefined {
  return childrenOf(application).find(({ id }) => id === 'tree');
}

/**
 * Where the service monitor of one tree finds the services. It is restored before them, and nobody tells it that they are there: the keeper does, once the
 * tree is whole.
 */
export class Roll implements Whereabouts {
  #tree: AnyActorRef | undefined;
  readonly #heard = new Set<(name: string) => void>();
  readonly #served = new Set<string>();

  find(name: string): AnyActorRef | undefined {
    return this.#tree === undefined ? undefined : new SupervisorHandle(this.#tree).child(name);
  }

  heed(came: (name: string) => void): () => void {
    this.#heard.add(came);
    return () => this.#heard.delete(came);
  }

  hasServed(name: string): boolean {
    return this.#served.has(name);
  }

  /** Calls everybody who is there, and tells of those who had done what they were for. */
  call(tree: AnyActorRef, names: Iterable<string>, served: Iterable<string>): void {
    this.#tree = tree;
    for (const name of served) this.#served.add(name);
    for (const name of names) this.#tell(name);
  }

  came(name: string): void {
    this.#served.delete(name);
    this.#tell(name);
  }

  /** It has ended, and will not come again by itself: what it was for is done. */
  served(name: string): void {
    this.#served.add(name);
    this.#tell(name);
  }

  #tell(name: string): void {
    for (const hear of [...this.#heard]) hear(name);
  }
}

/** The actor `keeper` of the chart. */
export function keeper(plan: CheckedApplication, roll: Roll) {
  return fromCallback<KeeperCommand>(({ self, sendBack, receive }) => {
    const owner = parentOf(self) as AnyActorRef;
    const tree = treeOf(owner) as AnyActorRef;
    const clock = clockOf(self.system);
    const tell = (event: ApplicationEvent): void => sendBack(event);
    const isService = (id: string): boolean => plan.specs.has(id);
    /** What a service that is being stopped crashes of. */
    let fault = '';
    const on = <Type extends ChildFact['type']>(type: Type, hear: (fact: Fact<Type>) => void) => tree.on(type, (fact) => hear(fact as never));
    const heard = [
      on('child.exited', ({ id, reason, willRestart }) => {
        if (!isService(id)) return;
        tell({ type: 'tree.exited', id, why: wordsOf(reason), isClean: isClean(reason), willRestart, at: clock.now() });
        // The end is told before who has recovered by it.
        if (reason === 'normal' && !willRestart) roll.served(id);
      }),
      on('child.stopped', ({ id, reason }) => {
        if (isService(id) && typeof reason === 'object' && 'crash' in reason) fault = wordsOf(reason);
      }),
      on('child.started', ({ id }) => roll.came(id)),
      on('child.restarted', ({ id }) => {
        roll.came(id);
        if (isService(id)) tell({ type: 'tree.restarted', id, at: clock.now() });
        else hearMonitor();
      }),
      on('child.gaveUp', ({ id, reason }) => {
        const why = `gave up: ${wordsOf(reason ?? 'its starts failed')}`;
        if (isService(id)) tell({ type: 'tree.exited', id, why, isClean: false, willRestart: false, at: clock.now() });
      }),
      on('supervisor.gaveUp', ({ id, reason }) => tell({ type: 'tree.gaveUp', id, why: wordsOf(reason ?? 'its starts failed') })),
      on('call.replied', ({ call, result }) => {
        if (call !== callId) return;
        const isDeclined = result.ok && 'declined' in result;
        const why = result.ok ? (isDeclined ? 'declined' : fault) : wordsOf(result.reason);
        fault = '';
        tell({ type: 'tree.replied', ok: result.ok && !isDeclined, why, at: clock.now() });
      }),
    ];
    // XState tells the chart of any other end.
    const wasKilled = (): boolean => (tree.getSnapshot() as { status: string }).status === 'stopped';
    const watch = onExit(tree, () => {
      if (!hasStopped(owner) && wasKilled()) tell({ type: 'tree.ended' });
    });
    // Without a keeper nobody would order anything, or hear of it.
    onLoss(self, owner, () => owner.send({ type: 'tree.ended' } satisfies ApplicationEvent));
    // The service monitor knows who lacks what: it is a child of the tree, and may be restarted as any other.
    const hearMonitor = (): void => {
      const monitor = new SupervisorHandle(tree).child(monitorId);
      const lacked = (id: string, missing: readonly string[]): void => tell({ type: 'tree.lacked', id, missing, at: clock.now() });
      monitor?.on('service.degraded', (({ id, missing }: Extract<ServiceFact, { type: 'service.degraded' }>) => lacked(id, missing)) as never);
      // One that lacked something as it was first seen has not recovered by then: it starts.
      for (const type of ['service.started', 'service.recovered'] as const)
        monitor?.on(type, (({ id }: Extract<ServiceFact, { type: typeof type }>) => lacked(id, [])) as never);
    };
    hearMonitor();
    receive((command) => {
      if (command.type === 'tree.kill') terminate(tree, 'killed');
      else if (command.type === 'tree.close') tree.send({ type: 'supervisor.stop', reason: 'shutdown' satisfies ExitReason });
      else if (command.type === 'tree.stop') tree.send({ type: 'call.terminateChild', call: callId, id: command.id });
      else {
        const { id } = command;
        const { children } = (tree.getSnapshot() as { context: { children: readonly { readonly spec: { readonly id: string } }[] } }).context;
        const isKnown = children.some(({ spec }) => spec.id === id);
        tree.send(isKnown ? { type: 'call.restartChild', call: callId, id } : { type: 'call.startChild', call: callId, spec: plan.specs.get(id) });
      }
    });
    tell({ type: 'tree.opened', at: clock.now() });
    const { services } = (owner.getSnapshot() as { context: { services: readonly Service[] } }).context;
    const served = services.filter(hasServed).map(({ id }) => id);
    roll.call(tree, plan.specs.keys(), served);
    return () => {
      watch.unsubscribe();
      for (const each of heard) each.unsubscribe();
    };
  });
}

/** The actor `flush` of the chart. */
export function flush(plan: CheckedApplication) {
  return fromPromise<void, { id: string }>(async ({ self, input: { id }, signal }) => {
    const tree = treeOf(parentOf(self) as AnyActorRef);
    const ref = tree === undefined ? undefined : new SupervisorHandle(tree).child(id);
    if (ref === undefined) return;
    try {
      await plan.flushes.get(id)?.({ ref, signal });
    } catch (error) {
      // What the app throws is told, and inspected: in words, as all that goes wrong with a service is.
      // oxlint-disable-next-line preserve-caught-error -- it may hold secrets, which its words do not
      throw new Error(wordsOf(error));
    }
  });
}
