/** Finds out whether a step asks for the time or for chance: then it is no function of its event, and cannot be replayed. */

interface Source {
  readonly name: string;
  readonly of: object;
  readonly key: string;
}

const sources: readonly Source[] = [
  { name: 'Date.now()', of: Date, key: 'now' },
  { name: 'Math.random()', of: Math, key: 'random' },
  { name: 'performance.now()', of: performance, key: 'now' },
  { name: 'crypto.randomUUID()', of: crypto, key: 'randomUUID' },
  { name: 'crypto.getRandomValues()', of: crypto, key: 'getRandomValues' },
];

/** Runs a synchronous step, and tells which sources of time and chance it read. The globals are as before when it returns. */
export function impurityOf(step: () => void): string[] {
  const read = new Set<string>();
  const RealDate = Date;
  const undo: (() => void)[] = [];
  const put = (of: object, key: string, value: unknown): void => {
    const before = Object.getOwnPropertyDescriptor(of, key);
    Object.defineProperty(of, key, { value, configurable: true, writable: true });
    undo.push(() => {
      if (before === undefined) Reflect.deleteProperty(of, key);
      else Object.defineProperty(of, key, before);
    });
  };
  const watchedDate = new Proxy(RealDate, {
    construct: (target, args: [], newTarget): object => {
      if (args.length === 0) read.add('new Date()');
      return Reflect.construct(target, args, newTarget) as object;
    },
    apply: (target) => {
      read.add('Date()');
      return target();
    },
  });
  try {
    for (const { name, of, key } of sources) {
      const real = (of as Record<string, (...args: unknown[]) => unknown>)[key];
      if (real === undefined) continue;
      put(of, key, (...args: unknown[]) => {
        read.add(name);
        return real.apply(of, args);
      });
    }
    put(globalThis, 'Date', watchedDate);
    step();
  } catch {
    // What it throws has been said already, and of globals that are frozen nothing is found out; here only what it read counts.
  } finally {
    for (const back of undo.reverse()) back();
  }
  return [...read];
}
