/** A bar with its number: the number alone tells all. */
export function ProgressBar({
  percent,
  label,
  mood = 'busy',
}: {
  readonly percent: number;
  readonly label: string;
  readonly mood?: string;
}) {
  const width = Math.min(100, Math.max(0, percent));
  return (
    <div
      className="bar"
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={Math.round(width)}
      data-mood={mood}
    >
      <div className="bar-fill" style={{ width: `${width}%` }} />
    </div>
  );
}
