/** The model of a probe's chart: what its lane brings. What it must be and say is reckoned here, by the words of the guide. */
import { type Answer, type ProbeEmitted, type ProbeInput, probeMachine } from '../../../machines/health/probe.js';
import type { Health, Outcome } from '../../../machines/health/verdict.js';
import type { EventCase, Model } from '../model/model.js';
import type { Run } from '../model/run.js';

type ProbeRun = Run<typeof probeMachine>;
type Case = EventCase<typeof probeMachine, never>;

/** Where a probe is. */
interface Place {
  readonly health: Health;
  readonly isFlapping: boolean;
  readonly isSilent: boolean;
  readonly isOverdue: boolean;
}

const fresh: Place = { health: 'unknown', isFlapping: false, isSilent: false, isOverdue: false };
const begins = (more: Partial<Place> = {}): ProbeInput => ({ id: 'db', ...fresh, ...more });

/** By its states; what it remembers is held to them by an invariant. */
const placeOf = ({ snapshot: { value } }: Pick<ProbeRun, 'snapshot'>): Place => ({
  health: value.verdict as Health,
  isFlapping: value.flap === 'flapping',
  isSilent: value.hearing === 'silent',
  isOverdue: value.pace === 'overdue',
});

const words = (facts: readonly object[]): string =>
  facts
    .map((fact) => JSON.stringify(fact))
    .sort()
    .join(' ');

/** It was somewhere, and is now there, and has said this. */
function owes(run: ProbeRun, changes: Partial<Place>, ...facts: readonly ProbeEmitted[]): string | undefined {
  const place = placeOf(run);
  const wanted = { ...placeOf({ snapshot: run.before }), ...changes };
  if (JSON.stringify(place) !== JSON.stringify(wanted)) return `it is ${JSON.stringify(place)}, not ${JSON.stringify(wanted)}`;
  const [got, due] = [words(run.emittedNow), words(facts)];
  return got === due ? undefined : `emitted ${got}, not ${due}`;
}

function judges(outcome: Outcome, health: Health, isFlapping: boolean): Case {
  const answer: Answer = { outcome, because: 'said', detail: null };
  return {
    payload: { answer, health, isFlapping } as never,
    owes: (run) => {
      const was = placeOf({ snapshot: run.before });
      const facts: ProbeEmitted[] = [];
      if (isFlapping && !was.isFlapping) facts.push({ type: 'probe.flapped' });
      if (was.isFlapping && !isFlapping) facts.push({ type: 'probe.settled', health });
      // Of one that flaps nothing more is told but that it became unhealthy.
      if (was.health !== health && (health === 'unhealthy' || !isFlapping))
        facts.push({ type: 'probe.changed', from: was.health, to: health, answer });
      if (was.isSilent) facts.push({ type: 'probe.heard' });
      return owes(run, { health, isFlapping, isSilent: false }, ...facts);
    },
  };
}

export const probeModel: Model<typeof probeMachine> = {
  machine: probeMachine,
  inputs: {
    'a probe': begins(),
    'one that was healthy, and hangs': begins({ health: 'healthy', isOverdue: true }),
    'one that was degraded, and flapping': begins({ health: 'degraded', isFlapping: true }),
    'one that was unhealthy, and silent': begins({ health: 'unhealthy', isSilent: true }),
  },
  events: {
    'result.judged': {
      'it is healthy': judges('ok', 'healthy', false),
      'it is degraded': judges('degraded', 'degraded', false),
      'it is unhealthy': judges('failed', 'unhealthy', false),
      'it flaps, and is healthy': judges('ok', 'healthy', true),
      'it flaps, and is degraded': judges('failed', 'degraded', true),
      'it flaps, and is unhealthy': judges('failed', 'unhealthy', true),
    },
    'result.missed': {
      'there is no result': {
        owes: (run) => owes(run, { isSilent: true }, ...(placeOf({ snapshot: run.before }).isSilent ? [] : [{ type: 'probe.silenced' } as const])),
      },
    },
    'check.overdue': { 'a check hangs': { owes: (run) => owes(run, { isOverdue: true }) } },
    'check.ended': { 'the check has ended': { owes: (run) => owes(run, { isOverdue: false }) } },
  },
  /** What it is given to begin with, is where it begins, and nothing is said of that. */
  observe: (run) => {
    const { notes, before } = run;
    if (notes['began'] !== undefined) return;
    const { health, isFlapping, isSilent, isOverdue } = before.context;
    notes['began'] =
      JSON.stringify({ health, isFlapping, isSilent, isOverdue }) === JSON.stringify(placeOf({ snapshot: before })) ? 'there' : 'elsewhere';
  },
  invariants: {
    'it begins where a former incarnation was': ({ notes }) => (notes['began'] === 'elsewhere' ? 'it begins elsewhere' : undefined),
    'its states are what it remembers': (run) => {
      const { health, isFlapping, isSilent, isOverdue } = run.snapshot.context;
      const [got, wanted] = [JSON.stringify(placeOf(run)), JSON.stringify({ health, isFlapping, isSilent, isOverdue })];
      return got === wanted ? undefined : `${got}, not ${wanted}`;
    },
  },
};
