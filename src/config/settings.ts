/** The settings one by one, as the schema has them: for faults, environment variables and the table in docs/OPERATIONS.md. */

import { z } from 'zod';
import { defaultKind } from '../repository/kinds.js';
import { configSchema } from './schema.js';

export interface Setting {
  /** Place in the file; `[]` stands for an entry of a list. */
  readonly path: string;
  /** `<ID>` stands for the id of a repository in capitals, with underscores for hyphens. null for the list of repositories and
   *  their ids, which the other variables carry in their names. */
  readonly variable: string | null;
  readonly type: 'string' | 'integer';
  readonly allowed: string;
  /** null: none, the setting is required. */
  readonly defaultText: string | null;
  readonly description: string;
}

interface SchemaNode {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly items?: SchemaNode;
  readonly anyOf?: readonly SchemaNode[];
  readonly oneOf?: readonly SchemaNode[];
  readonly default?: unknown;
  readonly description?: string;
  readonly allowed?: string;
}

const PATHS_WITHOUT_VARIABLE: readonly string[] = ['repositories', 'repositories[].id'];
/** Channels are set in the file alone: an entry of one kind has other settings than one of the next. So are programs that are started, and who may
 *  sign in. */
const ONLY_IN_FILE: readonly string[] = [
  'notifications.channels',
  'primaryBackups',
  'server.signIn',
];

/** What a setting is when it is left out, although the schema asks for it: `temporal.type` follows from the rest of its section. */
const IMPLIED: Readonly<Record<string, string>> = {
  'temporal.type': 'embedded',
  'repositories[].kind': defaultKind(),
};

function isOnlyInFile(path: string): boolean {
  return ONLY_IN_FILE.some((section) => path.startsWith(section));
}

/** In the order of the schema; each path once. */
export const SETTINGS: readonly Setting[] = collectSettings();

/** Setting that a place in the file belongs to: `repositories.0.taskLimit` is `repositories[].taskLimit`. */
export function settingAt(path: readonly PropertyKey[]): Setting | undefined {
  const name = settingPath(path);
  return SETTINGS.find((setting) => setting.path === name);
}

/** The table of docs/OPERATIONS.md, Configuration, as Markdown. */
export function renderSettingsTable(): string {
  const rows = SETTINGS.map(
    ({ path, variable, defaultText, allowed, description }) =>
      `| \`${path}\` | ${variableText(path, variable)} | ${defaultText ?? 'required'} | ${allowed} | ${description} |`,
  );
  return [
    '| Setting | Variable | Default | Allowed | Meaning |',
    '| --- | --- | --- | --- | --- |',
    ...rows,
  ].join('\n');
}

function variableText(path: string, variable: string | null): string {
  if (variable !== null) return `\`${variable}\``;
  return isOnlyInFile(path) ? 'only in the file' : 'in the names below';
}

function settingPath(path: readonly PropertyKey[]): string {
  return path
    .map((part, index) =>
      typeof part === 'number' ? '[]' : `${index === 0 ? '' : '.'}${String(part)}`,
    )
    .join('');
}

function variableOf(path: string): string {
  const words = path
    .replace('[].', '.<ID>.')
    .replaceAll(/([a-z])([A-Z])/g, '$1_$2')
    .replaceAll('.', '_');
  return `LONGHAUL_${words.toUpperCase()}`;
}

function collectSettings(): Setting[] {
  const settings = new Map<string, Setting>();
  // A default stands outside the alternatives of a nullable setting, its texts stand inside.
  const visit = (node: SchemaNode, path: string, outerDefault?: unknown): void => {
    for (const variant of node.anyOf ?? node.oneOf ?? []) visit(variant, path, node.default);
    for (const [key, child] of Object.entries(node.properties ?? {})) {
      visit(child, path === '' ? key : `${path}.${key}`);
    }
    if (node.allowed !== undefined && !settings.has(path)) {
      settings.set(path, settingOf({ default: outerDefault, ...node }, path));
    }
    if (node.items !== undefined) visit(node.items, `${path}[]`);
  };
  visit(jsonSchema(), '');
  return [...settings.values()];
}

function settingOf(node: SchemaNode, path: string): Setting {
  return {
    path,
    variable: PATHS_WITHOUT_VARIABLE.includes(path) || isOnlyInFile(path) ? null : variableOf(path),
    type: node.type === 'integer' ? 'integer' : 'string',
    allowed: node.allowed ?? '',
    defaultText: defaultTextOf(path in IMPLIED ? IMPLIED[path] : node.default),
    description: node.description ?? '',
  };
}

function defaultTextOf(value: unknown): string | null {
  if (value === undefined) return null;
  return value === null
    ? 'unset'
    : `\`${typeof value === 'string' ? value : JSON.stringify(value)}\``;
}

function jsonSchema(): SchemaNode {
  return z.toJSONSchema(configSchema, { io: 'input' }) as SchemaNode;
}
