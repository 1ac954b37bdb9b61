import { probe as notify } from '../notify/imports-config.js'; // report: @typescript-eslint/no-restricted-imports

export const probe = [notify];
