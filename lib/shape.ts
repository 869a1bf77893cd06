import { refuse } from "./errors.js";

/** Tells whether a value of unknown origin has a shape, and names the place where it has not. */
export type Check<T> = (value: unknown, where: string) => T;

/** A field that may be left out. */
export interface Optional<T> {
  readonly optional: Check<T>;
}

/** A check for each field of T, so a field added to the type must be added here to compile. */
export type Fields<T> = {
  readonly [K in keyof T]-?: Record<string, never> extends Pick<T, K> ? Optional<NonNullable<T[K]>> : Check<T[K]>;
};

const fail = (where: string, value: unknown, problem: string, expected: string): never =>
  refuse(where, value, value === undefined ? "is missing" : problem, expected);

export const optional = <T>(check: Check<T>): Optional<T> => ({ optional: check });

/** Text that matches a pattern; by default any but the empty one. What it means is checked when it is read. */
export const text =
  (expected = "text", pattern = /^[^]+$/): Check<string> =>
  (value, where) =>
    typeof value === "string" && pattern.test(value)
      ? value
      : fail(
          where,
          value,
          value === "" ? "is empty" : typeof value === "string" ? "is not right" : "is not text",
          expected,
        );

export const number: Check<number> = (value, where) =>
  typeof value === "number" ? value : fail(where, value, "is not a number", "a number");

export const boolean: Check<boolean> = (value, where) =>
  typeof value === "boolean" ? value : fail(where, value, "is neither true nor false", "true or false");

/** One of a few words. `what` names them in an error: `network plugin`. */
export const oneOf =
  <const Word extends string>(what: string, ...words: readonly Word[]): Check<Word> =>
  (value, where) =>
    words.find(word => word === value) ?? fail(where, value, `is no ${what}`, words.join(" or "));

export const list =
  <T>(item: Check<T>): Check<readonly T[]> =>
  (value, where) =>
    Array.isArray(value)
      ? value.map((entry: unknown, i) => item(entry, `${where}[${i}]`))
      : fail(where, value, "is not a list", "a list");

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Values by keys of the user's choice; a key that does not match the pattern is an error. */
export const record =
  <T>(item: Check<T>, expected = "a name", pattern = /^[^]+$/): Check<Readonly<Record<string, T>>> =>
  (value, where) => {
    if (!isObject(value)) return fail(where, value, "is not an object", `an object with ${expected} for each key`);
    for (const key of Object.keys(value)) if (!pattern.test(key)) fail(where, key, "is not a key", expected);
    return Object.fromEntries(
      Object.entries(value).map(([key, entry]) => [key, item(entry, `${where}[${JSON.stringify(key)}]`)]),
    );
  };

const isOptional = (field: Check<unknown> | Optional<unknown>): field is Optional<unknown> => typeof field === "object";

/** An object with these fields and no others. `what` names it in an error: `a cluster`. The checked copy has nothing undefined. */
export const object = <T extends object>(what: string, fields: Fields<T>): Check<T> => {
  const checks = Object.entries(fields) as readonly (readonly [string, Check<unknown> | Optional<unknown>])[];
  const names = checks.map(([name]) => name).join(", ");
  return (value, where) => {
    if (!isObject(value)) return fail(where, value, "is not an object", `${what} with ${names}`);
    for (const key of Object.keys(value))
      if (!Object.hasOwn(fields, key)) fail(where, key, `is not a field of ${what}`, `one of ${names}`);
    const checked: [string, unknown][] = [];
    for (const [name, field] of checks) {
      const entry = Object.hasOwn(value, name) ? value[name] : undefined;
      const place = where === "scenario" ? name : `${where}.${name}`;
      if (!isOptional(field)) checked.push([name, field(entry, place)]);
      else if (entry !== undefined) checked.push([name, field.optional(entry, place)]);
    }
    return Object.fromEntries(checked) as T;
  };
};
