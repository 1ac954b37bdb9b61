import { probe as mover } from '../mover/imports-temporal.js'; // report: @typescript-eslint/no-restricted-imports
import { probe as command } from '../cli/may-print.js'; // report: @typescript-eslint/no-restricted-imports

export const probe = [mover, command];
