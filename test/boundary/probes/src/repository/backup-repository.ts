export type BackupRepository = string;
