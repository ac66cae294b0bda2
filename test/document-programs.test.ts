/**
 * The programs of the documents run, and do what they say. Those of most guides have a test beside what they are about; here are the others, and the
 * list of all.
 */
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { codeBlocks } from './house/documents.js';
import { readHouse } from './house/source.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const { files } = readHouse(root);

/** Which test runs the programs of a document. */
const ranBy: Readonly<Record<string, string>> = {
  'README.md': 'test/document-programs.test.ts',
  'docs/guides/agents.md': 'test/agents/guide.test.ts',
  'docs/guides/application.md': 'test/application/guide.test.ts',
  'docs/guides/barrier.md': 'test/coordination/barrier-guide.test.ts',
  'docs/guides/comms.md': 'test/comms/guide.test.ts',
  'docs/guides/auction.md': 'test/coordination/auction-guide.test.ts',
  'docs/guides/allocation.md': 'test/coordination/allocation-guide.test.ts',
  'docs/guides/market.md': 'test/coordination/market-guide.test.ts',
  'docs/guides/compiled.md': 'test/compiled/guide.test.ts',
  'docs/guides/config.md': 'test/config/guide.test.ts',
  'docs/guides/consensus.md': 'test/coordination/consensus-guide.test.ts',
  'docs/guides/coordination-backend.md': 'test/coordination/guide.test.ts',
  'docs/guides/counter.md': 'test/coordination/counter-guide.test.ts',
  'docs/guides/coordination-sessions.md': 'test/coordination/coordination-sessions-guide.test.ts',
  'docs/guides/delegation.md': 'test/coordination/delegation-guide.test.ts',
  'docs/guides/diagrams.md': 'test/document-programs.test.ts',
  'docs/guides/events.md': 'test/event-store/guide.test.ts',
  'docs/guides/gate.md': 'test/gate/guide.test.ts',
  'docs/guides/gemini-server.md': 'test/testing/gemini-server/guide.test.ts',
  'docs/guides/health.md': 'test/health/guide.test.ts',
  'docs/guides/inspector.md': 'test/document-programs.test.ts',
  'docs/guides/interactions.md': 'test/interactions/guide.test.ts',
  'docs/guides/isolated-work.md': 'test/isolation/guide.test.ts',
  'docs/guides/leader.md': 'test/coordination/leader-guide.test.ts',
  'docs/guides/live.md': 'test/live/connect-guide.test.ts',
  'docs/guides/load-balancer.md': 'test/agents/balancer-guide.test.ts',
  'docs/guides/lock.md': 'test/coordination/lock-guide.test.ts',
  'docs/guides/negotiation.md': 'test/coordination/negotiation-guide.test.ts',
  'docs/guides/other-viewers.md': 'test/document-programs.test.ts',
  'docs/guides/recordings.md': 'test/inspector/guide.test.ts',
  'docs/guides/registry.md': 'test/registry/guide.test.ts',
  'docs/guides/replay.md': 'test/testing/replay/guide.test.ts',
  'docs/guides/simulated-network.md': 'test/document-programs.test.ts',
  'docs/guides/streams.md': 'test/stream/guide.test.ts',
  'docs/guides/telemetry.md': 'test/instrumentation/guide.test.ts',
  'docs/guides/tools.md': 'test/tools/guide.test.ts',
  'docs/guides/vector-clocks.md': 'test/coordination/vector-clock-guide.test.ts',
  'docs/guides/variables.md': 'test/agents/variables-guide.test.ts',
};

mkdirSync(join(root, '.build'), { recursive: true });
const folder = mkdtempSync(join(root, '.build', 'programs-'));
let programs = 0;

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const programsOf = (path: string): readonly string[] => codeBlocks({ path, text: readFileSync(join(root, path), 'utf8') }).map(({ code }) => code);

/** Runs a program as it stands, or with the end that a reader's own has; its files are in a folder of the test's. @returns what it printed */
async function printedBy(program: string | undefined): Promise<string[]> {
  const code = (program ?? '')
    .replaceAll(/'espalier(\/\w+)?'/g, (_, door: string = '') => `'${root}src${door}/index.ts'`)
    .replaceAll(/'(app\.[\w.]+)'/g, (_, name: string) => `'${join(folder, name)}'`);
  const file = join(folder, `program${programs++}.ts`);
  writeFileSync(file, code);
  const print = vi.spyOn(console, 'log').mockImplementation(() => undefined);
  try {
    await import(/* @vite-ignore */ pathToFileURL(file).href);
    return print.mock.calls.map((words) => words.join(' '));
  } finally {
    print.mockRestore();
  }
}

describe('the programs of', { timeout: 60_000 }, () => {
  it('each document are run by a test', () => {
    const withPrograms = files.filter(({ path, text }) => /^(?:\w+\.md|docs\/.*\.md)$/.test(path) && codeBlocks({ path, text }).length > 0);
    expect(Object.keys(ranBy).sort()).toEqual(withPrograms.map(({ path }) => path).sort());
    expect(Object.values(ranBy).filter((test) => !files.some(({ path }) => path === test))).toEqual([]);
  });

  it('the README restart what crashes, end when they say, and talk to the model', async () => {
    const [tree, live, ...others] = programsOf('README.md');
    expect(others).toEqual([]);
    const lines = await printedBy(tree);
    expect(lines.slice(0, 3)).toEqual(['prices is back, attempt 1', 'prices is back, attempt 2', '42']);
    expect(lines[3]).toMatch(/^stopped in \d+ ms, killed: 0$/);
    expect((await printedBy(live)).join('')).toBe('It is 12 °C.');
  });

  it('the guide of the inspector open an app to be looked at, in five ways', async () => {
    const [withControl, withReplay, alone, asChild, withRecorder, ...others] = programsOf('docs/guides/inspector.md');
    expect(others).toEqual([]);
    const address = /^http:\/\/127\.0\.0\.1:\d+\/#token=[\w-]{43}$/;
    const ready = 'const there = await eye.ready();\nconsole.log(there.ok ? there.url : there.reason);\n';
    expect(await printedBy(`${withControl}${ready}await app.stop();\n`)).toEqual([expect.stringMatching(address)]);
    const replaying = withReplay?.replace('inspect(app', 'const eye = inspect(app');
    expect(await printedBy(`${replaying}${ready}await app.stop();\n`)).toEqual([expect.stringMatching(address)]);
    expect(await printedBy(`${alone}await app.stop();\n`)).toEqual([expect.stringMatching(address)]);
    const state = "await app.started();\nconsole.log(app.child('eye')?.getSnapshot().status);\nawait app.stop();\n";
    expect(await printedBy(`${asChild}${state}`)).toEqual(['active']);
    // It goes on until its app ends.
    const ended = withRecorder?.replace('await eye.ended();', `${ready}void app.stop();\nawait eye.ended();`);
    expect(await printedBy(ended)).toEqual([expect.stringMatching(address)]);
  });

  it('the guide of other viewers write traces', async () => {
    const [traces, ...others] = programsOf('docs/guides/other-viewers.md');
    expect(others).toEqual([]);
    copyFileSync(join(root, 'test/testing/replay/recordings/crashing-tree.ndjson'), join(folder, 'app.ndjson'));
    await printedBy(traces);
    const read = (name: string): unknown => JSON.parse(readFileSync(join(folder, name), 'utf8'));
    expect(read('app.trace.json')).toContainEqual(expect.objectContaining({ ph: 'X', name: 'app' }));
    expect(JSON.stringify(read('app.otlp.json'))).toContain('{"key":"service.name","value":{"stringValue":"voice"}}');
  });

  it('the guide of the simulated network meet a partition, and find an order that is shipped twice', async () => {
    const [watched, shop, ...others] = programsOf('docs/guides/simulated-network.md');
    expect(others).toEqual([]);
    const guide = readFileSync(join(root, 'docs/guides/simulated-network.md'), 'utf8');
    expect(guide).toContain(`\`\`\`text\n${(await printedBy(watched)).join('\n')}\n\`\`\`\n`);
    const [found, ...rest] = await printedBy(shop);
    expect(guide).toContain(`\`\`\`text\n${found}\n\`\`\`\n`);
    expect(rest).toEqual(['200 seeds passed']);
  });

  it('the guide of diagrams draw', async () => {
    const [drawn, ...others] = programsOf('docs/guides/diagrams.md');
    expect(others).toEqual([]);
    expect(await printedBy(drawn)).toEqual([
      expect.stringMatching(/^stateDiagram-v2\n[\s\S]*digraph "kettle"/),
      expect.stringMatching(/^<svg[\s\S]*class="[^"]*active[\s\S]*data-state="kettle.cold"|^<svg[\s\S]*data-state="kettle.cold"[^>]*active/),
    ]);
  });
});
