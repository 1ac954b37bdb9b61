import type { ClaimedFile } from '../backup-layout.js';
import { faultOfError, type Finding } from '../point-fault.js';
import type { FolderFacts } from '../file-facts.js';
import { readText } from '../xml-file.js';
import type { StreamFile } from './runs.js';

/** `<stream>.chksum`: the Adler-32 of all bytes of the stream, in decimal digits, which newer versions write once the stream is whole. null: there is none.
 *  One that holds no number (a release wrote the word `{checksum}`) says nothing of the stream, whose own end tells that it is whole; what releases noted of raw
 *  disks is wrong (issue 269), so nobody asks for that.
 *  Source: abbbi/virtnbdbackup, backup/metadata.py, output/target/plugins/directory.py and restore/files.py (`virtnbdrestore -o verify`). */
export async function readChecksum(
  facts: FolderFacts,
  { entry }: StreamFile,
  files: readonly ClaimedFile[],
): Promise<Finding<number | null>> {
  const beside = files.find(({ within }) => within === `${entry.within}.chksum`);
  if (beside === undefined) return { value: null };
  return facts.fact(beside, 'adler32', async () => {
    try {
      const text = await readText(facts.repository, beside.path);
      if ('fault' in text) return text;
      const digits = text.value.trim();
      return { value: /^\d{1,10}$/.test(digits) ? Number(digits) : null };
    } catch (error) {
      return faultOfError(error);
    }
  });
}
