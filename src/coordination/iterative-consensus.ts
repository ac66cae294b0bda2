/** An iterative consensus as a protocol: its terms, checked, and its chart with somebody who asks. */
import { iterativeConsensusMachine } from '../../machines/coordination/iterative-consensus.js';
import type { IterativeDecision, IterativeTerms } from '../../machines/coordination/iterative-consensus-events.js';
import { keysOf } from '../../machines/supervision/option-keys.js';
import { EspalierError } from '../errors.js';
import { jsonOf, optionChecks, shown, sortOf } from '../option-checks.js';
import { withInput } from '../supervision/supervisors.js';
import { insufficient } from './coordinator-options.js';
import { type Protocol, questions } from './protocol.js';

/** By what agents come to agree. A name that is not here is refused. */
export interface IterativeConsensusOptions {
  /** What is to be agreed on: JSON, for the agents. Default null. */
  readonly about?: unknown;
  /** How many at the most. Default 5, at most 1 000. */
  readonly rounds?: number;
  /** The share of those who take part that has to propose the same, above 0.5 and at most 1. Default 0.95. */
  readonly agreement?: number;
  /** Who does not answer, or not with a proposal, has left, and is not asked again: do the others go on, or does it fail? Default `goOn`. */
  readonly departures?: 'goOn' | 'fail';
  /** The share of those who were asked at first that has to be there in each round, 0 to 1. Default 0.5. */
  readonly quorum?: number;
  /** Are agents shown who proposed what (`named`), or only what, and how many did? Default `anonymous`. */
  readonly proposals?: 'anonymous' | 'named';
  /** How long the agents have for each round, ms. Default 5 000. */
  readonly withinMs?: number;
}

/** `iterative/invalid-options`: what was expected to be what, and what came. */
function invalid(name: string, expected: string, got: unknown): EspalierError {
  return new EspalierError('iterative/invalid-options', { expected: `${name}: ${expected}`, got });
}

const { requireOptions, duration, count } = optionChecks(invalid);

const keys = keysOf<IterativeConsensusOptions>({
  ...({ about: true, rounds: true, agreement: true, departures: true } as const),
  ...({ quorum: true, proposals: true, withinMs: true } as const),
});

/**
 * An iterative consensus. In each round an agent is asked `{ ask: 'propose', about, round, rounds, proposals }`, with the proposals of the round before: none in the
 * first; `{ value, count }`, the most first; or, `named`, `{ agent, value }`. It answers `{ value }`. Values are the same where they are the same JSON, whatever the
 * order of their keys.
 * @throws EspalierError `iterative/invalid-options`
 */
export function iterativeConsensus(options: IterativeConsensusOptions = {}): Protocol<IterativeDecision> {
  const terms = planConsensus(options);
  return {
    name: 'iterativeConsensus',
    requireAgents: (agents) => {
      if (agents.length === 0) throw insufficient('at least 1 agent for a consensus', 0);
    },
    logic: (requests) => withInput(iterativeConsensusMachine.provide({ actors: { questions: questions(requests) } }), terms),
  };
}

/** @throws EspalierError `iterative/invalid-options` */
function planConsensus(options: IterativeConsensusOptions): IterativeTerms {
  requireOptions('the options of an iterative consensus', options, keys);
  const { about = null, agreement = 0.95, departures = 'goOn', quorum = 0.5, proposals = 'anonymous' } = options;
  if (typeof agreement !== 'number' || !(agreement > 0.5 && agreement <= 1))
    throw invalid('agreement', 'a share above 0.5, at most 1', shown(agreement));
  if (typeof quorum !== 'number' || !(quorum >= 0 && quorum <= 1)) throw invalid('quorum', 'a share, 0 to 1', shown(quorum));
  if (!['goOn', 'fail'].includes(departures)) throw invalid('departures', 'goOn or fail', sortOf(departures));
  if (!['anonymous', 'named'].includes(proposals)) throw invalid('proposals', 'anonymous or named', sortOf(proposals));
  const told = jsonOf(about);
  if (told === null) throw invalid('about', 'JSON', sortOf(about));
  return {
    ...{ about: JSON.parse(told) as unknown, agreement, departures, quorum, proposals },
    rounds: count('rounds', options.rounds, 5, 1_000),
    withinMs: duration('withinMs', options.withinMs, 5_000),
  };
}
