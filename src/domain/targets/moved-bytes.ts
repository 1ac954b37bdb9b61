/** How many bytes a piece of work has read and written, and how many of them the target did not have. */
export interface MovedBytes {
  /** Read from the source. */
  readonly readBytes: number;
  /** What the target did not have at the same place. */
  readonly transferredBytes: number;
  /** What the target's newest restore point has at the same place. Of files that are kept as they are it is read and written all the same. */
  readonly reusedBytes: number;
  /** Written to the target's files: what it did not have and what was reused. */
  readonly storedBytes: number;
}

export const NOTHING_MOVED: MovedBytes = {
  readBytes: 0,
  transferredBytes: 0,
  reusedBytes: 0,
  storedBytes: 0,
};

/** The counts and nothing else. */
export function movedBytes(moved: MovedBytes): MovedBytes {
  const { readBytes, transferredBytes, reusedBytes, storedBytes } = moved;
  return { readBytes, transferredBytes, reusedBytes, storedBytes };
}

export function sumMoved(all: readonly MovedBytes[]): MovedBytes {
  const sum = (count: keyof MovedBytes) => all.reduce((total, moved) => total + moved[count], 0);
  return {
    readBytes: sum('readBytes'),
    transferredBytes: sum('transferredBytes'),
    reusedBytes: sum('reusedBytes'),
    storedBytes: sum('storedBytes'),
  };
}
