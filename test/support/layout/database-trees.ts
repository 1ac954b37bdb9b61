/** Trees of database tools whose real backups could not be had, by hand: names by what the tools document, heads as far as they are known. */

const TUESDAY = 'TAG20261124T063000';
const SUNDAY = 'TAG20261122T063000';

/** Names in `recoveryArea`. */
export const AREA = {
  ...{ sunday: SUNDAY, tuesday: TUESDAY },
  level0: `ORCL/backupset/2026_11_22/o1_mf_nnnd0_${SUNDAY}_7rjh01to_.bkp`,
  // 2026-11-22 06:40: seconds since 1988 in months of 31 days.
  autobackupSunday: 'ORCL/autobackup/2026_11_22/o1_mf_s_1249972800_7rjh01to_.bkp',
  level1: `ORCL/backupset/2026_11_24/o1_mf_nnnd1_${TUESDAY}_7rjh01to_.bkp`,
  level1Pdb: `ORCL/0123456789ABCDEF0123456789ABCDEF/backupset/2026_11_24/o1_mf_nnnd1_${TUESDAY}_7rjh02to_.bkp`,
  autobackupTuesday: 'ORCL/autobackup/2026_11_24/o1_mf_s_1250145600_7rjh01to_.bkp',
  log: (sequence: number) => `ORCL/archivelog/2026_11_24/o1_mf_1_${sequence}_7rjh01to_.arc`,
} as const;

/** A level 0, a level 1 with a pluggable database, archived logs 7 and 8, and a file that the database uses. */
export function recoveryArea(): Record<string, Buffer> {
  const names = [
    ...[AREA.level0, AREA.autobackupSunday, AREA.level1, AREA.level1Pdb, AREA.autobackupTuesday],
    ...[AREA.log(7), AREA.log(8), 'ORCL/onlinelog/o1_mf_1_7rjh01to_.log'],
  ];
  return Object.fromEntries(names.map((name) => [name, Buffer.from(name.repeat(50))]));
}

export const HANA_IDS = [
  '1795500000000',
  '1795510000000',
  '1795520000000',
  '1795530000000',
] as const;

/** A head of one page with the tags that HANA writes, then pages. */
export function hanaFile(id: string, pages = 2): Buffer {
  const bytes = Buffer.alloc(4096 * pages, 7);
  bytes.fill(0, 0, 4096);
  bytes[0] = 1;
  bytes.write(`[MAGIC]HANABackup-designed by SAP in Berlin[BACKUPID]${id}`, 16, 'latin1');
  return bytes;
}

const [T0, T1, T2, T3] = HANA_IDS;

/** Names in `hanaBackups`. */
export const HANA = {
  full: 'data/DB_HDB/COMPLETE_DATA_BACKUP',
  delta: `data/DB_HDB/D_databackup_incremental_${T0}_${T2}`,
  log: (first: number, last: number, id: string = T1) =>
    `log/DB_HDB/log_backup_2_0_${first}_${last}.${id}`,
} as const;

/** A full of two volumes, one of them in two parts, a delta, two logs, and the catalogue twice. */
export function hanaBackups(): Record<string, Buffer> {
  return {
    [`${HANA.full}_databackup_0_1`]: hanaFile(T0),
    [`${HANA.full}_databackup_1_1`]: hanaFile(T0),
    [`${HANA.full}_databackup_2_1`]: hanaFile(T0),
    [`${HANA.full}_databackup_2_2`]: hanaFile(T0),
    [`${HANA.delta}_1_1`]: hanaFile(T2),
    [`${HANA.delta}_2_1`]: hanaFile(T2),
    [HANA.log(1024, 2048)]: hanaFile(T1),
    [HANA.log(2048, 4096, T2)]: hanaFile(T2),
    [`catalog/DB_HDB/log_backup_0_0_0_0.${T1}`]: hanaFile(T1),
    [`catalog/DB_HDB/log_backup_0_0_0_0.${T3}`]: hanaFile(T3),
  };
}
