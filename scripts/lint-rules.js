/** ESLint rules of this repository (CONTRIBUTING.md, Gates). Each has a probe in test/boundary/probes. */

import { basename, dirname } from 'node:path';

const VAGUE_NAMES = /(^|-)(utils?|helpers?|common|types|managers?|misc)$/;
const KEBAB_CASE = /^[a-z0-9]+(-[a-z0-9]+)*$/;

/** A file is named for its one concept, in kebab case. `index` exists in workflows/ alone, where the bundler wants it. */
const fileName = {
  meta: {
    type: 'suggestion',
    schema: [],
    messages: {
      vague:
        '"{{name}}" says nothing about the file: name its concept (for example byte-range.ts).',
      case: '"{{name}}" is not kebab-case.',
      barrel: 'No index files outside workflows/: import from the file that defines the name.',
    },
  },
  create(context) {
    return {
      Program(node) {
        const name = basename(context.filename).replace(/(\.test|\.config|\.d)?\.[a-z]+$/, '');
        const messageId = VAGUE_NAMES.test(name)
          ? 'vague'
          : !KEBAB_CASE.test(name)
            ? 'case'
            : name === 'index' && basename(dirname(context.filename)) !== 'workflows'
              ? 'barrel'
              : null;
        if (messageId !== null) {
          context.report({ node, loc: { line: 1, column: 0 }, messageId, data: { name } });
        }
      },
    };
  },
};

/** A `BackupError` thrown for a caught error carries it as `cause`. ESLint's own `preserve-caught-error` knows only the
 *  built-in classes. A catch without a parameter has decided that the cause does not matter. */
const backupErrorCause = {
  meta: {
    type: 'problem',
    schema: [],
    messages: { missing: 'Give the caught error as `cause`.' },
  },
  create(context) {
    return {
      'CatchClause[param] ThrowStatement > NewExpression[callee.name="BackupError"]'(node) {
        const options = node.arguments[2];
        const hasCause =
          options?.type === 'ObjectExpression' &&
          options.properties.some(
            (property) => property.type === 'SpreadElement' || property.key.name === 'cause',
          );
        if (!hasCause) context.report({ node, messageId: 'missing' });
      },
    };
  },
};

/** Test titles are unique within their `describe`: two tests of one title hide each other in a report. */
const uniqueTestTitle = {
  meta: {
    type: 'problem',
    schema: [],
    messages: { twice: 'There is a test "{{title}}" in this describe already.' },
  },
  create(context) {
    const scopes = [new Set()];
    const isCall = (node, name) => node.callee.type === 'Identifier' && name.test(node.callee.name);
    return {
      CallExpression(node) {
        if (isCall(node, /^describe/)) scopes.push(new Set());
        if (!isCall(node, /^(it|test)$/) || node.arguments[0]?.type !== 'Literal') return;
        const title = node.arguments[0].value;
        const titles = scopes.at(-1);
        if (titles.has(title)) context.report({ node, messageId: 'twice', data: { title } });
        titles.add(title);
      },
      'CallExpression:exit'(node) {
        if (isCall(node, /^describe/)) scopes.pop();
      },
    };
  },
};

/** The calls of a file system below the contract of repositories: `src/repository` alone builds verbs on them. */
const FOLDER_CALLS = new Set([
  'openWrite',
  'makeFolder',
  'rename',
  'unlink',
  'removeFolder',
  'syncFolder',
  'openSyncAll',
]);
const storageVerbs = {
  meta: {
    type: 'problem',
    schema: [],
    messages: {
      below:
        'A repository is asked in verbs (StorageVerbs); `{{name}}` is for src/repository, which knows file systems.',
    },
  },
  create(context) {
    return {
      'CallExpression > MemberExpression.callee'({ property }) {
        if (property.type === 'Identifier' && FOLDER_CALLS.has(property.name))
          context.report({ node: property, messageId: 'below', data: { name: property.name } });
      },
    };
  },
};

export const longhaulRules = {
  rules: {
    'storage-verbs': storageVerbs,
    'file-name': fileName,
    'backup-error-cause': backupErrorCause,
    'unique-test-title': uniqueTestTitle,
  },
};
