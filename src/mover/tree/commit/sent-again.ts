import { FaultList, type FileFaults } from '../../../domain/trees/file-faults.js';
import { LossList, type KnownLosses } from '../../../domain/trees/known-losses.js';
import { findingText, isNeededBySound } from '../../../domain/trees/tree-damage.js';
import type { TargetTreePoint } from '../../../domain/trees/target-tree.js';
import type { TreeRules } from '../../../domain/trees/tree-rules.js';
import type { TreeRecord } from '../../../tree/tree-record.js';
import type { PlannedFile } from '../tree-plan.js';

/** What became of the files that the copy had lost and that a plan sends again. */
export class SentAgain {
  readonly #again = new FaultList();
  readonly #unsent = new LossList();
  readonly #mended = new Set<string>();
  readonly #known: ReadonlySet<string>;

  /** @param known what the record says of losses */
  constructor({ lost, lostNamed = [] }: Pick<TreeRecord, 'lost' | 'lostNamed'> = {}) {
    this.#known = new Set([...(lost?.files ?? []).map(({ path }) => path), ...lostNamed]);
  }

  /** The copy has it as the index is to say. */
  addEntered({ path, held }: PlannedFile): void {
    if (held?.lost === undefined) return;
    this.#again.add({ path, reason: findingText(held.lost.finding) });
    if (this.#known.has(path)) this.#mended.add(path);
  }

  addUnsent({ path, held }: PlannedFile): void {
    if (held?.lost !== undefined)
      this.#unsent.add({ path, digest: held.digest, goneSinceMs: null });
  }

  /** Whether the record called it lost, and it is not any more. */
  has(path: string): boolean {
    return this.#mended.has(path);
  }

  get again(): FileFaults {
    return this.#again.faults;
  }

  get unsent(): KnownLosses {
    return this.#unsent.losses;
  }
}

/** How many of these points need that count as good. */
export function unsentNeeded(
  { count, files }: KnownLosses,
  points: readonly TargetTreePoint[],
  rules: Pick<TreeRules, 'shape' | 'pointOf'>,
): { readonly lost?: number } {
  const lost = files.filter(isNeededBySound(points, rules)).length + count - files.length;
  return lost === 0 ? {} : { lost };
}
