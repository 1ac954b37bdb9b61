/** Operations that have ended, further back than one page of the API goes. Pure. */

import type { OperationView } from '../../../api/repositories/repository-schemas.js';

interface OperationPage {
  readonly items: readonly OperationView[];
  readonly nextCursor?: string;
}

export interface EndedOperations {
  /** The newest end first. */
  readonly items: readonly OperationView[];
  /** Older ones were not looked at. */
  readonly isCut: boolean;
}

/** Of so many pages the server remembers how each operation ended. */
const MOST_PAGES = 10;

/** What failed may lie behind many that went well: the first page alone would forget it. */
export async function endedOperations(
  read: (cursor: string | undefined) => Promise<OperationPage>,
): Promise<EndedOperations> {
  const items: OperationView[] = [];
  let cursor: string | undefined;
  for (let pages = 1; pages <= MOST_PAGES; pages += 1) {
    const page = await read(cursor);
    items.push(...page.items);
    cursor = page.nextCursor;
    if (cursor === undefined) return { items, isCut: false };
  }
  return { items, isCut: true };
}
