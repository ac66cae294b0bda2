/**
 * What the actors of a world are called: `app/voice/socket`, from the root down; pools are no step of the way. A later actor of the same path is
 * `app/voice#2`, `app/voice#3`.
 */
import type { AnyActorRef } from 'xstate';

import { kindOf } from '../../supervision/kind.js';
import { logicOf, parentOf } from '../../supervision/xstate-internals.js';

/** Is it the pool of a supervisor? */
export function isPool(actor: AnyActorRef): boolean {
  return actor.id === 'pool' && kindOf(parentOf(actor)) !== undefined;
}

interface Named {
  /** Without numbers. */
  readonly plain: string;
  readonly full: string;
}

/** The paths of one world's actors. */
export class Paths {
  readonly #names = new Map<AnyActorRef, Named>();
  readonly #counts = new Map<string, number>();

  readonly #globs = new Map<string, RegExp>();
  readonly #members = new Set<AnyActorRef>();

  /** Takes an actor of the world's own; called for each as it is made, so that names do not depend on who asks first. */
  add(actor: AnyActorRef): void {
    this.#members.add(actor);
    this.#of(actor);
  }

  /** The path of an actor; `outside` for nobody. */
  of(actor: AnyActorRef | undefined): string {
    return actor === undefined ? outside : this.#of(actor).full;
  }

  /** Every actor of the world's own, oldest first. */
  all(): readonly AnyActorRef[] {
    return [...this.#members];
  }

  /** Does a pattern mean this actor? A pool is meant by none. */
  matches(pattern: string, actor: AnyActorRef | undefined): boolean {
    if (actor === undefined) return pattern === outside;
    if (isPool(actor)) return false;
    const { plain, full } = this.#of(actor);
    let glob = this.#globs.get(pattern);
    if (glob === undefined) {
      glob = globOf(pattern);
      this.#globs.set(pattern, glob);
    }
    return glob.test(pattern.includes('#') ? full : plain);
  }

  #of(actor: AnyActorRef): Named {
    const known = this.#names.get(actor);
    if (known !== undefined) return known;
    const above = parentOf(actor);
    const owner = above !== undefined && isPool(above) ? parentOf(above) : above;
    const parent = owner === undefined ? undefined : this.#of(owner);
    const step = actor.id === actor.sessionId ? unnamed(actor) : actor.id;
    const plain = parent === undefined ? step : `${parent.plain}/${step}`;
    const place = parent === undefined ? step : `${parent.full}/${step}`;
    const count = (this.#counts.get(place) ?? 0) + 1;
    this.#counts.set(place, count);
    const named = { plain, full: count === 1 ? place : `${place}#${count}` };
    this.#names.set(actor, named);
    return named;
  }
}

/** Who sends what no actor sends. */
export const outside = 'outside';

/** An actor without an id of its own is called by its logic. */
function unnamed(actor: AnyActorRef): string {
  const { src } = actor as unknown as { src?: unknown };
  if (typeof src === 'string') return src;
  const { id } = logicOf(actor) as { id?: unknown };
  return typeof id === 'string' ? id : 'actor';
}

/** `*`: any one step; `**`: any number of them. */
function globOf(pattern: string): RegExp {
  const source = pattern
    .split('/')
    .map((step) => (step === '**' ? '.*' : step.replaceAll(/[.*+?^${}()|[\]\\]/gu, String.raw`\$&`).replaceAll(String.raw`\*`, '[^/]*')))
    .join('/')
    .replaceAll('.*/', '(?:.*/)?')
    .replaceAll('/.*', '(?:/.*)?');
  return new RegExp(`^${source}$`, 'u');
}
