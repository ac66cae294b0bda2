/** Who wants less than everything: births and deaths only, one branch, the past in pieces; and who comes late. */
import { assign, createActor, fromCallback, setup, type AnyActorLogic, type AnyActorRef } from 'xstate';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { FeedLine } from '../../src/inspector/feed.js';
import { pageOf } from '../../src/inspector/history-page.js';
import { planInspector } from '../../src/inspector/plan.js';
import { recorderFeed } from '../../src/inspector/recorder-feed.js';
import { sceneAt } from '../../src/recording/scene.js';
import { createChild, systemOf } from '../../src/supervision/xstate-internals.js';
import type { RecordedLine } from '../../src/wire/recording/lines.js';
import { recording, reread, watch } from './watching.js';

const leaf = setup({ types: { events: {} as { type: 'turn' } } }).createMachine({
  id: 'leaf',
  context: {},
  initial: 'a',
  states: { a: { on: { turn: 'b' } }, b: { on: { turn: 'a' } } },
});
const tree = setup({
  types: { context: {} as { said: { text: string }[] }, events: {} as { type: 'say'; text: string } | { type: 'grow'; id: string } },
  actors: { leaf },
}).createMachine({
  id: 'tree',
  context: { said: [] },
  invoke: { id: 'left', src: 'leaf' },
  on: {
    say: { actions: assign({ said: ({ context, event }) => [...context.said.slice(-2), { text: event.text }] }) },
    grow: { actions: ({ self, event }) => createChild(leaf, { parent: self, id: event.id }).start() },
  },
});

function started(logic: AnyActorLogic = tree, id = 'tree'): AnyActorRef {
  const actor = createActor(logic, { id }).start() as AnyActorRef;
  onTestFinished(() => {
    actor.stop();
  });
  return actor;
}

const typesOf = (lines: readonly RecordedLine[]): string[] => lines.map(({ type }) => type);
const actorsOf = (lines: readonly RecordedLine[]): string[] => lines.flatMap((line) => (line.type === '@xstate.actor' ? [line.actor] : []));

describe('births and deaths only', () => {
  it('leave the system alone, and are told without how anybody is, also while others watch everything', () => {
    const { live } = recording();
    const actor = started();
    const { _sendInspectionEvent: own } = systemOf(actor);
    live.attach(actor);
    const facts = watch(live, { details: false });
    expect(typesOf(facts.lines)).toEqual(['@espalier.keyframe', '@espalier.machine', '@espalier.machine', '@xstate.actor', '@xstate.actor']);
    expect(systemOf(actor)._sendInspectionEvent).toBe(own);
    expect(live.isWatched).toBe(false);
    const all = watch(live);
    expect(live.isWatched).toBe(true);
    actor.send({ type: 'say', text: 'a' });
    actor.send({ type: 'grow', id: 'new' });
    expect(all.of('@xstate.actor').at(-1)?.state).toBeDefined();
    expect(facts.lines.at(-1)).toMatchObject({ type: '@xstate.actor', actor: 'tree/new', brief: true });
    expect(facts.of('@xstate.actor').every(({ state }) => state === undefined)).toBe(true);
    expect([...facts.of('@xstate.event'), ...facts.of('@xstate.transition')]).toEqual([]);
    all.dispose();
    expect(systemOf(actor)._sendInspectionEvent).toBe(own);
    actor.stop();
    expect(facts.of('@espalier.exit').map((line) => line.actor)).toContain('tree');
  });

  it('are all that a viewer of summaries asks for, until one wants more', () => {
    const actor = started();
    const { live } = recording();
    const feed = recorderFeed(actor, planInspector({ recorder: live }));
    const told: string[] = [];
    const take = ({ line }: FeedLine): void => void told.push(line.type);
    const unfollow = feed.follow('', 'summary', take);
    expect(live.isWatched).toBe(false);
    actor.send({ type: 'say', text: 'a' });
    expect(told).toEqual([]);
    const unfollowBranch = feed.follow('tree/left', 'full', take);
    expect(live.isWatched).toBe(true);
    (actor.getSnapshot() as { children: Record<string, AnyActorRef> }).children['left']?.send({ type: 'turn' });
    actor.send({ type: 'say', text: 'b' });
    expect(told).toEqual(['@xstate.event', '@xstate.transition']);
    unfollowBranch();
    expect(live.isWatched).toBe(false);
    unfollow();
    feed.dispose();
  });

  it('of the time while somebody watched are kept when nobody does any more, and what is not is said', () => {
    const { live } = recording();
    const actor = started();
    live.attach(actor);
    const seen = watch(live);
    actor.send({ type: 'say', text: 'a' });
    actor.send({ type: 'grow', id: 'new' });
    seen.dispose();
    actor.send({ type: 'grow', id: 'newer' });
    const past = live.past();
    expect(past.filter(({ type }) => type === '@xstate.actor')).toMatchObject([
      { actor: 'tree/new', brief: true },
      { actor: 'tree/newer', brief: true },
      { actor: 'tree', from: 'joined' },
      { from: 'joined' },
      { from: 'joined' },
      { from: 'joined' },
    ]);
    expect(reread(live, past).lines).toHaveLength(past.length);
    expect(past.find(({ type }) => type === '@espalier.dropped')).toMatchObject({ why: /births and deaths/ as unknown as string });
  });
});

describe('a keyframe', () => {
  it('of a branch tells of nobody else, and only of those how they are who are asked for', () => {
    const { live } = recording({ details: 'always' });
    const actor = started();
    live.attach(actor);
    expect(actorsOf(live.keyframe())).toEqual(['tree', 'tree/left']);
    const [frame, ...lines] = live.keyframe({ under: 'tree/left' });
    expect(frame).toMatchObject({ type: '@espalier.keyframe', lines: lines.length });
    expect(actorsOf(lines)).toEqual(['tree/left']);
    const part = live.keyframe({ isFull: (path) => path === 'tree/left' });
    expect(part.filter(({ type }) => type === '@xstate.actor')).toMatchObject([{ actor: 'tree', brief: true }, { state: { value: 'a' } }]);
  });

  it('stays as it was told, whatever comes after', () => {
    const { live } = recording({ details: 'always' });
    const actor = started();
    live.attach(actor);
    for (const text of ['a', 'b', 'c', 'd']) actor.send({ type: 'say', text });
    const told = live.keyframe();
    const text = JSON.stringify(told);
    for (const more of ['e', 'f', 'g', 'h']) actor.send({ type: 'say', text: more });
    expect(JSON.stringify(told)).toBe(text);
    expect(sceneAt(live.past()).actors.get('tree')?.context).toEqual({ said: [{ text: 'f' }, { text: 'g' }, { text: 'h' }] });
  });
});

describe('the past in pages', () => {
  const line = (seq: number, length: number): FeedLine => ({
    line: { type: '@espalier.exit', seq, at: 0, actor: 'a', reason: '' },
    text: 'x'.repeat(length),
  });

  it('goes on in the midst of a keyframe, whose lines have one number', () => {
    // The facts, a gap and a keyframe of the number 7, with more lines than an answer holds; then news.
    const held = [line(5, 10), ...Array.from({ length: 9 }, () => line(7, 200_000)), line(8, 10), line(9, 10)];
    const told: string[] = [];
    let from = 0;
    let skip = 0;
    const pages: (readonly [from: number, skip: number])[] = [];
    for (;;) {
      pages.push([from, skip]);
      const page = pageOf(
        held.filter((one) => one.line.seq >= from),
        from,
        skip,
      );
      told.push(...page.texts);
      if (page.next === null) break;
      from = page.next;
      skip = page.skip ?? 0;
    }
    expect(told).toEqual(held.map(({ text }) => text));
    expect(pages).toEqual([
      [0, 0],
      [7, 2],
      [7, 4],
      [7, 6],
      [7, 8],
    ]);
  });

  it('makes the scene again, in however many pages it comes', () => {
    const { live } = recording({ details: 'always' });
    const actor = started();
    const feed = recorderFeed(actor, planInspector({ recorder: live }));
    for (let n = 0; n < 400; n++) actor.send({ type: 'say', text: `${n}`.padEnd(2_000, '.') });
    const to = feed.seq();
    for (let n = 0; n < 10; n++) actor.send({ type: 'say', text: 'later' });
    const lines: RecordedLine[] = [];
    let pages = 0;
    for (let page = pageOf(feed.history(0, to), 0, 0); ; page = pageOf(feed.history(page.next, to), page.next, page.skip ?? 0)) {
      pages++;
      lines.push(...page.texts.map((text) => JSON.parse(text) as RecordedLine));
      if (page.next === null) break;
    }
    expect(pages).toBeGreaterThan(2);
    expect(lines.at(-1)?.seq).toBe(to);
    expect(sceneAt(lines).actors.get('tree')?.context).toMatchObject({ said: [{}, {}, { text: /^399\.+$/ as unknown as string }] });
    feed.dispose();
  });
});

describe('one who comes late', () => {
  it('finds actors that no snapshot lists: by the names of the system, by their timers, by those above them', () => {
    const waiting = setup({}).createMachine({ id: 'waiting', after: { 60_000: {} } });
    const nest = (name: string, below: (self: AnyActorRef) => void) =>
      fromCallback(({ self }) => {
        expect(self.id).toBe(name);
        below(self as AnyActorRef);
      });
    const made: AnyActorRef[] = [];
    const child = (parent: AnyActorRef, logic: AnyActorLogic, id: string, systemId?: string): void => {
      const ref = createActor(logic, { parent, id, ...(systemId === undefined ? {} : { systemId }) } as never) as AnyActorRef;
      made.push(ref);
      ref.start();
    };
    const root = started(
      nest('root', (self) => {
        child(
          self,
          nest('middle', (middle) => child(middle, leaf, 'named', 'by-name')),
          'middle',
        );
        child(self, waiting, 'waits');
        child(self, leaf, 'unseen');
      }),
      'root',
    );
    const { live } = recording({ details: 'always' });
    live.attach(root);
    expect(actorsOf(live.keyframe())).toEqual(['root', 'root/middle', 'root/middle/named', 'root/waits']);
    // Nothing leads to it before something comes to it.
    const unseen = made.find(({ id }) => id === 'unseen');
    unseen?.send({ type: 'turn' });
    expect(live.actorOf('root/unseen')).toBe(unseen);
    for (const ref of made.reverse()) systemOf(ref)._unregister(ref);
  });

  it('looks at each actor a few times, however many timers lead to it', () => {
    const waiting = setup({}).createMachine({ id: 'waiting', after: { 60_000: {} } });
    const crowd = setup({ actors: { waiting } }).createMachine({
      entry: assign(({ spawn }) => {
        for (let index = 0; index < 300; index++) spawn('waiting', { id: `w${index}` });
        return {};
      }),
    });
    const root = started(crowd, 'root');
    const getSnapshot = root.getSnapshot.bind(root);
    let looks = 0;
    root.getSnapshot = () => {
      looks++;
      return getSnapshot();
    };
    const { live } = recording();
    live.attach(root);
    expect(actorsOf(live.keyframe())).toHaveLength(301);
    expect(looks).toBeLessThan(20);
  });

  it('finds whoever has a child, when that starts', () => {
    let grow: () => void = () => {
      throw new Error('not yet');
    };
    const hidden = fromCallback(({ self }) => {
      grow = () => createChild(leaf, { parent: self as AnyActorRef, id: 'young' }).start();
    });
    const root = started(
      fromCallback(({ self }) => {
        createChild(hidden, { parent: self as AnyActorRef, id: 'hidden' }).start();
      }),
      'root',
    );
    const { live } = recording();
    live.attach(root);
    expect(actorsOf(live.keyframe())).toEqual(['root']);
    grow();
    expect(actorsOf(live.keyframe())).toEqual(['root', 'root/hidden', 'root/hidden/young']);
  });
});
