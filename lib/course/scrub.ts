import type { Json, Output } from "./nbformat.js";

/** Takes out of a text what belongs to this machine and not to the notebook. */
export type Scrub = (text: string) => string;

/** Frames of Node, of tslab and of the compiled cell say nothing about the notebook's text. */
const foreignFrame =
  /^ +at .*(node:|evalmachine\.<anonymous>|[\\/]node_modules[\\/]|[\\/]notebook[\\/]kernel-main\.js|<anonymous>\)?$).*\n?/gm;

/** The line of compiled code that Node puts before an error's text. */
const codeFrame = /^\[?\S+:\d+\n.*\n *\^+\n\s*\n?/gm;

/**
 * Removes stack frames that are not the author's and shortens paths below the roots to relative ones.
 * @param roots folders that are the reader's: where the command runs, where the library is
 * @param home the user's folder, shown as `~`
 */
export const scrubber = (roots: readonly string[], home: string): Scrub => {
  const places = [...roots, home]
    .filter(place => place.length > 1)
    .map(place => [place.endsWith("/") ? place : `${place}/`, place === home ? "~/" : ""] as const);
  return text => {
    const framed = text.replace(codeFrame, "").replace(foreignFrame, "");
    return places.reduce(
      (shorter, [place, short]) => shorter.replaceAll(`file://${place}`, short).replaceAll(place, short),
      framed,
    );
  };
};

const scrubJson = (value: Json, scrub: Scrub): Json => {
  if (typeof value === "string") return scrub(value);
  if (Array.isArray(value)) return value.map((item: Json) => scrubJson(item, scrub));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, scrubJson(item, scrub)]));
};

/** Scrubs every text of an output; pictures are left alone. */
export const scrubOutput = (output: Output, scrub: Scrub): Output => {
  if (output.output_type === "stream") return { ...output, text: scrub(output.text) };
  const data = Object.entries(output.data).map(
    ([type, value]) => [type, type.startsWith("image/") ? value : scrubJson(value, scrub)] as const,
  );
  return { ...output, data: Object.fromEntries(data) };
};
