import type { Rate } from '../domain/rate-limits.js';
import { RateMeter, type MeterClock } from './rate-meter.js';

/** The meters of one process, as they go to its threads. */
export type SharedMeters = Readonly<Record<string, SharedPair>>;

interface SharedPair {
  readonly read: SharedArrayBuffer;
  readonly write: SharedArrayBuffer;
}

/** Of one repository and of all together. */
interface RateGate {
  isLimited(way: keyof Pair): boolean;
  /** Resolves when so many bytes may pass. */
  pass(way: keyof Pair, bytes: number): Promise<void>;
}

interface Pair {
  readonly read: RateMeter;
  readonly write: RateMeter;
}

/** Of all repositories together; no repository has an id like it. */
export const SERVICE = '*';

/** Reading and writing in each repository, and in all together. */
export class RateMeters {
  private readonly pairs: ReadonlyMap<string, Pair>;

  private constructor(pairs: Iterable<readonly [string, Pair]>) {
    this.pairs = new Map(pairs);
  }

  static of(repositoryIds: readonly string[], clock?: MeterClock): RateMeters {
    const meter = () => new RateMeter(undefined, clock);
    return new RateMeters(
      [SERVICE, ...repositoryIds].map((id) => [id, { read: meter(), write: meter() }]),
    );
  }

  /** The same ones in another thread. */
  static from(shared: SharedMeters): RateMeters {
    return new RateMeters(
      Object.entries(shared).map(([id, { read, write }]) => [
        id,
        { read: new RateMeter(read), write: new RateMeter(write) },
      ]),
    );
  }

  get shared(): SharedMeters {
    const shared = [...this.pairs].map(([id, { read, write }]) => [
      id,
      { read: read.shared, write: write.shared },
    ]);
    return Object.fromEntries(shared) as SharedMeters;
  }

  /** @param id of a repository, or `SERVICE` */
  set(id: string, { readBytesPerSecond, writeBytesPerSecond }: Rate): void {
    this.pairs.get(id)?.read.set(readBytesPerSecond);
    this.pairs.get(id)?.write.set(writeBytesPerSecond);
  }

  /** How reads and writes of file content in a repository wait for their turn.
   *  @param look as of `RateMeter.pass` */
  gate(repositoryId: string, look: () => void): RateGate {
    const pairs = [SERVICE, repositoryId].flatMap((id) => this.pairs.get(id) ?? []);
    return {
      isLimited: (way) => pairs.some((pair) => pair[way].isLimited),
      async pass(way, bytes) {
        for (const pair of pairs) await pair[way].pass(bytes, look);
      },
    };
  }
}
