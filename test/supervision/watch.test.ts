import { type AnyActorRef, createActor, createMachine, type EventObject, setup } from 'xstate';
import { describe, expect, it, vi } from 'vitest';
import { exit, exitReason, exitWith, link, monitor, onExit, unlink, type LinkExit, type MonitorDown } from '../../src/index.js';
import { ended, onLoss } from '../../src/supervision/watch.js';
import { boom, stage, type Stage } from './stage.js';

/** An actor that writes down whatever it is sent. It names `monitor.down` and `link.exit`, so it traps exits. */
function listener(heard: EventObject[]) {
  return setup({
    types: { events: {} as MonitorDown | LinkExit },
    actions: {
      hear: ({ event }) => {
        heard.push(event);
      },
    },
  }).createMachine({
    id: 'listener',
    on: { 'monitor.down': { actions: 'hear' }, 'link.exit': { actions: 'hear' } },
  });
}

/** One that does not trap, and ends or dies when told. */
const plain = setup({
  types: { events: {} as { type: 'crash' } | { type: 'finish' } | { type: 'leave' } },
  actions: {
    crash: () => {
      throw boom;
    },
  },
}).createMachine({
  id: 'plain',
  initial: 'alive',
  output: ({ event }) => (event as unknown as { output: unknown }).output,
  states: {
    alive: { on: { crash: { actions: 'crash' }, finish: 'over', leave: 'left' } },
    over: { type: 'final', output: 'ignored' },
    left: { type: 'final', output: () => exitWith(['shutdown', 'idle']) },
  },
});

function actor(here: Stage, id: string, logic: Parameters<Stage['root']>[0] = plain): AnyActorRef {
  const ref = here.root(logic, { id });
  ref.subscribe({ error: () => {} });
  return ref;
}

const reasons = (heard: readonly EventObject[]) => heard.map((event) => (event as MonitorDown).reason);

describe('a monitor', () => {
  it.each([
    ['finishes', { type: 'finish' }, 'normal'],
    ['crashes', { type: 'crash' }, { crash: boom }],
    ['leaves with a reason', { type: 'leave' }, ['shutdown', 'idle']],
  ])('tells its owner once when the other %s', (_how, event, reason) => {
    const here = stage();
    const heard: MonitorDown[] = [];
    const owner = actor(here, 'owner', listener(heard));
    const other = actor(here, 'other');
    const { ref } = monitor(owner, other);
    other.send(event);
    other.send(event);
    expect(heard).toEqual([{ type: 'monitor.down', ref, actor: other, reason }]);
  });

  it('tells once when the other is killed, or stopped by its own root', () => {
    const here = stage();
    const heard: MonitorDown[] = [];
    const owner = actor(here, 'owner', listener(heard));
    const [first, second] = [actor(here, 'first'), actor(here, 'second')];
    monitor(owner, first);
    monitor(owner, second);
    exit(first, 'kill');
    exit(first, 'kill');
    second.stop();
    expect(reasons(heard)).toEqual(['killed', 'shutdown']);
  });

  it('on the dead tells at once, once, with noproc', () => {
    const here = stage();
    const heard: MonitorDown[] = [];
    const owner = actor(here, 'owner', listener(heard));
    const other = actor(here, 'other');
    other.send({ type: 'crash' });
    const set = monitor(owner, other);
    expect(reasons(heard)).toEqual(['noproc']);
    expect(set.demonitor()).toBe(false);
    expect(heard).toHaveLength(1);
  });

  it('stacks: as many notices as monitors', () => {
    const here = stage();
    const heard: MonitorDown[] = [];
    const owner = actor(here, 'owner', listener(heard));
    const other = actor(here, 'other');
    const set = [monitor(owner, other), monitor(owner, other), monitor(owner, other, 'mine')];
    expect(set[1]?.demonitor()).toBe(true);
    expect(set[1]?.demonitor()).toBe(false);
    other.send({ type: 'finish' });
    expect(heard.map(({ ref }) => ref)).toEqual([set[0]?.ref, 'mine']);
  });

  it('dies with its owner, and leaves nothing at the other', () => {
    const here = stage();
    const heard: MonitorDown[] = [];
    const owner = actor(here, 'owner', listener(heard));
    const other = actor(here, 'other');
    const observers = () => (other as unknown as { observers: Set<unknown> }).observers.size;
    const before = observers();
    monitor(owner, other);
    expect(observers()).toBeGreaterThan(before);
    owner.stop();
    expect(observers()).toBe(before);
    other.send({ type: 'finish' });
    expect(heard).toEqual([]);
  });

  it('set by a dead owner watches nobody', () => {
    const here = stage();
    const owner = actor(here, 'owner', listener([]));
    owner.stop();
    const other = actor(here, 'other');
    const observers = () => (other as unknown as { observers: Set<unknown> }).observers.size;
    const before = observers();
    monitor(owner, other);
    expect(observers()).toBe(before);
  });

  it('of oneself is none', () => {
    const here = stage();
    const heard: MonitorDown[] = [];
    const owner = actor(here, 'owner', listener(heard));
    expect(monitor(owner, owner).demonitor()).toBe(false);
  });

  it('set in the listener of another monitor of the same death says noproc', () => {
    const here = stage();
    const heard: MonitorDown[] = [];
    const owner = actor(here, 'owner', listener(heard));
    const other = actor(here, 'other');
    onExit(other, () => monitor(owner, other));
    other.send({ type: 'finish' });
    expect(reasons(heard)).toEqual(['noproc']);
  });
});

describe('a watch whose listener throws', () => {
  it('keeps nobody else from hearing of the death', () => {
    const here = stage();
    const other = actor(here, 'other');
    const heard: unknown[] = [];
    vi.useFakeTimers(); // XState rethrows on a timer of the runtime
    try {
      onExit(other, () => {
        throw boom;
      });
      onExit(other, (reason) => {
        heard.push(reason);
      });
      other.send({ type: 'finish' });
      expect(heard).toEqual(['normal']);
      expect(() => vi.runAllTimers()).toThrow(boom);
    } finally {
      vi.useRealTimers();
    }
  });
});

describe('a link', () => {
  it('is mutual: the crash of either ends the other, with the same reason', () => {
    const here = stage();
    const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((id) => actor(here, id)) as [AnyActorRef, AnyActorRef, AnyActorRef, AnyActorRef];
    link(a, b);
    link(c, d);
    a.send({ type: 'crash' });
    d.send({ type: 'crash' });
    expect([a, b, c, d].map((ref) => exitReason(ref))).toEqual([{ crash: boom }, { crash: boom }, { crash: boom }, { crash: boom }]);
  });

  it('is single: made twice, it is taken away once', () => {
    const here = stage();
    const [a, b] = [actor(here, 'a'), actor(here, 'b')];
    link(a, b);
    link(b, a);
    unlink(b, a);
    a.send({ type: 'crash' });
    expect(exitReason(b)).toBeNull();
  });

  it('taken away leaves no observers', () => {
    const here = stage();
    const [a, b] = [actor(here, 'a'), actor(here, 'b')];
    const observers = () => [a, b].map((ref) => (ref as unknown as { observers: Set<unknown> }).observers.size);
    const before = observers();
    link(a, b);
    unlink(a, b);
    expect(observers()).toEqual(before);
  });

  it('does not pass a normal end on to one that does not trap, and does to one that does', () => {
    const here = stage();
    const heard: LinkExit[] = [];
    const [a, b, c] = [actor(here, 'a'), actor(here, 'b'), actor(here, 'c', listener(heard))];
    link(a, b);
    link(a, c);
    a.send({ type: 'finish' });
    expect(exitReason(b)).toBeNull();
    expect(heard).toEqual([{ type: 'link.exit', from: a, reason: 'normal' }]);
  });

  it('with oneself changes nothing', () => {
    const here = stage();
    const a = actor(here, 'a');
    expect(link(a, a)).toEqual({ ok: true });
    expect(exitReason(a)).toBeNull();
  });

  it('with the dead is refused; one that traps is told noproc', () => {
    const here = stage();
    const heard: LinkExit[] = [];
    const [a, b, dead] = [actor(here, 'a'), actor(here, 'b', listener(heard)), actor(here, 'dead')];
    dead.send({ type: 'finish' });
    expect(link(a, dead)).toEqual({ ok: false, reason: 'noproc' });
    expect(link(b, dead)).toEqual({ ok: true });
    expect(heard).toEqual([{ type: 'link.exit', from: dead, reason: 'noproc' }]);
    expect(exitReason(a)).toBeNull();
  });

  it('of the dead with the living harms nobody', () => {
    const here = stage();
    const [dead, b] = [actor(here, 'dead'), actor(here, 'b')];
    dead.send({ type: 'finish' });
    expect(link(dead, b)).toMatchObject({ ok: false, reason: 'noproc' });
    expect(exitReason(b)).toBeNull();
  });

  it('in a ring ends everybody once', () => {
    const here = stage();
    const ring = Array.from({ length: 5 }, (_, index) => actor(here, `ring${index}`));
    const heard: MonitorDown[] = [];
    const owner = actor(here, 'owner', listener(heard));
    for (const [index, ref] of ring.entries()) {
      link(ref, ring[(index + 1) % ring.length] as AnyActorRef);
      monitor(owner, ref);
    }
    ring[2]?.send({ type: 'crash' });
    expect(ring.map((ref) => exitReason(ref))).toEqual(ring.map(() => ({ crash: boom })));
    expect(heard).toHaveLength(5);
  });

  it('with one that traps exits only in some states reaches it in those only', () => {
    const here = stage();
    const heard: LinkExit[] = [];
    const moody = setup({
      types: { events: {} as LinkExit | { type: 'on' } },
      actions: {
        hear: ({ event }) => {
          heard.push(event as LinkExit);
        },
      },
    }).createMachine({
      initial: 'off',
      states: { off: { on: { on: 'on' } }, on: { on: { 'link.exit': { actions: 'hear' } } } },
    });
    const [first, second, c, d] = [actor(here, 'first', moody), actor(here, 'second', moody), actor(here, 'c'), actor(here, 'd')];
    second.send({ type: 'on' });
    link(first, c);
    link(second, d);
    c.send({ type: 'crash' });
    d.send({ type: 'crash' });
    expect([exitReason(first), exitReason(second), heard.length]).toEqual([{ crash: boom }, null, 1]);
  });

  it('is not trapped by a wildcard', () => {
    const here = stage();
    const wild = actor(here, 'wild', setup({}).createMachine({ on: { '*': { actions: () => {} } } }));
    const other = actor(here, 'other');
    link(wild, other);
    other.send({ type: 'crash' });
    expect(exitReason(wild)).toEqual({ crash: boom });
  });

  it('whose trap has a guard that throws ends in the crash of that actor, not of the one that died or told', () => {
    const here = stage();
    const faulty = actor(
      here,
      'faulty',
      setup({
        types: { events: {} as LinkExit },
        guards: {
          bad: () => {
            throw boom;
          },
        },
      }).createMachine({
        on: { 'link.exit': { guard: 'bad', actions: () => {} } },
      }),
    );
    const other = actor(here, 'other');
    link(faulty, other);
    expect(() => {
      exit(faulty, 'shutdown', other);
    }).not.toThrow();
    expect(exitReason(faulty)).not.toBeNull();
  });
});

describe('an end that is ordered', () => {
  it('is told when it has come, with its reason; of one that has ended nothing is ordered', async () => {
    const here = stage();
    const ref = actor(here, 'ref');
    const orders: AnyActorRef[] = [];
    const order = (of: AnyActorRef): void => void orders.push(of);
    const both = [ended(ref, order), ended(ref, order)];
    expect([orders, exitReason(ref)]).toEqual([[ref, ref], null]);
    ref.send({ type: 'leave' });
    expect(await Promise.all([...both, ended(ref, order)])).toEqual([['shutdown', 'idle'], ['shutdown', 'idle'], 'noproc']);
    expect(orders).toHaveLength(2);
  });

  it('is told at once of what was never started, and comes as soon as that is', async () => {
    const ref = createActor(createMachine({ on: { end: '.over' }, initial: 'idle', states: { idle: {}, over: { type: 'final' } } }));
    expect(await ended(ref, () => ref.send({ type: 'end' }))).toBe('noproc');
    ref.start();
    expect(ref.getSnapshot().value).toBe('over');
  });
});

type Parts = [own: AnyActorRef, other: AnyActorRef, owner: AnyActorRef, stranger: AnyActorRef];

describe('the loss of a part', () => {
  it.each([
    ['killed', 'kill', 1],
    ['ended in a crash', { crash: 'x' }, 1],
    ['stopped as its owner does it', 'shutdown', 0],
  ] as const)('that is %s is told so often: %s, %i', (_, reason, times) => {
    const here = stage();
    const [part, owner] = [actor(here, 'part'), actor(here, 'owner')];
    const lost = vi.fn<() => void>();
    onLoss(part, owner, lost);
    exit(part, reason, owner);
    expect([exitReason(part) === null, lost.mock.calls.length]).toEqual([false, times]);
  });

  it('that a stranger, or it itself, ends as its owner would is told', () => {
    const here = stage();
    const [own, other, owner, stranger] = ['own', 'other', 'owner', 'stranger'].map((id) => actor(here, id)) as Parts;
    const lost = vi.fn<(part: string) => void>();
    onLoss(own, owner, () => lost('own'));
    onLoss(other, owner, () => lost('other'));
    exit(own, 'shutdown');
    exit(other, 'shutdown', stranger);
    expect(lost.mock.calls).toEqual([['own'], ['other']]);
  });

  it('is none of an owner that has ended', () => {
    const here = stage();
    const [part, owner] = [actor(here, 'part'), actor(here, 'owner')];
    const lost = vi.fn<() => void>();
    onLoss(part, owner, lost);
    exit(owner, 'kill');
    exit(part, 'kill');
    expect(lost).not.toHaveBeenCalled();
  });
});

describe('an exit signal', () => {
  it('kill cannot be trapped and is seen as killed; exit by oneself with a reason is an ordinary one', () => {
    const here = stage();
    const heard: LinkExit[] = [];
    const [a, b, c] = [actor(here, 'a', listener(heard)), actor(here, 'b'), actor(here, 'c')];
    exit(a, 'shutdown', b);
    expect(heard).toEqual([{ type: 'link.exit', from: b, reason: 'shutdown' }]);
    exit(a, 'kill', b);
    exit(b, 'normal', c);
    expect([exitReason(a), exitReason(b)]).toEqual(['killed', null]);
    exit(b, 'normal');
    exit(c, ['shutdown', 'x'], a);
    expect([exitReason(b), exitReason(c)]).toEqual(['normal', ['shutdown', 'x']]);
  });
});
