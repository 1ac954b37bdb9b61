export const queue = 'control';
