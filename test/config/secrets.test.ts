/** Secrets are shown nowhere: not in facts, outcomes, errors, snapshots, what an inspector sees, nor in what is printed of the handle. */
import { readFileSync } from 'node:fs';
import { inspect } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { exit } from '../../src/supervision/watch.js';
import { configWorld, Hand, leaveNothing, listener, settle } from './config-world.js';
import { environmentSource } from '../../src/config/sources.js';

afterEach(leaveNothing);

const canary = 'hunter2-hunter2';
const other = 'correct horse/battery';

describe('secrets', () => {
  it('go through sources, updates, refusals, rollbacks and crashes, and are seen by who reads them alone', async () => {
    const told = z.string().refine((text) => text.length > 8, { error: ({ input }) => `bad: ${String(input)}` });
    const open = z.object({
      apiKey: told,
      dsn: z.string().optional(),
      pin: z.number().optional(),
      nested: z.object({ hidden: z.array(z.string()).optional(), shown: z.string().optional() }).optional(),
      port: z.coerce.number().optional(),
    });
    // The schema repeats the secret where it has no business, at the root.
    const loose = open.refine((all) => all.port !== 13, { error: ({ input }) => `not with ${JSON.stringify(input)}` });
    const hand = new Hand('hand', { apiKey: canary, dsn: `db://me:${canary}@host` });
    const world = configWorld(
      {
        schema: loose as never,
        secrets: ['pin', 'nested.hidden'],
        sources: [hand, environmentSource({ variables: { 'nested.shown': 'SHOWN' }, environment: { SHOWN: 'shown' } })],
      },
      hand,
    );
    const { settings, facts, seen } = world;
    const { actor, heard } = listener();
    await settings.ready();
    settings.subscribe(actor);
    const outcomes = [
      await settings.update('apiKey', other),
      await settings.update('apiKey', 'tiny'),
      await settings.update('port', 13),
      await settings.update('pin', 4_711),
      await settings.update('nested.hidden', [canary]),
      await settings.update('dsn', `db://me:${other}@host`),
      await settings.rollback(1),
    ];
    const errors = await Promise.all([
      settings.update('apiKey', new Map([[canary, canary]])).catch((error: unknown) => error),
      settings.update(`${canary}..x`, canary).catch((error: unknown) => error),
      settings.update('apiKey', canary, { waitMs: canary as never }).catch((error: unknown) => error),
    ]);
    hand.fails = Object.assign(new Error(`cannot read ${canary}`), { code: canary });
    hand.changed();
    await world.pass(50);
    hand.fails = undefined;
    hand.now({ apiKey: 'tiny', dsn: canary });
    await world.pass(50);
    const snapshot = world.part('config').getPersistedSnapshot();
    exit(world.part('config'), 'kill');
    world.start();
    await settle();
    expect((settings.get() as unknown as { apiKey: string }).apiKey).toBe(canary);
    const shown = [outcomes, facts, seen, heard, snapshot, settings.inspect(), settings.status(), settings.versions(), settings, world.logic];
    const all = [
      ...shown.map((each) => `${JSON.stringify(each, noActors)} ${inspect(each, { depth: 6, showHidden: false })}`),
      ...errors.map(String),
    ].join('\n');
    expect([canary, other, encodeURIComponent(other), '4711', 'tiny'].filter((secret) => all.includes(secret))).toEqual([]);
    // What was looked through holds what it should: it is not empty by mistake.
    const words = ['check.passed', 'config.request', 'sources.told', 'left out', 'withheld'];
    expect(words.filter((word) => !all.includes(word))).toEqual([]);
    expect(outcomes.map(({ ok }) => ok)).toEqual([true, false, false, true, true, true, true]);
    expect(settings.inspect().value).toEqual({ apiKey: '…', dsn: '…', nested: { shown: 'shown' } });
  });

  it('that were updated are not in a snapshot: after a restart of the process it says which are to be set again', async () => {
    const first = configWorld();
    await first.settings.ready();
    await first.settings.updateAll({ 'db.host': 'far', 'db.password': canary });
    const snapshot: unknown = JSON.parse(JSON.stringify(first.part('config').getPersistedSnapshot()));
    const second = configWorld({}, new Hand('hand', { db: { password: 'of the source' } }));
    // As in another process: nothing is known.
    await second.settings.close();
    second.facts.length = 0;
    second.start(snapshot);
    await settle();
    expect(second.settings.get('db')).toEqual({ host: 'far', password: 'of the source' });
    expect(second.settings.status()).toMatchObject({ status: 'degraded', lost: ['db.password'] });
    expect(second.facts).toMatchObject([{ type: 'config.loaded' }, { type: 'config.degraded', lost: ['db.password'] }]);
    await second.settings.update('db.password', other);
    expect(second.settings.status()).toMatchObject({ status: 'healthy', lost: [] });
    expect(second.facts.at(-1)).toMatchObject({ type: 'config.recovered' });
    await second.settings.close();
  });

  it('are told by their names, unless the app says otherwise', async () => {
    const world = configWorld({
      schema: z.record(z.string(), z.unknown()) as never,
      sources: [],
      secrets: ['plain.*.word'],
      notSecret: ['limits.tokens'],
    });
    const { settings } = world;
    await settings.ready();
    await settings.updateAll({ 'limits.tokens': 12, 'limits.keys': 3, 'plain.a.word': 'abc', 'plain.a.other': 'abc', clientSecret: 'x' });
    expect(settings.inspect().value).toEqual({
      limits: { tokens: 12, keys: '…' },
      plain: { a: { word: '…', other: 'abc' } },
      clientSecret: '…',
    });
  });
});

describe('a secret that a schema has changed before it says it', () => {
  const changes: readonly [string, string, (text: string) => string][] = [
    ['trimmed', '  hunter2-hunter2\n', (text) => text.trim()],
    ['in lower case', 'Hunter2-HUNTER2', (text) => text.toLowerCase()],
    ['in upper case', 'stra\u00dfe-hunter2', (text) => text.toUpperCase()],
    ['trimmed, in lower case, percent-encoded', ' Hunter2/\u00c9T\u00c9 ', (text) => encodeURIComponent(text.trim().toLowerCase())],
    ['trimmed, in a text of JSON', ' Hunter2"quoted" ', (text) => JSON.stringify(text.trim().toUpperCase())],
    ['normalized', 'caf\u00e9-hunter2', (text) => text.normalize('NFD')],
  ];

  it.each(changes)('is in no outcome, no fact, no crash and no inspection: %s', async (_how, secret, change) => {
    const word = z.string().transform(change);
    const schema = z
      .looseObject({ apiKey: word, other: z.string().default('o') })
      .refine((all) => all.other !== 'no', { path: ['other'], error: ({ input }) => `not with ${(input as { apiKey: string }).apiKey}` });
    const sources = [new Hand('hand', { apiKey: 'of the source' })];
    const { settings, facts } = configWorld({ schema: schema as never, sources });
    await settings.ready();
    facts.length = 0;
    const outcome = await settings.updateAll({ apiKey: secret, other: 'no' });
    const leftOut = [{ path: 'other', message: 'what is wrong is left out: it may show a secret' }];
    expect(outcome).toEqual({ ok: false, reason: 'invalid', issues: leftOut });
    expect(facts).toMatchObject([{ type: 'config.refused', issues: leftOut }]);
    await settings.updateAll({ apiKey: secret, other: `x ${change(secret)}` });
    expect(settings.inspect().value).toEqual({ apiKey: '…', other: '…' });
    const crashing = configWorld({ schema: schema as never, sources: [new Hand('bad', { apiKey: secret, other: 'no' })] });
    await settle();
    expect(crashing.settings.status().exit).toEqual({ crash: 'invalid: other: what is wrong is left out: it may show a secret' });
  });
});

describe('what looks like a credential by itself', () => {
  const url = `postgres://app:${canary}@db/main`;
  const jwt = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhcHAifQ.c2lnbmVk';
  const open = z.record(z.string(), z.unknown());

  it('is in no inspection and no snapshot, whatever its path is called, and is set again after a restoration', async () => {
    const first = configWorld({ schema: open as never, sources: [], notSecret: ['shown'] });
    await first.settings.ready();
    await first.settings.updateAll({
      db: url,
      header: `Bearer ${jwt}`,
      list: [`x?access_token=${canary}`],
      shown: 'postgres://demo:demo@db',
      host: 'far',
    });
    expect(first.settings.inspect().value).toEqual({ db: '…', header: '…', list: ['…'], shown: 'postgres://demo:demo@db', host: 'far' });
    const text = JSON.stringify(first.part('config').getPersistedSnapshot());
    expect([canary, jwt].filter((secret) => text.includes(secret))).toEqual([]);
    const second = configWorld({ schema: open as never });
    await second.settings.close();
    second.start(JSON.parse(text));
    await settle();
    expect(second.settings.get()).toEqual({ shown: 'postgres://demo:demo@db', host: 'far' });
    expect(second.settings.status().lost).toEqual(['db', 'header', 'list']);
    await second.settings.close();
  });

  it('is in nothing that a schema says, where it is cut too', async () => {
    const told = z.string().refine((text) => !text.includes('@'), { error: ({ input }) => `${'no '.repeat(60)}${String(input)}` });
    const { settings } = configWorld({ schema: z.object({ db: told.optional() }) as never, sources: [] });
    await settings.ready();
    const outcome = await settings.update('db', url);
    expect(outcome).toMatchObject({
      ok: false,
      reason: 'invalid',
      issues: [{ path: 'db', message: expect.stringContaining('postgres://app:[hid') }],
    });
    expect(JSON.stringify(outcome)).not.toContain(canary.slice(0, 4));
  });
});

describe('what cannot be looked through', () => {
  class Account {
    readonly inner: string;
    readonly self = this;

    constructor(inner: string) {
      this.inner = inner;
    }
  }

  it('is shown by its sort alone; what says all that it is, as it is', async () => {
    const made = {
      map: new Map([['user', canary]]),
      set: new Set([canary]),
      account: new Account(canary),
      call: () => canary,
      symbol: Symbol(canary),
      big: 4_711n,
      day: new Date(0),
      url: new URL('http://a.example/'),
      list: [new Map([[canary, 1]])],
    };
    const { settings } = configWorld({ schema: z.object({}).transform(() => made) as never, sources: [] });
    await settings.ready();
    const { value } = settings.inspect();
    expect(value).toEqual({
      ...made,
      ...{ map: 'a Map', set: 'a Set', account: 'an Object', call: 'a function', symbol: 'a symbol', list: ['a Map'] },
    });
    expect(inspect(value, { depth: 9, showHidden: true })).not.toContain(canary);
  });
});

describe('the names of secrets', () => {
  it('are the same for a configuration as for a header or a parameter', async () => {
    const names = 'key token secret password passwd passphrase pwd pass authorization bearer credential private cookie jwt signature sig';
    const values = Object.fromEntries(
      names.split(' ').flatMap((name) => [[name, 1], ...(name === 'sig' ? [] : [[name === 'pass' ? 'myPASS' : `my${name.toUpperCase()}s`, 1]])]),
    );
    const shown = { isPrivate: true, has_private: true, design: 'flat', compass: 'north', bypass: 'no', host: 'h' };
    const { settings } = configWorld({ schema: z.record(z.string(), z.unknown()) as never, sources: [new Hand('all', { ...values, ...shown })] });
    await settings.ready();
    expect(settings.inspect().value).toEqual({ ...Object.fromEntries(Object.keys(values).map((name) => [name, '…'])), ...shown });
    // The guide says the same words.
    const guide = readFileSync('docs/guides/config.md', 'utf8').replaceAll(/\s+/g, ' ');
    expect(guide).toContain(
      'holds key, token, secret, password, passwd, passphrase, pwd, authorization, bearer, credential, private (not isPrivate), cookie, jwt or signature, ends with pass (not compass, bypass and the like), or is sig,',
    );
  });
});

/** Actors hold their system, in circles. */
function noActors(_: string, value: unknown): unknown {
  return typeof value === 'object' && value !== null && '_processingStatus' in value ? '(actor)' : value;
}

describe('a secret that was replaced', () => {
  it('is hidden as long as a version that had it is kept, wherever it still stands', async () => {
    const hand = new Hand('hand', { db: { host: 'h', password: canary } });
    const { settings, part, pass } = configWorld({ maxVersions: 3 }, hand);
    await settings.ready();
    await settings.update('log.to', `db://me:${canary}@h`);
    hand.now({ db: { host: 'h', password: other } });
    await pass(50);
    expect(settings.get('db.password')).toBe(other);
    const shown = [settings.inspect(), part('config').getPersistedSnapshot()];
    expect(JSON.stringify(shown)).not.toContain(canary);
    expect((settings.inspect().value as { log: { to: string } }).log.to).toBe('…');
  });
});
