import { probe as thread } from '../long-function.js'; // report: @typescript-eslint/no-restricted-imports
import { probe as copy } from '../copy/imports-task.js'; // report: @typescript-eslint/no-restricted-imports
import { Context } from '@temporalio/activity'; // report: @typescript-eslint/no-restricted-imports

export const probe = [thread, copy, Context];
