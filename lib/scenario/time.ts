import { InputError } from "../errors.js";
import type { Time } from "../kube/cluster.js";

const pattern =
  /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/;

/** Whether the calendar has the date that a time starts with: JavaScript makes March 2 of February 30. */
const isDate = (text: string): boolean => {
  const [year, month, day] = text.slice(0, 10).split("-").map(Number) as [number, number, number];
  const lastDay = new Date(Date.UTC(2000 + (year % 400), month, 0)).getUTCDate(); // years repeat after 400
  return day <= lastDay;
};

/** The years 0 to 9999 in UTC: an offset may lead out of the years that have four digits. */
const [first, last] = [-62_167_219_200_000, 253_402_300_799_999];

/** Reads an RFC 3339 time. @returns seconds since the epoch @throws InputError on anything else */
export const parseTime = (text: string, where: string): Time => {
  const milliseconds = typeof text === "string" && pattern.test(text) && isDate(text) ? Date.parse(text) : Number.NaN;
  if (!(milliseconds >= first && milliseconds <= last))
    throw new InputError({
      where,
      value: text,
      problem: "is not an RFC 3339 time",
      expected: "a time like 2019-02-12T22:11:26Z",
    });
  return milliseconds / 1000;
};

/** The time as RFC 3339 in UTC: `2019-02-12T22:11:26Z`, with milliseconds where it has any. */
export const formatTime = (time: Time): string => new Date(Math.round(time * 1000)).toISOString().replace(".000Z", "Z");
