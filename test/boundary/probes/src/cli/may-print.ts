export const probe = (): void => console.log('a command prints');
