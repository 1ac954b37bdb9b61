import type { TreeFile } from '../trees/tree-files.js';
import type { ReadFile } from './mssql-file.js';
import type { MssqlName } from './mssql-names.js';

/** A file, or the files over which a set is striped. */
export interface Medium extends ReadFile {
  readonly id: string;
  readonly name: MssqlName;
  readonly files: readonly TreeFile[];
}
