import { probe as api } from '../api/imports-mover.js'; // report: @typescript-eslint/no-restricted-imports
import type { probe as Mover } from '../mover/has-default.js'; // report: @typescript-eslint/no-restricted-imports
import { readFile } from 'node:fs'; // report: @typescript-eslint/no-restricted-imports

export const Probe = (value: typeof Mover): unknown => [api, value, readFile];
