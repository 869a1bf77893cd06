import { InputError } from "../errors.js";
import type { Time } from "../kube/types.js";

const pattern =
  /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/;

/** Whether the calendar has the date that a time starts with: JavaScript makes March 2 of February 30. */
const isDate = (text: string): boolean => {
  const [year, month, day] = text.slice(0, 10).split("-").map(Number) as [number, number, number];
  const lastDay = new Date(Date.UTC(2000 + (year % 400), month, 0)).getUTCDate(); // years repeat after 400
  return day <= lastDay;
};

/** Reads an RFC 3339 time. @returns seconds since the epoch @throws InputError on anything else */
export const parseTime = (text: string, where: string): Time => {
  const milliseconds = typeof text === "string" && pattern.test(text) && isDate(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(milliseconds))
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
