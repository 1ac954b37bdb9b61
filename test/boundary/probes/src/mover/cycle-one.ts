import { two } from './cycle-two.js'; // report: import-x/no-cycle

export const one = (): unknown => two;
