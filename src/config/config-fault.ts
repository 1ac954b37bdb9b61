/** One fault of the configuration, in words for the person who wrote it. */
export interface ConfigFault {
  /** Place in the file (`repositories[1].path`); empty when the file as a whole is meant. */
  readonly path: string;
  /** Environment variable that set the place, or null when the file did. */
  readonly variable: string | null;
  /** What is wrong with the value. */
  readonly message: string;
  /** The allowed range in words; empty when there is none. */
  readonly allowed: string;
}

/** `server.port (LONGHAUL_SERVER_PORT): …; allowed: 1 to 65535`. */
export function describeFault({ path, variable, message, allowed }: ConfigFault): string {
  const place = [path, variable === null ? '' : path === '' ? variable : `(${variable})`]
    .filter((part) => part !== '')
    .join(' ');
  return `${place === '' ? '' : `${place}: `}${message}${allowed === '' ? '' : `; allowed: ${allowed}`}`;
}

/** `['repositories', 1, 'path']` as `repositories[1].path`. */
export function placeText(path: readonly PropertyKey[]): string {
  return path
    .map((part, index) =>
      typeof part === 'number' ? `[${part}]` : `${index === 0 ? '' : '.'}${String(part)}`,
    )
    .join('');
}
