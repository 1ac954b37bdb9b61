import { cp, readdir, readFile, writeFile } from 'node:fs/promises';
import type { SourceRepository } from '../../../src/repository/backup-repository.js';
import { copyToRepository, type RepositoryCopy } from './repository-copy.js';

const UUID_START = '4d2a9f61';

/** A repository with the backups of this many machines, each in a folder of its own: `vm01`, `vm02`... */
export async function manyMachines(count: number): Promise<RepositoryCopy> {
  const fixture = await copyToRepository('libvirt-push/files01');
  const copy = await copyToRepository(null);
  for (let n = 1; n <= count; n++) {
    const folder = machineFolder(n);
    await cp(fixture.at('.'), copy.at(folder), { recursive: true });
    for (const name of await readdir(copy.at(folder))) {
      if (!name.endsWith('.xml')) continue;
      const path = copy.at(`${folder}/${name}`);
      const xml = await readFile(path, 'utf8');
      await writeFile(path, xml.replace(UUID_START, uuidStart(n)));
    }
  }
  return copy;
}

export function machineFolder(n: number): string {
  return `vm${String(n).padStart(2, '0')}`;
}

export function machineId(n: number): string {
  return `libvirt-${uuidStart(n)}-8c35-4e70-b1d8-0f6e3a7c5b92`;
}

function uuidStart(n: number): string {
  return String(n).padStart(8, '0');
}

/** Notes what is asked of a repository from here on: folders that are listed, files that are opened for reading. */
export function noteReads(repository: SourceRepository): { listed: string[]; opened: string[] } {
  const notes = { listed: [] as string[], opened: [] as string[] };
  const list = repository.list.bind(repository);
  const openRead = repository.openRead.bind(repository);
  repository.list = (folder) => {
    notes.listed.push(folder);
    return list(folder);
  };
  repository.openRead = (path) => {
    notes.opened.push(path);
    return openRead(path);
  };
  return notes;
}
