import { ChainUnderTest } from './chain-under-test.js';
import type { MoverCommand, MoverReply } from './mover-process.js';
import { peakMemoryMiB } from './peak-memory.js';
import { TreeUnderTest } from './tree-under-test.js';

/** Entry of a process that does one case of the bench and nothing else, so that its peak memory is that case's. */
const [sourceFolder, targetFolder] = process.argv.slice(2) as [string, string];
const chain = new ChainUnderTest(sourceFolder, targetFolder);
let tree: TreeUnderTest | null = null;

process.on('message', (command: MoverCommand) => {
  answer(command).then(
    (value) => process.send?.({ value } satisfies MoverReply),
    (error: unknown) =>
      process.send?.({ error: error instanceof Error ? error.stack! : String(error) }),
  );
});

process.on('disconnect', () => {
  void chain.close();
  void tree?.close();
});

async function answer(command: MoverCommand): Promise<MoverReply['value']> {
  switch (command.type) {
    case 'open':
      return void (await chain.open());
    case 'copy':
      return chain.copy(command.pointIndex, command);
    case 'merge':
      return chain.merge();
    case 'synthesize':
      return chain.synthesize();
    case 'verify':
      return chain.verify();
    case 'restore':
      return chain.restore(command.format, command.folder);
    case 'openTree':
      tree = await TreeUnderTest.open(sourceFolder, targetFolder);
      return undefined;
    case 'copyTree':
      return tree!.copy(command.is);
    case 'removeTree':
      return void (await tree!.remove());
    case 'treeFiles':
      return tree!.files;
    case 'keepOldest':
      return void (await chain.keepOldest(command.count));
    case 'images':
      return chain.images();
    case 'peakMemory':
      return peakMemoryMiB();
    case 'transferredBytes':
      return chain.transferredBytes;
  }
}
