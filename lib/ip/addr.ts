import { InputError } from "../errors.js";

declare const brand: unique symbol;

/**
 * An IPv4 address as an unsigned 32-bit number: compare with `===`, order with `<`.
 * Make one with {@link addr}, print it with {@link formatAddr}.
 */
export type Addr = number & { readonly [brand]: "Addr" };

const zero = 0x30;
const dot = 0x2e;

/** The address that a text stands for; undefined when it stands for none. A rule set holds a hundred thousand, so this reads them itself. */
export const parseAddr = (text: string): Addr | undefined => {
  let address = 0;
  let at = 0;
  for (let part = 0; part < 4; part++) {
    if (part > 0 && text.charCodeAt(at++) !== dot) return undefined;
    const start = at;
    let value = 0;
    for (let digit = text.charCodeAt(at) - zero; digit >= 0 && digit <= 9; digit = text.charCodeAt(++at) - zero)
      value = value * 10 + digit;
    const length = at - start;
    if (length === 0 || length > 3 || value > 255 || (length > 1 && text.charCodeAt(start) === zero)) return undefined;
    address = address * 256 + value;
  }
  return at === text.length ? (address as Addr) : undefined;
};

/**
 * Reads a dotted IPv4 address.
 * @param text `10.13.1.4`
 * @param where the place to name in an error
 * @throws InputError on anything else; an IPv6 address is told apart, as it is not supported
 */
export const addr = (text: string, where = "address"): Addr => {
  const isText = typeof text === "string";
  const parsed = isText ? parseAddr(text) : undefined;
  if (parsed !== undefined) return parsed;
  const problem = !isText
    ? "is not text"
    : text.includes(":")
      ? "is an IPv6 address, which is not supported"
      : "is not an IPv4 address";
  throw new InputError({ where, value: text, problem, expected: "an IPv4 address a.b.c.d, each part 0-255" });
};

/** The dotted form of an address: `10.13.1.4`. */
export const formatAddr = (address: Addr): string =>
  `${address >>> 24}.${(address >>> 16) & 255}.${(address >>> 8) & 255}.${address & 255}`;
