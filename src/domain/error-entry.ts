/** What every error code says of itself (errors.ts). */

export type ErrorKind =
  'invalid' | 'not_found' | 'conflict' | 'unavailable' | 'exhausted' | 'corrupt' | 'unsupported';

export interface ErrorCodeEntry {
  readonly kind: ErrorKind;
  readonly meaning: string;
  readonly hint: string;
}
