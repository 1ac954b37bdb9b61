import {
  readDigestTableHeader,
  readEntriesAt,
  type OpenDigestTable,
} from '../../chain/digests/digest-table.js';
import { unitDigest, type UnitDigest } from '../../chain/digests/digest.js';
import { DIGEST_BYTES } from '../../domain/targets/digest.js';
import { BLOCK_DIRECT, BLOCK_UNALLOCATED, BLOCK_ZERO } from '../../image/disk-image.js';
import type { SourceRepository } from '../../repository/backup-repository.js';
import { openTogether, type OpenFiles } from '../task/open-files.js';
import { directRun } from './block-reader.js';
import type { ImageStack } from './image-stack.js';

/** Stands where a block has no digest: it equals that of no block. */
export const NO_DIGEST = Buffer.alloc(DIGEST_BYTES, 0xff);

interface DigestTable extends OpenDigestTable {
  readonly digest: UnitDigest;
}

/** What is known of a run of blocks. */
export interface BlockDigests {
  /** 32 bytes each: zeros for a block of zeros, `NO_DIGEST` for one that has none. */
  readonly digests: Buffer;
  /** What made the digest of the block at this place of the run. */
  readonly madeBy: (place: number) => UnitDigest;
}

/** Digests of the guest blocks that a point of the target shows: each out of the digest table of the file that holds the block. The files of a chain
 *  whose job has changed its algorithm have digests of several. */
export class ShownDigests {
  private constructor(
    private readonly stack: ImageStack,
    private readonly tables: readonly DigestTable[],
    private readonly files: OpenFiles,
  ) {}

  /** @param layers of the stack, top first */
  static async open(
    repository: SourceRepository,
    stack: ImageStack,
    layers: readonly { readonly digestsPath: string }[],
  ): Promise<ShownDigests> {
    return openTogether(async (files) => {
      const tables = [];
      for (const { digestsPath } of layers) {
        const file = files.add(await repository.openRead(digestsPath));
        const { algorithm, units } = await readDigestTableHeader(file);
        tables.push({ file, units, digest: unitDigest(algorithm) });
      }
      return new ShownDigests(stack, tables, files);
    });
  }

  /** Of `count` blocks from `first`. A block that only an image reader can get, like the last one of a disk that is no whole number of blocks, has
   *  `NO_DIGEST`. */
  async of(first: number, count: number): Promise<BlockDigests> {
    const map = await this.stack.mapBlocks(first, count);
    const digests = Buffer.alloc(count * DIGEST_BYTES);
    for (let i = 0; i < count;) {
      const state = map.states[i]!;
      const length = state === BLOCK_DIRECT ? directRun(map, i) : 1;
      const part = digests.subarray(i * DIGEST_BYTES, (i + length) * DIGEST_BYTES);
      if (state === BLOCK_DIRECT) {
        await readEntriesAt(this.tables[map.layers[i]!]!, map.hostOffsets[i]!, part);
      } else if (state !== BLOCK_UNALLOCATED && state !== BLOCK_ZERO) NO_DIGEST.copy(part);
      i += length;
    }
    return { digests, madeBy: (place) => this.tables[map.layers[place]!]!.digest };
  }

  async close(): Promise<void> {
    await this.files.close();
  }
}
