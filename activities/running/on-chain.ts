import { chainFolder, stagingFolder } from '../../src/chain/chain-paths.js';

/** How workflows name a chain: by job and workload; where that lies is the repository's business. */
export interface ChainIds {
  readonly jobId: string;
  readonly workloadId: string;
}

/** Names the chain as the data mover does. */
export function onChain<T extends ChainIds>(input: T): T & { chain: string } {
  return { ...input, chain: chainFolder(input.jobId, input.workloadId) };
}

export function stagingOf(input: ChainIds & { readonly stagingId: string }): string {
  return stagingFolder(chainFolder(input.jobId, input.workloadId), input.stagingId);
}
