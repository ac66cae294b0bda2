/** The model of a configuration's chart: its sources' part, its check's, the app's and the supervisor's. */
import type { AnyEventObject } from 'xstate';
import { configMachine } from '../../../machines/config/config.js';
import type { Because, CheckFault, ConfigInput, Failing, Issue, Kept } from '../../../machines/config/config-events.js';
import { reasonOfOutput } from '../../../machines/supervision/exit.js';
import type { EventCase, Model } from '../model/model.js';
import type { Run } from '../model/run.js';
import { type Book, fresh, isWhole, none } from './config-book.js';
import { same } from './looks.js';

type ConfigRun = Run<typeof configMachine>;
type Case = EventCase<typeof configMachine, never>;

const input: ConfigInput = {
  readMs: 300,
  checkMs: 200,
  settleMs: 50,
  retry: { minMs: 400, maxMs: 800, factor: 2, jitter: 0, resetAfterMs: 0 },
  intensity: 1,
  periodMs: 1_000,
};

/** The updates that hold at a version, told apart by it. */
const keptAt = (version: number): Kept => ({ overrides: [{ path: ['port'], value: Math.min(version, 2) }], withheld: [] });
const issues: readonly Issue[] = [{ path: 'port', message: 'too small' }];

const place = ({ snapshot: { status, value } }: Pick<ConfigRun, 'snapshot'>): string =>
  status === 'active' ? (value as { running: string }).running : (value as string);
const placeBefore = ({ before }: Pick<ConfigRun, 'before'>): string => place({ snapshot: before });

/** Has the present part that reads begun? Until then nothing of a restored chart goes on: it begins anew with that. */
const isOpened = (run: ConfigRun): boolean => run.notes['opened'] === run.of('sources')[0];

function book({ notes }: Pick<ConfigRun, 'notes'>): Book {
  return { ...fresh, ...(notes['book'] as Book | undefined) };
}

function note(run: ConfigRun, more: Partial<Book>): void {
  run.notes['book'] = { ...book(run), ...more };
}

/** Where it goes when nothing is under way, by the words of the guide; takes what it begins with off the queue. */
function goesOn(run: ConfigRun, last: number | null): string {
  const { isStale, queue } = book(run);
  if (isStale && (last !== null || queue.length === 0)) return 'settling';
  const [first] = queue;
  if (first !== undefined) {
    note(run, { queue: queue.slice(1), underWay: first });
    return 'checking';
  }
  return isWhole(book(run)) ? 'serving' : 'degraded';
}

/** Where it should be after the step, and which facts it should have told, beside those of being degraded. */
function expects(run: ConfigRun, state: string, facts: readonly object[] = []): void {
  Object.assign(run.notes, { state, facts });
}

const asExpected: NonNullable<Case['owes']> = (run) => {
  const wrong = same('it is', place(run), run.notes['state']);
  const told = run.emittedNow.filter(({ type }) => type !== 'config.degraded' && type !== 'config.recovered');
  return wrong ?? same('told', told, run.notes['facts'] ?? []);
};

const ends = (state: string, reason: unknown): NonNullable<Case['owes']> => {
  return (run) => same('it is', place(run), state) ?? same('reason', reasonOfOutput(run.snapshot.output), reason);
};

/** The part `sources` begins, with what it knows. @param earlier  what another chart has left, for one that has not begun */
const opens = (requests: number, isGood: (run: ConfigRun) => boolean, earlier?: Partial<Book>): Case => ({
  when: (run) => !isOpened(run) && (earlier === undefined ? !isGood(run) || book(run).version > 0 : run.notes['hasBegun'] !== true),
  run: (run) => {
    note(run, earlier ?? {});
    run.notes['hasBegun'] = true;
    const { ticket, version, isLoaded, lost, kept } = book(run);
    const has = isGood(run);
    const queue = Array.from({ length: requests }, (_, index) => ticket + index + 1);
    note(run, { isGood: has, queue, ticket: ticket + requests, underWay: undefined, isStale: false, isLoaded: has && isLoaded });
    run.notes['opened'] = run.of('sources')[0];
    expects(run, 'reading', requests === 0 ? [] : [{ type: 'config.replayed', count: requests }]);
    run.report('sources', { type: 'sources.opened', version: has ? version : 0, requests: queue, kept: has ? kept : none, lost: has ? lost : [] });
  },
  owes: (run) => {
    const wrong = asExpected(run);
    const { version, kept } = book(run);
    return wrong ?? same('told the sources', lastTold(run, 'sources'), { type: 'sources.read', version, kept });
  },
});

function lastTold(run: ConfigRun, src: string): AnyEventObject | undefined {
  return run.of(src)[0]?.received.at(-1);
}

/** The sources were read. */
const tells = (failing: Failing, isComplete: boolean, isNew: boolean): Case => ({
  when: (run) => place(run) === 'reading',
  run: (run) => {
    const { isGood, isLoaded, version, attempt } = book(run);
    run.report('sources', { type: 'sources.told', failing, isComplete, isNew });
    if (!isGood && !isComplete) return expects(run, 'failed');
    note(run, { failing, attempt: Object.keys(failing).length === 0 ? 0 : attempt + 1 });
    if (!isGood || isNew) {
      note(run, { underWay: null });
      return expects(run, 'checking');
    }
    note(run, { isLoaded: true });
    expects(run, goesOn(run, null), isLoaded ? [] : [{ type: 'config.loaded', version }]);
  },
  owes: (run) => {
    const wrong = asExpected(run);
    if (wrong !== undefined || place(run) !== 'failed') return wrong;
    const faults = Object.entries(failing).map(([name, fault]) => `${name}: ${fault}`);
    return same('reason', reasonOfOutput(run.snapshot.output), { crash: `sourceFailed: ${faults.join('; ')}` });
  },
});

const passes = (because: Because, ofRequest: boolean, isNew: boolean, lost: readonly string[] = []): Case => ({
  when: (run) => {
    const { underWay, isGood } = book(run);
    return place(run) === 'checking' && (underWay !== null) === ofRequest && (isNew || isGood);
  },
  run: (run) => {
    const { underWay = null, version: before, isLoaded, isRefused, isGood } = book(run);
    const version = isNew || !isGood ? before + 1 : before;
    const to = because === 'rollback' ? 1 : null;
    const paths = isNew ? ['port'] : [];
    const kept = keptAt(version);
    note(run, { version, isGood: true, isLoaded: true, lost, kept, isRefused: ofRequest && isRefused, underWay: undefined });
    const loaded = [{ type: 'config.loaded', version }];
    const changed = to === null ? { type: 'config.updated', version, paths, because } : { type: 'config.rolledBack', version, to, paths };
    const facts = !isLoaded ? loaded : isNew && because !== 'loaded' ? [changed] : [];
    expects(run, goesOn(run, underWay), facts);
    run.report('check', { type: 'check.passed', ticket: underWay, version, paths, because, to, kept, lost });
  },
  owes: asExpected,
});

const refuses = (fault: CheckFault, said: readonly Issue[], words: string): Case => ({
  when: (run) => place(run) === 'checking' && (fault !== 'gone' || book(run).underWay !== null),
  run: (run) => {
    const { underWay = null, isGood, isRefused } = book(run);
    note(run, { isRefused: isRefused || underWay === null, underWay: undefined });
    const because = underWay === null ? 'source' : 'request';
    const facts = fault === 'gone' ? [] : [{ type: 'config.refused', because, fault, issues: said }];
    expects(run, isGood ? goesOn(run, underWay) : 'failed', facts);
    run.report('check', { type: 'check.refused', ticket: underWay, fault, issues: said });
  },
  owes: (run) => asExpected(run) ?? (place(run) === 'failed' ? same('reason', reasonOfOutput(run.snapshot.output), { crash: words }) : undefined),
});

const loses = (src: string): Case => ({
  payload: ({ clock }) => ({ at: clock.now() }) as never,
  weight: 0.3,
  run: (run) => {
    const at = run.clock.now();
    const isOften = book(run).losses.some((before) => at - before <= 1_000);
    note(run, { losses: [at], underWay: undefined });
    expects(run, isOften ? 'failed' : 'opening', isOften ? [] : [{ type: 'config.partsRestarted', attempt: 1 }]);
    run.report(src, { type: 'part.ended', at });
  },
  owes: (run) => {
    if (run.before.context.intensity === 0 || run.notes['state'] === 'failed') return ends('failed', { crash: 'partsLost' })(run);
    return asExpected(run) ?? (run.notes['sourcesBefore'] === run.of('sources')[0] ? 'they were not replaced' : undefined);
  },
});

/** Where the app's and the sources' words lead from. */
const restful = ['serving', 'degraded'];

const stale = (from: 'serving' | 'any', target: string, say: (run: ConfigRun) => void): Case => ({
  run: (run) => {
    const was = place(run);
    const isRestful = restful.includes(was);
    if (!isRestful) note(run, { isStale: true });
    expects(run, isRestful ? target : was);
    say(run);
  },
  owes: asExpected,
  weight: from === 'any' ? 0.7 : 1,
});

export const configModel: Model<typeof configMachine> = {
  machine: configMachine,
  inputs: { 'a configuration': input, 'one that survives no loss': { ...input, intensity: 0 } },
  events: {
    'config.request': {
      'app: asks for a change': {
        when: (run) => book(run).queue.length < 2,
        run: (run) => {
          const { ticket, queue } = book(run);
          const was = place(run);
          note(run, { ticket: ticket + 1, queue: [...queue, ticket + 1] });
          expects(run, restful.includes(was) ? goesOn(run, ticket) : was);
          run.send({ type: 'config.request', ticket: ticket + 1 });
        },
        owes: asExpected,
      },
    },
    'config.reload': { 'app: reads again': stale('any', 'reading', (run) => run.send({ type: 'config.reload' })) },
    'config.close': { 'app: closes': { weight: 0.1, owes: ends('closed', 'normal') } },
    'supervisor.shutdown': {
      'supervisor: shutdown': { weight: 0.1, owes: ends('closed', 'shutdown') },
      'supervisor: shutdown for a reason': { weight: 0.1, payload: { reason: ['shutdown', 'late'] }, owes: ends('closed', ['shutdown', 'late']) },
    },
  },
  outcomes: {
    sources: {
      reports: {
        'sources.opened': {
          'sources: begin, and know what was there': opens(0, (run) => book(run).isGood),
          'sources: begin, and two wait': opens(2, (run) => book(run).isGood),
          'sources: begin, after another chart': opens(1, () => true, {
            ...{ version: 3, isGood: true, lost: ['key'], kept: { overrides: [{ path: ['host'], value: 'x' }], withheld: ['key'] } },
          }),
          'sources: begin in another process': { ...opens(0, () => false), weight: 0.2 },
        },
        'sources.told': {
          'sources: read, and there is news': tells({}, true, true),
          'sources: read, as before': tells({}, true, false),
          'sources: one fails, as it did not before': tells({ file: 'EACCES' }, true, false),
          'sources: one was never read': tells({ file: 'ENOENT' }, false, false),
        },
        'source.changed': { 'sources: one changes': stale('any', 'settling', (run) => run.report('sources', { type: 'source.changed' })) },
        'part.ended': { 'the sources are killed': loses('sources') },
      },
      error: { 'the sources crash': { error: new Error('no more'), weight: 0.1, owes: ends('failed', { crash: 'sourcesCrashed' }) } },
    },
    check: {
      reports: {
        'check.passed': {
          'check: what the sources say is good': passes('source', false, true),
          'check: it is what there was': passes('source', false, false),
          'check: a secret was lost': passes('loaded', false, true, ['key']),
          'check: an update is good': passes('update', true, true),
          'check: an update changes nothing': passes('update', true, false),
          'check: a rollback is good': passes('rollback', true, true),
        },
        'check.refused': {
          'check: invalid': refuses('invalid', issues, 'invalid: port: too small'),
          'check: too late': refuses('timeout', [], 'timeout'),
          'check: nobody waits for it': refuses('gone', [], 'gone'),
        },
        'part.ended': { 'the check is killed': loses('check') },
      },
      error: { 'the check crashes': { error: new Error('no more'), weight: 0.1, owes: ends('failed', { crash: 'checkCrashed' }) } },
    },
  },
  delays: {
    'a moment passes': {
      ms: 50,
      owes: (run) => (placeBefore(run) === 'settling' && isOpened(run) ? same('it is', place(run), 'reading') : undefined),
    },
    'half a second passes': {
      ms: 500,
      owes: (run) => {
        const was = isOpened(run) ? placeBefore(run) : 'opening';
        if (was === 'reading') return lastTold(run, 'sources')?.type === 'sources.giveUp' ? undefined : 'the sources were not told to give up';
        if (was === 'checking') return lastTold(run, 'check')?.type === 'check.giveUp' ? undefined : 'the check was not told to give up';
        return undefined;
      },
    },
    'two seconds pass': {
      ms: 2_000,
      owes: (run) => {
        const isTried = placeBefore(run) === 'degraded' && isOpened(run) && Object.keys(book(run).failing).length > 0;
        return isTried ? same('it is', place(run), 'reading') : undefined;
      },
    },
  },
  cases: {
    'the process starts again': {
      weight: 0.1,
      when: ({ isActive }) => isActive,
      run: (run) => {
        run.notes['opened'] = undefined;
        run.restore();
      },
      owes: (run) => same('version', run.snapshot.context.version, run.before.context.version),
    },
  },
  corners: {
    'a process after another': [
      ...([
        'a configuration',
        'sources: begin in another process',
        'sources: read, and there is news',
        'check: what the sources say is good',
      ] as const),
      ...['the process starts again', 'sources: begin in another process', 'sources: read, and there is news', 'check: what the sources say is good'],
    ],
    'nonsense, and then sense': [
      ...([
        'a configuration',
        'sources: begin in another process',
        'sources: read, and there is news',
        'check: what the sources say is good',
      ] as const),
      ...['sources: one changes', 'a moment passes', 'sources: read, and there is news', 'check: invalid'],
      ...['app: reads again', 'sources: read, and there is news', 'check: what the sources say is good'],
    ],
  },
  key: (run) => {
    const { snapshot, clock } = run;
    const { version, attempt, intensity, queue, told, ticket: last } = snapshot.context;
    const { ticket: _ticket, losses, underWay, version: own, kept: _kept, ...rest } = book(run);
    const kind = underWay === undefined ? 'none' : underWay === null ? 'sources' : 'request';
    return [
      ...[Math.min(version, 1), version === own, attempt > 0, intensity, queue.length, told === null, kind, last === null],
      ...[{ ...rest, attempt: 0, queue: rest.queue.length }, losses.map((at) => clock.now() - at <= 1_000)],
      ...[isOpened(run), (clock.nextAt() ?? clock.now()) - clock.now()],
    ];
  },
  invariants: {
    'its parts run exactly as long as they are needed': (run) => {
      const parts = run.running().map(({ src }) => src);
      const expected = run.isActive ? (place(run) === 'checking' ? ['check', 'sources'] : ['sources']) : [];
      return same('running', parts.sort(), expected);
    },
    'it accepts exactly while it runs, and is healthy exactly while it serves what it should': ({ snapshot, isActive }) =>
      same('tags', [snapshot.hasTag('accepting'), snapshot.hasTag('healthy')], [isActive, isActive && place({ snapshot }) === 'serving']),
    'one candidate is under way, and it is the one whose turn it is': (run) => {
      const fake = run.of('check')[0];
      const { underWay } = book(run);
      if (fake === undefined || underWay === undefined) return undefined;
      return same('under way', fake.input, { ticket: underWay });
    },
    'nobody who waits is forgotten, nor overtaken': (run) => {
      if (!run.isActive || !isOpened(run)) return undefined;
      return same('queue', run.snapshot.context.queue, book(run).queue);
    },
    'it knows what it was told: version, updates, and why it is not whole': (run) => {
      if (!run.isActive || !isOpened(run)) return undefined;
      const { version, isGood, kept, lost, isRefused, failing } = run.snapshot.context;
      const own = book(run);
      return same(
        'known',
        [version, isGood, kept, lost, isRefused, failing],
        [own.version, own.isGood, own.kept, own.lost, own.isRefused, own.failing],
      );
    },
    'it is degraded exactly as it has told': ({ snapshot, emitted, notes }) => {
      if (!restful.includes(place({ snapshot })) || notes['restored'] === true) return undefined;
      const last = emitted.findLast(({ type }) => type === 'config.degraded' || type === 'config.recovered');
      if (place({ snapshot }) === 'serving') return last?.type === 'config.degraded' ? 'it has not told that it has recovered' : undefined;
      const { failing, isRefused, lost } = snapshot.context;
      return same('told', last, { type: 'config.degraded', failing, isRefused, lost });
    },
    'it tells that it is degraded, or is so no longer, once': ({ emitted }) => {
      const told = emitted.filter(({ type }) => type === 'config.degraded' || type === 'config.recovered').map((fact) => JSON.stringify(fact));
      const twice = told.find((fact, index) => fact === told[index - 1]);
      return twice === undefined ? undefined : `twice: ${twice}`;
    },
    'it waits no longer than it may': (run) => {
      const { snapshot, clock } = run;
      const isActive = run.isActive && isOpened(run);
      const next = clock.nextAt();
      const isDue = isActive && ['settling'].includes(place({ snapshot }));
      if (isDue && (next === undefined || next === null)) return 'it settles for ever';
      const hasRetry = isActive && place({ snapshot }) === 'degraded' && Object.keys(snapshot.context.failing).length > 0;
      return hasRetry && (next === undefined || next === null || next === Infinity || next - clock.now() > 800) ? 'it never tries again' : undefined;
    },
    'sources that have changed are read, and what they say is looked at': (run) =>
      run.isActive && !['reading', 'opening'].includes(place(run)) && isOpened(run)
        ? same('stale', run.snapshot.context.isStale, book(run).isStale)
        : undefined,
  },
  observe: (run) => {
    const { notes } = run;
    Object.assign(notes, { sourcesBefore: notes['sourcesNow'], sourcesNow: run.of('sources')[0] });
    if (place(run) === 'reading' && notes['placeLast'] !== 'reading') note(run, { isStale: false });
    if (place(run) !== 'checking') note(run, { underWay: undefined });
    notes['placeLast'] = place(run);
  },
  finish: (run) => run.send({ type: 'config.close' }),
};
