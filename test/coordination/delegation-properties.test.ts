/** Whatever tree, whoever fails when, and in whatever order all are heard: it ends as one says who walks the tree by himself, and wrong ones are caught. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createActor, type EventObject, fromCallback } from 'xstate';
import { delegationMachine } from '../../machines/coordination/delegation.js';
import type {
  ClusterTerms,
  CombinerInput,
  DelegationEnd,
  DelegationEvent,
  DelegationInput,
  DelegationQuestion,
  LevelTerms,
  Required,
} from '../../machines/coordination/delegation-events.js';
import { combinedBy } from '../../machines/coordination/delegation-rules.js';
import type { QuestionsInput } from '../../machines/coordination/protocol-events.js';
import { drawnOrder } from '../../machines/coordination/tie.js';

/** What comes of asking, whatever the question: a word that fits, or one of these. */
const failures = ['crashed', 'late', 'invalid', 'refused'] as const;
type Failure = (typeof failures)[number];

/** How an agent behaves. */
interface Nature {
  /** As a bit for each part: who has one. 0: all have the task as it is. */
  readonly delegate: number | Failure;
  readonly work: number | string;
  readonly report: 'fine' | Failure;
  /** What it makes of others' results. */
  readonly makes: number | string;
}

interface Scene {
  readonly input: DelegationInput;
  readonly natures: Readonly<Record<string, Nature>>;
  /** In which order those of a round are heard. */
  readonly order: number;
}

const failing = (weight: number): { weight: number; arbitrary: fc.Arbitrary<Failure> } => ({ weight, arbitrary: fc.constantFrom(...failures) });
const natures: fc.Arbitrary<Nature> = fc.record({
  delegate: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 2, arbitrary: fc.integer({ min: 1, max: 15 }) }, failing(2)),
  work: fc.oneof({ weight: 5, arbitrary: fc.integer({ min: 0, max: 2 }) }, { weight: 1, arbitrary: fc.constant('x') }, failing(2)),
  report: fc.oneof({ weight: 5, arbitrary: fc.constant('fine' as const) }, failing(2)),
  makes: fc.oneof({ weight: 4, arbitrary: fc.integer({ min: 0, max: 2 }) }, { weight: 1, arbitrary: fc.constant('y') }),
});
const required: fc.Arbitrary<Required> = fc.oneof(
  { weight: 1, arbitrary: fc.constant<Required>('all') },
  { weight: 2, arbitrary: fc.constant<Required>('any') },
  { weight: 2, arbitrary: fc.constantFrom(0, 0.5, 2 / 3, 1).map((quorum): Required => ({ quorum })) },
);
const level = (isTop: boolean): fc.Arbitrary<LevelTerms> =>
  fc.record({
    rule: fc.constantFrom(...(isTop ? (['list', 'sum', 'majority'] as const) : (['list', 'sum', 'majority', 'representative'] as const))),
    required,
    replacements: fc.integer({ min: 0, max: 2 }),
    withinMs: fc.constant(10),
  });

/** Trees of up to three levels: by how many agents each cluster has, and whose it is. */
const trees: fc.Arbitrary<readonly ClusterTerms[]> = fc
  .array(fc.record({ size: fc.integer({ min: 1, max: 4 }), above: fc.nat() }), { minLength: 1, maxLength: 5 })
  .map((given) => {
    const all: { name: string; above: string | null; level: number; agents: string[]; clusters: string[] }[] = [];
    for (const [nth, { size, above }] of given.entries()) {
      const parent = all[above % (all.length + 1)];
      const isBelow = parent !== undefined && parent.level < 3;
      const agents = Array.from({ length: size }, (_, index) => `${String.fromCodePoint(97 + nth)}${index}`);
      all.push({ name: `k${nth}`, above: isBelow ? parent.name : null, level: isBelow ? parent.level + 1 : 1, agents, clusters: [] });
      if (isBelow) parent.clusters.push(`k${nth}`);
    }
    return all;
  });

const scenes: fc.Arbitrary<Scene> = trees.chain((clusters) => {
  const agents = clusters.flatMap((cluster) => cluster.agents);
  return fc
    .record({
      levels: fc.tuple(level(true), level(false), level(false), level(false)),
      seed: fc.nat(),
      succession: fc.constantFrom('order' as const, 'drawn' as const),
      all: fc.array(natures, { minLength: agents.length, maxLength: agents.length }),
      order: fc.nat(),
    })
    .map(({ levels, seed, succession, all, order }) => ({
      input: { session: 's', agents, seed, task: 'do', clusters, levels, workMs: 10, succession },
      natures: Object.fromEntries(agents.map((agent, nth) => [agent, all[nth] as Nature])),
      order,
    }));
});

const isFailure = (word: unknown): word is Failure => failures.includes(word as Failure);

/** Of parts, those that a mask names; all where that would be none. */
function chosen<Part>(parts: readonly Part[], mask: number): readonly Part[] {
  const some = parts.filter((_, nth) => ((mask >> nth) & 1) === 1);
  return some.length === 0 ? parts : some;
}

/** What an agent answers. */
function answerOf({ delegate, work, report, makes }: Nature, question: DelegationQuestion): unknown {
  const word = question.ask === 'delegate' ? delegate : question.ask === 'work' ? work : report;
  if (isFailure(word)) return word;
  if (question.ask === 'work') return { result: word };
  if (question.ask === 'approve') return { approve: true };
  if (question.ask === 'combine') return { result: makes };
  return word === 0 ? { accept: true } : { tasks: Object.fromEntries(chosen(question.parts, Number(word)).map(({ name }) => [name, 'part'])) };
}

/** Runs it, with those of each round heard in that order. @param asked  is told who is asked what */
function play({ input, natures: all, order }: Scene, asked: (word: string) => void = () => {}, combine = combinedBy): DelegationEnd {
  const questions = fromCallback<EventObject, QuestionsInput>(({ sendBack, input: { questions: put } }) => {
    const tell = (event: DelegationEvent): void => sendBack(event);
    for (const { id, agent, body } of drawnOrder(
      order,
      'heard',
      put.map((one) => one.agent),
    ).map((name) => put.find((one) => one.agent === name)!)) {
      asked(`${agent} ${(body as DelegationQuestion).ask}`);
      const answer = answerOf(all[agent] as Nature, body as DelegationQuestion);
      const value = answer === 'refused' ? { decline: true } : answer === 'invalid' ? 'what?' : answer;
      const isLost = answer === 'late' || answer === 'crashed';
      tell({ type: 'question.answered', id, agent, outcome: isLost ? { ok: false, reason: answer } : { ok: true, value } });
    }
    tell({ type: 'questions.answered' });
  });
  const combiner = fromCallback<EventObject, CombinerInput>(({ sendBack, input: { offers, rule } }) => {
    sendBack({ type: 'level.combined', values: offers.map((offer) => combine(rule, offer)) } satisfies DelegationEvent);
  });
  const actor = createActor(delegationMachine.provide({ actors: { questions, combiner } }), { input });
  actor.start();
  return actor.getSnapshot().output as DelegationEnd;
}

/** How it ends, in a few words for each: of clusters the status, who spoke and what it delivered; of agents how they led and worked. */
interface Told {
  readonly end: unknown;
  readonly clusters: Record<string, unknown>;
  readonly agents: Record<string, unknown>;
}

function told(end: DelegationEnd): Told {
  const { clusters, agents } = end.outcome === 'decided' ? end.value : end.details;
  return {
    end: end.outcome === 'decided' ? [end.value.value] : end.why,
    clusters: Object.fromEntries(clusters.map(({ cluster, status, by, value }) => [cluster, [status, by, value]])),
    agents: Object.fromEntries(agents.map(({ agent, lead, work, result }) => [agent, [lead, work, result]])),
  };
}

/** The same by one who walks the tree: a cluster is done with, and all below it, before the next is looked at. */
function due({ input, natures: all }: Scene): Told {
  const { clusters, levels, seed, succession } = input;
  const ends: Record<string, unknown> = Object.fromEntries(clusters.map(({ name }) => [name, ['unasked', null, null]]));
  const led: Record<string, unknown> = {};
  const worked: Record<string, unknown> = {};
  const termsOf = (nth: number): LevelTerms => levels[nth] as LevelTerms;
  const suits = (rule: string, value: unknown): boolean => rule !== 'sum' || typeof value === 'number';

  /** What the rule makes of it; undefined: nothing. */
  function joined(rule: string, results: readonly { part: string; value: unknown }[], makes: unknown): unknown {
    if (rule === 'list') return results;
    if (rule === 'sum') return results.map(({ value }) => Number(value)).reduce((a, b) => a + b, 0);
    if (rule === 'representative') return makes;
    const texts = results.map(({ value }) => JSON.stringify(value));
    const most = texts.find((text) => texts.filter((other) => other === text).length * 2 > texts.length);
    return most === undefined ? undefined : JSON.parse(most);
  }

  function enough(need: Required, have: number, of: number): boolean {
    if (need === 'all') return have === of;
    return have > 0 && (need === 'any' || have + 1e-9 >= of * need.quorum);
  }

  /** What a cluster delivers; null: nothing. */
  function delivered({ name, agents, clusters: below, level: nth }: ClusterTerms): { readonly value: unknown } | null {
    const { rule, required: need, replacements } = termsOf(nth);
    const queue = succession === 'drawn' ? drawnOrder(seed, `lead ${name}`, agents) : [...agents];
    let lost = 0;
    /** Asks one after the other; null: nobody is left, undefined: it has declined. */
    const leads = (word: (nature: Nature) => unknown, isOut: (agent: string) => boolean): { by: string; said: unknown } | null | undefined => {
      for (;;) {
        while (queue.length > 0 && isOut(queue[0] as string)) queue.shift();
        const [by] = queue;
        if (by === undefined || lost > replacements) {
          ends[name] = ['leaderless', null, null];
          return null;
        }
        const said = word(all[by] as Nature);
        led[by] = isFailure(said) ? said : 'led';
        if (said === 'refused') {
          ends[name] = ['refused', by, null];
          return undefined;
        }
        if (!isFailure(said)) return { by, said };
        queue.shift();
        lost++;
      }
    };
    const first = leads(
      ({ delegate }) => delegate,
      () => false,
    );
    if (first === null || first === undefined) return null;
    const gone = new Set(agents.filter((agent) => led[agent] !== undefined));
    const others = [...agents.filter((agent) => !gone.has(agent)), ...below];
    const parts = chosen(others.length === 0 ? [first.by] : others, Number(first.said));
    const results: { part: string; value: unknown }[] = [];
    for (const part of parts) {
      const cluster = clusters.find((one) => one.name === part);
      if (cluster !== undefined) {
        const value = delivered(cluster);
        if (value !== null) results.push({ part, ...value });
        continue;
      }
      const { work } = all[part] as Nature;
      worked[part] = isFailure(work) ? work : suits(rule, work) ? 'delivered' : 'invalid';
      if (worked[part] === 'delivered') results.push({ part, value: work });
    }
    if (!enough(need, results.length, parts.length)) {
      ends[name] = ['tooFew', first.by, null];
      return null;
    }
    const common = rule === 'representative' ? null : joined(rule, results, null);
    if (common === undefined) {
      ends[name] = ['noResult', first.by, null];
      return null;
    }
    const last = leads(
      ({ report }) => report,
      (agent) => ['late', 'crashed', 'invalid'].includes(String(worked[agent])),
    );
    if (last === null || last === undefined) return null;
    const value = rule === 'representative' ? (all[last.by] as Nature).makes : common;
    if (!suits(termsOf(nth - 1).rule, value)) {
      ends[name] = ['invalid', last.by, null];
      return null;
    }
    ends[name] = ['delivered', last.by, value];
    return { value };
  }

  const tops = clusters.filter(({ above }) => above === null);
  const results = tops.flatMap((cluster) => {
    const value = delivered(cluster);
    return value === null ? [] : [{ part: cluster.name, ...value }];
  });
  const value = joined(termsOf(0).rule, results, null);
  const end = !enough(termsOf(0).required, results.length, tops.length) ? 'tooFew' : value === undefined ? 'noResult' : [value];
  const rows = input.agents.map((agent) => {
    const { work } = all[agent] as Nature;
    return [agent, [led[agent] ?? null, worked[agent] ?? null, worked[agent] === 'delivered' ? work : null]];
  });
  return { end, clusters: ends, agents: Object.fromEntries(rows) as Told['agents'] };
}

const differs = (scene: Scene, end: DelegationEnd): boolean => JSON.stringify(told(end)) !== JSON.stringify(due(scene));

describe('a delegation, whatever is said', () => {
  it('ends as one says who walks the tree by himself', { timeout: 60_000 }, () => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(scenes, (scene) => {
        const end = told(play(scene));
        for (const [status] of Object.values(end.clusters) as [string][]) seen.add(status);
        seen.add(typeof end.end === 'string' ? end.end : 'decided');
        expect(end).toEqual(due(scene));
      }),
      { numRuns: 1_000, seed: 20_261_123 },
    );
    const every = ['unasked', 'delivered', 'refused', 'leaderless', 'tooFew', 'noResult', 'invalid', 'decided'];
    expect(every.filter((status) => !seen.has(status))).toEqual([]);
  });

  it('is the same in whatever order they are heard', { timeout: 60_000 }, () => {
    fc.assert(
      fc.property(scenes, fc.nat(), (scene, order) => {
        expect(play({ ...scene, order })).toEqual(play(scene));
      }),
      { numRuns: 500 },
    );
  });

  it('asks nobody the same thing twice', { timeout: 60_000 }, () => {
    fc.assert(
      fc.property(scenes, (scene) => {
        const asked: string[] = [];
        play(scene, (word) => void asked.push(word));
        expect(new Set(asked).size).toBe(asked.length);
      }),
      { numRuns: 500 },
    );
  });
});

describe('a wrong delegation', () => {
  const caught = (wrong: (scene: Scene) => DelegationEnd): boolean =>
    fc.check(
      fc.property(scenes, (scene) => !differs(scene, wrong(scene))),
      { numRuns: 500, seed: 1 },
    ).failed;
  const withLevels = (scene: Scene, change: Partial<LevelTerms>): Scene => ({
    ...scene,
    input: { ...scene.input, levels: scene.input.levels.map((one) => ({ ...one, ...change })) },
  });

  it('is told from a right one', () => {
    expect(caught((scene) => play(scene))).toBe(false);
  });

  it.each<[string, (scene: Scene) => DelegationEnd]>([
    ['is content with any part', (scene) => play(withLevels(scene, { required: 'any' }))],
    ['replaces nobody', (scene) => play(withLevels(scene, { replacements: 0 }))],
    ['replaces without end', (scene) => play(withLevels(scene, { replacements: 9 }))],
    ['draws nothing', (scene) => play({ ...scene, input: { ...scene.input, succession: 'order' } })],
    [
      'counts a result twice',
      (scene) => play(scene, undefined, (rule, offer) => combinedBy(rule, { ...offer, results: [...offer.results.slice(0, 1), ...offer.results] })),
    ],
    ['loses a result', (scene) => play(scene, undefined, (rule, offer) => combinedBy(rule, { ...offer, results: offer.results.slice(1) }))],
    [
      'takes a refusal for a failure',
      (scene) => {
        const all = Object.entries(scene.natures).map(([agent, nature]) => [
          agent,
          nature.delegate === 'refused' ? { ...nature, delegate: 'late' } : nature,
        ]);
        return play({ ...scene, natures: Object.fromEntries(all) as Scene['natures'] });
      },
    ],
  ])('that %s is caught', (_, wrong) => {
    expect(caught(wrong)).toBe(true);
  });
});
