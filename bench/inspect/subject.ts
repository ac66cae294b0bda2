/** What the inspect benchmark asks of each subject: to look at one actor, or not, while it takes events. */
import { assign, setup, spawnChild, stopChild, type AnyActorRef, type AnyStateMachine } from 'xstate';

/** A way to look at an actor. */
export interface Watcher {
  /** Between so many events: lets the runtime do what it does between turns, and an app's own do. */
  breathe?(): Promise<void>;
  /** For what the subject does beside the events: waits until all that was seen has been dealt with. */
  settle?(): Promise<void>;
  close(): Promise<void> | void;
}

/** One thing that is measured beside the others. */
export interface Subject {
  readonly name: string;
  /** The share of the usual number of events; 1 when absent. */
  readonly share?: number;
  /** Makes an actor of the machine, and looks at it. It is started when this returns. */
  open(machine: Machine, size: number): { readonly actor: AnyActorRef; readonly watcher: Watcher };
}

export type Machine = AnyStateMachine;

/** What one event says. */
export interface Said {
  readonly type: 'said';
  readonly who: string;
  readonly text: string;
}

interface Context {
  readonly messages: readonly Omit<Said, 'type'>[];
  readonly tokens: number;
  readonly model: { readonly name: string; readonly temperature: number; readonly limits: { readonly perMinute: number } };
}

/** A conversation that remembers so many messages: each event is a transition that adds one, lets the oldest go, counts, and changes the state. */
export function conversation() {
  return setup({
    types: { context: {} as Context, input: {} as { size: number }, events: {} as Said },
    actions: {
      remember: assign(({ context, event: { who, text } }) => ({
        messages: [...context.messages.slice(1), { who, text }],
        tokens: context.tokens + text.length,
      })),
    },
  }).createMachine({
    id: 'conversation',
    context: ({ input }) => ({
      messages: Array.from({ length: input.size }, (_, index) => ({ who: 'user', text: `message ${index}` })),
      tokens: 0,
      model: { name: 'gemini', temperature: 0.4, limits: { perMinute: 60 } },
    }),
    initial: 'quiet',
    states: {
      quiet: { on: { said: { target: 'busy', actions: 'remember' } } },
      busy: { on: { said: { target: 'quiet', actions: 'remember' } } },
    },
  });
}

const texts = Array.from({ length: 64 }, (_, index) => `What is the weather like in city number ${index}?`);

/** The n-th event: each is an object of its own, as an app's are. */
export function event(n: number): Said {
  return { type: 'said', who: n % 2 === 0 ? 'user' : 'model', text: texts[n % texts.length] as string };
}

const child = setup({}).createMachine({ id: 'child', initial: 'here', states: { here: {} } });

/** One that has children and loses them: `born` and `gone`, with an id each. It takes the same input as a conversation, and has no use for it. */
export function nursery() {
  return setup({ types: { events: {} as { type: 'born' | 'gone'; id: string } }, actors: { child } }).createMachine({
    id: 'nursery',
    on: {
      born: { actions: spawnChild('child', { id: ({ event }) => event.id }) },
      gone: { actions: stopChild(({ event }) => event.id) },
    },
  });
}
