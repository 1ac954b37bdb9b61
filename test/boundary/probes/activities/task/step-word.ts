export const STEP = 'step';
