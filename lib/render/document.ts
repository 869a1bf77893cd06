import { stringify } from "yaml";

/** Plain data, as JSON and YAML can hold it. A key whose value is undefined is left out. */
export type Data = null | boolean | number | string | readonly Data[] | { readonly [key: string]: Data | undefined };

const isList = (data: Data | undefined): data is readonly Data[] => Array.isArray(data);

/** The same data with the keys of every object in alphabetical order and absent values gone. */
export const sortKeys = (data: Data): Data => {
  if (isList(data)) return data.map(sortKeys);
  if (typeof data !== "object" || data === null) return data;
  const entries = Object.entries(data);
  return Object.fromEntries(
    entries
      .filter((entry): entry is [string, Data] => entry[1] !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
      .map(([key, value]) => [key, sortKeys(value)]),
  );
};

/** JSON with sorted keys; kubectl indents by 4, az by 2. */
export const printJson = (data: Data, indent: number): string => JSON.stringify(sortKeys(data), undefined, indent);

/** YAML with sorted keys and lists that stand under their key without indentation, as kubectl and az write it. */
export const printYaml = (data: Data): string =>
  stringify(sortKeys(data), { indentSeq: false, lineWidth: 0 }).trimEnd();
