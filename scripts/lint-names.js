/** What the lint rules refuse because it names one of several: rows of formats and of kinds of storage. */

import { readdirSync, readFileSync } from 'node:fs';

/** The ids of the formats, as their files in src/image name them; but for those that are words of everyday use. */
const FORMATS = readdirSync(new URL('../src/image', import.meta.url), { recursive: true })
  .filter((name) => /-formats?\.ts$/.test(name))
  .flatMap((name) => [
    ...readFileSync(new URL(`../src/image/${name}`, import.meta.url), 'utf8').matchAll(
      /\bid: '([a-z0-9-]+)'/g,
    ),
  ])
  .map(([, id]) => id)
  .filter((id) => id !== 'file' && id !== 'raw');
const FORMAT = `(${FORMATS.join('|')})`;
/** As a value, as a key of a table, as a member of one, and as a word of a template. */
export const NO_FORMAT_NAME = {
  selector: [
    `Literal[value=/^${FORMAT}$/]`,
    `:matches(Property, PropertyDefinition, TSPropertySignature) > Identifier.key[name=/^${FORMAT}$/]`,
    `MemberExpression[computed=false] > Identifier.property[name=/^${FORMAT}$/]`,
    `TemplateElement[value.cooked=/(^|[^a-z0-9-])${FORMAT}([^a-z0-9-]|$)/]`,
  ].join(', '),
  message: 'Ask the row of src/image/formats.ts: only src/image and src/layout name a format.',
};
/** Each kind of storage has a folder of its name in src/repository. */
const KINDS = readdirSync(new URL('../src/repository', import.meta.url), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);
const KIND = `(${KINDS.join('|')})`;
/** Keys and words of texts may be: they are words of everyday use. */
export const NO_KIND_NAME = {
  selector: `Literal[value=/^${KIND}$/], TemplateElement[value.cooked=/^${KIND}$/]`,
  message: 'Ask the row of src/repository/kinds.ts: nothing else names a kind of storage.',
};
