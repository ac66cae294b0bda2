/** A path as a Mermaid sequence diagram: who said what to whom, and where the machine was. */
import type { AnyActorRef, AnyMachineSnapshot, AnyStateMachine, InspectionEvent } from 'xstate';
import { edgesOf, eventName } from '../../charts/edges.js';
import type { Run } from './run.js';
import { type Plan, type Trail, Walk } from './walk.js';

/** Messages of one diagram at most: the last ones are kept. */
const mostLines = 60;

/** Takes the trail again and draws it; undefined when it cannot be taken again. */
export function drawTrail<M extends AnyStateMachine>(plan: Plan<M>, { start, steps }: Trail<M>): string | undefined {
  const drawing = new Drawing(plan.machine);
  try {
    const walk = new Walk(plan, start, { probe: { inspect: (event, run) => drawing.note(event, run) } });
    drawing.settle(walk.run.snapshot as AnyMachineSnapshot);
    for (const step of steps) {
      drawing.step(step.name);
      walk.repeat(step);
      drawing.emitted(walk.run.emittedNow.map(({ type }) => type));
      drawing.settle(walk.run.snapshot as AnyMachineSnapshot);
    }
    walk.stop();
  } catch {
    // A step that throws is the failure itself: the drawing ends there.
  }
  return drawing.text();
}

class Drawing {
  readonly #names = new Map<string, string>();
  readonly #lines: string[] = [];
  readonly #afters: ReadonlyMap<string, string>;
  #value = '';

  constructor(machine: AnyStateMachine) {
    this.#afters = new Map(edgesOf(machine).map(({ event, node }) => [event, eventName(event, node)]));
    this.#names.set('test', 'the model');
    this.#names.set('machine', machine.id);
  }

  step(name: string): void {
    this.#lines.push(`Note left of test: ${plain(name)}`);
  }

  note(event: InspectionEvent, run: Run<AnyStateMachine>): void {
    if (event.type !== '@xstate.event' || event.event.type === 'xstate.init' || event.event.type === 'fake.control') return;
    const { type } = event.event;
    if (type === 'xstate.stop' && event.actorRef === run.actor) return;
    const to = this.#who(event.actorRef as AnyActorRef, run);
    const speaker = run.speaker === undefined ? 'test' : this.#who(run.speaker.ref, run);
    const source = event.sourceRef === undefined ? speaker : this.#who(event.sourceRef as AnyActorRef, run);
    const from = type.startsWith('xstate.after.') ? this.#participant('clock', 'clock') : source;
    this.#lines.push(`${from}->>${to}: ${plain(this.#afters.get(type) ?? type)}`);
  }

  emitted(types: readonly string[]): void {
    for (const type of types) this.#lines.push(`machine-->>test: ${plain(type)} (emitted)`);
  }

  settle({ value, status }: AnyMachineSnapshot): void {
    const now = `${typeof value === 'string' ? value : JSON.stringify(value)}${status === 'active' ? '' : ` (${status})`}`;
    if (now !== this.#value) this.#lines.push(`Note over machine: ${plain(now)}`);
    this.#value = now;
  }

  #who(ref: AnyActorRef, run: Run<AnyStateMachine>): string {
    return ref === run.actor ? 'machine' : this.#participant(`a${ref.sessionId.replaceAll(/\W/gu, '_')}`, ref.id);
  }

  #participant(key: string, name: string): string {
    if (!this.#names.has(key)) this.#names.set(key, name);
    return key;
  }

  text(): string {
    // Session ids count up over the whole process: the diagram numbers its actors itself.
    const keys = [...this.#names.keys()];
    const stable = new Map(keys.map((key, index) => [key, ['test', 'machine', 'clock'].includes(key) ? key : `actor${index - 1}`]));
    const rename = (line: string): string =>
      line.replace(/^(\w+)(--?>>)(\w+):/u, (_, from: string, arrow: string, to: string) => `${stable.get(from)}${arrow}${stable.get(to)}:`);
    const cut = this.#lines.length - mostLines;
    const lines = cut > 0 ? [`Note over machine: … ${cut} lines left out`, ...this.#lines.slice(cut)] : this.#lines;
    const head = keys.map((key) => `participant ${stable.get(key)} as ${plain(this.#names.get(key) ?? '')}`);
    return ['sequenceDiagram', ...[...head, ...lines.map(rename)].map((line) => `  ${line}`)].join('\n');
  }
}

/** Text that Mermaid reads as text. */
function plain(text: string): string {
  return text.replaceAll(/[;#\n]/gu, ' ');
}
