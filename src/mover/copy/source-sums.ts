import { BackupError } from '../../domain/errors.js';
import { withRunBuffer } from '../../image/run-buffer.js';
import { openUnchanged, type LayerFile } from '../blocks/layer-file.js';
import type { MoverContext } from '../task/mover-context.js';
import { withOpenFiles } from '../task/open-files.js';

/** Reads each file of which its tool has noted what it adds up to, from its start to its end, once for each plan: what rotted in the source is not copied and
 *  called good.
 *  @throws RESTORE_POINT_BROKEN when one adds up to something else, SOURCE_CHANGED */
export async function assertSourceSums(
  context: MoverContext,
  layers: readonly LayerFile[],
): Promise<void> {
  for (const layer of layers) {
    if (layer.adler32 === undefined) continue;
    const sum = await adler32Of(context, layer);
    if (sum === layer.adler32) continue;
    throw new BackupError(
      'RESTORE_POINT_BROKEN',
      `${layer.path} has the Adler-32 ${sum}, and its tool noted ${layer.adler32} when it wrote it: it was damaged since`,
      { details: { repositoryId: layer.repositoryId, path: layer.path } },
    );
  }
}

async function adler32Of(context: MoverContext, layer: LayerFile): Promise<number> {
  return withOpenFiles((files) =>
    withRunBuffer(async (buffer) => {
      const file = await openUnchanged(context, layer, layer, files);
      const sum = new Adler32();
      for (let offset = 0; ;) {
        context.control.throwIfStopped();
        const count = await file.read(buffer, offset);
        sum.add(buffer.subarray(0, count));
        context.control.add('readBytes', count);
        offset += count;
        if (count < buffer.length) return sum.value;
      }
    }),
  );
}

const MODULUS = 65_521;
/** The most bytes after which both sums still fit into 32 bits (zlib's NMAX). */
const BYTES_AT_ONCE = 5_552;

/** Source: RFC 1950, 8.2. */
class Adler32 {
  private a = 1;
  private b = 0;

  add(bytes: Uint8Array): void {
    let { a, b } = this;
    for (let start = 0; start < bytes.length; start += BYTES_AT_ONCE) {
      const end = Math.min(start + BYTES_AT_ONCE, bytes.length);
      for (let at = start; at < end; at++) {
        a += bytes[at]!;
        b += a;
      }
      a %= MODULUS;
      b %= MODULUS;
    }
    this.a = a;
    this.b = b;
  }

  get value(): number {
    return this.b * 65_536 + this.a;
  }
}
