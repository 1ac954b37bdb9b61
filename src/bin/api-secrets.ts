/** The secrets of the API, which the configuration names the files of. */

import { createHash, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { SignInSecretsOfServer } from '../api/api-dependencies.js';
import type { ServerConfig } from '../config/config.js';
import { BackupError } from '../domain/errors.js';

export interface ApiSecrets {
  /** null: the server answers to this machine only. */
  readonly token: string | null;
  readonly signInSecrets: SignInSecretsOfServer;
}

const MIN_KEY_CHARACTERS = 32;

/** @throws CONFIG_INVALID */
export async function apiSecrets({ tokenFile, signIn }: ServerConfig): Promise<ApiSecrets> {
  const token = tokenFile === null ? null : await readSecret('server.tokenFile', tokenFile);
  const { clientSecretFile = null, cookieKeyFile = null } = signIn ?? {};
  const clientSecret =
    clientSecretFile === null
      ? null
      : await readSecret('server.signIn.clientSecretFile', clientSecretFile);
  const cookieKey = cookieKeyFile === null ? randomBytes(32) : await readKey(cookieKeyFile);
  return { token, signInSecrets: { clientSecret, cookieKey } };
}

async function readKey(file: string): Promise<Buffer> {
  const setting = 'server.signIn.cookieKeyFile';
  const text = await readSecret(setting, file);
  if (text.length < MIN_KEY_CHARACTERS)
    throw new BackupError(
      'CONFIG_INVALID',
      `${setting}: ${file} holds ${text.length} characters, and at least ${MIN_KEY_CHARACTERS} are needed`,
      { hint: 'Make one with `openssl rand -base64 32`.' },
    );
  return createHash('sha256').update(text).digest();
}

/** An empty token would let everyone in who sends an empty one. */
async function readSecret(setting: string, file: string): Promise<string> {
  const fault = (what: string, cause?: unknown): BackupError =>
    new BackupError('CONFIG_INVALID', `${setting}: ${file} ${what}`, { cause });
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    throw fault(`cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`, cause);
  }
  const secret = text.trim();
  if (secret === '') throw fault('is empty');
  if (!/^[\x21-\x7e]+$/.test(secret)) throw fault('holds more than one word of ASCII characters');
  return secret;
}
