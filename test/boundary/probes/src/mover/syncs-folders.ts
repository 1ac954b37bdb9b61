interface Folders {
  syncFolder(folder: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
}

export async function probe(repository: Folders): Promise<void> {
  await repository.rename('a', 'b'); // report: longhaul/storage-verbs
  await repository.syncFolder(''); // report: longhaul/storage-verbs
}
