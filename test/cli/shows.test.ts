/** The three ways of showing a play: in place on a terminal, as lines, as JSON. */
import { describe, expect, it } from 'vitest';
import { chooseShow, type Show, wantsColours } from '../../src/cli/screen/show.js';
import { TerminalShow } from '../../src/cli/screen/terminal-show.js';
import type { Fact } from '../../src/cli/stage/facts.js';
import type { TreeNode } from '../../src/cli/stage/tree-node.js';
import { Screen } from './screen.js';

const leaf = (name: string, state: string): TreeNode => ({ name, state, restarts: null, about: '', children: [] });
const tree = (...states: string[]): [TreeNode] => [
  { ...leaf('app', 'running'), children: states.map((state, index) => leaf(`child-${index}`, state)) },
];
const said = (text: string): Fact => ({ type: 'said', by: 'user', text, from: 'app', atMs: 0 });
const report = { id: 'app', reason: 'normal', tookMs: 1, children: [], killed: [], orphans: [] } as const;

class Pipe {
  text = '';
  write(text: string): void {
    this.text += text;
  }
}

function play(show: Show): void {
  show.begin('a play');
  show.update([said('one')], tree('starting'));
  show.picture();
  show.update([said('two'), { type: 'child.restarted', id: 'x', attempt: 1, from: 'app', atMs: 5 }], tree('running'));
  show.update([said('three')], tree('running'));
  show.picture();
  show.report(report);
  show.end({ ok: true, exitCode: 0, reason: null });
  show.close();
}

const trees = (text: string): number => text.split('actor ').length - 1;

describe('on a terminal', () => {
  it('facts scroll by, and the tree is redrawn below them in its place', () => {
    const screen = new Screen(80);
    const show = new TerminalShow(screen, true);
    show.begin('a play');
    show.update([said('one')], tree('starting', 'starting'));
    expect(screen.text).toMatch(/^espalier · a play\n\n.*you +one\n\nactor.*\napp.*\n├── child-0 +starting\n└── child-1 +starting\n$/);
    show.update([said('two')], tree('ready'));
    expect(screen.text).toMatch(/one\n.*two\n\nactor.*\napp.*\n└── child-0 +ready\n$/);
    expect(screen.cursorIsHidden).toBe(true);
    show.close();
    expect(screen.cursorIsHidden).toBe(false);
  });

  it('the end wipes the live tree, which is true no more, and leaves the exit report and the cursor', () => {
    const screen = new Screen(80);
    play(new TerminalShow(screen, false));
    expect(trees(screen.text)).toBe(1); // the report's heading
    expect(screen.text).toMatch(/three\n\nexit report: app ended normal[\s\S]*✔ all went well\n$/);
    expect(screen.cursorIsHidden).toBe(false);
  });

  it('a tree that is too high or too wide is cut, and still redrawn in its place', () => {
    const screen = new Screen(24, 8);
    const show = new TerminalShow(screen, true);
    show.begin('a play');
    for (const state of ['starting', 'ready', 'a very long state indeed']) show.update([], tree(...Array.from({ length: 20 }, () => state)));
    const rows = screen.text.split('\n');
    expect(rows.filter((row) => row.startsWith('actor'))).toHaveLength(1);
    expect(rows.at(-2)).toBe('… and 17 more');
    expect(rows.every((row) => row.length < 24)).toBe(true);
    show.close();
  });

  it('a terminal made narrower is cleared of the lines that it has broken', () => {
    const screen = new Screen(40);
    const show = new TerminalShow(screen, false);
    show.begin('a play');
    const wide = { ...tree('running')[0], about: 'x'.repeat(60) };
    show.update([], [wide]);
    const broken = new Screen(20);
    broken.write(screen.text);
    screen.columns = 20;
    let written = '';
    screen.write = (text) => (written += text);
    show.update([], tree('ready'));
    broken.write(written);
    expect(broken.text.split('\n').filter((row) => row.startsWith('actor'))).toHaveLength(1);
    show.close();
  });

  it('a terminal that knows no size is taken for a common one', () => {
    const screen = Object.assign(new Screen(80), { columns: 0, rows: 0 });
    const written: string[] = [];
    screen.write = (text) => written.push(text);
    play(new TerminalShow(screen, false));
    expect(written.join('')).toContain('└── child-0  starting');
  });
});

describe('into a pipe', () => {
  it('every fact is a line, and the tree stands at the start, where it took a turn, and at the end', () => {
    const pipe = new Pipe();
    play(chooseShow(pipe, {}, {}));
    expect(pipe.text).toMatch(/one\n\nactor[\s\S]*two\n[\s\S]*restarted[^\n]*\n\nactor[\s\S]*three\n\nactor[\s\S]*exit report/);
    expect(trees(pipe.text)).toBe(4);
    expect(pipe.text).not.toContain('\u001B');
    expect(pipe.text).not.toContain('\n\n\n');
    expect(pipe.text.endsWith('\nall went well\n')).toBe(true);
  });

  it('every root has a tree of its own', () => {
    const guest: TreeNode = leaf('~statelyai-1', 'running');
    const shows = [new Pipe(), new Pipe(), new Screen(80)] as const;
    for (const [paper, flags] of [
      [shows[0], {}],
      [shows[1], { json: true }],
      [shows[2], {}],
    ] as const) {
      const show = chooseShow(paper, flags, {});
      show.begin('a play');
      show.update([], [...tree('ready'), guest]);
      show.picture();
      show.close();
    }
    expect(shows[0].text).toMatch(/\napp .*\n└── child-0 .*\n\nactor .*\n~statelyai-1 +running/);
    expect(shows[1].text).toMatch(/"tree":\{"name":"app".*\n.*"tree":\{"name":"~statelyai-1"/);
    expect(shows[2].text).toMatch(/\napp .*\n└── child-0 .*\n\nactor .*\n~statelyai-1 +running/);
  });

  it('a tree that has just been printed is not printed again', () => {
    const pipe = new Pipe();
    const show = chooseShow(pipe, {}, {});
    show.update([], tree('running'));
    show.picture();
    show.picture();
    expect(trees(pipe.text)).toBe(1);
  });
});

describe('as JSON', () => {
  it('every line is an object with its type; errors keep their words', () => {
    const pipe = new Pipe();
    const show = chooseShow(pipe, { json: true }, {});
    play(show);
    show.update(
      [
        { type: 'child.exited', reason: { crash: new TypeError('lost') }, from: 'app', atMs: 1 },
        { type: 'frame', from: 'app', atMs: 1 },
      ],
      tree(),
    );
    const objects = pipe.text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { type: string });
    expect(objects.map(({ type }) => type)).toEqual([
      ...['begin', 'said', 'tree', 'said', 'child.restarted', 'tree', 'said', 'tree', 'report', 'end'],
      ...['child.exited', 'tree'],
    ]);
    expect(objects.at(-2)).toMatchObject({ reason: { crash: { name: 'TypeError', message: 'lost' } } });
  });
});

describe('colours', () => {
  it.each([
    ['on a terminal', true, {}, {}, true],
    ['into a pipe', false, {}, {}, false],
    ['with NO_COLOR', true, {}, { NO_COLOR: '1' }, false],
    ['with an empty NO_COLOR', true, {}, { NO_COLOR: '' }, true],
    ['with --no-color', true, { 'no-color': true }, { FORCE_COLOR: '1' }, false],
    ['with NO_COLOR and FORCE_COLOR', true, {}, { NO_COLOR: '1', FORCE_COLOR: '1' }, false],
    ['into a pipe with FORCE_COLOR', false, {}, { FORCE_COLOR: '1' }, true],
    ['on a terminal with FORCE_COLOR=0', true, {}, { FORCE_COLOR: '0' }, false],
  ])('%s', (_, isTerminal, flags, env, wanted) => {
    expect(wantsColours(isTerminal, flags, env)).toBe(wanted);
  });

  it('a dumb terminal is printed to as a pipe is', () => {
    expect(chooseShow(new Screen(80), {}, { TERM: 'dumb' })).not.toBeInstanceOf(TerminalShow);
    expect(chooseShow(new Screen(80), {}, { TERM: 'xterm' })).toBeInstanceOf(TerminalShow);
  });
});
