import { wholeNumber } from "../checks.js";
import type { PingOptions } from "./lab.js";

/** What a ping is told, with what it is not told filled in. @throws InputError for a number out of range */
export const pingNumbers = ({ count = 1, size = 56, ttl = 64 }: PingOptions): Required<PingOptions> => ({
  count: wholeNumber("count", count, { least: 1, most: 10_000 }, "requests"),
  size: wholeNumber("size", size, { least: 0, most: 65_507 }, "bytes"),
  ttl: wholeNumber("ttl", ttl, { least: 1, most: 255 }, "for a TTL"),
});

/** A TCP or UDP port. @throws InputError for a number out of range */
export const portNumber = (where: string, value: number): number =>
  wholeNumber(where, value, { least: 1, most: 65_535 }, "for a port");
