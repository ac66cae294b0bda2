/**
 * A video player of three parts that run side by side: the film, its controls, which hide while it plays, and the sound. Tested in
 * test/testing/examples/video-player.test.ts.
 */
import { cancel, fromCallback, raise, sendTo, setup, stateIn } from 'xstate';
import type { Model, Run } from 'espalier/testing';

type PlayerEvent =
  | { type: 'play' | 'pause' | 'mute' | 'pointer.moved' }
  | { type: 'media.stalled' | 'media.resumed' | 'media.ended' }
  | { type: 'controls.timedOut' };

const player = setup({
  types: { events: {} as PlayerEvent, input: {} as { selector: string }, context: {} as { selector: string } },
  actors: {
    /** The element of the page: is told to play and to pause, and tells how it goes. */
    media: fromCallback<{ type: 'play' | 'pause' }, { selector: string }>(() => {
      throw new Error("needs actor 'media': provide the element of your page");
    }),
  },
  guards: { isPlaying: stateIn({ film: 'playing' }) },
  delays: { idle: 3_000 },
  actions: {
    /** For the app to provide: keeps the place, to go on from there tomorrow. */
    keepPlace: () => {},
    startMedia: sendTo('media', { type: 'play' }),
    stopMedia: sendTo('media', { type: 'pause' }),
    hideLater: raise({ type: 'controls.timedOut' }, { id: 'hide', delay: 'idle' }),
    stayShown: cancel('hide'),
  },
});

export const playerMachine = player.createMachine({
  id: 'player',
  context: ({ input }) => input,
  invoke: { id: 'media', src: 'media', input: ({ context }) => context },
  type: 'parallel',
  states: {
    film: {
      initial: 'paused',
      states: {
        paused: { on: { play: 'playing' } },
        playing: {
          entry: 'startMedia',
          exit: 'keepPlace',
          initial: 'flowing',
          states: {
            flowing: { on: { 'media.stalled': 'stalled' } },
            stalled: { on: { 'media.resumed': 'flowing' } },
          },
          on: { pause: { target: 'paused', actions: 'stopMedia' }, 'media.ended': 'ended' },
        },
        ended: { on: { play: 'playing' } },
      },
    },
    controls: {
      initial: 'shown',
      states: {
        shown: { on: { 'controls.timedOut': 'hidden' } },
        hidden: {},
      },
      on: {
        play: { target: '.shown', actions: ['stayShown', 'hideLater'] },
        pause: { target: '.shown', actions: 'stayShown' },
        'media.ended': { target: '.shown', actions: 'stayShown' },
        'pointer.moved': { guard: 'isPlaying', target: '.shown', actions: ['stayShown', 'hideLater'] },
      },
    },
    sound: {
      initial: 'on',
      states: { on: { on: { mute: 'off' } }, off: { on: { mute: 'on' } } },
    },
  },
});

/** The same with a fault: the timer goes by another name, so it is never stopped. XState says nothing about it. */
export const blinkingPlayer = playerMachine.provide({ actions: { stayShown: cancel('hideControls') } });

function showsControls({ snapshot }: Run<typeof playerMachine>): string | undefined {
  return snapshot.matches({ controls: 'shown' }) ? undefined : 'the controls are hidden';
}

/** What may happen to it, and what must hold. */
export const playerModel = {
  machine: playerMachine,
  inputs: { start: { selector: '#film' } },
  events: {
    play: { play: { owes: showsControls } },
    pause: true,
    mute: {
      mute: {
        owes: ({ before, snapshot }) => (snapshot.value.sound === before.value.sound ? `the sound is still ${before.value.sound}` : undefined),
      },
    },
    'pointer.moved': { 'the pointer moves': { owes: showsControls } },
  },
  ignored: { 'controls.timedOut': 'the machine sends it to itself' },
  delays: { 'three seconds': 3_000 },
  outcomes: {
    media: {
      reports: {
        'media.stalled': true,
        'media.resumed': {
          'the film goes on': { owes: ({ snapshot }) => (snapshot.matches({ film: { playing: 'stalled' } }) ? 'it is stalled' : undefined) },
        },
        'media.ended': true,
      },
    },
  },
  invariants: {
    'a film that does not play shows its controls': ({ snapshot }) =>
      snapshot.matches({ film: 'playing' }) || snapshot.matches({ controls: 'shown' })
        ? undefined
        : `hidden, and the film is ${JSON.stringify(snapshot.value.film)}`,
    'a film that plays hides them in time': ({ snapshot, clock }) =>
      snapshot.matches({ film: 'playing', controls: 'shown' }) && clock.nextAt() === undefined ? 'nothing will hide them' : undefined,
    'the element plays when the film does': (run) => {
      const told = run.find('media')?.received.at(-1)?.type ?? 'nothing';
      const { film } = run.snapshot.value;
      if (film === 'ended') return undefined;
      return (film !== 'paused') === (told === 'play') ? undefined : `the film is ${JSON.stringify(film)}, and the element was told: ${told}`;
    },
  },
} satisfies Model<typeof playerMachine>;
