import type { ErrorCodeEntry } from './error-entry.js';

/** Codes of what lies in repositories and of the storage below: the part of `ERROR_CODES` that concerns backups and their copies. */
export const STORAGE_ERROR_CODES = {
  // --- repositories
  REPOSITORY_MISSING: {
    kind: 'not_found',
    meaning: 'No repository of this id is configured.',
    hint: 'Check the id against the configuration file.',
  },
  REPOSITORY_UNREACHABLE: {
    kind: 'unavailable',
    meaning: 'The repository cannot be read just now.',
    hint: 'Check that the share is mounted and the folder exists; the next try goes on where this one stopped.',
  },
  REPOSITORY_NOT_MOUNTED: {
    kind: 'unavailable',
    meaning:
      'The folder of a repository is there, but it is not the repository that was seen in it before: a mount point without its share looks like this.',
    hint: 'Mount the share; what waits goes on by itself, and nothing was written (a container may have to be started anew to see the mount). If the target really is a new one, say so: `longhaul repository accept <repository>`.',
  },
  REPOSITORY_EXCHANGED: {
    kind: 'conflict',
    meaning: 'The folder of a target holds another target than the one that was seen in it before.',
    hint: 'Mount the right one. If this one is to take its place, say so: `longhaul repository accept <repository>`. Nothing was written.',
  },
  REPOSITORY_FULL: {
    kind: 'exhausted',
    meaning: 'The target repository has no room left.',
    hint: 'Free space or enlarge the repository, or let the job keep less (`longhaul job edit`), then start it again: it continues where it stopped.',
  },
  REPOSITORY_READ_ONLY: {
    kind: 'invalid',
    meaning: 'The repository may not be written.',
    hint: 'Use a repository of role `target`, mounted read-write.',
  },
  WRITE_CONFLICT: {
    kind: 'conflict',
    meaning: 'A file in a repository was changed by someone else between reading and writing it.',
    hint: 'Nothing to do: what was to be written is made anew from what is there now.',
  },
  REPOSITORY_IO_ERROR: {
    kind: 'unavailable',
    meaning: 'The storage answered with an input/output error.',
    hint: 'Check the storage (kernel log, SMART); the next try goes on where this one stopped.',
  },
  REPOSITORY_ACCESS_DENIED: {
    kind: 'invalid',
    meaning: 'The storage refuses to let the account that Longhaul runs as read.',
    hint: 'Give that account the right to read what is named, then start the job again.',
  },
  REPOSITORY_UNSUITED: {
    kind: 'unsupported',
    meaning: 'The storage cannot do what is needed of it.',
    hint: '`longhaul repository check <repository>` says what it can and cannot do. Use other storage; for storage that cannot sync folders there is the setting `folderSync`.',
  },
  PATH_FORBIDDEN: {
    kind: 'invalid',
    meaning: 'A path would leave the repository or passes through a symbolic link.',
    hint: 'Repositories hold plain files and folders only; remove the link.',
  },
  FILE_MISSING: {
    kind: 'not_found',
    meaning: 'A file that should be in the repository is not there.',
    hint: 'Look for it in the repository; if it was removed on purpose, rescan.',
  },
  FILE_EXISTS: {
    kind: 'conflict',
    meaning: 'A file that is to be created exists already.',
    hint: 'Look at the file named: Longhaul does not overwrite what it did not make.',
  },
  FOLDER_NOT_EMPTY: {
    kind: 'conflict',
    meaning: 'A folder that is to be removed or replaced still holds something.',
    hint: 'Look into the folder named: Longhaul does not delete what it did not make.',
  },
  FILE_TOO_LARGE: {
    kind: 'corrupt',
    meaning: 'A file that is read whole is larger than it can be.',
    hint: 'The file is damaged or was not made by Longhaul: look at the file named.',
  },
  // --- source
  SOURCE_CHANGED: {
    kind: 'conflict',
    meaning: 'A source file changed while it was being copied.',
    hint: 'Nothing to do: the copy is planned again from the new state.',
  },
  SOURCE_IS_TARGET: {
    kind: 'conflict',
    meaning:
      'A source repository is a configured target under another path, or a copy of one: it has the same marker file.',
    hint: 'Correct the path of the source. To copy on what a target holds, name the target itself as the source. For a copy that is to be a repository of its own, remove `.longhaul/repository.json` there.',
  },
  SOURCE_HOLDS_TARGET: {
    kind: 'conflict',
    meaning: 'A target of Longhaul lies inside a source, or a source inside a target.',
    hint: 'Nothing to do when that is meant: the copies there are passed over. To copy them on, configure that target and name it as the source.',
  },
  SOURCE_EMPTY: {
    kind: 'not_found',
    meaning: 'A source of the job shows no backups at all.',
    hint: 'Check that its share is mounted and that its path is the right one. What was copied from it stays.',
  },
  SOURCE_CHAIN_RECREATED: {
    kind: 'conflict',
    meaning: 'All known restore points of the source are gone and others are there instead.',
    hint: 'If that was meant, `longhaul job detach <job> <workload>`: its copies stay, and the next session makes a full of this workload alone. `longhaul job replace <job>` does the same for all of the job: a new one copies every workload anew, and this one stops.',
  },
  RESTORE_POINT_MISSING: {
    kind: 'not_found',
    meaning: 'There is no such restore point.',
    hint: 'List the restore points of the repository.',
  },
  RESTORE_POINT_BROKEN: {
    kind: 'corrupt',
    meaning: 'The restore point lacks a file or a link of its chain.',
    hint: 'The reason names what is missing; restore it in the source repository or make a new full backup.',
  },
  WORKLOAD_MISSING: {
    kind: 'not_found',
    meaning: 'The repository holds no such workload.',
    hint: 'List the workloads of the repository.',
  },
  // --- images
  IMAGE_MAGIC_MISSING: {
    kind: 'corrupt',
    meaning: 'The file does not start like an image of its format.',
    hint: 'The file is damaged, unfinished, or of another format.',
  },
  DISK_TOO_LARGE: {
    kind: 'unsupported',
    meaning:
      'The disk is larger than a backup file can hold (2 PiB), or than the file system of the target or of a restore takes in one file.',
    hint: 'Use a file system that takes larger files (XFS and ZFS do, ext4 ends at 16 TiB) or restore in the format of the copy (`--format same`); else exclude this workload from the job, or divide the disk.',
  },
  IMAGE_FORMAT_UNKNOWN: {
    kind: 'unsupported',
    meaning: 'The disk image is of a format that this release does not know.',
    hint: 'Update Longhaul: a newer release wrote the file that names this format.',
  },
  IMAGE_VERSION_UNKNOWN: {
    kind: 'unsupported',
    meaning: 'The image has a version or feature that this release does not know.',
    hint: 'Update Longhaul, or convert the image with the platform’s tool.',
  },
  IMAGE_ENCRYPTED: {
    kind: 'unsupported',
    meaning: 'The image is encrypted inside.',
    hint: 'Encrypt the backup with the platform’s job or the repository, not inside the disk image. Restore an encrypted disk in its own format.',
  },
  IMAGE_EXTERNAL_DATA: {
    kind: 'unsupported',
    meaning: 'The image keeps its data in another file that it names itself.',
    hint: 'Longhaul never opens a path stored inside an image; convert it to a self-contained one.',
  },
  IMAGE_EXTENT_MISSING: {
    kind: 'corrupt',
    meaning: 'A further file of the image, which holds a part of its data, is not there.',
    hint: 'Put the file that the message names beside the image, under that name; Longhaul opens no other path.',
  },
  IMAGE_CORRUPT: {
    kind: 'corrupt',
    meaning: 'A structure inside the image breaks the rules of its format.',
    hint: 'Check the image with the platform’s tool (`qemu-img check`); take a new full backup.',
  },
  IMAGE_LIMIT_EXCEEDED: {
    kind: 'corrupt',
    meaning:
      'A size or count in the image is beyond the limits of its format, or its chain has more tables than are read as one disk.',
    hint: 'The image is damaged or hostile, or its chain is too long for its disk: check it with the platform’s tool, and let the backup tool begin with a full.',
  },
  IMAGE_TRUNCATED: {
    kind: 'corrupt',
    meaning: 'The image refers to data beyond the end of its file.',
    hint: 'The file was cut off or is still being written; compare its size with the original.',
  },
  IMAGE_BACKING_REFUSED: {
    kind: 'corrupt',
    meaning:
      'The image has a parent link where none may be, or none where one must be, or builds on another image than the one it was made on.',
    hint: 'The chain in this folder is not the one the backup tool made; see the reason.',
  },
  // --- target chain
  CHAIN_RECORD_CORRUPT: {
    kind: 'corrupt',
    meaning: 'The commit record of a chain (chain.json) cannot be trusted.',
    hint: 'Both copies are damaged: the files of the disks can still be read by the tools of their format; see docs/OPERATIONS.md.',
  },
  CHAIN_RECORD_LOST: {
    kind: 'corrupt',
    meaning:
      'The folder of a chain holds restore points that no commit record lists: the record is lost, or older than its data.',
    hint: 'Put back the newest chain.json or chain.json.copy from a snapshot or backup of the target; without one, move the folder of the chain elsewhere: its files can still be read by the tools of their format, and the next session begins a new chain (docs/OPERATIONS.md).',
  },
  RECORD_TOO_LARGE: {
    kind: 'unsupported',
    meaning:
      'A record or a plan would have more bytes than are ever read of one; it was not written, and what was there before is as it was.',
    hint: 'Keep fewer restore points (a shorter retention, or transactionLogs off), or split the source into several folders with a job each.',
  },
  CHAIN_FORMAT_UNKNOWN: {
    kind: 'unsupported',
    meaning: 'The chain was written by a newer Longhaul.',
    hint: 'Update Longhaul.',
  },
  CHAIN_FOREIGN: {
    kind: 'invalid',
    meaning: 'The folder belongs to another job or workload.',
    hint: 'Import the job, let yours go on with its copies (`longhaul job map`), or choose another target folder. Where such an order was stopped, give it again.',
  },
  CHAIN_EXISTS: {
    kind: 'conflict',
    meaning: 'The job keeps copies of this workload already.',
    hint: 'Detach them first (`longhaul job detach`): they stay, and the job goes on with the others.',
  },
  CHAIN_OF_JOB: {
    kind: 'conflict',
    meaning: 'The copies belong to a job of this server, which copies to the same target.',
    hint: 'Detach them from it first (`longhaul job detach`).',
  },
  CHAIN_UNFIT: {
    kind: 'invalid',
    meaning:
      'The job would not go on with these copies: they are of a workload that it does not copy.',
    hint: 'Compare the ids of the workloads in source and target (`longhaul repository scan`).',
  },
  METADATA_CORRUPT: {
    kind: 'corrupt',
    meaning:
      'A small file beside the data (job.json, a session record, a lease) cannot be read as what it should be.',
    hint: 'Restore points do not depend on it. Put the file back from a snapshot, or remove it: the next session writes its own.',
  },
  BLOCK_DIGEST_MISMATCH: {
    kind: 'corrupt',
    meaning: 'A block does not have the digest that was recorded when it was written.',
    hint: 'Run `longhaul restore-point verify <repository>` where the source can be read: the block is healed while the source, or another file of the chain, still holds it. What stays damaged is marked corrupt, and set aside in `.quarantine` where no good restore point builds on it and the source can be asked.',
  },
  STAGING_INVALID: {
    kind: 'conflict',
    meaning: 'Unfinished work in the staging folder does not fit its plan.',
    hint: 'Nothing to do: the copy is planned again. Where lists of a session that was stopped are damaged, the files of a copied tree that its restore points list are read first, and the session says what is not as it was copied: `longhaul restore-point verify <repository>` judges what the source cannot send again.',
  },
  POINT_IN_USE: {
    kind: 'conflict',
    meaning: 'The restore point is being read by a restore, a verification or another copy.',
    hint: 'Nothing to do: it is tried again with the next session.',
  },
  POINT_NEEDED: {
    kind: 'conflict',
    meaning: 'Other restore points build on the one that is to go.',
    hint: 'Say that they go with it (`--with-dependents`), or take out the newest one.',
  },
  POINT_OF_TREE: {
    kind: 'invalid',
    meaning:
      'The restore point is one of a tree of files, and no single one of them can be removed.',
    hint: 'Let its job keep them for fewer days (`keepRemovedForDays`, `retention`): what no kept point needs goes with a later session.',
  },
  POINT_IMMUTABLE: {
    kind: 'conflict',
    meaning: 'The target lets nothing go before its days are over (`immutableForDays`).',
    hint: 'Wait until the date that is named; nothing shortens it.',
  },
  RESTORE_DESTINATION_INVALID: {
    kind: 'invalid',
    meaning: 'The destination of a restore cannot be used.',
    hint: 'Name an empty or new folder on the machine of the worker, outside every repository.',
  },
  RESTORE_FORMAT_UNSUITED: {
    kind: 'invalid',
    meaning:
      'Disks were asked for (`raw`, `qcow2`), and the copy is a file that is kept as it is and in which no disk can be told, or not all of them: a compressed archive, a stream of files, a package with packed disks. Or the layout of its tool was asked for, and its disk is kept in a format that this tool does not read.',
    hint: 'Restore it as it is (`--format same`), unpack it and let its own tool take the disks out of it. A disk in another format: restore it without its layout, and convert it.',
  },
} as const satisfies Record<string, ErrorCodeEntry>;
