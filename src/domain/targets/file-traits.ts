import type { FileTraits } from '../sources/source-workload.js';
import type { KeptFile } from './target-point.js';

/** The traits of a file and nothing else of it. */
export function fileTraits({ as, asFormat, modifiedAtNs, mode }: FileTraits): FileTraits {
  return {
    ...(as === undefined ? {} : { as }),
    ...(asFormat === undefined ? {} : { asFormat }),
    ...(modifiedAtNs === undefined ? {} : { modifiedAtNs }),
    ...(mode === undefined ? {} : { mode }),
  };
}

/** The same of a file that is kept in windows. */
export function keptTraits(file: KeptFile): KeptFile {
  const { isCompanion } = file;
  return { ...fileTraits(file), ...(isCompanion === undefined ? {} : { isCompanion }) };
}
