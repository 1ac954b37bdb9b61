import { readFile } from 'node:fs/promises'; // report: @typescript-eslint/no-restricted-imports
import { step } from '../activities/imports-workflows.js'; // report: @typescript-eslint/no-restricted-imports
import type { step as Step } from '../activities/imports-workflows.js';

export const copy = (other: typeof Step): unknown => [
  readFile,
  step,
  other,
  structuredClone, // report: no-restricted-globals
];
