import { open } from 'node:fs/promises'; // report: @typescript-eslint/no-restricted-imports
import { inflateRawSync } from 'node:zlib';

export const probe = [open, inflateRawSync];
