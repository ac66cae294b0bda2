import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');
const folders = ['machines/live', 'src/live', 'src/wire/gemini', 'src/testing/gemini-server'];
const declaration = /^export (?:async )?(?:class|const|function|interface|type) (\w+)/;

/** The names that a file exports without a doc comment right above them. */
function undocumented(file: string): string[] {
  const lines = readFileSync(file, 'utf8').split('\n');
  return lines.flatMap((line, index) => {
    const name = declaration.exec(line)?.[1];
    const above = lines.slice(0, index).findLast((text) => !text.startsWith('// oxlint-disable'));
    return name === undefined || above?.trimEnd().endsWith('*/') ? [] : [name];
  });
}

it.each(folders)('every name that %s exports says what it is for', (folder) => {
  const files = readdirSync(join(root, folder)).filter((name) => name.endsWith('.ts'));
  const silent = files.flatMap((name) => undocumented(join(root, folder, name)).map((exported) => `${name}: ${exported}`));
  expect(files).not.toEqual([]);
  expect(silent).toEqual([]);
});
