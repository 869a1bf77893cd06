import { IPv4 } from "ip-num";
import { InputError } from "../errors.js";

declare const brand: unique symbol;

/**
 * An IPv4 address as an unsigned 32-bit number: compare with `===`, order with `<`.
 * Make one with {@link addr}, print it with {@link formatAddr}.
 */
export type Addr = number & { readonly [brand]: "Addr" };

const reject = (text: string, where: string, problem: string): never => {
  throw new InputError({ where, value: text, problem, expected: "an IPv4 address a.b.c.d, each part 0-255" });
};

/**
 * Reads a dotted IPv4 address.
 * @param text `10.13.1.4`
 * @param where the place to name in an error
 * @throws InputError on anything else; an IPv6 address is told apart, as it is not supported
 */
export const addr = (text: string, where = "address"): Addr => {
  if (text.includes(":")) reject(text, where, "is an IPv6 address, which is not supported");
  if (!/^(?:0|[1-9]\d{0,2})(?:\.(?:0|[1-9]\d{0,2})){3}$/.test(text)) reject(text, where, "is not an IPv4 address");
  try {
    return Number(IPv4.fromString(text).value) as Addr;
  } catch {
    return reject(text, where, "is not an IPv4 address");
  }
};

/** The dotted form of an address: `10.13.1.4`. */
export const formatAddr = (address: Addr): string => IPv4.fromNumber(BigInt(address)).toString();
