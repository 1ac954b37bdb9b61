/** A day, and what may tell a time behind it; as ids have it, whose folders stand between `:`. */
const DATE =
  /(?<!\d)(?:19|20)\d\d(?<sep>[-_.]?)(?:0[1-9]|1[0-2])\k<sep>(?:0[1-9]|[12]\d|3[01])(?:(?:[-_T.hm ]|%20|%3A|%2C|%2B)?\d+)*Z?/g;

/** The id of a workload with a mark in the place of each date: the same for what lies in folders of other dates. Dates come and go in a source, and those that it has
 *  pruned are in no list of ids; one that stands for them all is (`SourceWorkload.otherIds`). No id of a workload has the mark: in those of folders it is encoded. */
export function idOfAnyDate(id: string): string {
  return id.replaceAll(DATE, '<date>');
}
