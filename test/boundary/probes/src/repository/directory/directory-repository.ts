import { probe } from '../../image/opens-files.js'; // report: @typescript-eslint/no-restricted-imports

export const open = probe;
