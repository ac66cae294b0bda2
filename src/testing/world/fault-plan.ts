/** Faults to come, as data: what strikes whom, and when. */
import { z } from 'zod';

import { EspalierError } from '../../errors.js';

const pattern = z.string().min(1);
const ms = z.number().nonnegative();
const anytime = z.literal('anytime');
const atMs = z.strictObject({ atMs: ms });
const nth = z.strictObject({ nth: z.int().positive() });
const chance = z.strictObject({ chance: z.number().positive().max(1) });
const times = z.int().positive().optional();
const mayMiss = z.boolean().optional();
const oneOf = (...known: readonly string[]) => ({ error: `one of ${known.join(', ')}` });
const whenActor = z.union([anytime, atMs, nth, chance], oneOf("'anytime'", '{ atMs }', '{ nth }', '{ chance }'));
const whenMessage = z.union([atMs, nth, chance], oneOf('{ atMs }', '{ nth }', '{ chance }'));
const whenWorld = z.union([anytime, atMs], oneOf("'anytime'", '{ atMs }'));

/** The runtime's own words, which reach everybody as exit signals do in Erlang: to lose them, hang or kill the actor. */
const reliable = /^(?:xstate|supervisor|call|pool|child)\.|^(?:monitor\.down|link\.exit)$/u;

/** Does a message fault leave this event alone? */
export function isReliable(type: string): boolean {
  return reliable.test(type);
}

const onActor = { actor: pattern, when: whenActor, times, mayMiss };
const onMessage = {
  to: pattern,
  from: pattern.optional(),
  event: z
    .string()
    .refine((type) => !isReliable(type), {
      error: "an event of the app's own: the runtime's are always delivered, so hang or kill the actor instead",
    })
    .optional(),
  when: whenMessage,
  times,
  mayMiss,
};
const onWorld = { when: whenWorld, mayMiss };

const faultSchema = z.discriminatedUnion('fault', [
  z.strictObject({ fault: z.literal('crash'), error: z.string().optional(), ...onActor }),
  z.strictObject({ fault: z.literal('kill'), ...onActor }),
  z.strictObject({ fault: z.literal('hang'), forMs: ms.optional(), ...onActor }),
  z.strictObject({ fault: z.literal('slow'), byMs: z.number().positive(), forMs: ms.optional(), ...onActor }),
  z.strictObject({ fault: z.literal('drop'), ...onMessage }),
  z.strictObject({ fault: z.literal('duplicate'), ...onMessage }),
  z.strictObject({ fault: z.literal('reorder'), withinMs: z.number().positive().optional(), ...onMessage }),
  z.strictObject({ fault: z.literal('partition'), between: z.tuple([pattern, pattern]), forMs: ms.optional(), ...onWorld }),
  z.strictObject({ fault: z.literal('clockJump'), byMs: z.number().positive(), ...onWorld }),
]);

/** An actor by its path (`app/voice`; `*` is one step, `**` any number; `app/voice#2` the second incarnation only), or `outside`: no actor. */
export type ActorPattern = string;

/**
 * When a fault strikes: at a moment of the world's clock (a message fault: the first message from then on); the nth time that it could (the nth event
 * that the actor is sent, the nth matching message); each time with a probability drawn from the seed; or `anytime`: the scheduler picks the step.
 */
export type FaultTime = 'anytime' | { readonly atMs: number } | { readonly nth: number } | { readonly chance: number };

interface Planned<Time> {
  readonly when: Time;
  /** How often at most. Default 1; with a `chance` no limit. */
  readonly times?: number | undefined;
  /** May it never strike? Otherwise the world's end fails when it has not. Default false; with a `chance` true. */
  readonly mayMiss?: boolean | undefined;
}

type OnActor = Planned<FaultTime> & { readonly actor: ActorPattern };
type OnMessage = Planned<Exclude<FaultTime, 'anytime'>> & {
  readonly to: ActorPattern;
  /** Default anybody. */
  readonly from?: ActorPattern | undefined;
  /** The type of the event; default any of the app's own. The runtime's (`xstate.*`, `supervisor.*`, …) always arrive. */
  readonly event?: string | undefined;
};
type OnWorld = Omit<Planned<'anytime' | { readonly atMs: number }>, 'times'>;

/**
 * One fault of a plan.
 *
 * - `crash`: the actor fails with an error (default `planned crash`); the event that it was to take is lost.
 * - `kill`: the exit signal `kill`.
 * - `hang`: for `forMs` (default for ever) nothing reaches the actor and nothing leaves it; a kill does. What waited is delivered after.
 * - `slow`: for `forMs` all that reaches it comes `byMs` later.
 * - `drop`, `duplicate`, `reorder` (behind the next message of the same sender and receiver, or `withinMs`, default 1 000): messages between actors.
 * - `partition`: for `forMs` no message passes between the two sides, in either direction; what is sent is lost.
 * - `clockJump`: the clock jumps ahead, as after a suspended machine; timers that came due are late.
 */
export type Fault =
  | (OnActor & { readonly fault: 'crash'; readonly error?: string | undefined })
  | (OnActor & { readonly fault: 'kill' })
  | (OnActor & { readonly fault: 'hang'; readonly forMs?: number | undefined })
  | (OnActor & { readonly fault: 'slow'; readonly byMs: number; readonly forMs?: number | undefined })
  | (OnMessage & { readonly fault: 'drop' })
  | (OnMessage & { readonly fault: 'duplicate' })
  | (OnMessage & { readonly fault: 'reorder'; readonly withinMs?: number | undefined })
  | (OnWorld & { readonly fault: 'partition'; readonly between: readonly [ActorPattern, ActorPattern]; readonly forMs?: number | undefined })
  | (OnWorld & { readonly fault: 'clockJump'; readonly byMs: number });

export type ActorFault = Extract<Fault, { actor: string }>;
export type MessageFault = Extract<Fault, { to: string }>;
export type WorldFault = Exclude<Fault, ActorFault | MessageFault>;

/**
 * Refuses a plan that is none.
 * @throws EspalierError `testing/invalid-options`, naming the place: `[2].when`
 */
export function requirePlan(plan: readonly Fault[]): readonly Fault[] {
  const parsed = z.array(faultSchema).safeParse(plan);
  if (parsed.success) return plan;
  const [issue] = parsed.error.issues;
  const place = (issue?.path ?? []).map((step) => (typeof step === 'number' ? `[${step}]` : `.${String(step)}`)).join('');
  const got = (issue?.path ?? []).reduce<unknown>((value, step) => (value as Record<PropertyKey, unknown> | undefined)?.[step], plan);
  throw new EspalierError('testing/invalid-options', {
    expected: `a plan of faults; at ${place || 'its root'}: ${issue?.message ?? 'a fault'}`,
    got,
  });
}
