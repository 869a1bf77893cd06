import { InputError } from "../errors.js";

/** What curl is asked for. */
export interface Url {
  readonly name: string;
  readonly port: number;
  readonly path: string;
}

/** Reads `[http://]HOST[:PORT][/PATH]`. @throws InputError for anything else; TLS is not modelled */
export const readUrl = (url: string): Url => {
  const parts = /^(?:http:\/\/)?([A-Za-z0-9.-]+)(?::(\d{1,5}))?(\/[\x21-\x7e]*)?$/.exec(url);
  const port = Number(parts?.[2] ?? 80);
  if (parts === null || port < 1 || port > 65535)
    throw new InputError({
      where: "curl",
      value: url,
      problem: url.startsWith("https:") ? "asks for TLS, which is not modelled" : "is not a URL",
      expected: "[http://]HOST[:PORT][/PATH]",
    });
  return { name: parts[1]!, port, path: parts[3] ?? "/" };
};
