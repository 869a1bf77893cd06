import { startAgent } from "./agent.js";
import { LinuxUnavailable } from "./environment.js";
import { requireTools } from "./tools.js";

/** Why no lab can be booted on this machine's kernel, in one line that says what to install or allow; undefined where one can. */
export const linuxMissing = async (): Promise<string | undefined> => {
  try {
    requireTools();
    await (await startAgent()).close();
    return undefined;
  } catch (error) {
    if (error instanceof LinuxUnavailable) return error.message;
    throw error;
  }
};
