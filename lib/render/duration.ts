/**
 * The time since `created` as kubectl 1.11 shows it: one unit, rounded down: `33s`, `18m`, `5h`, `4d`, `2y`.
 * @param created,now seconds since the epoch; a start more than a second ahead shows as `<invalid>`
 */
export const age = (created: number, now: number): string => {
  const seconds = Math.trunc(now - created);
  if (seconds < -1) return "<invalid>";
  if (seconds < 60) return `${Math.max(0, seconds)}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}m`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours}h`;
  return hours < 24 * 365 ? `${Math.floor(hours / 24)}d` : `${Math.floor(hours / 24 / 365)}y`;
};

const plural = (count: number, unit: string): string => `${count} ${unit}${count === 1 ? "" : "s"}`;

/** The time since `then` as systemd shows it, its two largest units: `52min ago`, `1h 3min ago`, `2 days ago`. */
export const ago = (then: number, now: number): string => {
  const seconds = Math.max(0, Math.trunc(now - then));
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  const days = Math.floor(hours / 24);
  if (days >= 2) return `${plural(days, "day")} ago`;
  if (days === 1) return hours % 24 === 0 ? "1 day ago" : `1 day ${hours % 24}h ago`;
  if (hours > 0) return minutes % 60 === 0 ? `${hours}h ago` : `${hours}h ${minutes % 60}min ago`;
  if (minutes >= 5 || (minutes > 0 && seconds % 60 === 0)) return `${minutes}min ago`;
  return minutes > 0 ? `${minutes}min ${seconds % 60}s ago` : `${seconds}s ago`;
};

/** A time as Kubernetes writes it in objects: `2018-12-05T21:45:00Z`. */
export const timestamp = (time: number): string => `${new Date(time * 1000).toISOString().slice(0, 19)}Z`;
