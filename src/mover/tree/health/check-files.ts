import { WINDOW_BYTES } from '../../../domain/targets/digest.js';
import { FILE_FINDINGS, type TreeCheckReference } from '../../../domain/trees/tree-damage.js';
import { FileCheck } from '../file-check.js';
import { FILES_OF_A_WINDOW } from '../file-lists.js';
import { rulesOf } from '../rules-of-copy.js';
import type { TreePlace } from '../tree-plan.js';
import type { MoverContext } from '../../task/mover-context.js';
import { openTogether } from '../../task/open-files.js';
import { JournalWriter } from '../../task/window-journal.js';
import type { WindowWorker } from '../../task/window-loop.js';
import { keptJournal, openLists } from './kept-lists.js';
import { readWhole } from '../file-parts.js';
import { checkedFiles, requireCheck, withSoundNotes } from './plan-check.js';

interface CheckFilesInput extends TreePlace {
  readonly reference: TreeCheckReference;
}

/** Reads windows of the files of a tree and notes which are not what the index says.
 *  @throws STAGING_INVALID */
export async function openCheckWorker(
  context: MoverContext,
  { targetRepositoryId, chain, reference }: CheckFilesInput,
): Promise<WindowWorker> {
  const repository = await context.repository(targetRepositoryId);
  const check = await requireCheck(repository, chain, reference);
  const { digestInName, isSound } = rulesOf(check);
  const isRead = readWhole(digestInName);
  const files = checkedFiles(repository, chain, reference);
  const reader = new FileCheck(repository, chain, context.control, { digestInName, isSound });
  return openTogether(async (open) => {
    const sound = <T>(work: () => Promise<T>): Promise<T> =>
      withSoundNotes(repository, chain, reference, work);
    const lists = open.add(await sound(() => openLists(files, check.listed)));
    const place = keptJournal(files);
    const journal = new JournalWriter(
      open.add(await repository.openWork(place.path, place.token)),
      place,
    );
    return {
      async process(window) {
        const payload = Buffer.alloc(FILES_OF_A_WINDOW);
        if (lists.isSmall(window)) {
          for (const [index, entry] of (await sound(() => lists.smallFiles(window))).entries())
            payload[index] = FILE_FINDINGS.indexOf(await reader.small(entry));
        } else {
          const { file, part } = await sound(() => lists.largePart(window));
          payload[0] = FILE_FINDINGS.indexOf(await reader.large(file, isRead(file) ? null : part));
        }
        return { bytes: WINDOW_BYTES, mark: () => journal.seal(window, payload) };
      },
      sync: () => Promise.resolve(), // what a power cut takes of the notes is looked for again
      close: () => open.close(),
    };
  });
}
