import { copy } from '../../workflows/uses-activities.js'; // report: @typescript-eslint/no-restricted-imports
import type { copy as CopyType } from '../../workflows/uses-activities.js';
import { queue } from '../../workflows/messages.js';

export const probe = (other: typeof CopyType): unknown => [copy, queue, other];
