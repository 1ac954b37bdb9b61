/** File and environment become the frozen configuration, or the complete list of their faults. */

import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parseDocument } from 'yaml';
import type { z } from 'zod';
import { BackupError } from '../domain/errors.js';
import { kindOf } from '../repository/kinds.js';
import type { NotificationChannel } from '../domain/notices/notification-channel.js';
import { describeFault, placeText, type ConfigFault } from './config-fault.js';
import type { LonghaulConfig, ServerConfig, TemporalConfig } from './config.js';
import { comparedFolders, crossFaults } from './cross-checks.js';
import { isSection, overlayEnvironment, type Environment } from './environment.js';
import { byPathAlone, placesOf, type PlaceOf } from './folder-places.js';
import { LimitedLooks } from './limited-looks.js';
import { storageOf } from './repository-storage.js';
import { configSchema } from './schema.js';
import { settingAt } from './settings.js';

const DEFAULT_CONFIG_FILE = 'longhaul.yaml';

interface ConfigSource {
  /** null: `longhaul.yaml` in the working folder if it is there, else the environment alone. */
  readonly file: string | null;
  readonly environment: Environment;
  readonly workingFolder: string;
  /** For how long the start waits for the folders of all repositories together. Absent: ten seconds. */
  readonly limitMs?: number;
}

/** @throws CONFIG_INVALID with every fault in `details.faults` (ConfigFault[]) and in the message, one a line. */
export async function loadConfig({
  file,
  environment,
  workingFolder,
  limitMs,
}: ConfigSource): Promise<LonghaulConfig> {
  const path = resolve(workingFolder, file ?? DEFAULT_CONFIG_FILE);
  const text = readConfigFile(path, file !== null);
  const name = text === null ? 'the environment' : path;
  const folder = text === null ? workingFolder : dirname(path);
  const written = readWritten(text ?? '', environment);
  const placeOf = await lookAt(comparedFolders(written.value, folder), limitMs);
  return configOf(written, { name, folder, placeOf });
}

async function lookAt(folders: readonly string[], limitMs: number | undefined): Promise<PlaceOf> {
  if (folders.length === 0) return byPathAlone;
  const looks = new LimitedLooks(folders.length, limitMs);
  try {
    const { placeOf, silent } = await placesOf(folders, looks);
    if (silent.length > 0)
      process.emitWarning(
        `no answer from ${silent.join(', ')}: whether it is another repository under a second path was not looked at`,
      );
    return placeOf;
  } finally {
    looks.end();
  }
}

interface ConfigText {
  /** For the error message. */
  readonly name: string;
  /** Absolute; relative paths start there. */
  readonly folder: string;
  readonly environment: Environment;
  /** What is known of the folders. Absent: their paths alone. */
  readonly placeOf?: PlaceOf;
}

/** Looks at no file system.
 *  @throws as `loadConfig` */
export function parseConfig(
  text: string,
  { name, folder, environment, placeOf = byPathAlone }: ConfigText,
): LonghaulConfig {
  return configOf(readWritten(text, environment), { name, folder, placeOf });
}

/** File and environment, before anything is checked. */
interface Written {
  readonly value: unknown;
  /** As `overlayEnvironment`. */
  readonly variables: ReadonlyMap<string, string>;
  /** Of the file: what is no YAML is checked no further. */
  readonly syntaxFaults: readonly ConfigFault[];
  readonly faults: readonly ConfigFault[];
}

function readWritten(text: string, environment: Environment): Written {
  const { value, faults: syntaxFaults } = parseYaml(text);
  return { ...overlayEnvironment(value ?? {}, environment), syntaxFaults };
}

function configOf(
  written: Written,
  { name, folder, placeOf }: Required<Omit<ConfigText, 'environment'>>,
): LonghaulConfig {
  if (written.syntaxFaults.length > 0) throw invalidConfig(name, written.syntaxFaults);
  const parsed = configSchema.safeParse(written.value);
  const faultAt = (path: readonly PropertyKey[], message: string): ConfigFault => ({
    path: placeText(path),
    variable: written.variables.get(path.join('.')) ?? null,
    message,
    allowed: settingAt(path)?.allowed ?? '',
  });
  const faults = [
    ...written.faults,
    ...(parsed.error?.issues ?? []).flatMap((issue) => issueFaults(issue, written.value, faultAt)),
    ...crossFaults(written.value, folder, placeOf).map(({ path, message }) =>
      faultAt(path, message),
    ),
  ];
  if (faults.length > 0 || !parsed.success) throw invalidConfig(name, faults);
  return deepFreeze(withAbsolutePaths(parsed.data, folder));
}

function readConfigFile(path: string, isNamed: boolean): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    if (!isNamed && cause instanceof Error && 'code' in cause && cause.code === 'ENOENT')
      return null;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw invalidConfig(path, [
      { path: '', variable: null, message: `the file cannot be read: ${reason}`, allowed: '' },
    ]);
  }
}

function parseYaml(text: string): { value: unknown; faults: ConfigFault[] } {
  const document = parseDocument(text, { uniqueKeys: true });
  const faults = document.errors.map(({ message }) => ({
    path: '',
    variable: null,
    message: message.split('\n')[0] ?? message,
    allowed: 'YAML with each key once',
  }));
  if (faults.length > 0) return { value: null, faults };
  try {
    const value: unknown = document.toJS();
    return { value, faults };
  } catch (cause) {
    // Aliases without an anchor, or so many that the document would explode.
    const message = cause instanceof Error ? cause.message : String(cause);
    return { value: null, faults: [{ path: '', variable: null, message, allowed: 'plain YAML' }] };
  }
}

function issueFaults(
  issue: z.core.$ZodIssue,
  value: unknown,
  faultAt: (path: readonly PropertyKey[], message: string) => ConfigFault,
): ConfigFault[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => faultAt([...issue.path, key], 'not a setting'));
  }
  const given = valueAt(value, issue.path);
  if (given === undefined) return [faultAt(issue.path, 'missing')];
  const problem = issue.code === 'custom' ? `: ${issue.message}` : ' is not allowed';
  return [faultAt(issue.path, `${shortJson(given)}${problem}`)];
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((section, part) => {
    if (Array.isArray(section)) return section[Number(part)];
    return isSection(section) ? section[String(part)] : undefined;
  }, value);
}

const SHOWN_VALUE_LENGTH = 60;

function shortJson(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > SHOWN_VALUE_LENGTH ? `${text.slice(0, SHOWN_VALUE_LENGTH)}…` : text;
}

function withAbsolutePaths(config: LonghaulConfig, folder: string): LonghaulConfig {
  const absolute = (path: string): string => resolve(folder, path);
  const absoluteOrNull = (path: string | null): string | null =>
    path === null ? null : absolute(path);
  return {
    ...config,
    stateDirectory: absolute(config.stateDirectory),
    server: serverWithPaths(config.server, absoluteOrNull),
    temporal: temporalWithPaths(config.temporal, absoluteOrNull),
    repositories: config.repositories.map((entry) => ({
      ...entry,
      ...kindOf(entry).absolute(storageOf(entry), folder),
    })),
    primaryBackups: config.primaryBackups.map((entry) => ({
      ...entry,
      passwordFile: absolute(entry.passwordFile),
    })),
    notifications: {
      ...config.notifications,
      channels: config.notifications.channels.map((channel) =>
        channelWithPaths(channel, absolute, absoluteOrNull),
      ),
    },
  };
}

function serverWithPaths(
  server: ServerConfig,
  absolute: (path: string | null) => string | null,
): ServerConfig {
  const { tokenFile, signIn } = server;
  return {
    ...server,
    tokenFile: absolute(tokenFile),
    signIn: signIn && {
      ...signIn,
      clientSecretFile: absolute(signIn.clientSecretFile),
      cookieKeyFile: absolute(signIn.cookieKeyFile),
    },
  };
}

function channelWithPaths(
  channel: NotificationChannel,
  absolute: (path: string) => string,
  absoluteOrNull: (path: string | null) => string | null,
): NotificationChannel {
  if (channel.kind === 'mail')
    return { ...channel, passwordFile: absoluteOrNull(channel.passwordFile) };
  const withUrl = { ...channel, urlFile: absolute(channel.urlFile) };
  return withUrl.kind === 'webhook'
    ? { ...withUrl, secretFile: absolute(withUrl.secretFile) }
    : withUrl;
}

function temporalWithPaths(
  temporal: TemporalConfig,
  absolute: (path: string | null) => string | null,
): TemporalConfig {
  if (temporal.type === 'embedded') {
    return { ...temporal, binaryPath: absolute(temporal.binaryPath) };
  }
  const { tls, apiKeyFile } = temporal;
  return {
    ...temporal,
    apiKeyFile: absolute(apiKeyFile),
    tls: tls && {
      ...tls,
      caFile: absolute(tls.caFile),
      certFile: absolute(tls.certFile),
      keyFile: absolute(tls.keyFile),
    },
  };
}

function invalidConfig(name: string, faults: readonly ConfigFault[]): BackupError {
  const count = faults.length === 1 ? 'one fault' : `${faults.length} faults`;
  const lines = faults.map((fault) => `  ${describeFault(fault)}`);
  return new BackupError('CONFIG_INVALID', [`${count} in ${name}`, ...lines].join('\n'), {
    details: { faults },
  });
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) Object.values(value).forEach(deepFreeze);
  return Object.freeze(value);
}
