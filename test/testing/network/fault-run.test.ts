/** The runner of fault runs: what is wrong is found and made short, what is right is let pass, and a run is the same again. */
import { describe, expect, it } from 'vitest';
import { createActor, setup } from 'xstate';
import {
  faultRun,
  FaultRunFailure,
  type FaultRunOptions,
  type FaultWorld,
  networkFaultKinds,
  type Schedule,
  type SimulatedNetwork,
  type SimulatedNode,
} from '../../../src/testing/index.js';
import { counter, lock, naiveElection, quorum } from './planted.js';

/** The first failure among so many seeds. */
async function firstFailure<World extends FaultWorld>(options: FaultRunOptions<World>, seeds: number): Promise<FaultRunFailure | undefined> {
  for (let seed = 1; seed <= seeds; seed++) {
    const failure = await failureOf({ ...options, seed });
    if (failure !== undefined) return failure;
  }
  return undefined;
}

async function failureOf<World extends FaultWorld>(options: FaultRunOptions<World>): Promise<FaultRunFailure | undefined> {
  try {
    await faultRun(options);
    return undefined;
  } catch (error) {
    if (error instanceof FaultRunFailure) return error;
    throw error;
  }
}

function raiseError(): never {
  throw new Error('it broke');
}

/** What is left of a failure's schedule, without its moments. */
const left = (failure: FaultRunFailure | undefined): string[] =>
  (failure?.schedule.steps ?? []).map((step) => ('fault' in step ? step.fault : step.operation));

describe('a fault run', { timeout: 60_000 }, () => {
  it('finds two leaders of one term, where terms are taken by timeouts alone, and needs one partition to show them', async () => {
    const failure = await firstFailure(naiveElection, 20);
    expect(failure).toMatchObject({
      claim: 'one leader a term',
      problem: expect.stringMatching(/^\w and \w lead term \d+$/u) as string,
      note: undefined,
    });
    expect(left(failure)).toEqual(['partition']);
    expect(failure?.schedule.isCalm).toBe(true);
    // The trace is that of the short run, to the event that broke the claim.
    expect(failure?.trace.filter((line) => / (?:fault|heal) /u.test(line))).toHaveLength(1);
    expect(failure?.trace.filter((line) => / note \w leads term /u.test(line)).length).toBeGreaterThanOrEqual(2);
  });

  it('finds a write under an old lease, where the lock has no fence, and needs two clients and what holds one up', async () => {
    const failure = await firstFailure(lock(false), 200);
    expect(failure?.claim).toBe('no write by an older holder');
    expect(left(failure).filter((name) => name === 'work')).toHaveLength(2);
    expect(left(failure)).toHaveLength(3);
  });

  it('finds two values, where abstentions count, and needs two proposals and no fault', async () => {
    const failure = await firstFailure(quorum(true), 20);
    expect(failure).toMatchObject({ claim: 'one value', problem: expect.stringMatching(/^decided \w+ and \w+$/u) as string });
    expect(left(failure)).toEqual(['propose', 'propose']);
  });

  it('finds an increment that counts twice, where increments have no key, and needs one and what delays or doubles it', async () => {
    const failure = await firstFailure(counter(false), 50);
    expect(failure?.claim).toBe('each increment counts once');
    expect(left(failure)).toHaveLength(2);
    expect(left(failure)).toContain('increment');
  });

  it('finds what never comes to be: a client that asks once', async () => {
    const once: FaultRunOptions<FaultWorld> = {
      nodes: ['server', 'client'],
      faults: ['drop', 'partition'],
      spared: ['server'],
      world: (network) => {
        let [wanted, done] = [0, 0];
        network.boot((node) => node.onRequest(() => 'done'), 'server');
        network.boot(() => undefined);
        const run = async (node: SimulatedNode): Promise<void> => {
          wanted++;
          if ((await node.call('server', 'increment', { timeoutMs: 100 })).ok) done++;
        };
        return { operations: { increment: { nodes: ['client'], run } }, progress: { withinMs: 1_000, reached: () => done === wanted } };
      },
      invariants: {},
    };
    const failure = await firstFailure(once, 20);
    expect(failure).toMatchObject({ claim: 'progress', problem: 'not reached within 1000 ms after everything was healed' });
    expect(left(failure)).toHaveLength(2);
    expect(failure?.trace).toContainEqual(expect.stringMatching(/ heal everything$/u));
  });

  it('lets pass what is right, over 200 seeds each: keys for increments, a fence for the lock, a quorum of those who agree', async () => {
    expect(await firstFailure(counter(true), 200)).toBeUndefined();
    expect(await firstFailure(lock(true), 200)).toBeUndefined();
    expect(await firstFailure(quorum(false), 200)).toBeUndefined();
  });

  it('strikes with every kind of fault', async () => {
    const struck = new Set<string>();
    for (let seed = 1; seed <= 20; seed++) for (const kind of Object.keys((await faultRun({ ...counter(true), seed })).struck)) struck.add(kind);
    expect([...struck].sort()).toEqual([...networkFaultKinds].sort());
  });

  it('is the same for the same seed, to the line, and another for another', async () => {
    const [first, again, other] = [
      await faultRun({ ...counter(true), seed: 5 }),
      await faultRun({ ...counter(true), seed: 5 }),
      await faultRun({ ...counter(true), seed: 6 }),
    ];
    expect(again.trace).toEqual(first.trace);
    expect(again).toEqual(first);
    expect(first.trace.length).toBeGreaterThan(100);
    expect(other.schedule).not.toEqual(first.schedule);
    expect(other.trace).not.toEqual(first.trace);
  });

  it('fails again by what its failure reports, line by line', async () => {
    const found = await firstFailure(quorum(true), 20);
    const { seed, schedule } = JSON.parse(JSON.stringify(found)) as Pick<FaultRunFailure, 'seed' | 'schedule'>;
    const again = await failureOf({ ...quorum(true), seed, schedule });
    expect(again?.message).toBe(found?.message);
    expect(again?.message).toContain(`again: faultRun({ …, seed: ${seed}, schedule: {"steps":[`);
    expect(again?.message).toMatch(/ {2}steps: 2\n +\d+ ms {2}propose on n\d "\w+"\n/u);
    // And what was found holds with the fault mended.
    expect(await failureOf({ ...quorum(false), seed, schedule })).toBeUndefined();
  });

  it('says so where a world does not repeat', async () => {
    let runs = 0;
    const failure = await failureOf<FaultWorld>({
      nodes: 1,
      world: (network) => {
        const run = ++runs;
        network.boot((node) => node.note(`run ${run}`));
        return { operations: {} };
      },
      invariants: { never: () => 'it is so' },
    });
    expect(failure).toMatchObject({ claim: 'never', note: expect.stringMatching(/not deterministic/u) as string });
    expect(runs).toBe(2);
  });

  it('takes a throw, a rejection and a program that never rests for failures', async () => {
    const world = (start: (node: SimulatedNode) => void, run: () => void | Promise<void> = () => undefined): FaultRunOptions<FaultWorld> => ({
      nodes: 2,
      faultShare: 0,
      network: { mostEvents: 100 },
      world: (network) => {
        network.boot(start);
        return { operations: { act: { run } } };
      },
      invariants: {},
    });
    const ignore = (): void => undefined;
    const thrown = await failureOf(
      world(ignore, () => {
        throw new Error('no');
      }),
    );
    expect(thrown).toMatchObject({ claim: 'nothing throws', problem: expect.stringMatching(/^n\d act on n\d, at 0 ms: Error: no$/u) as string });
    expect(thrown?.schedule.steps).toHaveLength(1);
    const rejected = await failureOf(world(ignore, () => Promise.reject(new Error('never'))));
    expect(rejected?.problem).toMatch(/Error: never$/u);
    const restless = await failureOf(
      world((node) => {
        const again = (): void => void node.clock.setTimeout(again, 0);
        again();
      }),
    );
    expect(restless?.problem).toBe('100 events and no end by 0 ms');
  });

  it('takes what an invariant or the progress throws for a problem of it: the seed is told, and the schedule is made short', async () => {
    const run = { nodes: 2, seed: 7, world: (network: SimulatedNetwork) => ({ operations: {}, boots: network.boot(() => undefined) }) };
    const early = (_: FaultWorld, network: SimulatedNetwork): undefined => {
      expect(network.now()).toBeLessThan(500);
    };
    const invariant = await failureOf({ ...run, invariants: { early } });
    expect(invariant).toMatchObject({ claim: 'early', seed: 7, cause: { name: 'AssertionError' }, note: undefined });
    expect(invariant?.problem).toMatch(/^AssertionError: expected \d+ to be less than 500/u);
    expect(invariant?.schedule.steps.length).toBeLessThanOrEqual(1);
    for (const method of ['begin', 'reached'] as const) {
      const progress = { withinMs: 100, reached: () => true, [method]: raiseError };
      const failure = await failureOf({ ...run, world: (network) => ({ ...run.world(network), progress }), invariants: {} });
      expect(failure).toMatchObject({ claim: 'progress', problem: 'Error: it broke', seed: 7 });
      expect(failure?.schedule.steps).toEqual([]);
    }
  });

  it('takes an actor that fails for a failure, where the node is told', async () => {
    const fragile = setup({ types: { events: {} as { type: 'touch' } }, actions: { break: () => raiseError() } }).createMachine({
      id: 'fragile',
      on: { touch: { actions: 'break' } },
    });
    const run = faultRun({
      nodes: 1,
      faultShare: 0,
      world: (network) => {
        const touches: string[] = [];
        network.boot((node) => {
          const actor = createActor(fragile, { clock: node.clock });
          actor.subscribe({ error: node.fail });
          actor.start();
          node.onMessage(() => actor.send({ type: 'touch' }));
        });
        return { touches, operations: { touch: { run: (node) => node.send('n1', touches.push('touched')) } } };
      },
      invariants: { few: ({ touches }) => (touches.length > 1_000 ? 'too many' : undefined) },
    });
    await expect(run).rejects.toMatchObject({ claim: 'nothing throws', problem: 'n1, at 0 ms: Error: it broke' });
  });

  it('makes inputs simple by what an operation knows of them', async () => {
    const failure = await failureOf<FaultWorld & { readonly most: () => number }>({
      nodes: 1,
      world: (network) => {
        let most = 0;
        network.boot(() => undefined);
        const run = (_: SimulatedNode, by: number): void => {
          most = Math.max(most, by);
        };
        return { most: () => most, operations: { add: { input: () => 50, simpler: (by: number) => (by > 0 ? [by - 1] : []), run } } };
      },
      invariants: { small: ({ most }) => (most() > 40 ? `${most()}` : undefined) },
    });
    expect(failure?.schedule.steps).toEqual([{ atMs: 0, operation: 'add', node: 'n1', input: 41 }]);
  });

  it('refuses what means nothing', async () => {
    const right = counter(true);
    const wrong: readonly [Partial<Record<keyof FaultRunOptions<FaultWorld>, unknown>>, RegExp][] = [
      [{ fautls: [] } as object, /options of `faultRun`/u],
      [{ faults: ['flood'] }, /`faults` out of partition/u],
      [{ spared: ['d'] }, /`spared` out of the nodes server, a, b/u],
      [{ faultShare: 2 }, /`faultShare`/u],
      [{ nodes: ['a', 'a'] }, /names that differ/u],
      [{ network: { seed: 3 } }, /`network`/u],
      [{ steps: -1 }, /`steps`/u],
      [{ schedule: { steps: [{ atMs: 0, operation: 'decrement', node: 'a' }] } }, /a schedule of the operations increment/u],
    ];
    for (const [options, says] of wrong) {
      const refused = faultRun({ ...right, ...options } as unknown as FaultRunOptions<FaultWorld>);
      await expect(refused).rejects.toThrow(says);
      await expect(refused).rejects.toMatchObject({ code: 'testing/invalid-options' });
    }
  });

  it.each([
    [null, /`schedule` to be an object/u],
    [{ steps: {} }, /`schedule`, with `steps`/u],
    [{ steps: [], isCalm: 1 }, /`schedule.isCalm`, true or false/u],
    [{ steps: [], calm: true }, /`schedule` with the keys steps, isCalm/u],
    [{ steps: [null] }, /step 1 of `schedule` to be an object/u],
    [{ steps: [{ atMs: 0, fault: 'flood', node: 'a' }] }, /`fault` of step 1 of `schedule` out of partition/u],
    [{ steps: [{ atMs: 0, fault: 'pause', node: 'd', forMs: 1 }] }, /`node` of step 1 of `schedule` out of the nodes server, a, b/u],
    [{ steps: [{ atMs: 0, fault: 'pause', node: 'a' }] }, /`forMs` of step 1 of `schedule`/u],
    [{ steps: [{ atMs: 0, fault: 'pause', node: 'a', forMs: Number.NaN }] }, /`forMs` of step 1 of `schedule`/u],
    [{ steps: [{ atMs: 0, fault: 'crash', node: 'a', forMs: -1 }] }, /`forMs` of step 1 of `schedule`/u],
    [{ steps: [{ atMs: 0, fault: 'pause', node: 'a', forMs: 1, rate: 2 }] }, /step 1 of `schedule` with the keys atMs, fault, node, forMs/u],
    [{ steps: [{ atMs: 0, fault: 'clockJump', node: 'a', byMs: -5 }] }, /`byMs` of step 1/u],
    [{ steps: [{ atMs: 0, fault: 'wallJump', node: 'a', byMs: '5' }] }, /`byMs` of step 1 of `schedule`, a number of ms/u],
    [{ steps: [{ atMs: 0, fault: 'drift', node: 'a', rate: 0, forMs: 1 }] }, /`rate` of step 1 of `schedule`, a number above 0/u],
    [{ steps: [{ atMs: 0, fault: 'drop', from: 'a', to: 'b', chance: 2, forMs: 1 }] }, /`chance` of step 1 of `schedule`, a chance of 0 to 1/u],
    [{ steps: [{ atMs: 0, fault: 'slow', from: 'a', to: 'z', byMs: 1, forMs: 1 }] }, /`to` of step 1 of `schedule` out of the nodes/u],
    [{ steps: [{ atMs: 0, fault: 'partition', sides: ['a', 'b'], oneWay: false, forMs: 1 }] }, /`sides` of step 1 of `schedule`, two lists/u],
    [{ steps: [{ atMs: 0, fault: 'partition', sides: [['a'], ['a']], oneWay: false, forMs: 1 }] }, /`sides` .* each has other nodes/u],
    [{ steps: [{ atMs: 0, operation: 1, node: 'a' }] }, /`operation` of step 1 of `schedule`, the name of an operation/u],
    [{ steps: [{ atMs: Number.NaN, operation: 'increment', node: 'a' }] }, /`atMs` of step 1 of `schedule`, ms of at least 0/u],
    [
      {
        steps: [
          { atMs: 5, operation: 'increment', node: 'a' },
          { atMs: 4, operation: 'increment', node: 'a' },
        ],
      },
      /in the order of their moments/u,
    ],
  ])('refuses a schedule that means nothing, before anything starts: %j', async (schedule, says) => {
    let booted = 0;
    const right = counter(true);
    const world: typeof right.world = (network) => {
      booted++;
      return right.world(network);
    };
    const refused = faultRun({ ...right, world, schedule: schedule as unknown as Schedule });
    await expect(refused).rejects.toThrow(says);
    await expect(refused).rejects.toMatchObject({ code: 'testing/invalid-options' });
    expect(booted).toBe(0);
  });
});
