/** A till, and the same till with one line changed: what the tests of replay look for. */
import { assign, emit, fromCallback, sendTo, setup } from 'xstate';

type TillEvent = { type: 'scan'; price: number } | { type: 'pay' } | { type: 'cancel' };
interface TillContext {
  readonly sum: number;
  readonly limit: number;
}

const anyInput: { readonly limit?: number } = {};

/** The lines of the till that a test can change. */
export interface TillLines {
  readonly payTarget: 'paying' | 'empty';
  readonly isAffordable: (sum: number, limit: number) => boolean;
  readonly addUp: boolean;
  readonly tellTotal: boolean;
  readonly print: boolean;
  readonly limit: number;
  readonly patienceMs: number;
  readonly hasPrinter: boolean;
  readonly beep: string;
}

export const asItWas: TillLines = {
  payTarget: 'paying',
  isAffordable: (sum, limit) => sum <= limit,
  addUp: true,
  tellTotal: true,
  print: true,
  limit: 100,
  patienceMs: 500,
  hasPrinter: true,
  beep: 'beep',
};

export function till(changed: Partial<TillLines> = {}) {
  const lines = { ...asItWas, ...changed };
  return setup({
    types: {
      context: {} as TillContext,
      events: {} as TillEvent,
      input: anyInput,
      emitted: {} as { type: 'total'; sum: number },
    },
    actors: { printer: fromCallback(() => undefined) },
    delays: { patience: lines.patienceMs },
    guards: { isAffordable: ({ context }) => lines.isAffordable(context.sum, context.limit) },
    actions: {
      addUp: assign({ sum: ({ context, event }) => context.sum + (event as { price: number }).price }),
      print: sendTo('printer', ({ context }) => ({ type: 'print', sum: context.sum })),
      tellTotal: emit(({ context }) => ({ type: 'total' as const, sum: context.sum })),
      beep: () => undefined,
      honk: () => undefined,
    },
  }).createMachine({
    id: 'till',
    context: ({ input }) => ({ sum: 0, limit: input.limit ?? lines.limit }),
    ...(lines.hasPrinter ? { invoke: { id: 'printer', src: 'printer' } } : {}),
    initial: 'empty',
    output: ({ context }) => ({ took: context.sum }),
    states: {
      empty: { on: { scan: { target: 'scanning', actions: [...(lines.addUp ? (['addUp'] as const) : []), lines.beep as 'beep'] } } },
      scanning: {
        on: {
          scan: { actions: [...(lines.addUp ? (['addUp'] as const) : []), lines.beep as 'beep'] },
          pay: [{ guard: 'isAffordable', target: lines.payTarget }, { target: 'refused' }],
          cancel: 'empty',
        },
      },
      paying: {
        entry: [...(lines.print ? (['print'] as const) : []), ...(lines.tellTotal ? (['tellTotal'] as const) : [])],
        after: { patience: 'paid' },
      },
      refused: { on: { cancel: 'empty' } },
      paid: { type: 'final' },
    },
  });
}
