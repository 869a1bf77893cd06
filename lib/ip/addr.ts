import { IPv4 } from "ip-num";
import { InputError } from "../errors.js";

declare const brand: unique symbol;

/**
 * An IPv4 address as an unsigned 32-bit number: compare with `===`, order with `<`.
 * Make one with {@link addr}, print it with {@link formatAddr}.
 */
export type Addr = number & { readonly [brand]: "Addr" };

/** The address that a text stands for; undefined when it stands for none. */
export const parseAddr = (text: string): Addr | undefined => {
  if (!/^(?:0|[1-9]\d{0,2})(?:\.(?:0|[1-9]\d{0,2})){3}$/.test(text)) return undefined;
  try {
    return Number(IPv4.fromString(text).value) as Addr;
  } catch {
    return undefined;
  }
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
export const formatAddr = (address: Addr): string => IPv4.fromNumber(BigInt(address)).toString();
