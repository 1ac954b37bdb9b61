import { STEP } from '../task/step-word.js'; // report: @typescript-eslint/no-restricted-imports

export const step = STEP;
