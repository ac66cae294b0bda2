/** What the page has, as a file, when the app that had all of it is gone. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { sceneAt } from '../../src/recording/scene.js';
import { parseRecording } from '../../src/wire/recording/parse.js';
import { partOf } from '../../visualizations/inspector/exports/part.js';
import { entriesOf } from '../../visualizations/inspector/sources/entries.js';
import { Timeline } from '../../visualizations/inspector/state/timeline.js';
import { sent } from './lines.js';

const { head, lines } = parseRecording(readFileSync(join(import.meta.dirname, '../testing/replay/recordings/crashing-tree.ndjson'), 'utf8'));

function pageWith(entries: Parameters<Timeline['append']>[0]): Timeline {
  const timeline = new Timeline();
  timeline.clear(head);
  timeline.append(entries);
  return timeline;
}

/** Who lives, and how. */
const facts = (of: typeof lines) =>
  [...sceneAt(of).actors.values()]
    .filter(({ exit }) => exit === null)
    .map(({ path, status, value, context }) => ({ path, status, value, context }))
    .toSorted((one, other) => (one.path < other.path ? -1 : 1));

describe('what a page has of an app that is gone', () => {
  it('is a recording of the same lines, and says that it is a part', () => {
    const part = partOf(pageWith(entriesOf(lines)));
    const read = parseRecording(part.text);
    expect(read).toMatchObject({ head, lines, cut: { why: expect.stringMatching(/what the inspector's page had/) } });
    expect(part.lines).toBe(lines.length);
  });

  it('begins with how things were, where the oldest lines were let go', () => {
    const at = lines.at(-1)?.seq ?? 0;
    const ticks = Array.from({ length: 240_000 }, (_, index) => ({ ...sent('nobody', 10_000 + index, 'tick'), seq: at + 1 + index }));
    const timeline = pageWith([...entriesOf(lines), ...ticks]);
    expect(timeline.seqOf(0)).toBeGreaterThan(at);
    const read = parseRecording(partOf(timeline).text);
    expect(read.lines[0]).toMatchObject({ type: '@espalier.keyframe' });
    expect(facts(read.lines)).toEqual(facts(lines));
  });

  it('counts the lines that the page was not told of, and takes up a branch where it was told how that is', () => {
    const half = lines.slice(0, 40);
    const seq = (half.at(-1)?.seq ?? 0) + 7;
    const known = new Set(['app', ...facts(half).map(({ path }) => path)]);
    const timeline = pageWith([...half, { ...sent('app', 500, 'x'), seq }, { type: 'branch', at: 500, branch: 'app', known }]);
    const read = parseRecording(partOf(timeline).text);
    expect(read.lines).toContainEqual(expect.objectContaining({ type: '@espalier.dropped', seq: seq - 1, count: 6 }));
    expect(read.lines).toContainEqual(expect.objectContaining({ type: '@espalier.keyframe', seq }));
    expect(facts(read.lines)).toEqual(facts(half));
  });
});
