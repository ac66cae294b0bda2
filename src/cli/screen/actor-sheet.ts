/** One actor at a moment, as the inspector's page of it tells: for people and as JSON. */
import { activeStates, edgeWords, nextEvents } from '../../charts/active.js';
import { crashText, gaveUpText, reasonText, valueText } from '../../recording/exports/story.js';
import { actorAt } from '../../recording/scene-places.js';
import { lineageOf } from '../../recording/scene-lineage.js';
import { budgetOf } from '../../recording/scene-supervision.js';
import type { Scene, SceneActor } from '../../recording/scene.js';
import type { RecordedChart } from '../../wire/recording/chart.js';
import { bare } from '../conceal.js';
import { usageError } from '../usage.js';
import type { Line, Tone } from './spans.js';

/** Columns of the names of rows. */
const nameWidth = 14;
/** How much of a context is shown, characters. */
const longestContext = 2_000;

/** The actor at a path, by the rule of {@link actorAt}. @throws EspalierError `cli/usage` where the scene has no such actor */
export function actorIn(scene: Scene, path: string): SceneActor {
  const actor = actorAt(scene.actors, path);
  if (actor !== undefined) return actor;
  const some = [...scene.actors.keys()].slice(0, 10);
  const more = scene.actors.size > some.length ? `, and ${scene.actors.size - some.length} more` : '';
  throw usageError(`--actor: the path of an actor (there are ${some.join(', ')}${more})`, bare(path));
}

/** As JSON. */
export function actorData(scene: Scene, asked: string): object {
  const actor = actorIn(scene, asked);
  const { path } = actor;
  const { definition, active, next } = chartFacts(scene, actor);
  return {
    type: 'actor',
    seq: scene.seq,
    at: scene.at,
    ...actor,
    budget: budgetOf(actor, scene.at),
    children: [...scene.childrenOf(path)],
    activeStates: active,
    nextEvents: next.map(({ type, edges }) => ({ type, edges: edges.map(({ id }) => id) })),
    lineage: lineageOf(scene.actors, actor).map((one) => ({ path: one.path, run: one.run, startedAt: one.startedAt, exit: one.exit })),
    deadLetters: scene.deadLetters.filter((line) => line.actor === path),
    unhandled: scene.unhandled.filter((line) => line.actor === path),
    definition: definition ?? null,
  };
}

/** As lines for people. */
export function actorSheet(scene: Scene, asked: string): readonly Line[] {
  const actor = actorIn(scene, asked);
  const { definition, next } = chartFacts(scene, actor);
  const { path, counts, last, timers, gaveUp } = actor;
  const budget = budgetOf(actor, scene.at);
  const context = actor.context === undefined ? '' : JSON.stringify(actor.context);
  const rows: (readonly [string, string, Tone?])[] = [
    ['actor', path, 'strong'],
    ['runs', [actor.machine ?? actor.src ?? '', actor.logic].filter((word) => word !== '').join(', ')],
    ['state', actor.value === undefined ? (actor.isBrief ? 'not watched' : actor.status) : valueText(actor.value), 'busy'],
    ['status', actor.exit === null ? actor.status : `${actor.status}: ${reasonText(actor.exit.reason)}`, actor.status === 'error' ? 'bad' : 'plain'],
    ['run', `${actor.run}${actor.replaces === null ? '' : `, in place of ${actor.replaces}`}`],
    ['restarts', budget === null ? '' : `${budget.used} of ${budget.intensity} in ${budget.periodMs / 1_000} s`],
    ['gave up', gaveUp === null ? '' : gaveUpText(gaveUp), 'bad'],
    ['counts', `${counts.events} events, ${counts.transitions} transitions, ${counts.unhandled} not handled, ${counts.dead} to the dead`],
    ['last', last === null ? '' : `line ${last.seq}: ${stepText(last, definition)}`, last?.crash === undefined ? 'plain' : 'bad'],
    ...timers.map((timer, index) => [index === 0 ? 'timers' : '', `${timer.event} in ${Math.max(0, timer.dueAt - scene.at)} ms`] as const),
    ['next events', next.map(({ type }) => type).join(', ')],
    ['children', scene.childrenOf(path).join(', ')],
    ['context', context.length > longestContext ? `${context.slice(0, longestContext)}… (--json has all)` : context],
  ];
  const runs = lineageOf(scene.actors, actor);
  const lineage = runs.map(({ path: one, run, exit }): readonly [string, string, Tone] => [
    `run ${run}`,
    `${one}: ${exit === null ? 'lives' : `ended at line ${exit.seq}: ${reasonText(exit.reason)}`}`,
    exit === null ? 'good' : 'plain',
  ]);
  // One that ran before anybody looked has an end, and no beginning.
  const first = runs.at(-1);
  const unseen = first === undefined ? undefined : scene.exits.findLast((line) => line.actor === first.replaces);
  if (first !== undefined && unseen !== undefined)
    lineage.push([`run ${first.run - 1}`, `${unseen.actor}: ended at line ${unseen.seq}: ${reasonText(unseen.reason)}`, 'plain']);
  const told = [...rows, ...(lineage.length > 1 ? lineage : [])].filter(([, shown]) => shown !== '');
  return told.map(([name, shown, tone = 'plain']) => [
    { text: `${name.padEnd(nameWidth)}  `, tone: 'quiet' },
    { text: shown, tone },
  ]);
}

/** What became of the last event: the edges it took, the crash it was, or that nobody handled it. */
function stepText({ name, taken, crash }: NonNullable<SceneActor['last']>, definition: RecordedChart | undefined): string {
  const words = definition === undefined ? taken : edgeWords(definition, taken);
  const event = name === null ? '' : `${name}: `;
  if (crash !== undefined) return [...words, `${event}crashed it: ${crashText(crash)}`].join('; ');
  return words.length === 0 ? `${event}no transition` : words.join('; ');
}

function chartFacts(scene: Scene, actor: SceneActor) {
  const definition = scene.machines.get(actor.machine ?? '');
  if (definition === undefined || actor.exit !== null) return { definition, active: [], next: [] };
  const active = activeStates(definition, actor.value);
  return { definition, active, next: nextEvents(definition, active) };
}
