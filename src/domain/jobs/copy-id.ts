/** Ids of copies that no schedule carries, in the place of a job's. Pure. */

/** `once-web01-1f3a5b7c9d`: the same for the same order, so that a repeat is told from another one.
 *  @param digest of the order, in hex */
export function copyId(kind: 'once' | 'detached', workload: string, digest: string): string {
  const name = workload
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(0, 40)
    .replaceAll(/^-+|-+$/g, '');
  return [kind, ...(name === '' ? [] : [name]), digest.slice(0, 10)].join('-');
}
