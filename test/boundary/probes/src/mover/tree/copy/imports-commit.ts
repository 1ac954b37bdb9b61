import { probe as committed } from '../commit/imports-copy.js'; // report: @typescript-eslint/no-restricted-imports
import { probe as image } from '../../copy/imports-task.js'; // report: @typescript-eslint/no-restricted-imports

export const probe = [committed, image];
