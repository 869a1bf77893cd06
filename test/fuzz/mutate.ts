import type { Random } from "../../lib/random.js";
import { wordsBeyondJson } from "./target.js";
import type { Target } from "./target.js";

/** Bytes of an input, at most: longer ones only take longer. */
const sizeAtMost = 64 * 1024;

const numbers = (
  "0 -0 -1 1 2 00 01 08 0x10 1e3 1e999 -1e999 1.5 .5 5. +1 255 256 1023 1024 1025 65535 65536 2147483647 2147483648 " +
  "4294967295 4294967296 9007199254740991 9007199254740993 12345678901234567890 1e-320 NaN Infinity -Infinity .inf .nan"
).split(" ");
const odd = [
  ..."\u0000\u0001\t\n\r\u000b\u001b\u007f\u0085\u00a0\u2028\u2029\ufeff\ufffd".split(""),
  "\r\n",
  "\ud800",
  "\u{1f600}",
  "e\u0301",
  "\u0661",
  "\\",
  "'",
  '"',
  "`",
  "$",
  "%00",
  "__proto__",
  "constructor",
  "prototype",
  "toString",
  "hasOwnProperty",
];
const brackets = ["()", "[]", "{}", "<>", '""', "''", "$()", "!()", "- ", "> ", "  "];

const pick = <T>(random: Random, from: readonly T[]): T => from[random.int(0, from.length - 1)]!;

/** A number of repetitions: few mostly, now and then so many that what grows too fast is seen. */
const times = (random: Random): number => 2 ** random.int(1, pick(random, [3, 3, 3, 6, 12]));

/** Where the pieces of a text begin, by a pattern. */
const spans = (text: string, pattern: RegExp): readonly (readonly [number, number])[] =>
  [...text.matchAll(pattern)].map(found => [found.index, found.index + found[0].length]);
const linePattern = /[^\n]*\n|[^\n]+$/g;
const tokenPattern = /[A-Za-z_][\w-]*|-{0,2}\d+(?:\.\d+)*|\s+|[^\sA-Za-z_0-9]/g;
const numberPattern = /\d+(?:\.\d+)?/g;

const replaceSpan = (text: string, [from, to]: readonly [number, number], by: string): string =>
  text.slice(0, from) + by + text.slice(to);

const mutateText = (text: string, other: string, words: readonly string[], random: Random): string => {
  const at = random.int(0, text.length);
  const part = (pattern: RegExp): readonly [number, number] => {
    const found = spans(text.slice(0, sizeAtMost), pattern);
    return found.length === 0 ? [at, at] : pick(random, found);
  };
  const word = (): string => (words.length > 0 && random.int(0, 2) > 0 ? pick(random, words) : pick(random, numbers));
  switch (random.int(0, 16)) {
    case 0:
      return replaceSpan(text, [at, Math.min(at + 1, text.length)], String.fromCharCode(random.int(1, 126)));
    case 1:
      return replaceSpan(text, [at, at], pick(random, odd));
    case 2:
    case 3:
      return replaceSpan(text, [at, at], `${pick(random, ["", " ", ",", "\n"])}${word()}`);
    case 4:
    case 5:
      return replaceSpan(text, part(tokenPattern), word());
    case 6:
      return replaceSpan(text, part(tokenPattern), "");
    case 7:
      return replaceSpan(text, part(numberPattern), pick(random, numbers));
    case 8: {
      const [from, to] = part(tokenPattern);
      return replaceSpan(text, [from, to], text.slice(from, to).repeat(times(random)));
    }
    case 9: {
      const [from, to] = part(linePattern);
      return replaceSpan(text, [from, to], text.slice(from, to).repeat(times(random)));
    }
    case 10:
      return replaceSpan(text, part(linePattern), "");
    case 11: {
      const [from, to] = part(linePattern);
      const [otherFrom, otherTo] = pick(random, [...spans(other, linePattern), [0, other.length] as const]);
      return replaceSpan(
        text,
        pick(random, [[from, to] as const, [from, from] as const]),
        other.slice(otherFrom, otherTo),
      );
    }
    case 12: {
      const [from, to] = part(random.int(0, 1) === 0 ? tokenPattern : linePattern);
      const pair = pick(random, brackets);
      const half = Math.ceil(pair.length / 2);
      const depth = times(random);
      const closed = pair.trim().length === pair.length;
      return replaceSpan(
        text,
        [from, to],
        `${(closed ? pair.slice(0, -1) : pair).repeat(depth)}${text.slice(from, to)}${closed ? pair.slice(-half).slice(-1).repeat(depth) : ""}`,
      );
    }
    case 13:
      return text.slice(0, at);
    case 14:
      return replaceSpan(text, [at, Math.min(text.length, at + random.int(1, 40))], "");
    case 15: {
      const [first, second] = [part(tokenPattern), part(tokenPattern)].sort((a, b) => a[0] - b[0]) as [
        readonly [number, number],
        readonly [number, number],
      ];
      if (first[1] > second[0]) return text;
      const [a, b] = [text.slice(...first), text.slice(...second)];
      return text.slice(0, first[0]) + b + text.slice(first[1], second[0]) + a + text.slice(second[1]);
    }
    default:
      return text.slice(0, at) + other.slice(random.int(0, other.length));
  }
};

type Json = unknown;
const jsonNumbers = numbers.map(Number).filter(Number.isFinite);
const copy = (value: Json): Json => JSON.parse(JSON.stringify(value ?? null));
/** A field that is one's own whatever its name. */
const setField = (of: object, key: string, value: Json): void => {
  Object.defineProperty(of, key, { value, configurable: true, enumerable: true, writable: true });
};

/** Every place in a value: what holds it, and under which key. */
const places = (value: Json): readonly { readonly holder: Record<string, Json>; readonly key: string }[] => {
  const found: { readonly holder: Record<string, Json>; readonly key: string }[] = [];
  const waiting: Json[] = [value];
  while (waiting.length > 0 && found.length < 5000) {
    const holder = waiting.pop();
    if (typeof holder !== "object" || holder === null) continue;
    for (const key of Object.keys(holder)) {
      found.push({ holder: holder as Record<string, Json>, key });
      waiting.push((holder as Record<string, Json>)[key]);
    }
  }
  return found;
};

const mutateJson = (text: string, other: string, words: readonly string[], random: Random): string => {
  const root: { value: Json } = { value: JSON.parse(text) };
  const all = places(root);
  const { holder, key } = pick(random, all);
  const value = holder[key];
  const special = (): Json =>
    pick<Json>(random, [
      null,
      true,
      false,
      "",
      [],
      {},
      pick(random, jsonNumbers),
      pick(random, jsonNumbers),
      pick(random, wordsBeyondJson),
      pick(random, odd),
      words.length > 0 ? pick(random, words) : "x",
      [copy(value)],
      { [key]: copy(value) },
    ]);
  switch (random.int(0, 9)) {
    case 0:
    case 1:
      setField(holder, key, special());
      break;
    case 2:
      if (Array.isArray(holder)) (holder as Json[]).splice(Number(key), 1);
      else if (holder !== (root as object)) delete holder[key];
      break;
    case 3:
      if (typeof value === "number")
        setField(holder, key, value * pick(random, [-1, 0.5, 2, 10, 1e3, 1e6, 1e9, 1e-3, 1e-9]));
      else setField(holder, key, pick(random, jsonNumbers));
      break;
    case 4:
      if (typeof value === "string") setField(holder, key, mutateText(value, other.slice(0, 80), words, random));
      else setField(holder, key, special());
      break;
    case 5: {
      const from = pick(random, all);
      setField(holder, key, copy(from.holder[from.key]));
      break;
    }
    case 6:
      if (Array.isArray(value) && value.length > 0) {
        const item = pick(random, value as Json[]);
        setField(holder, key, [...(value as Json[]), ...Array.from({ length: times(random) }, () => item)]);
      } else if (typeof value === "object" && value !== null)
        setField(value, pick(random, [...odd, ...words, "x"]), special());
      else setField(holder, key, special());
      break;
    case 7: {
      let nested: Json = value;
      for (let depth = times(random); depth > 0; depth--) nested = depth % 2 === 0 ? [nested] : { [key]: nested };
      setField(holder, key, nested);
      break;
    }
    case 8:
      if (!Array.isArray(holder) && holder !== (root as object)) {
        delete holder[key];
        setField(holder, pick(random, [...words, ...odd]), value);
      }
      break;
    default: {
      const parsed: Json = JSON.parse(other);
      const from = pick(random, places({ value: parsed }));
      setField(holder, key, from.holder[from.key]);
    }
  }
  return JSON.stringify(root.value) ?? "null";
};

const mutateBytes = (bytes: Uint8Array, other: Uint8Array, random: Random): Uint8Array => {
  const at = random.int(0, bytes.length);
  const copy = Uint8Array.from(bytes);
  const splice = (from: number, to: number, by: Uint8Array): Uint8Array =>
    Buffer.concat([bytes.subarray(0, from), by, bytes.subarray(to)]);
  const near = (length: number): number => Math.min(bytes.length, at + length);
  switch (random.int(0, 8)) {
    case 0:
      if (at < copy.length) copy[at]! ^= 1 << random.int(0, 7);
      return copy;
    case 1:
      if (at < copy.length)
        copy[at] = pick(random, [0, 1, 4, 5, 6, 0x45, 0x4f, 0x60, 0x7f, 0x80, 0xff, random.int(0, 255)]);
      return copy;
    case 2:
    case 3: {
      const width = pick(random, [2, 4]);
      // Lengths and numbers stand at even places mostly.
      const even = at - (at % width);
      if (even + width > copy.length) return copy;
      const value = pick(random, [
        0,
        1,
        8,
        12,
        20,
        28,
        64,
        bytes.length,
        0x7fff,
        0x8000,
        0xffff,
        0x7fffffff,
        0xffffffff,
      ]);
      const view = new DataView(copy.buffer);
      const little = random.int(0, 1) === 1;
      if (width === 2) view.setUint16(even, value & 0xffff, little);
      else view.setUint32(even, value >>> 0, little);
      return copy;
    }
    case 4:
      return splice(at, near(random.int(1, 32)), new Uint8Array());
    case 5:
      return splice(
        at,
        at,
        Uint8Array.from({ length: random.int(1, 16) }, () => random.int(0, 255)),
      );
    case 6:
      return splice(at, at, Buffer.concat(Array.from({ length: times(random) }, () => bytes.subarray(at, near(64)))));
    case 7:
      return bytes.subarray(0, at);
    default:
      return splice(at, bytes.length, other.subarray(random.int(0, other.length)));
  }
};

const changed = (target: Target, from: Uint8Array, other: Uint8Array, random: Random): Uint8Array => {
  if (target.format === "bytes") return mutateBytes(from, other, random);
  const change = target.format === "json" ? mutateJson : mutateText;
  try {
    return Buffer.from(change(Buffer.from(from).toString(), Buffer.from(other).toString(), target.words, random));
  } catch (error) {
    if (error instanceof RangeError) return from; // nested deeper than JSON can be written
    throw error;
  }
};

/** An input changed in a few places; what another has may come in. */
export const mutate = (target: Target, from: Uint8Array, other: Uint8Array, random: Random): Uint8Array => {
  let result = from;
  for (let change = random.int(1, pick(random, [1, 2, 4, 8])); change > 0; change--) {
    const made = changed(target, result, other, random);
    if (made.length <= sizeAtMost) result = made;
  }
  return result;
};

/** The smallest input found, by leaving pieces out, of which something still holds. @param tries at most */
export const minimise = async (
  input: Uint8Array,
  still: (candidate: Uint8Array) => Promise<boolean>,
  tries = 2000,
): Promise<Uint8Array> => {
  let smallest = input;
  for (let piece = Math.ceil(input.length / 2); piece >= 1 && tries > 0; piece = piece === 1 ? 0 : Math.ceil(piece / 2))
    for (let at = 0; at < smallest.length && tries > 0; tries--) {
      const candidate = Buffer.concat([smallest.subarray(0, at), smallest.subarray(at + piece)]);
      if (await still(candidate)) smallest = candidate;
      else at += piece;
    }
  return smallest;
};
