import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { qemuImg } from '../image/qemu.js';
import type { StreamFrame } from '../image/stream-file.js';

/** Files that tools of several types write. */

const FIRST_MACHINE = 'ec04f346-db96-4700-af5b-77b3c56c38bd';

export const dateOf = (day: number) => `2026-11-2${day}`;

export async function write(path: string, content: string | Buffer): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content);
}

/** A disk in a format of qemu-img. */
export async function writeDisk(
  path: string,
  disk: Buffer,
  format: string,
  ...options: string[]
): Promise<void> {
  const raw = `${path}.tmp`;
  await write(raw, disk);
  await qemuImg('convert', '-f', 'raw', '-O', format, ...options, raw, path);
  await rm(raw);
}

export function ovfOf(name: string, disk: string): string {
  return `<Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1" xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1"><References><File ovf:id="f1" ovf:href="${disk}"/></References><DiskSection><Disk ovf:diskId="d1" ovf:fileRef="f1"/></DiskSection><VirtualSystem ovf:id="vm"><Name>${name}</Name></VirtualSystem></Envelope>`;
}

export function domainOf(name: string): string {
  const last = Number(name.slice(-2));
  const uuid =
    last === 1 ? FIRST_MACHINE : `9b9cfbc3-369e-11e9-a17c-806e6f6e69${String(61 + last)}`;
  return `<domain type='kvm'><name>${name}</name><uuid>${uuid}</uuid></domain>`;
}

/** As libvirt keeps it: what a checkpoint is of, and which one comes before it. */
export function checkpointOf(
  prefix: string,
  number: number,
  machine: string,
  disk: string,
): string {
  const isFirst = prefix === 'cp' ? number === 1 : number === 0;
  const parent = isFirst ? '' : `<parent><name>${prefix}${number - 1}</name></parent>`;
  const created = 1_795_500_000 + number * 86_400;
  return `<domaincheckpoint><name>${prefix}${number}</name>${parent}<creationTime>${created}</creationTime><disks><disk name='${disk}' checkpoint='bitmap'/></disks>${domainOf(machine)}</domaincheckpoint>`;
}

/** Blocks that are another than before; of a full those that are no zeros. */
export function framesOf(disk: Buffer, before: Buffer | null): StreamFrame[] {
  const below = before ?? Buffer.alloc(disk.length);
  const frames: StreamFrame[] = [];
  for (let start = 0; start < disk.length; start += 65_536) {
    const data = disk.subarray(start, start + 65_536);
    if (!data.equals(below.subarray(start, start + 65_536))) frames.push({ start, data });
  }
  return frames;
}
