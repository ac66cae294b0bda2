/** The demo of agents: twelve of them elect who coordinates, auction tasks, vote, lose their leader, and finish under the next. */
import type { AnyActorRef } from 'xstate';
import { agentsHandle } from '../../agents/agents-handle.js';
import { agents } from '../../agents/agents.js';
import { comms } from '../../comms/comms.js';
import { commsHandle } from '../../comms/handle.js';
import { backendHandle, coordinationBackend } from '../../coordination/backend.js';
import { coordinatorHandle } from '../../coordination/coordinator-handle.js';
import { coordinator } from '../../coordination/coordinator.js';
import { orchestrator } from '../../supervision/orchestrator.js';
import { exit } from '../../supervision/watch.js';
import { gardener, gardeners, type Gardener } from './agents-cast.js';
import { fatalTask, leading } from './agents-work.js';
import type { MakePlay } from './play.js';

/** The demo with everything that this seed draws: who comes when, who has which fault, what each can and likes. */
export const agentsPlay =
  (seed: number): MakePlay =>
  (stage) => {
    const child = (id: string) => (): AnyActorRef | undefined => stage.opened?.child(id);
    const cast = gardeners(seed);
    const backend = backendHandle(child('backend'));
    const room = agentsHandle(child('agents'));
    const requests = commsHandle(child('comms'));
    const sessions = coordinatorHandle(child('coordinator'));
    let begin = (): void => undefined;
    const begun = new Promise<void>((resolve) => (begin = resolve));
    const ids = cast.map(({ id }) => id);
    const work = leading({ stage, seed, agents: ids, backend, requests, coordinator: () => sessions, begun });
    const logics = Object.fromEntries(cast.map((one) => [one.id, gardener(one, { seed, clock: stage.clock, backend, work })]));
    stage.watch.fold(/^app\/(?:comms|agents\/names|agents\/agents\/[^/]+)$/);
    return {
      title: `twelve agents and their coordinator, seed ${seed}: no key, no network, and a clock of their own`,
      task: 'play',
      deadlineMs: 120_000,
      abouts: {
        app: 'restForOne: with one go those started after it',
        'app/backend': 'keys and leases, on which they agree',
        'app/agents': 'the room of agents',
        'app/agents/names': 'who goes by which name',
        'app/agents/agents': 'a budget for each',
        'app/comms': 'how they are asked',
        'app/coordinator': 'auctions and votes',
        'app/tasks': 'functions with a deadline',
        'app/tasks/play': 'this demo itself',
        ...Object.fromEntries(cast.map(({ fault, id }) => [`app/agents/agents/${id}`, fault === null ? '' : faultWords[fault]])),
      },
      orchestrator: orchestrator({
        strategy: 'restForOne',
        actors: {
          backend: coordinationBackend(),
          agents: agents({ logics }),
          comms: comms({ agents: room.names }),
          coordinator: coordinator({ requests }),
        },
        children: [
          { id: 'backend', src: 'backend', restart: 'transient' },
          { id: 'agents', src: 'agents', type: 'supervisor' },
          { id: 'comms', src: 'comms' },
          { id: 'coordinator', src: 'coordinator', type: 'supervisor' },
        ],
      }),
      async direct(signal) {
        for (const { fault, id } of cast) {
          await room.register({ id, src: id, capabilities: ['garden'] });
          const started = await room.start(id);
          if (!started.ok) throw new Error(`${id} could not be started: ${started.reason}`);
          if (fault !== null) stage.tell({ type: 'note', who: id, words: `is not to be relied on: ${faultWords[fault]}` });
        }
        const done = stage.next(signal, 'plan.done');
        // Heard below, or not at all where what comes before goes wrong.
        done.catch(() => undefined);
        const fatal = stage.next(signal, 'task.offered', { task: fatalTask });
        begin();
        const leads = String((await fatal)['by']);
        const ref = room.whereis(leads);
        if (ref === undefined) throw new Error(`${leads} leads, and does not run`);
        stage.tell({ type: 'note', who: leads, words: 'is killed, in the midst of it' });
        exit(ref, 'kill');
        await done;
        const { failed, running } = room.counts();
        stage.tell({ type: 'note', who: 'agents', words: `${running} of ${cast.length} run, ${failed} have failed` });
      },
    };
  };

const faultWords = {
  crashes: 'crashes over a question',
  late: 'answers too late',
  nonsense: 'answers nonsense',
} as const satisfies Readonly<Record<NonNullable<Gardener['fault']>, string>>;
