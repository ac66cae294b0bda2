/**
 * Reads a guide as its reader does, block by block: a file to write (`ts caller.ts`), a change to it (`diff caller.ts`), a run of all tests or of a file
 * (`sh`), and what the run prints (`text`).
 */

/** What a reader has run when the guide says `npx vitest run`, and what is to be seen then. */
export interface Stage {
  /** The line of the run in the guide. */
  readonly line: number;
  readonly files: ReadonlyMap<string, string>;
  /** Texts of the output; without any, all tests pass. */
  readonly shown: readonly string[];
}

const fence = /^```(\S+)(?: (\S+))?\n([\s\S]*?)^```$/gm;
const run = /^npx vitest run(?: (\S+))?\n$/;

/** The runs of a guide, in order. */
export function stagesOf(text: string): Stage[] {
  const files = new Map<string, string>();
  const stages: { line: number; files: Map<string, string>; shown: string[] }[] = [];
  for (const { 1: language, 2: name, 3: code = '', index } of text.matchAll(fence)) {
    const line = text.slice(0, index).split('\n').length + 1;
    if (language === 'ts' && name !== undefined) files.set(name, code);
    if (language === 'diff' && name !== undefined) files.set(name, changed(files.get(name) ?? '', code, `line ${line}`));
    const ran = language === 'sh' ? run.exec(code) : null;
    const isRun = (file: string): boolean => !file.endsWith('.test.ts') || file.includes(ran?.[1] ?? '');
    if (ran !== null) stages.push({ line, files: new Map([...files].filter(([file]) => isRun(file))), shown: [] });
    if (language === 'text') stages.at(-1)?.shown.push(code);
  }
  return stages;
}

/** The text after a change: hunks are set apart by `@@`, each of them fits in one place. */
function changed(text: string, diff: string, where: string): string {
  return diff.split(/^@@\n/m).reduce((before, hunk) => {
    const lines = hunk.trimEnd().split('\n');
    const side = (mark: string): string => lines.flatMap((line) => (line.startsWith(mark) ? [] : [`${line.slice(1)}\n`])).join('');
    const [old, now] = [side('+'), side('-')];
    const places = before.split(old).length - 1;
    if (places !== 1) throw new Error(`the change at ${where} fits in ${places} places:\n${old}`);
    return before.replace(old, () => now);
  }, text);
}
