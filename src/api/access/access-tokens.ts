/** Tokens of people and programs. Only their digests are kept; a token itself is shown once. */

import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Client } from '@temporalio/client';
import { isExpired, type AccessToken, type Caller } from '../../domain/access/access.js';
import { BackupError } from '../../domain/errors.js';
import { KeptDocument } from '../executions/kept-document.js';

const PREFIX = 'lh';
const ID_BYTES = 4;
const SECRET_BYTES = 32;
/** All of them go into one payload. */
const MAX_TOKENS = 500;
/** So long a token that was revoked elsewhere may go on. */
const REMEMBERED_MS = 10_000;
/** How exactly the last use is kept: each time costs a write. */
const LAST_USE_MS = 60 * 60_000;

/** RFC 3339 UTC, by id. */
type LastUses = Readonly<Record<string, string>>;

type NewToken = Pick<AccessToken, 'name' | 'role' | 'scope' | 'createdBy' | 'expiresAt'>;

export class AccessTokens {
  /** Written by who makes and revokes tokens alone. */
  readonly #kept: KeptDocument<readonly AccessToken[]>;
  /** When tokens were last used, by their ids: a use must never bring back what is revoked. */
  readonly #uses: KeptDocument<LastUses>;
  /** The same, as far as this process has noted it. */
  readonly #noted = new Map<string, number>();
  readonly #now: () => number;
  #known: { readonly tokens: readonly AccessToken[]; readonly atMs: number } | null = null;

  constructor(client: Client, now: () => number) {
    this.#kept = new KeptDocument(client, 'access-tokens', []);
    this.#uses = new KeptDocument(client, 'access-token-uses', {});
    this.#now = now;
  }

  /** @returns null: there is no such token, or its time is over */
  async callerOf(token: string): Promise<Caller | null> {
    const [, id] = /^lh_([0-9a-f]{8})_[\w-]{43}$/.exec(token) ?? [];
    if (id === undefined) return null;
    const found = (await this.#tokens()).find((each) => each.id === id);
    if (found === undefined || isExpired(found, this.#now())) return null;
    if (!timingSafeEqual(Buffer.from(digestOf(token)), Buffer.from(found.digest))) return null;
    this.#noteUse(found);
    const { name, role, scope, expiresAt } = found;
    return { name, role, scope, subject: null, expiresAt };
  }

  async list(): Promise<readonly AccessToken[]> {
    const [tokens, uses] = await Promise.all([this.#kept.read(), this.#uses.read()]);
    return tokens.map((token) => ({ ...token, lastUsedAt: uses[token.id] ?? token.lastUsedAt }));
  }

  /** @returns the token itself, which nobody can show again
   *  @throws REQUEST_INVALID when there are too many */
  async create(wanted: NewToken): Promise<{ token: string; entry: AccessToken }> {
    const id = randomBytes(ID_BYTES).toString('hex');
    const token = `${PREFIX}_${id}_${randomBytes(SECRET_BYTES).toString('base64url')}`;
    const createdAt = new Date(this.#now()).toISOString();
    const entry = { ...wanted, id, digest: digestOf(token), createdAt, lastUsedAt: null };
    await this.#change((tokens) => {
      if (tokens.length >= MAX_TOKENS)
        throw new BackupError('REQUEST_INVALID', `there are ${MAX_TOKENS} tokens already`);
      return [...tokens, entry];
    });
    return { token, entry };
  }

  /** It holds no longer, at once in this process. @returns what it was @throws TOKEN_MISSING */
  async revoke(id: string): Promise<Omit<AccessToken, 'digest'>> {
    let revoked: AccessToken | undefined;
    await this.#change((tokens) => {
      revoked = tokens.find((token) => token.id === id);
      if (revoked === undefined)
        throw new BackupError('TOKEN_MISSING', `no token has the id ${id}`);
      return tokens.filter((token) => token !== revoked);
    });
    await this.#forgetUses().catch(() => undefined);
    const { digest: _digest, ...shown } = revoked!;
    return shown;
  }

  async #tokens(): Promise<readonly AccessToken[]> {
    const nowMs = this.#now();
    if (this.#known === null || Math.abs(nowMs - this.#known.atMs) > REMEMBERED_MS)
      this.#known = { tokens: await this.#kept.read(), atMs: nowMs };
    return this.#known.tokens;
  }

  async #change(change: (tokens: readonly AccessToken[]) => readonly AccessToken[]): Promise<void> {
    const tokens = await this.#kept.write(change);
    this.#known = { tokens, atMs: this.#now() };
  }

  /** A last use that cannot be written is written with the next one. */
  #noteUse({ id }: AccessToken): void {
    const nowMs = this.#now();
    const isRecent = (atMs: number) => Math.abs(nowMs - atMs) < LAST_USE_MS;
    if (isRecent(this.#noted.get(id) ?? -Infinity)) return;
    this.#noted.set(id, nowMs);
    const usedAt = new Date(nowMs).toISOString();
    this.#uses
      .write((uses) => (isRecent(Date.parse(uses[id] ?? '')) ? uses : { ...uses, [id]: usedAt }))
      .catch(() => this.#noted.delete(id));
  }

  /** Those of tokens that are gone. */
  async #forgetUses(): Promise<void> {
    const ids = new Set((await this.#kept.read()).map(({ id }) => id));
    await this.#uses.write((uses) =>
      Object.fromEntries(Object.entries(uses).filter(([id]) => ids.has(id))),
    );
  }
}

function digestOf(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}
