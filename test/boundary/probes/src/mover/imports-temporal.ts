import { Context } from '@temporalio/activity'; // report: @typescript-eslint/no-restricted-imports
import { probe as server } from '../temporal/imports-mover.js'; // report: @typescript-eslint/no-restricted-imports

export const probe = [Context, server];
