import { probe as chain } from '../chain/imports-adapter.js'; // report: @typescript-eslint/no-restricted-imports

export const probe = [chain];
