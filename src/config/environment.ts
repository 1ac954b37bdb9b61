/** Environment variables laid over the configuration file. Every setting has one; repositories are named by their id, so
 *  `LONGHAUL_REPOSITORIES_OFFSITE_PATH` changes the entry `offsite`, or makes it when the file has none. */

import { defaultKind } from '../repository/kinds.js';
import { SETTINGS, type Setting } from './settings.js';
import type { ConfigFault } from './config-fault.js';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Variables of the command line that are not settings of the server. */
const COMMAND_LINE_VARIABLES: readonly string[] = [
  'LONGHAUL_CONFIG',
  'LONGHAUL_SERVER',
  'LONGHAUL_TOKEN_FILE',
];

const REPOSITORY_PREFIX = 'LONGHAUL_REPOSITORIES_';

type Section = Record<string, unknown>;

interface OverlaidConfig {
  readonly value: unknown;
  /** Variable that set a place, by `path.join('.')`. */
  readonly variables: ReadonlyMap<string, string>;
  readonly faults: readonly ConfigFault[];
}

/** `file` is what the YAML file holds; it is not changed. A section of the wrong type is left for the schema to refuse. */
export function overlayEnvironment(file: unknown, environment: Environment): OverlaidConfig {
  if (!isSection(file)) return { value: file, variables: new Map(), faults: [] };
  const value = structuredClone(file);
  value.temporal =
    value.temporal === undefined || value.temporal === 'embedded' ? {} : value.temporal;
  const variables = new Map<string, string>();
  const faults: ConfigFault[] = [];
  for (const [variable, text] of Object.entries(environment).sort()) {
    if (text === undefined || !variable.startsWith('LONGHAUL_')) continue;
    if (COMMAND_LINE_VARIABLES.includes(variable)) continue;
    const place = placeOf(variable, value);
    if (place === null) {
      faults.push({
        path: '',
        variable,
        message: `${variable} is not a setting`,
        allowed: 'the variables of docs/OPERATIONS.md, Configuration',
      });
    } else if (assign(value, place.path, valueOf(place.setting, text))) {
      variables.set(place.path.join('.'), variable);
    }
  }
  if (isSection(value.temporal) && value.temporal.type === undefined) {
    value.temporal.type = 'address' in value.temporal ? 'external' : 'embedded';
  }
  if (Array.isArray(value.repositories))
    for (const entry of value.repositories) if (isSection(entry)) entry.kind ??= defaultKind();
  return { value, variables, faults };
}

/** A text that is no number stays text, so that the schema names it as it was written. */
function valueOf(setting: Setting, text: string): string | number {
  return setting.type === 'integer' && /^-?\d{1,15}$/.test(text) ? Number(text) : text;
}

function placeOf(
  variable: string,
  value: Section,
): { setting: Setting; path: (string | number)[] } | null {
  if (variable.startsWith(REPOSITORY_PREFIX)) {
    const rest = variable.slice(REPOSITORY_PREFIX.length);
    return repositoryPlace(rest, value);
  }
  const setting = SETTINGS.find((candidate) => candidate.variable === variable);
  return setting === undefined ? null : { setting, path: setting.path.split('.') };
}

function repositoryPlace(
  rest: string,
  value: Section,
): { setting: Setting; path: (string | number)[] } | null {
  for (const setting of SETTINGS) {
    const [list, field] = setting.path.split('[].');
    if (list !== 'repositories' || field === undefined) continue;
    const suffix = setting.variable?.slice(`${REPOSITORY_PREFIX}<ID>`.length);
    if (suffix === undefined || !rest.endsWith(suffix) || rest.length === suffix.length) continue;
    const index = repositoryIndex(rest.slice(0, -suffix.length), value);
    return index === null ? null : { setting, path: ['repositories', index, field] };
  }
  return null;
}

function repositoryIndex(capitals: string, value: Section): number | null {
  value.repositories ??= [];
  const list = value.repositories;
  if (!Array.isArray(list) || !/^[A-Z0-9_]+$/.test(capitals)) return null;
  const id = capitals.toLowerCase().replaceAll('_', '-');
  const index = list.findIndex((entry) => isSection(entry) && entry.id === id);
  return index >= 0 ? index : list.push({ id }) - 1;
}

/** False when a section on the way is not one. */
function assign(value: Section, path: readonly (string | number)[], setting: unknown): boolean {
  let section: unknown = value;
  for (const part of path.slice(0, -1)) {
    if (Array.isArray(section)) {
      section = section[Number(part)];
    } else if (isSection(section)) {
      section[part] ??= {};
      section = section[part];
    }
  }
  const last = path.at(-1);
  if (!isSection(section) || last === undefined) return false;
  section[last] = setting;
  return true;
}

export function isSection(value: unknown): value is Section {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
