/** What is known of how well a layout is read: for people who decide whether to trust it with their backups. */
export interface LayoutEvidence {
  /** Tool that writes it, and what its backups look like. */
  readonly writtenBy: string;
  /** `real`: trees and files by the tool itself; `parts`: real files, trees made by hand; `synthetic`: made by hand and with qemu-img. */
  readonly data: 'real' | 'parts' | 'synthetic';
  /** Who says that the copy is right, apart from Longhaul. */
  readonly judge: string;
  readonly tests: readonly string[];
}
