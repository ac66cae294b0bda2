/** How the rooms look from outside: size, names, doors. */
import { type Rule, at } from './source.js';

const longestFile = 400;
const emptyNames = ['util', 'utils', 'helper', 'helpers', 'common', 'misc', 'shared', 'types'];
/** Names that the list above would refuse, each with its reason. */
const namedOnPurpose = new Map([['test/types', 'what must compile and what must not: here "types" says exactly what is tested']]);

export const fileLength: Rule = {
  title: `no file over ${longestFile} lines`,
  check: ({ modules }) =>
    modules.flatMap(({ path, text }) => {
      const lines = text.trimEnd().split('\n').length;
      return lines <= longestFile ? [] : [{ path, message: `has ${lines} lines, ${longestFile} at most: split it where its sections are` }];
    }),
  samples: [
    { name: '401 lines', files: { 'src/a.ts': 'x();\n'.repeat(401) }, says: /401 lines/ },
    { name: '400 lines', files: { 'src/a.ts': 'x();\n'.repeat(400) } },
  ],
};

export const names: Rule = {
  title: 'no file or folder has a name that says nothing (utils, helpers, common, misc, shared, types)',
  check: ({ files }) =>
    files.flatMap(({ path }) => {
      const parts = path.split('/');
      const empty = parts.findIndex((part, depth) => {
        const stem = part.replace(/^_/, '').replace(/\..*$/, '').toLowerCase();
        return emptyNames.includes(stem) && !namedOnPurpose.has(parts.slice(0, depth + 1).join('/'));
      });
      return empty < 0
        ? []
        : [{ path, message: `"${parts[empty]}" says nothing: name it after what is in it; types live with the code that uses them` }];
    }),
  samples: [
    { name: 'a file', files: { 'src/live/types.ts': '' }, says: /says nothing/ },
    { name: 'a test of one', files: { 'test/live/utils.test.ts': '' }, says: /says nothing/ },
    { name: 'a folder', files: { 'src/shared/clock.ts': '' }, says: /"shared"/ },
    { name: 'the folder of type tests', files: { 'test/types/supervisor.test-d.ts': '' } },
  ],
};

/** The doors of the package: its entries, and nothing else re-exports. */
const doors = ['machines/index.ts', 'src/index.ts', 'src/charts/index.ts', 'src/inspector/index.ts', 'src/testing/index.ts'];

export const barrels: Rule = {
  title: 'index.ts stands only where the package has an entry',
  check: ({ files }) =>
    files
      .filter(({ path }) => /^(?:src|machines)\/.*\bindex\.ts$/.test(path) && !doors.includes(path))
      .map(({ path }) => ({ path, message: 'is a barrel inside the house: import the file itself, or list the new entry in test/house/rooms.ts' })),
  samples: [
    { name: 'a barrel in a domain', files: { 'src/live/index.ts': '' }, says: /barrel/ },
    { name: 'the front door', files: { 'src/index.ts': '' } },
  ],
};

export const frontDoor: Rule = {
  title: 'src/index.ts only re-exports',
  check: ({ modules }) =>
    modules
      .filter(({ path }) => path === 'src/index.ts')
      .flatMap((module) =>
        module.program.body
          .filter((node) => !(node.type === 'ExportAllDeclaration' || (node.type === 'ExportNamedDeclaration' && node.source)))
          .map((node) => at(module, node, 'is more than a re-export: give it a file in its domain and re-export it from here')),
      ),
  samples: [
    { name: 'a declaration', files: { 'src/index.ts': 'export const a = 1;' }, says: /re-export/ },
    { name: 're-exports', files: { 'src/index.ts': "export { a } from './a.js'; export type { B } from './b.js';" } },
  ],
};
