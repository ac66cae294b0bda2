/** The arguments of a call that come in pieces, each a value for a path, put together by the harness. */
import { isFields } from './wire-body.js';

type Place = { [step: string]: unknown };

export class ExpectedArguments {
  readonly value: Record<string, unknown> = {};
  /** Of the text that the next piece goes on with. */
  #openPath: string | null = null;

  get isInText(): boolean {
    return this.#openPath !== null;
  }

  add(piece: { readonly [field: string]: unknown }): void {
    const path = String(piece['jsonPath']);
    const field = ['stringValue', 'numberValue', 'boolValue', 'nullValue'].find((one) => one in piece);
    if (field !== undefined) {
      const value = field === 'nullValue' ? null : piece[field];
      const before = this.#openPath === path ? this.#at(path) : undefined;
      this.#put(path, typeof before === 'string' && typeof value === 'string' ? before + value : value);
    }
    this.#openPath = piece['willContinue'] === true ? path : null;
  }

  #at(path: string): unknown {
    return stepsOf(path).reduce<unknown>((place, step) => (isPlace(place) ? place[step] : undefined), this.value);
  }

  #put(path: string, value: unknown): void {
    const steps = stepsOf(path);
    const last = steps.pop() ?? '';
    let place: Place = this.value;
    for (const [depth, step] of steps.entries()) {
      const next = steps[depth + 1] ?? last;
      if (!isPlace(place[step])) place[step] = /^\d+$/.test(next) ? [] : {};
      place = place[step] as Place;
    }
    place[last] = value;
  }
}

/** `$.items[0].name` is items, 0, name. */
function stepsOf(path: string): string[] {
  return path
    .replace(/^\$\.?/, '')
    .replaceAll(/\[(?:'([^']*)'|"([^"]*)"|(\d+))\]/g, (_, single: string, double: string, index: string) => `.${single ?? double ?? index}`)
    .split('.')
    .filter((step) => step !== '');
}

function isPlace(value: unknown): value is Place {
  return isFields(value) || Array.isArray(value);
}
