/** Values and schemas that are not what they seem. */
import { afterEach, describe, expect, it } from 'vitest';
import { configWorld, leaveNothing, settle } from './config-world.js';

afterEach(leaveNothing);

/** What is awaited, and is no Promise. */
const thenable = (then: (tell: (result: unknown) => void) => void): unknown => Object.fromEntries([[['th', 'en'].join(''), then]]);

const raise = (): never => {
  throw new Error('hunter2');
};
const hostile: Readonly<Record<string, unknown>> = {
  'a getter that throws': {
    get x() {
      return raise();
    },
  },
  'a getter that throws, further down': [
    {
      y: {
        get x() {
          return raise();
        },
      },
    },
  ],
  'a proxy that throws': new Proxy({}, { ownKeys: raise }),
  'a proxy that throws whatever it is asked': new Proxy({}, { get: raise, getPrototypeOf: raise, ownKeys: raise }),
};

describe.each(Object.entries(hostile))('%s', (_, value) => {
  it('is refused as misuse, and what it threw is not told', async () => {
    const { settings } = configWorld();
    await settings.ready();
    for (const asked of [settings.update('list', value), settings.updateAll({ list: value })]) {
      const error: Error = await asked.then(raise, (fault: unknown) => fault as Error);
      expect(error).toMatchObject({ code: 'config/invalid-options', message: expect.stringContaining('what throws when it is looked at') });
      expect(error.message).not.toContain('hunter2');
    }
    await expect(settings.updateAll(value as never)).rejects.toMatchObject({ code: 'config/invalid-options' });
    expect(settings.version).toBe(1);
  });
});

it('a getter that says something else each time is asked once', async () => {
  const { settings } = configWorld();
  await settings.ready();
  let asked = 0;
  await settings.update('list', {
    get 0() {
      return asked++;
    },
  });
  expect(asked).toBe(1);
});

describe('a schema that answers by', () => {
  it.each<[string, (value: unknown) => unknown, boolean]>([
    ['what is then-able, and no Promise', (value) => thenable((tell) => tell({ value })), true],
    ['what is then-able, and refuses', () => thenable((tell) => tell({ issues: [{ message: 'no' }] })), false],
    ['what is then-able, and throws', () => thenable(raise), false],
    ['neither a value nor issues', () => ({}), false],
    ['nothing', () => undefined, false],
  ])('%s', async (_, answer, isGood) => {
    let validate: (value: unknown) => unknown = (value) => ({ value });
    const { settings } = configWorld({
      schema: { '~standard': { version: 1, vendor: 'test', validate: (value: unknown) => validate(value) } } as never,
    });
    await settings.ready();
    validate = answer;
    const outcome = await settings.update('port', 81);
    expect([outcome.ok, settings.get('port' as never)]).toEqual(isGood ? [true, 81] : [false, undefined]);
    await settle();
  });
});
