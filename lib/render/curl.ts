import type { ConnectResult } from "../net/lab.js";

/** Why curl failed, and the code it exits with. 7 no connection, 28 a timeout. */
export interface CurlFailure {
  readonly code: 7 | 28;
  readonly message: string;
}

/** What curl makes of a connection that did not come about; undefined when it did. */
export const curlFailure = (result: ConnectResult, seconds: number): CurlFailure | undefined => {
  switch (result.kind) {
    case "connected":
      return undefined;
    case "refused":
      return { code: 7, message: `Failed to connect to ${result.to} port ${result.port}: Connection refused` };
    case "unreachable":
      return { code: 7, message: `Failed to connect to ${result.to} port ${result.port}: No route to host` };
    case "timeout":
      return { code: 28, message: `Connection timed out after ${Math.round(seconds * 1000)} milliseconds` };
  }
};

/** What curl prints: the body, or its error line; nothing but the body with `-s`, unless `-S` asks for errors again. */
export const printCurl = (
  outcome: { readonly body: string } | CurlFailure,
  options: { readonly silent?: boolean } = {},
): string => {
  if ("body" in outcome) return outcome.body.replace(/\n$/, "");
  return options.silent === true ? "" : `curl: (${outcome.code}) ${outcome.message}`;
};
