/** What must hold for a conversation after every step. */
import type { SnapshotFrom } from 'xstate';
import type { JsonObject } from '../../../machines/live/calls.js';
import type { conversationMachine } from '../../../machines/tools/conversation.js';
import type { ConversationInput } from '../../../machines/tools/conversation-events.js';
import type { Claim } from '../model/model.js';
import type { Run } from '../model/run.js';
import { innermost, outputIsItsEnd, tellsOneEnd } from './end-claims.js';

type Machine = typeof conversationMachine;

/** What it does: `asking`, `collecting`, `runningTools`, `answered`, `failed` or `cancelled`. */
export function phaseOf({ value }: SnapshotFrom<Machine>): string {
  return innermost(value);
}

const ends: Readonly<Record<string, string>> = {
  answered: 'conversation.answered',
  failed: 'conversation.failed',
  cancelled: 'conversation.cancelled',
};

/** Has it a call in it? */
function isCalling(items: readonly JsonObject[]): boolean {
  return items.some(({ parts }) => (parts as readonly object[]).some((part) => 'functionCall' in part));
}

/** The claims about a conversation with this input. */
export function claims(input: ConversationInput): Readonly<Record<string, Claim<Machine>>> {
  return {
    'the model is asked exactly while it answers, once for each turn, with all that is known': (it) => {
      const phase = phaseOf(it.snapshot);
      const running = it.of('turn');
      if (running.length !== (['asking', 'collecting'].includes(phase) ? 1 : 0)) return `${running.length} turns while it is ${phase}`;
      const { history, turn } = it.snapshot.context;
      const [one] = running;
      return one === undefined || JSON.stringify(one.input) === JSON.stringify({ turn, history }) ? undefined : JSON.stringify(one.input);
    },
    'the model is asked no more than maxTurns times': ({ fakes, snapshot, start }) => {
      const turns = new Set(fakes.filter(({ src }) => src === 'turn').map(({ input: given }) => (given as { turn: number }).turn));
      return start === '' || (turns.size <= input.maxTurns && snapshot.context.turn <= input.maxTurns) ? undefined : `${turns.size} turns`;
    },
    'its round runs exactly while its tools do, with all the calls of the turn': (it) => {
      const running = it.of('round');
      const phase = phaseOf(it.snapshot);
      if (running.length !== (phase === 'runningTools' ? 1 : 0)) return `${running.length} rounds while it is ${phase}`;
      const { open, maxCalls, maxParallel } = it.snapshot.context;
      const [one] = running;
      const wanted = { calls: open?.calls, maxCalls, maxParallel };
      return one === undefined || JSON.stringify(one.input) === JSON.stringify(wanted) ? undefined : JSON.stringify(one.input);
    },
    'what its tools run on, and its subscriber, live as long as it does': (it) => {
      const running = it.of('tools').length + it.of('subscriber').length;
      return running === (it.isActive ? 2 : 0) ? undefined : `${running}`;
    },
    'nothing of it runs after its end': (it) => (it.isActive ? undefined : it.running()[0]?.id),
    'it tells exactly one end, and nothing after it': tellsOneEnd(ends, phaseOf),
    'its output is the end that it told, and its exit fits': outputIsItsEnd(({ snapshot }: Run<Machine>) => {
      const { cancellation, exit, failure } = snapshot.context;
      if (phaseOf(snapshot) === 'failed') return { crash: failure };
      return cancellation?.by === 'supervisor' ? exit : 'normal';
    }),
    'its history can be sent again: every turn with calls is followed by their results': ({ snapshot }) => {
      const { history } = snapshot.output ?? snapshot.context;
      const faulty = history.findIndex((entry, place) => {
        const [before, after] = [history[place - 1], history[place + 1]];
        if (entry.type === 'results') return entry.results.length === 0 || before?.type !== 'items' || !isCalling(before.items);
        return isCalling(entry.items) && after?.type !== 'results';
      });
      return faulty < 0 ? undefined : `entry ${faulty}`;
    },
    'what is not answered at its end is told, and nothing else': ({ snapshot }) => {
      if (snapshot.status !== 'done') return undefined;
      const count = snapshot.output?.unanswered.length;
      return count === (snapshot.context.open?.calls.length ?? 0) ? undefined : `${count}`;
    },
    'no deadline is missed': ({ clock, notes, snapshot, fakes }) => {
      if (snapshot.status !== 'active') return undefined;
      if (clock.now() >= input.totalMs) return `it goes on after ${clock.now()} ms`;
      if (clock.now() - Number(notes['since'] ?? 0) < input.turnMs) return undefined;
      if (phaseOf(snapshot) !== 'runningTools') return 'the turn goes on';
      const told = fakes.findLast(({ src }) => src === 'round')?.received.filter(({ type }) => type === 'round.expire').length;
      return told === 1 ? undefined : `its round was told ${told} times that the turn is up`;
    },
  };
}
