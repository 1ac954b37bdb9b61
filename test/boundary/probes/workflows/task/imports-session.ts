import { queue } from '../messages.js';
import { SESSION } from '../session/session-word.js'; // report: @typescript-eslint/no-restricted-imports

export const word = [queue, SESSION].join();
