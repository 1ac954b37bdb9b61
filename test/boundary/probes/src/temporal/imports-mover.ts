import type { probe as mover } from '../mover/imports-temporal.js'; // report: @typescript-eslint/no-restricted-imports

export const probe = (value: typeof mover): unknown => value;
