/** What the chart of shared variables is told and emits; what it remembers. */
import type { RequestRefusal } from '../comms/request.js';
import type { ExitReason } from '../supervision/exit.js';

/** Why a variable was not read, written or deleted. */
export type VariableRefusal =
  /** There is none of that name. */
  | 'unknown'
  /** There is one already. */
  | 'taken'
  /** There are as many variables, subscribers or coordinations as may be. */
  | 'full'
  /** It has another version than the one that was named, or none was. */
  | 'conflict'
  /** The function that was to make the value has thrown. */
  | 'threw'
  /** What it made is no JSON. */
  | 'notJson'
  | 'closed';

/** Why agents have not agreed on a value. */
export type CoordinationRefusal =
  | VariableRefusal
  /** Fewer have answered than must. */
  | 'tooFew'
  /** No value was that of more than half. */
  | 'noMajority'
  | 'cancelled';

/** Why an agent had no part in a value: its question had no answer, or one that the rule cannot use. */
export interface FailedAgent {
  readonly agent: string;
  readonly reason: RequestRefusal | 'unusable';
}

/** What the chart may be told. */
export type VariablesEvent =
  | { readonly type: 'variables.close' }
  | { readonly type: 'supervisor.shutdown'; readonly reason?: ExitReason }
  /** Of the actor `shelf`: it was ended, by nobody's order here. */
  | { readonly type: 'shelf.ended' };

/** What it emits. No value is among it. */
export type VariablesEmitted =
  | { readonly type: 'variables.defined'; readonly name: string }
  /** `by`: who has written, where that was said. */
  | { readonly type: 'variables.changed'; readonly name: string; readonly version: number; readonly by: string | null }
  | { readonly type: 'variables.deleted'; readonly name: string; readonly version: number }
  | { readonly type: 'variables.refused'; readonly name: string; readonly reason: VariableRefusal }
  | { readonly type: 'variables.subscriberLost'; readonly name: string; readonly actor: string }
  | {
      readonly type: 'variables.coordinated';
      readonly name: string;
      readonly outcome: 'set' | CoordinationRefusal;
      readonly answered: number;
      readonly failed: number;
    };

/** What the chart knows. */
export interface VariablesContext {
  readonly reason: ExitReason;
}
