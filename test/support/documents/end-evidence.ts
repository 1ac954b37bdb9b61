import { IMAGE_FORMATS } from '../../../src/image/formats.js';

/** What tells that a file of a format that travels as it is has come to its end. */
interface EndEvidence {
  readonly end: string;
  /** Where that is written, or what wrote the files of the tests. */
  readonly after: string;
  readonly notTold: string;
}

/** By format, but for VMDK streams, whose tables tell. */
const END_EVIDENCE: Readonly<Record<string, EndEvidence>> = {
  ova: {
    end: 'two blocks of zeros where the last member ends; all files of its manifest are there',
    after: 'POSIX.1-1988, DSP0243; GNU tar',
    notTold: 'what members hold: their digests are for who unpacks it',
  },
  file: { end: 'none', after: '–', notTold: 'sparseimage, flar: whether it was cut off' },
  vma: {
    end: 'every cluster of every disk that its head announces, or says is zeros',
    after: 'Proxmox’s own `vma`',
    notTold: '–',
  },
  tar: { end: 'two blocks of zeros', after: 'POSIX.1-1988; GNU tar', notTold: 'holes within' },
  gzip: {
    end: 'the last block of its stream, and 8 bytes',
    after: 'RFC 1951, RFC 1952; zlib',
    notTold: 'whether what was packed had come to its end; files of packers with larger blocks',
  },
  zstd: {
    end: 'a last block, and those before it end to end',
    after: 'RFC 8878; zstd 1.5',
    notTold: 'whether what was packed had come to its end',
  },
  lzop: {
    end: 'a block of no bytes behind one that leads there',
    after: 'lzop 1.04',
    notTold: 'whether what was packed had come to its end',
  },
  lz4: {
    end: 'a block of no bytes',
    after: 'LZ4 frame format 1.6.4',
    notTold: 'whether what was packed had come to its end; files of `lz4 -l`',
  },
  xz: {
    end: 'a footer with its own digest',
    after: 'The .xz File Format 1.2.1',
    notTold: 'whether what was packed had come to its end',
  },
  bzip2: {
    end: '48 bits of a magic number, and a checksum',
    after: 'bzip2 1.0.8',
    notTold: 'whether what was packed had come to its end',
  },
  'zfs-stream': {
    end: 'record `DRR_END`; of several streams (`-R`, `-I`, `-p`) also that of the last one within',
    after: 'OpenZFS `zfs_ioctl.h`, `dmu_send.c`, `libzfs_sendrecv.c`; streams of zfs-fuse 0.7',
    notTold: 'of several: those before the last one; Oracle Solaris with features of its own',
  },
  dump: {
    end: 'header `TS_END` with its checksum; a volume of several is never whole',
    after: 'illumos `dumprestore.h`, `dumpmain.c`, `dumptape.c`; files of Linux dump 0.4b47',
    notTold: 'what Linux dump packs itself (`-z`, `-j`, `-y`)',
  },
  dmg: {
    end: 'trailer `koly`, of an image that is packed; what it lists is there; a segment of several is never whole',
    after: 'VirtualBox `DMG.cpp`, libdmg-hfsplus `dmg.h`; no image of a Mac was at hand',
    notTold: 'images as they are (UDRW, UDRO that was cut off), encrypted ones',
  },
  'aix-backup': {
    end: 'header `FS_END` in the last MiB',
    after: 'IBM AIX Files Reference; two open readers; no file of AIX was at hand',
    notTold: 'a cut behind a packed-in backup whose own end lies in the last MiB',
  },
};

/** The table of docs/COMPATIBILITY.md, The end of a file, as Markdown: a row for each format whose files travel as they are. */
export function renderEndTable(): string {
  const rows = IMAGE_FORMATS.filter(({ id, isOpaque }) => isOpaque && id !== 'vmdk-stream').map(
    ({ id }) => {
      const { end, after, notTold } = END_EVIDENCE[id] ?? { end: '?', after: '?', notTold: '?' };
      return `| \`${id}\` | ${end} | ${after} | ${notTold} |`;
    },
  );
  return ['| Format | Its end | After | Not told |', '| --- | --- | --- | --- |', ...rows].join(
    '\n',
  );
}
