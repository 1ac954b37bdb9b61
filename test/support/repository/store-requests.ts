import { BackupError } from '../../../src/domain/errors.js';
import { sameStamp, type FileStamp } from '../../../src/domain/file-stamp.js';
import { writeConflict } from '../../../src/repository/folder-verbs.js';
import { quoted } from '../../../src/repository/repository-path.js';
import type { Bucket } from './simulated-bucket.js';
import { SimulatedCrash } from './simulated-repository.js';

/** What changes the store. Reading is none. */
export interface StoreRequest {
  /** From 1. */
  readonly number: number;
  readonly kind: 'put' | 'delete';
  readonly path: string;
  readonly length: number;
  readonly isConditional: boolean;
}

/** `unanswered`: it is done, but the caller is told that the store is away, and lives on. `late`: the process is killed while the request is
 *  under way, and it lands in the middle of what comes later. `lostRace`: somebody else has put the same bytes right before; the caller lives on.
 *  `overtaken`: somebody else does work of his own with the store right before (`meanwhile`), whatever that leaves; the caller lives on.
 *  `overtakenKilled`: the same, and the process is killed once it has its answer. `before` and `after`: the process is killed. */
export interface StoreFault {
  readonly atRequest: number;
  readonly when:
    'before' | 'after' | 'unanswered' | 'late' | 'lostRace' | 'overtaken' | 'overtakenKilled';
  /** Of whoever overtakes, with the same objects. */
  readonly meanwhile?: (bucket: Bucket) => Promise<void>;
}

/** What a request does to the objects. */
export type Effect = (bucket: Bucket) => void;

export type ChangeRequest = Omit<StoreRequest, 'number' | 'isConditional'>;

/** A request of a process before, that lands among those of this one. */
interface Landing {
  readonly afterRequest: number;
  readonly effect: Effect;
}

/** The requests of one process, one of which may go wrong. */
export class StoreRequests {
  readonly made: StoreRequest[] = [];
  isCrashed = false;
  #underWay: Effect | null = null;

  constructor(
    private readonly id: string,
    private readonly bucket: Bucket,
    private readonly fault: StoreFault | null = null,
    private readonly landing: Landing | null = null,
  ) {}

  /** What was under way when the process died. */
  landingAfter(requests: number): Landing | null {
    return this.#underWay && { afterRequest: requests, effect: this.#underWay };
  }

  /** Does what has not landed yet. */
  landIn(bucket: Bucket): void {
    const { landing } = this;
    if (landing !== null && this.made.length <= landing.afterRequest) landing.effect(bucket);
  }

  assertAlive(): void {
    if (this.isCrashed) throw new SimulatedCrash('the process was killed before this call');
  }

  begin(request: ChangeRequest, expected: FileStamp | null | undefined): StoreRequest {
    this.assertAlive();
    const number = this.made.length + 1;
    const begun = { number, isConditional: expected !== undefined, ...request };
    this.made.push(begun);
    if (this.landing?.afterRequest === number - 1) this.landing.effect(this.bucket);
    return begun;
  }

  /** What somebody else does before it is done; other requests of this process may be made in that time. */
  async meanwhile({ number }: StoreRequest): Promise<void> {
    if (this.#faultAt(number)?.startsWith('overtaken')) await this.fault?.meanwhile?.(this.bucket);
  }

  do({ number, path }: StoreRequest, expected: FileStamp | null | undefined, effect: Effect): void {
    const when = this.#faultAt(number);
    if (when === 'lostRace') putBySomebody(this.bucket, path, effect);
    const conditional: Effect = (bucket) => {
      if (expected !== undefined && !isExpected(bucket.get(path)?.stamp ?? null, expected))
        throw writeConflict(this.id, path);
      effect(bucket);
    };
    if (when === 'late') this.#underWay = (bucket) => unlessConflict(() => conditional(bucket));
    if (when === 'before' || when === 'late') this.#die(number, when);
    if (when === 'overtakenKilled') unlessConflict(() => conditional(this.bucket));
    else conditional(this.bucket);
    if (when === 'after' || when === 'overtakenKilled') this.#die(number, when);
    if (when === 'unanswered')
      throw new BackupError(
        'REPOSITORY_UNREACHABLE',
        `Repository ${quoted(this.id)}: ${quoted(path)}: no answer.`,
        { details: { repositoryId: this.id, path } },
      );
  }

  #faultAt(number: number): StoreFault['when'] | null {
    return this.fault?.atRequest === number ? this.fault.when : null;
  }

  #die(number: number, when: string): never {
    this.isCrashed = true;
    throw new SimulatedCrash(`killed ${when} request ${number}`);
  }
}

/** The same bytes as another version; what is not there yet, somebody with the same wish puts. */
function putBySomebody(bucket: Bucket, path: string, effect: Effect): void {
  const found = bucket.get(path);
  if (found === undefined) effect(bucket);
  else bucket.put(path, found.bytes);
}

function isExpected(found: FileStamp | null, expected: FileStamp | null): boolean {
  return found === null || expected === null ? found === expected : sameStamp(found, expected);
}

function unlessConflict(effect: () => void): void {
  try {
    effect();
  } catch (error) {
    if (!(error instanceof BackupError) || error.code !== 'WRITE_CONFLICT') throw error;
  }
}
