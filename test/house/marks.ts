/** Marks that switch a check off: each says why. */
import { type Rule, at } from './source.js';

export const reasons: Rule = {
  title: 'a mark that switches the linter off says why',
  check: ({ modules }) =>
    modules.flatMap((module) =>
      module.comments
        .filter(({ value }) => /^\s*(?:oxlint|eslint)-disable/.test(value) && !/\s--\s+\S/.test(value))
        .map((comment) =>
          at(module, comment, 'switches the linter off and does not say why: add ` -- ` and the reason, or mend what it complains of'),
        ),
    ),
  samples: [
    { name: 'a line', files: { 'src/a.ts': '// oxlint-disable-next-line no-console\nx();' }, says: /src\/a\.ts:1 .*add ` -- `/ },
    { name: 'a file', files: { 'src/a.ts': 'x();\n/* oxlint-disable */' }, says: /a\.ts:2/ },
    { name: "another linter's mark, which ours obeys", files: { 'src/a.ts': 'x(); // eslint-disable-line no-console' }, says: /reason/ },
    { name: 'a reason without words', files: { 'src/a.ts': '// oxlint-disable-next-line no-console --\nx();' }, says: /reason/ },
    { name: 'a reason', files: { 'src/a.ts': '// oxlint-disable-next-line no-console -- people read this\nx();' } },
    { name: 'a text that looks like a mark', files: { 'src/a.ts': "export const mark = '// oxlint-disable no-console';" } },
  ],
};
