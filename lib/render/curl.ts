import type { ConnectResult } from "../net/lab.js";
import type { SocketError } from "../net/socketError.js";

/** Why curl failed, and the code it exits with. 7 no connection, 28 a timeout, 56 a connection that broke. */
export interface CurlFailure {
  readonly code: 7 | 28 | 56;
  readonly message: string;
}

/** What strerror(3) of the GNU C library says. */
const messages: Readonly<Record<SocketError, string>> = {
  ECONNREFUSED: "Connection refused",
  ECONNRESET: "Connection reset by peer",
  ETIMEDOUT: "Connection timed out",
  ENETUNREACH: "Network is unreachable",
  EHOSTUNREACH: "No route to host",
  EHOSTDOWN: "Host is down",
  ENONET: "Machine is not on the network",
  ENOPROTOOPT: "Protocol not available",
  EOPNOTSUPP: "Operation not supported",
  EMSGSIZE: "Message too long",
  EPERM: "Operation not permitted",
  EACCES: "Permission denied",
  EINVAL: "Invalid argument",
  EADDRINUSE: "Address already in use",
  EADDRNOTAVAIL: "Cannot assign requested address",
};

/** What curl makes of a connection that did not come about; undefined when it did. */
export const curlFailure = (result: ConnectResult, seconds: number): CurlFailure | undefined => {
  switch (result.kind) {
    case "connected":
      return undefined;
    case "refused":
    case "unreachable":
    case "denied":
      return { code: 7, message: `Failed to connect to ${result.to} port ${result.port}: ${messages[result.error]}` };
    case "reset":
      return { code: 56, message: `Recv failure: ${messages[result.error]}` };
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
