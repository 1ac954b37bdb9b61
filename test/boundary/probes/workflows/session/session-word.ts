export const SESSION = 'session';
