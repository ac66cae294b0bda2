/** The ways in which a recorded body is cut, and where. */

/** The offsets at which a body is cut; `whole`: nowhere. */
export interface Cut {
  readonly name: string;
  readonly cutAt: (body: Uint8Array) => number[];
}

/** Pieces of one body; what lies behind the last cut comes whole. Each takes a turn of the event loop. */
const maxPieces = 100_000;

function every(bytes: number): Cut {
  return {
    name: `${bytes} B`,
    cutAt: (body) => Array.from({ length: Math.min(maxPieces, Math.ceil(body.length / bytes) - 1) }, (_, index) => (index + 1) * bytes),
  };
}

/** Offsets before which `fits` holds of the byte there and the one before it. */
function where(name: string, fits: (byte: number, before: number) => boolean): Cut {
  return { name, cutAt: (body) => Array.from(body.keys()).filter((at) => at > 0 && fits(body[at] ?? 0, body[at - 1] ?? 0)) };
}

const [cr, lf] = [0x0d, 0x0a];

export const cuts: readonly Cut[] = [
  { name: 'whole', cutAt: () => [] },
  every(1),
  every(7),
  every(97),
  where('between CR and LF', (byte, before) => byte === lf && before === cr),
  where('between the line ends of a blank line', (byte, before) => (byte === lf || byte === cr) && before === lf),
  // The continuation bytes of UTF-8.
  where('inside a character', (byte) => (byte & 0xc0) === 0x80),
];

/** Those that make a difference to this body: the others would be `whole` again. */
export function cutsOf(body: Uint8Array): readonly Cut[] {
  return cuts.filter(({ name, cutAt }) => name === 'whole' || cutAt(body).length > 0);
}
