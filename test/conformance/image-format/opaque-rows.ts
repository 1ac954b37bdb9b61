import { FUZZED } from '../../support/fuzz/samples.js';

/** Formats whose files are kept as they are: their "disk" is the file. The files are those of the tools, and of generators after their pages. */
export const OPAQUE_ROWS = FUZZED.filter(({ reader }) => reader.isOpaque === true);
