/** A vote as a protocol: its terms, checked, and its chart with somebody who asks. */
import { votingMachine } from '../../machines/coordination/voting.js';
import type { VotingDecision, VotingRule, VotingTerms } from '../../machines/coordination/voting-events.js';
import { keysOf } from '../../machines/supervision/option-keys.js';
import { EspalierError } from '../errors.js';
import { isPlainObject, jsonOf, optionChecks, shown, sortOf } from '../option-checks.js';
import { withInput } from '../supervision/supervisors.js';
import { insufficient } from './coordinator-options.js';
import { type Protocol, questions } from './protocol.js';

/** By what a vote is held. A name that is not here is refused. */
export interface VotingOptions {
  /** What can be voted for: texts, each once, at most 1 000. In the order that counts where nothing else does. */
  readonly options: readonly string[];
  /** What the vote is about: JSON, for the agents. Default null. */
  readonly about?: unknown;
  /** What makes an option the decision. Default `majority`. */
  readonly rule?: VotingRule;
  /** Of each agent by name, a whole number of 1 to 1 000 000 000: for the rule `weighted`, and for no other. */
  readonly weights?: Readonly<Record<string, number>>;
  /** The share of those who are asked that has to take part (a vote or an abstention), 0 to 1. Default 0.5; 1 for `unanimous`. None for `byzantine`, which has its own. */
  readonly quorum?: number;
  /** How many may tell each asker something else, for the rule `byzantine`. Default: as many as so many agents allow, less than a third. */
  readonly faults?: number;
  /** May an agent abstain? Else its abstention is an invalid vote. Default `allowed`. */
  readonly abstentions?: 'allowed' | 'refused';
  /** Where options are equal: does it fail, or is one of them drawn by the seed? Default `fail`. */
  readonly ties?: 'fail' | 'draw';
  /** Does it end, the same way, as soon as what is left cannot change its end? Default false. */
  readonly endsEarly?: boolean;
  /** How long the agents have, ms. Default 5 000. */
  readonly withinMs?: number;
}

/** `voting/invalid-options`: what was expected to be what, and what came. */
function invalid(name: string, expected: string, got: unknown): EspalierError {
  return new EspalierError('voting/invalid-options', { expected: `${name}: ${expected}`, got });
}

const { requireOptions, requireText, duration, count } = optionChecks(invalid);

const keys = keysOf<VotingOptions>({
  ...({ options: true, about: true, rule: true, weights: true, quorum: true, faults: true } as const),
  ...({ abstentions: true, ties: true, endsEarly: true, withinMs: true } as const),
});
const rules: readonly VotingRule[] = ['majority', 'plurality', 'weighted', 'unanimous', 'byzantine'];
const mostOptions = 1_000;
/** So that all of them together are counted without a fault. */
const mostWeight = 1_000_000_000;

/**
 * A vote. Each agent is asked `{ ask: 'vote', about, options, mayAbstain }` and answers `{ vote: option }` or `{ abstain: true }`; anything else is no vote, and is
 * named in the tally, as is who does not answer.
 * @throws EspalierError `voting/invalid-options`
 */
export function voting(options: VotingOptions): Protocol<VotingDecision> {
  const terms = planVoting(options);
  return {
    name: 'voting',
    requireAgents: (agents) => requireVoters(agents, terms),
    logic: (requests) => withInput(votingMachine.provide({ actors: { questions: questions(requests) } }), terms),
  };
}

/** @throws EspalierError `voting/invalid-options` */
function planVoting(options: VotingOptions): VotingTerms {
  requireOptions('the options of a vote', options, keys);
  const { about = null, rule = 'majority', abstentions = 'allowed', ties = 'fail', endsEarly = false, faults } = options;
  requireChoices(options.options);
  if (!rules.includes(rule)) throw invalid('rule', rules.join(', '), sortOf(rule));
  const isByzantine = rule === 'byzantine';
  if (isByzantine && options.quorum !== undefined)
    throw invalid('quorum', 'nothing with the rule byzantine, which has its own', shown(options.quorum));
  if (!isByzantine && faults !== undefined) throw invalid('faults', 'nothing but with the rule byzantine', shown(faults));
  if (!['allowed', 'refused'].includes(abstentions)) throw invalid('abstentions', 'allowed or refused', sortOf(abstentions));
  if (!['fail', 'draw'].includes(ties)) throw invalid('ties', 'fail or draw', sortOf(ties));
  if (typeof endsEarly !== 'boolean') throw invalid('endsEarly', 'true or false', sortOf(endsEarly));
  const { quorum = rule === 'unanimous' ? 1 : 0.5 } = options;
  if (typeof quorum !== 'number' || !(quorum >= 0 && quorum <= 1)) throw invalid('quorum', 'a share, 0 to 1', shown(quorum));
  const told = jsonOf(about);
  if (told === null) throw invalid('about', 'JSON', sortOf(about));
  return {
    ...{ options: [...options.options], about: JSON.parse(told) as unknown, rule, quorum, abstentions, ties, endsEarly },
    weights: planWeights(rule, options.weights),
    faults: faults === undefined ? null : count('faults', faults, 1),
    withinMs: duration('withinMs', options.withinMs, 5_000),
  };
}

function requireChoices(choices: unknown): asserts choices is readonly string[] {
  if (!Array.isArray(choices) || choices.length === 0 || choices.length > mostOptions)
    throw invalid('options', `a list of 1 to ${mostOptions} texts`, Array.isArray(choices) ? choices.length : sortOf(choices));
  for (const [index, option] of choices.entries()) requireText(`options[${index}]`, option);
  if (new Set(choices).size < choices.length) throw invalid('options', 'each option once', 'one more than once');
}

function planWeights(rule: VotingRule, weights: VotingOptions['weights']): VotingTerms['weights'] {
  if (rule !== 'weighted') {
    if (weights !== undefined) throw invalid('weights', 'nothing but with the rule weighted', sortOf(weights));
    return {};
  }
  if (!isPlainObject(weights)) throw invalid('weights', 'an object of numbers by agent', sortOf(weights));
  const entries = Object.entries(weights);
  const wrong = entries.find(([, weight]) => !Number.isInteger(weight) || weight < 1 || weight > mostWeight);
  if (wrong !== undefined) throw invalid('weights', `whole numbers, 1 to ${mostWeight}`, shown(wrong[1]));
  return Object.fromEntries(entries);
}

function requireVoters(agents: readonly string[], { rule, faults, weights }: VotingTerms): void {
  if (agents.length === 0) throw insufficient('at least 1 agent for a vote', 0);
  if (rule === 'byzantine') {
    const least = 3 * (faults ?? 1) + 1;
    if (agents.length < least) throw insufficient(`at least ${least} agents, 3 for each that may be faulty and 1`, agents.length);
  }
  if (rule !== 'weighted') return;
  const without = agents.filter((agent) => !Object.hasOwn(weights, agent)).length;
  if (without > 0) throw insufficient('agents that each have a weight', `${without} without one`);
}
