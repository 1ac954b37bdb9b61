import eslint from '@eslint/js';
import tseslint from 'typescript-eslint';
import { NO_FORMAT_NAME, NO_KIND_NAME } from './scripts/lint-names.js';
import { longhaulRules } from './scripts/lint-rules.js';

/** Every part of the source in `test/boundary/probes` breaks one rule on purpose, and a test expects the report. */

// --- Layers (docs/ARCHITECTURE.md, Layers). All imports are relative and name the layer's folder, so a pattern on the
// specifier decides; nothing has to be resolved, and nothing passes because it could not be.

/** The rows of the formats and what every format has; the formats themselves are for `src/image` alone. */
const IMAGE_CONTRACT = '(formats|image-format|disk-image|byte-source|run-buffer)\\.js$';
/** The contract and what is written against it; the adapters are for src/bin alone to choose. */
const REPOSITORY_CONTRACT = '(backup-repository|replace-file|repository-path|unread-file)\\.js$';

/** Words and small rules without a package behind them, which a page may carry. */
const DOMAIN_WORDS =
  '(printable|jobs/server-fields|schedules/day-names|sessions/(bottleneck|mover-times))\\.js$';

/** For each layer: other layers it may import, packages it may import (as patterns), and what it may import as types only.
 *  `from` may narrow a layer to some of its files. */
const LAYERS = {
  'src/domain': { layers: [], packages: ['temporal-polyfill/implementation'] },
  'src/image': {
    layers: ['domain'],
    packages: ['node:crypto', 'node:zlib', '@bokuweb/zstd-wasm', 'lz4-napi'],
  },
  'src/layout': {
    layers: ['domain', `image/${IMAGE_CONTRACT}`, `repository/${REPOSITORY_CONTRACT}`],
    packages: ['node:crypto', 'node:path(/posix)?', 'node:zlib', 'fast-xml-parser'],
  },
  'src/repository': {
    layers: ['domain'],
    packages: ['node:.*', 'zod'],
  },
  'src/chain': {
    layers: ['domain', `repository/${REPOSITORY_CONTRACT}`],
    packages: [
      'node:crypto',
      'node:module',
      'node:path(/posix)?',
      'node:timers/promises',
      '@napi-rs/blake-hash',
      'lru-cache',
    ],
  },
  'src/tree': {
    layers: ['domain', `repository/${REPOSITORY_CONTRACT}`, 'chain'],
    packages: ['node:crypto', 'node:path(/posix)?'],
  },
  'src/mover': {
    layers: ['domain', `image/${IMAGE_CONTRACT}`, 'layout', 'repository', 'chain', 'tree'],
    packages: ['node:.*', 'lru-cache'],
  },
  'src/primary': { layers: ['domain'], packages: ['node:.*'] },
  'src/notify': { layers: ['domain'], packages: ['node:.*', 'nodemailer'] },
  'src/config': {
    layers: ['domain', 'repository/(kinds|repository-kind)\\.js$'],
    packages: ['node:.*', 'zod', 'yaml'],
  },
  'src/temporal': {
    layers: ['domain', 'config', 'workflows/messages\\.js$'],
    packages: ['node:.*', '@temporalio/.*'],
  },
  'src/api': {
    layers: ['domain', 'config', 'workflows/messages\\.js$'],
    packages: [
      'node:.*',
      '@temporalio/(client|common|proto)(/.*)?',
      'express',
      'helmet',
      'jose',
      'openid-client',
      'lru-cache',
      'zod',
      'prom-client',
    ],
    typesOnly: ['workflows/'],
  },
  'src/dashboard': {
    layers: [`domain/${DOMAIN_WORDS}`],
    packages: [
      'react(-dom)?(/client)?',
      '@mantine/.*',
      '@tanstack/.*',
      '@tabler/icons-react',
      'wouter',
      'cronstrue',
      'get-nonce',
    ],
    typesOnly: ['api/', 'domain/'],
  },
  workflows: {
    layers: ['domain'],
    packages: ['@temporalio/workflow', '@temporalio/common'],
    typesOnly: ['activities/'],
  },
  activities: {
    layers: ['domain', 'mover', 'repository', 'chain', 'tree', 'notify', 'primary'],
    packages: ['node:.*', '@temporalio/activity', '@temporalio/common'],
  },
};

/** All folders that a layer may be forbidden. */
const FOLDERS = [
  ...Object.keys(LAYERS).map((folder) => folder.split('/').at(-1)),
  ...['cli', 'bin', 'test', 'bench', 'scripts'],
];

/** Folders of the mover, each with those that it may import; none imports what lies in `src/mover` itself, the threads. */
const MOVER_FOLDERS = {
  task: [],
  blocks: ['task'],
  staging: ['task', 'blocks'],
  source: ['task', 'blocks'],
  copy: ['task', 'blocks', 'staging', 'source'],
  change: ['task', 'blocks', 'staging', 'copy'],
  selection: ['task', 'blocks', 'staging', 'source', 'copy', 'change'],
  look: ['task', 'blocks', 'source', 'change'],
  health: ['task', 'blocks', 'staging', 'source', 'copy', 'change'],
  restore: ['task', 'blocks', 'staging', 'copy', 'change'],
  tree: ['task', 'blocks', 'staging', 'source', 'change'],
};

/** Rooms of `src/mover/tree`, the same way: each may import those before it, and what lies in `tree` itself; that imports none of them. */
const TREE_ROOMS = ['copy', 'commit', 'change', 'plan', 'health', 'restore'];

/** A look writes nothing: what it is handed has no write in its type. */
const LOOKS_READ = {
  regex: '/backup-repository\\.js$',
  importNames: ['BackupRepository', 'StorageVerbs'],
  allowTypeImports: false,
  message: 'A look reads: take SourceRepository.',
};

/** @param path of the folder, or of a room in it
 *  @param up from there to `src/mover` */
function moverRules(folder, path, up, more) {
  const { files, rules } = layerRules(['src/mover', LAYERS['src/mover']]);
  const [[rule, [level, { patterns }]]] = Object.entries(rules);
  const allowed = MOVER_FOLDERS[folder];
  const siblings = Object.keys(MOVER_FOLDERS).filter((name) => !allowed.includes(name));
  const above = {
    regex: `^(\\.\\./){${up}}([a-z-]+\\.js$|(${siblings.join('|')})/)`,
    message: `src/mover/${folder} may import of the mover: ${allowed.join(', ') || 'only itself'}.`,
  };
  return {
    files: files.map((pattern) => pattern.replace('mover/', `mover/${path}/`)),
    rules: { [rule]: [level, { patterns: [...patterns, above, ...more] }] },
  };
}

function moverFolderRules(folder) {
  const more = { look: [LOOKS_READ], tree: [laterRooms('\\./', 0)] };
  return moverRules(folder, folder, 1, more[folder] ?? []);
}

function treeRoomRules(room, index) {
  return moverRules('tree', `tree/${room}`, 2, [laterRooms('\\.\\./', index + 1)]);
}

function laterRooms(from, first) {
  const earlier = TREE_ROOMS.slice(0, first).join(', ');
  return {
    regex: `^${from}(${TREE_ROOMS.slice(first).join('|')})/`,
    message: `It may import of src/mover/tree: ${earlier || 'what lies in none of its rooms'}.`,
  };
}

/** What Temporal keeps is written down in `activities/*-payloads.ts`, in words of the domain. */
const NO_DERIVED_PAYLOAD = {
  regex: '/mover-operations\\.js$',
  importNames: ['OperationInput', 'OperationOutput'],
  allowTypeImports: false,
  message: 'A payload is written down in activities/*-payloads.ts, never derived from the mover.',
};
const PAYLOADS_OF_DOMAIN = {
  regex: '^\\.\\./src/(?!domain/)',
  message: 'A payload is made of what src/domain has.',
};

function payloadRules(files, pattern) {
  const { rules } = layerRules(['activities', LAYERS.activities]);
  const [[rule, [level, { patterns }]]] = Object.entries(rules);
  return { files, rules: { [rule]: [level, { patterns: [...patterns, ...pattern] }] } };
}

/** For layers that may import the rest of src/repository. */
const NO_ADAPTER = {
  regex: '^\\.{1,2}/(.*/)?repository/[a-z0-9-]+/',
  message: 'An adapter is opened by its row of src/repository/kinds.ts.',
};

function layerRules([folder, { layers, packages, typesOnly = [] }]) {
  const own = folder.split('/').at(-1);
  const allowed = [own, ...layers].map((layer) => (layer.includes('/') ? layer : `${layer}/`));
  const others = FOLDERS.filter((name) => name !== own).join('|');
  const relative = (exceptions) => `^\\.{1,2}/(.*/)?(?!${exceptions.join('|')})(${others})/`;
  const foreign = `^(?!\\.)(?!(${['$', ...packages].join('|')})$)`;
  const advice = `${folder} may import: ${[...layers, ...packages].join(', ') || 'only itself'}.`;
  return {
    files: [`${folder}/**/*.{ts,tsx}`],
    rules: {
      '@typescript-eslint/no-restricted-imports': [
        'error',
        {
          patterns: [
            { regex: relative([...allowed, ...typesOnly]), message: advice },
            { regex: foreign, message: advice },
            ...(layers.includes('repository') ? [NO_ADAPTER] : []),
            ...typesOnly.map((layer) => ({
              regex: `^\\.{1,2}/(.*/)?(?!${allowed.join('|')})${layer}`,
              allowTypeImports: true,
              message: `${folder} may import ${layer} only with "import type".`,
            })),
          ],
        },
      ],
    },
  };
}

// --- Syntax that is refused, with the reason

/** What is told apart by its place alone is confused. */
const NO_LONG_CONSTRUCTOR = {
  selector: 'MethodDefinition[kind="constructor"] > FunctionExpression[params.length>4]',
  message: 'Hand in one object: a constructor takes at most four parameters.',
};
const EVERYWHERE = [
  {
    selector:
      'NewExpression[callee.name="Error"] > Identifier:first-child.arguments[name=/^(e|err|error|cause|reason)$/]',
    message: 'Say what went wrong and give the error as { cause }.',
  },
  { selector: 'ExportAllDeclaration', message: 'Name what you export: `export *` hides it.' },
  {
    selector: 'Literal[value=/^\\u002f(home|Users|work|root)\\u002f/]',
    message: 'A path of one machine does not exist on another.',
  },
];
const NO_DEFAULT_EXPORT = {
  selector: 'ExportDefaultDeclaration',
  message: 'Export by name: a default export has another name in every file.',
};
const PRODUCT = [NO_DEFAULT_EXPORT, NO_LONG_CONSTRUCTOR];
/** Names come from backups and may hold what a terminal acts on: there is one way to it. */
const NO_STREAMS = {
  selector: 'MemberExpression[object.name="process"][property.name=/^std(out|err)$/]',
  message: 'Standard output and error belong to src/bin/process-terminal.ts.',
};
const NO_RAW_OUTPUT = [
  {
    selector: 'MemberExpression[property.name=/^(out|err)$/]',
    message: 'Print with src/cli/print.ts, which takes DisplayText alone.',
  },
  {
    selector: 'TSAsExpression > TSTypeReference > Identifier[name="DisplayText"]',
    message: 'Only src/cli/display-text.ts makes DisplayText.',
  },
];
/** A format is a row of src/image/formats.ts, a kind of storage one of src/repository/kinds.ts; the layouts know what their tools write. */
const NO_NAMES = [NO_FORMAT_NAME, NO_KIND_NAME];
/** Rules are pure: `now` is an argument. */
const NO_CLOCK = [
  {
    selector: 'MemberExpression[object.name="Date"][property.name="now"]',
    message: 'Take `nowMs` as an argument.',
  },
  {
    selector: 'NewExpression[callee.name="Date"][arguments.length=0]',
    message: 'Take `nowMs` as an argument.',
  },
  {
    selector: 'MemberExpression[object.name="Math"][property.name="random"]',
    message: 'Take the random value as an argument.',
  },
];
/** Defined for the compiler, undefined where workflows run (the SDK's sandbox). */
const ABSENT_IN_WORKFLOWS = [
  'Buffer',
  'crypto',
  'structuredClone',
  'fetch',
  'process',
  'performance',
  'require',
];

const refuse = (...selectors) => ({
  'no-restricted-syntax': ['error', ...EVERYWHERE, ...selectors],
});

export default tseslint.config(
  { ignores: ['dist/', 'state/', '.cache/', 'test/boundary/probes/', '**/node_modules/'] },
  eslint.configs.recommended,
  {
    files: ['**/*.{js,mjs}'],
    languageOptions: { globals: { process: 'readonly', console: 'readonly', URL: 'readonly' } },
  },
  {
    files: ['**/*.{ts,tsx}'],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/consistent-type-imports': [
        'error',
        { fixStyle: 'separate-type-imports', disallowTypeAnnotations: false },
      ],
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true, allowNullish: true },
      ],
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_' },
      ],
      // An `async` function without `await` is how a contract of promises is met by something that need not wait.
      '@typescript-eslint/require-await': 'off',
    },
  },
  {
    plugins: { longhaul: longhaulRules },
    rules: {
      ...refuse(),
      'longhaul/file-name': 'error',
      'longhaul/backup-error-cause': 'error',
      'preserve-caught-error': 'error',
      'no-warning-comments': ['error', { terms: ['todo', 'fixme', 'xxx'] }],
      'max-lines': ['error', { max: 400, skipBlankLines: true }],
      eqeqeq: 'error',
    },
  },
  {
    files: ['{src,workflows,activities}/**/*.{ts,tsx}'],
    rules: {
      ...refuse(...PRODUCT, ...NO_NAMES),
      'max-lines-per-function': ['error', { max: 60, skipBlankLines: true, skipComments: true }],
      'no-restricted-properties': [
        'error',
        { object: 'process', property: 'env', message: 'Settings come from src/config.' },
      ],
      'no-console': 'error',
    },
  },
  {
    // Markup stands one attribute a line.
    files: ['src/dashboard/**/*.tsx'],
    rules: {
      'max-lines-per-function': ['error', { max: 80, skipBlankLines: true, skipComments: true }],
    },
  },
  // What a program is started with is chosen from the environment of this process.
  {
    files: ['src/{config,bin}/**/*.ts', 'src/primary/run-restic.ts'],
    rules: { 'no-restricted-properties': 'off' },
  },
  {
    files: ['{src,activities}/**/*.ts'],
    ignores: ['src/repository/**'],
    rules: { 'longhaul/storage-verbs': 'error' },
  },
  {
    files: ['src/**/*.{ts,tsx}'],
    ignores: ['src/bin/process-terminal.ts'],
    rules: refuse(...PRODUCT, NO_STREAMS, ...NO_NAMES),
  },
  {
    // The demo calls qemu-img.
    files: ['src/{image,layout}/**/*.ts', 'src/bin/demo.ts'],
    rules: refuse(...PRODUCT, NO_STREAMS, NO_KIND_NAME),
  },
  {
    files: ['src/repository/**/*.ts'],
    rules: refuse(...PRODUCT, NO_STREAMS, NO_FORMAT_NAME),
  },
  {
    files: ['src/cli/**/*.ts'],
    ignores: ['src/cli/print.ts', 'src/cli/display-text.ts'],
    rules: refuse(...PRODUCT, NO_STREAMS, ...NO_NAMES, ...NO_RAW_OUTPUT),
  },
  ...Object.entries(LAYERS).map(layerRules),
  ...Object.keys(MOVER_FOLDERS).map(moverFolderRules),
  ...TREE_ROOMS.map(treeRoomRules),
  payloadRules(['activities/*.ts'], [NO_DERIVED_PAYLOAD]),
  payloadRules(['activities/*-payloads.ts'], [PAYLOADS_OF_DOMAIN]),
  {
    files: ['{src/domain,workflows}/**/*.ts'],
    rules: { 'no-restricted-globals': ['error', ...ABSENT_IN_WORKFLOWS] },
  },
  {
    files: ['src/domain/**/*.ts'],
    rules: refuse(...PRODUCT, NO_STREAMS, ...NO_NAMES, ...NO_CLOCK),
  },
  {
    files: ['test/**/*.ts'],
    rules: {
      'longhaul/unique-test-title': 'error',
      // Matchers of vitest are `any`, and what a test reads back is judged by its assertions.
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/unbound-method': 'off',
    },
  },
);
