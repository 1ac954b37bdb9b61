import {
  closeSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import type { SimulatedDisk, SimulatedFile, SimulatedFolder } from './simulated-disk.js';

const PIECE_BYTES = 64 * 1024;

/** Writes a simulated folder as real, sparse files, for tools that read images. */
export function exportFolder(folder: SimulatedFolder, path: string): void {
  mkdirSync(path, { recursive: true });
  for (const [name, node] of folder.names) {
    if (node.type === 'folder') exportFolder(node, join(path, name));
    else exportFile(node, join(path, name));
  }
}

/** Adds the real files and folders at `path` to a simulated folder. Zeros become holes. */
export function importFolder(disk: SimulatedDisk, folder: SimulatedFolder, path: string): void {
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    if (entry.isDirectory()) {
      const child = disk.newFolder();
      disk.changeNames({ folder, name: entry.name, node: child });
      importFolder(disk, child, join(path, entry.name));
    } else if (entry.isFile()) {
      const file = disk.newFile();
      importFile(file, join(path, entry.name));
      disk.changeNames({ folder, name: entry.name, node: file });
    } else {
      throw new Error(`${join(path, entry.name)} is neither a file nor a folder`);
    }
  }
}

function exportFile(file: SimulatedFile, path: string): void {
  const fd = openSync(path, 'w');
  try {
    ftruncateSync(fd, file.content.sizeBytes);
    for (const { offset, bytes } of file.content.written())
      writeSync(fd, bytes, 0, bytes.length, offset);
  } finally {
    closeSync(fd);
  }
}

function importFile(file: SimulatedFile, path: string): void {
  const fd = openSync(path, 'r');
  const piece = Buffer.alloc(PIECE_BYTES);
  try {
    for (let offset = 0; ;) {
      const length = readSync(fd, piece, 0, PIECE_BYTES, offset);
      if (length === 0) return;
      const bytes = piece.subarray(0, length);
      if (bytes.some((byte) => byte !== 0)) file.content.write(bytes, offset);
      offset += length;
      file.content.sizeBytes = offset;
    }
  } finally {
    closeSync(fd);
  }
}
