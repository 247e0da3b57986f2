// What is said of a take.

import { count, levelWord, shareWord } from "./words.js";

const ENDINGS = { song: "the song's own ending", fade: "fades out", cut: "cut off", loop: "leads back" };
const ARCS = { "calm:lively": "rising", "lively:calm": "falling" };
const USUAL_VARIETY = 0.3;

export const waiting = ({ ahead }) => (ahead ? `${ahead} before yours` : "About to begin …");

/** A request, as far as it asks for something special, after what the take shares with another one. */
export function describe({ mood, arc, ending, variety, new: share, model, seed }, origin) {
  const drawn = arc && (ARCS[arc] ?? "drawn energy");
  const level = mood && (Number.isNaN(Number(mood)) ? mood : levelWord(Number(mood)));
  const bold = variety !== USUAL_VARIETY && `variety ${variety}`;
  const fresh = share && `new bars: ${shareWord(share)}`;
  const parts = [origin, drawn, level, ENDINGS[ending], bold, fresh, model !== "recall" && model, `seed ${seed}`];
  return parts.filter(Boolean).join(" · ");
}

/** What is known of the joins of a take, in words. */
export function rate({ audibility, repetition }, joins) {
  if (joins.every((join) => join.audibility == null)) return "";
  const audible = joins.filter((join) => join.audible).length;
  const parts = [
    choose(audibility, [40, "Smooth joins"], [60, "Fairly smooth joins"], [101, "Joins that stand out a little"]),
    audible && `${audible} of ${count(joins.length, "join")} can be heard`,
    choose(repetition, [20, "hardly repeats itself"], [45, "repeats itself a little"], [101, "repeats itself a lot"]),
  ];
  return parts.filter(Boolean).join(", ");
}

/** The words of the first pair whose number is above a value. */
const choose = (value, ...pairs) => pairs.find(([below]) => value < below)?.[1];
