import { folderRepositoryId } from '../../../src/repository/open-repository.js';
import { SimulatedRepository } from './simulated-repository.js';

/** A folder whose file system takes names for one that `fold` makes equal, as exFAT, NTFS and HFS+ do; each keeps the name that it was made with. */
export class FoldingRepository extends SimulatedRepository {
  /** First spelling of each path, by its folded one. */
  readonly #spelled = new Map<string, string>();

  constructor(private readonly fold: (path: string) => string) {
    super(folderRepositoryId('/tmp'));
  }

  #at(path: string): string {
    let place = '';
    for (const name of path.split('/')) {
      const next = place === '' ? name : `${place}/${name}`;
      place = this.#spelled.get(this.fold(next)) ?? next;
      this.#spelled.set(this.fold(next), place);
    }
    return place;
  }

  override stat(path: string) {
    return super.stat(this.#at(path));
  }

  override openRead(path: string) {
    return super.openRead(this.#at(path));
  }

  override openWrite(path: string, create: 'new' | 'open-or-new' | 'existing') {
    return super.openWrite(this.#at(path), create);
  }

  override makeFolder(path: string) {
    return super.makeFolder(this.#at(path));
  }

  override rename(from: string, to: string) {
    return super.rename(this.#at(from), this.#at(to));
  }

  override linkFile(from: string, to: string) {
    return super.linkFile(this.#at(from), this.#at(to));
  }

  override unlink(path: string) {
    return super.unlink(this.#at(path));
  }
}
