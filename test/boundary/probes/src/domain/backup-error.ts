export class BackupError extends Error {
  constructor(code: string, message: string, options: object) {
    super(`${code} ${message}`, options);
  }
}
