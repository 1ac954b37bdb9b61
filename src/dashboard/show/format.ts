/** Values as people read them. */

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

/** `1536` → `1.5 KiB`. */
export function bytes(count: number): string {
  const power = count < 1 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log2(count) / 10));
  const value = count / 1_024 ** power;
  return `${power === 0 ? String(Math.round(value)) : value.toFixed(1)} ${UNITS[power] ?? ''}`;
}

/** The largest unit that fits, and the next one where it matters: `3 min 20 s`, `2 h 5 min`, `6 d`. */
export function duration(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1_000));
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  const days = Math.floor(hours / 24);
  if (days >= 3) return `${days} d`;
  if (days > 0) return joined(`${days} d`, hours % 24, 'h');
  if (hours > 0) return joined(`${hours} h`, minutes % 60, 'min');
  if (minutes >= 10) return `${minutes} min`;
  return minutes > 0 ? joined(`${minutes} min`, seconds % 60, 's') : `${seconds} s`;
}

function joined(first: string, rest: number, unit: string): string {
  return rest === 0 ? first : `${first} ${rest} ${unit}`;
}

/** `3 machines`, `1 machine`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString('en')} ${count === 1 ? one : many}`;
}

export const VIEWER_ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone;

/** `Wed 25 Nov 2026, 22:00:00`, in a zone. */
export function dateTime(instantMs: number, timeZone: string): string {
  return new Intl.DateTimeFormat('en-GB', {
    weekday: 'short',
    day: 'numeric',
    month: 'short',
    year: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    timeZone,
  }).format(instantMs);
}

/** `25 Nov, 22:00:00`, in the viewer's zone; a moment of a restore point is told from the next by its seconds. */
export function moment(instantMs: number): string {
  return new Intl.DateTimeFormat('en-GB', {
    day: 'numeric',
    month: 'short',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  }).format(instantMs);
}

/** `25 Nov, 22:00`, in the viewer's zone. */
export function shortDateTime(instantMs: number): string {
  return new Intl.DateTimeFormat('en-GB', {
    day: 'numeric',
    month: 'short',
    hour: '2-digit',
    minute: '2-digit',
  }).format(instantMs);
}

/** `in 3 h`, `12 min ago`. */
export function relative(instantMs: number, nowMs: number): string {
  const distance = instantMs - nowMs;
  if (Math.abs(distance) < 1_500) return 'now';
  const length = Math.abs(distance);
  // Seconds matter within a minute or two, minutes within some hours; after that they are noise.
  const stepMs = length < 120_000 ? 1_000 : length < 14_400_000 ? 60_000 : 3_600_000;
  const text = duration(Math.floor(length / stepMs) * stepMs);
  return distance > 0 ? `in ${text}` : `${text} ago`;
}

/** A word of a command line, quoted for a POSIX shell where it has to be. */
export function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
