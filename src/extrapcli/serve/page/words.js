// Numbers as musicians say them.

/** How many seconds the keys of a slider move by. */
export const TIME_KEYS = {
  ArrowLeft: -5, ArrowDown: -5, ArrowRight: 5, ArrowUp: 5, PageDown: -30, PageUp: 30, Home: -Infinity, End: Infinity,
};

/** 72.4 as "1:12". */
export function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds + 1e-6));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

/** "1:12", "1m12s" or "72s" as 72, "1h" as 3600; a plain number counts minutes. NaN for what isn't a time. */
export function seconds(text) {
  const lettered = text.trim().match(/^(?=\d)(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s)?$/);
  if (lettered) return lettered.slice(1).reduce((sum, part) => 60 * sum + Number(part ?? 0), 0);
  const parts = text.trim().split(":");
  if (parts.length > 3 || !parts.every((part) => /^\d+(\.\d+)?$/.test(part))) return NaN;
  if (parts.slice(1).some((part) => Number(part) >= 60)) return NaN;
  return parts.reduce((sum, part) => 60 * sum + Number(part), 0) * (parts.length === 1 ? 60 : 1);
}

/** 210 as "3 minutes 30 seconds". */
export function spoken(time) {
  const whole = Math.max(0, Math.floor(time + 1e-6));
  const [minutes, rest] = [Math.floor(whole / 60), whole % 60];
  const parts = [minutes && count(minutes, "minute"), (rest || !minutes) && count(rest, "second")];
  return parts.filter(Boolean).join(" ");
}

export const count = (number, word) => `${number} ${word}${number === 1 ? "" : "s"}`;

/** The word for a place between 0 and 1 on a scale of words. */
export const wordFor = (value, words) => words[Math.min(words.length - 1, Math.floor(value * words.length))];

export const shareWord = (share) => wordFor(share, ["none", "a few", "half of them", "most", "all"]);

export const levelWord = (level) => wordFor(level, ["calm", "fairly calm", "in between", "fairly lively", "lively"]);

/** How much a join is heard: its audibility is the share of the song's own beats, in per cent, that are less so. */
export function likeBeats(audibility) {
  if (audibility < 50) return "can hardly be heard";
  return audibility < 90 ? "blends in like an ordinary beat" : "stands out like a strong beat";
}

/** The same for a join of a track, which says itself whether it can be heard; nothing where that isn't known. */
export function heard({ audible, audibility }) {
  if (audible) return "can be heard";
  return audibility == null ? "" : likeBeats(audibility);
}
