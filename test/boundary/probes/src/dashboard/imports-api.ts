import { probe as api } from '../api/imports-mover.js'; // report: @typescript-eslint/no-restricted-imports
import type { probe as Api } from '../api/imports-mover.js';

export const probe = (value: typeof Api): unknown => [api, value];
