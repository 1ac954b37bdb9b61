/** Audit lines of all targets as one list: what is of no single place lies in each of them, and is shown once. */

import {
  auditKey,
  joinAuditPages,
  type AuditEntry,
  type AuditFilter,
  type AuditPage,
} from '../../domain/access/audit.js';
import type { UnreadablePart } from '../../domain/targets/unreadable-part.js';
import { toBackupError } from '../executions/temporal-errors.js';
import { toProblem } from '../problem.js';
import type { RepositoryBrowser } from '../repositories/repository-browser.js';

interface AuditList {
  readonly items: AuditEntry[];
  readonly unreadable?: UnreadablePart[];
  readonly nextCursor?: string;
}

export class AuditReader {
  constructor(
    private readonly browser: Pick<RepositoryBrowser, 'audit'>,
    private readonly targetIds: readonly string[],
  ) {}

  /** Newest first. A target that does not answer, or a part of one that cannot be read, is named: its lines of single jobs are missing then, those of
   *  the site lie in the others too. */
  async list(filter: AuditFilter, cursor: string | undefined): Promise<AuditList> {
    const unreadable: UnreadablePart[] = [];
    const pages = await Promise.all(
      this.targetIds.map((id) => this.#pageOf(id, filter, cursor, unreadable)),
    );
    const { lines, hasMore } = joinAuditPages(pages);
    const last = lines.at(-1);
    return {
      items: [...lines],
      ...(unreadable.length > 0 ? { unreadable } : {}),
      ...(hasMore && last !== undefined ? { nextCursor: auditKey(last) } : {}),
    };
  }

  async #pageOf(
    targetId: string,
    filter: AuditFilter,
    cursor: string | undefined,
    unreadable: UnreadablePart[],
  ): Promise<AuditPage> {
    try {
      const {
        items,
        nextCursor,
        unreadable: parts = [],
      } = await this.browser.audit(targetId, filter, cursor);
      unreadable.push(...parts.map((part) => ({ ...part, path: `${targetId}/${part.path}` })));
      return { lines: items, hasMore: nextCursor !== undefined };
    } catch (error) {
      const known = toBackupError(error);
      if (known === null) throw error;
      unreadable.push({ path: targetId, code: known.code, reason: toProblem(error).detail });
      return { lines: [], hasMore: false };
    }
  }
}
