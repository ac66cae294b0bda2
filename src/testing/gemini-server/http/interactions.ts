/**
 * The interactions of one server: each goes on by itself, whoever listens, and is kept until it is deleted. Streams of it begin at the start or behind the
 * event that the client saw last.
 */
import type { Waits } from '../waits.js';
import type { Answer } from './answer.js';
import { type Framing, sseEvent } from './framing.js';
import { errorText, prettyJson } from './google-error.js';
import { type InteractionEvent, nameOfEvent, said } from './interaction-events.js';
import { type InteractionPlan, longestMs } from './rules.js';

/** What the server lends to its interactions. */
export interface InteractionStage {
  readonly waits: Waits;
  isReleased(name: string): boolean;
  readonly deadlineMs: number;
}

/** Statuses after which nothing comes. An interaction that requires an action goes on as another one. */
const ends = new Set(['completed', 'requires_action', 'failed', 'cancelled', 'incomplete', 'budget_exceeded']);

/** Interactions that are kept; above it creating is refused with 429. */
const maxInteractions = 10_000;

/** One interaction. */
class Interaction {
  readonly id: string;
  readonly isBackground: boolean;
  readonly events: InteractionEvent[] = [];
  readonly #plan: InteractionPlan;
  readonly #stage: InteractionStage;
  readonly #base: Readonly<Record<string, unknown>>;
  readonly #steps: object[] = [];
  #status = 'in_progress';
  #isDeleted = false;
  /** How many streams were asked for, for the cuts of the plan. */
  #streamCount = 0;

  constructor(id: string, plan: InteractionPlan, body: Readonly<Record<string, unknown>>, stage: InteractionStage) {
    this.id = id;
    this.#plan = plan;
    this.#stage = stage;
    this.isBackground = body['background'] === true;
    const { model, agent, previous_interaction_id: previous } = body;
    this.#base = {
      object: 'interaction',
      ...(model === undefined ? {} : { model }),
      ...(agent === undefined ? {} : { agent }),
      ...(previous === undefined ? {} : { previous_interaction_id: previous }),
    };
  }

  get status(): string {
    return this.#status;
  }

  get isOver(): boolean {
    return this.#isDeleted || ends.has(this.#status);
  }

  /** As it is answered whole. */
  resource(): object {
    return { id: this.id, status: this.#status, ...this.#base, steps: this.#steps };
  }

  /** Goes through the plan. Never rejects. */
  async run(): Promise<void> {
    const { steps, names } = this.#plan;
    const about = { id: this.id, status: 'in_progress', ...this.#base };
    this.#tell({ interaction: about, event_type: nameOfEvent('interaction.created', names) });
    this.#tell({ interaction_id: this.id, status: 'in_progress', event_type: 'interaction.status_update' });
    for (const step of steps) {
      if (this.isOver) return;
      if ('hold' in step) await this.#until(() => this.#stage.isReleased(step.hold), step.deadlineMs ?? longestMs);
      else if ('waitMs' in step) await this.#until(() => false, step.waitMs);
      else {
        const { events, step: whole } = said(step, this.#steps.length, names);
        if (whole !== null) this.#steps.push(whole);
        for (const event of events) this.#tell(event);
      }
    }
    const last = steps.at(-1);
    if (!this.isOver) this.#end(this.#plan.status ?? (last !== undefined && 'call' in last ? 'requires_action' : 'completed'));
  }

  /** How its next stream, or the whole answer to its creation, is cut; null for not at all. */
  nextCut(): InteractionPlan['cuts'][number] {
    return this.#plan.cuts[this.#streamCount++] ?? null;
  }

  /** Ends it. @returns false when it was over */
  cancel(): boolean {
    if (this.isOver) return false;
    this.#end('cancelled');
    return true;
  }

  delete(): void {
    this.#isDeleted = true;
    this.#stage.waits.changed();
  }

  /**
   * Sends its events as they come, from behind `after`, until it is over.
   * @returns false when no event has that id
   */
  async stream(answer: Answer, framing: Framing, after: string | null): Promise<boolean> {
    const seen = after === null ? -1 : this.events.findIndex((event) => event['event_id'] === after);
    if (after !== null && seen === -1) return false;
    const { overlap, omits } = this.#plan;
    const cut = this.nextCut();
    if (cut?.after === 0 && cut.how === 'drop') return answer.drop(), true;
    let next = Math.max(0, seen + 1 - (after === null ? 0 : overlap));
    let sentCount = 0;
    answer.head(200, {}, true);
    while (answer.end === null) {
      if (cut !== null && sentCount >= cut.after) return await (cut.how === 'drop' ? answer.drop() : answer.finish()), true;
      const event = this.events[next];
      if (event === undefined) {
        if (this.isOver) break;
        await this.#stage.waits.until(() => this.events.length > next || this.isOver || answer.end !== null || undefined, longestMs);
        if (this.events.length <= next && !this.isOver) return await answer.gone(), true;
        continue;
      }
      next += 1;
      if (after !== null && omits.includes(event.event_type)) continue;
      await answer.write(Buffer.from(sseEvent(event, framing)), {});
      sentCount += 1;
    }
    await answer.write(Buffer.from('event: done\ndata: [DONE]\n\n'), {});
    await answer.finish();
    return true;
  }

  #end(status: string): void {
    this.#status = status;
    const at = { id: this.id, status, ...this.#base };
    this.#tell({ interaction: at, event_type: nameOfEvent('interaction.completed', this.#plan.names) });
  }

  #tell(event: InteractionEvent): void {
    const hasId = this.#plan.eventIds ?? this.isBackground;
    this.events.push(hasId ? { ...event, event_id: `${this.id}-${this.events.length}` } : event);
    this.#stage.waits.changed();
  }

  async #until(isDue: () => boolean, deadlineMs: number): Promise<void> {
    await this.#stage.waits.until(() => isDue() || this.isOver || undefined, deadlineMs);
  }
}

/** The interactions that a server knows. */
export class Interactions {
  readonly #known = new Map<string, Interaction>();
  readonly #stage: InteractionStage;
  readonly #track: (work: Promise<unknown>) => void;
  #count = 0;

  /** @param track  owns what goes on by itself */
  constructor(stage: InteractionStage, track: (work: Promise<unknown>) => void) {
    this.#stage = stage;
    this.#track = track;
  }

  /** Begins one, and answers as the request asks: a stream, at once in the background, else when it is over. */
  async create(plan: InteractionPlan, body: unknown, answer: Answer, framing: Framing): Promise<void> {
    if (this.#known.size >= maxInteractions) return refuse(answer, 429, `${maxInteractions} interactions are kept already.`);
    const request = (body ?? {}) as Readonly<Record<string, unknown>>;
    const id = plan.id ?? `v1_local-${++this.#count}`;
    const interaction = new Interaction(id, plan, request, this.#stage);
    this.#known.set(id, interaction);
    this.#track(interaction.run());
    if (framing.isEvents) return void (await interaction.stream(answer, framing, null));
    // It is there, and whoever asked for it will never know.
    if (interaction.nextCut() !== null) return answer.drop();
    if (!interaction.isBackground) {
      await this.#stage.waits.until(() => interaction.isOver || answer.end !== null || undefined, longestMs);
    }
    await whole(answer, interaction.resource());
  }

  /** Answers a request about one that is known, or 404. */
  async answer(operation: 'get' | 'cancel' | 'delete', id: string, query: URLSearchParams, answer: Answer, framing: Framing): Promise<void> {
    const interaction = this.#known.get(id);
    if (interaction === undefined) return refuse(answer, 404, 'Requested entity was not found.');
    if (operation === 'delete') {
      this.#known.delete(id);
      interaction.delete();
      return whole(answer, {});
    }
    if (operation === 'cancel') {
      if (!interaction.isBackground) return refuse(answer, 400, 'Only background interactions can be cancelled.', 'FAILED_PRECONDITION');
      interaction.cancel();
      return whole(answer, interaction.resource());
    }
    const after = query.get('last_event_id');
    if (!framing.isEvents)
      return after === null ? whole(answer, interaction.resource()) : refuse(answer, 400, 'last_event_id: only with stream=true.');
    if (!(await interaction.stream(answer, framing, after))) return refuse(answer, 400, 'last_event_id: no such event.');
  }
}

async function whole(answer: Answer, value: object): Promise<void> {
  await answer.write(Buffer.from(prettyJson(value)), {});
  await answer.finish();
}

async function refuse(answer: Answer, code: number, message: string, status?: string): Promise<void> {
  answer.head(code, { 'content-type': 'application/json; charset=UTF-8' });
  await answer.write(Buffer.from(errorText({ code, message, status })), {});
  await answer.finish();
}
