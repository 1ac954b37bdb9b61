/** What scripts leave beside the backups that they make: it makes the folder no other's. */
export function isSideFile(name: string): boolean {
  return SIDE_FILE.test(name);
}

const SIDE_FILE = /\.(?:log|txt|md5|sha\d+(?:sum)?|asc|sig|json|xml|sql)$|^(?:md5|sha\d+)sums?$/i;
