/** Ours, through the cases that take no long, against the real local server: the command with nothing of it faked but the process. */
import { describe, expect, test } from 'vitest';
import { adapter } from '../../bench/compare/adapters/espalier.js';
import { App } from '../../bench/compare/app.js';
import { cases } from '../../bench/compare/cases/all.js';
import { verdictOf } from '../../bench/compare/case.js';
import { realWorld, runCell } from '../../bench/compare/run-cell.js';
import type { ProcessEnd, Subject } from '../../bench/compare/subject-process.js';

/** Our client in this process; to kill it is to close its session. */
const inProcess: Subject = {
  name: 'espalier',
  version: '0',
  start({ id, url }, tell) {
    const which = cases.find((one) => one.id === id);
    if (which === undefined) throw new Error(`expected a case, got: ${id}`);
    let end: (how: ProcessEnd) => void = () => {};
    const ended = new Promise<ProcessEnd>((resolve) => (end = resolve));
    const app = new App({
      adapter,
      url,
      ...which,
      tell: (kind, detail = '', figures) => tell({ kind, detail, ...(figures === undefined ? {} : { figures }), at: performance.now() }),
    });
    return {
      loaded: Promise.resolve(),
      acted: which.act(app),
      ended,
      kill: () => void app.close().then(() => end({ code: null, signal: 'SIGKILL', words: '' })),
    };
  },
};

describe('the session, compared', () => {
  test.each(['A', 'D', 'send-after-close', 'malformed-frame', 'throwing-callback'])('is right in the case %s', { timeout: 20_000 }, async (id) => {
    const which = cases.find((one) => one.id === id);
    if (which === undefined) throw new Error(`expected a case, got: ${id}`);
    const seen = await runCell(which, inProcess, { ...realWorld, lingerMs: 10 });
    expect({ verdict: verdictOf(which, seen), seen }).toMatchObject({ verdict: { right: true } });
  });
});
