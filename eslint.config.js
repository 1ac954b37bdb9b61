import eslint from '@eslint/js';
import tseslint from 'typescript-eslint';
import { layerConfigs } from './scripts/lint-layers.js';
import { NO_FORMAT_NAME, NO_KIND_NAME } from './scripts/lint-names.js';
import { longhaulRules } from './scripts/lint-rules.js';

/** Every part of the source in `test/boundary/probes` breaks one rule on purpose, and a test expects the report. */

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
    message: 'Print with src/cli/display/print.ts, which takes DisplayText alone.',
  },
  {
    selector: 'TSAsExpression > TSTypeReference > Identifier[name="DisplayText"]',
    message: 'Only src/cli/display/display-text.ts makes DisplayText.',
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
    ignores: ['src/cli/display/print.ts', 'src/cli/display/display-text.ts'],
    rules: refuse(...PRODUCT, NO_STREAMS, ...NO_NAMES, ...NO_RAW_OUTPUT),
  },
  ...layerConfigs,
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
