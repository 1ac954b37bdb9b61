import { queue } from '../workflows/messages.js'; // report: @typescript-eslint/no-restricted-imports

export const step = queue;
