import { one } from './cycle-one.js'; // report: import-x/no-cycle

export const two = (): unknown => one;
