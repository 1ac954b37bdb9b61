/** Words for a stream that lacks its end. */
export function cutBefore(end: string): string {
  return `does not come to ${end}: it was cut off, or is being written`;
}
