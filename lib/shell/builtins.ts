import { fail, wholeNumber } from "./flags.js";
import { type Output, text } from "./output.js";
import type { SessionInside } from "./command.js";

/** `echo TEXT`. */
const echo = async (_: SessionInside, args: readonly string[]): Promise<Output> => {
  const [first = ""] = args;
  if (/^-[neE]+$/.test(first)) fail("echo", first, "is not a known flag", "no flags");
  return text(args.join(" "));
};

/** `sleep SECONDS`: lets time pass. */
const sleep = async (session: SessionInside, args: readonly string[]): Promise<Output> => {
  await session.wait(
    args.length === 1
      ? wholeNumber("sleep", args[0]!, 0, 31_536_000)
      : fail("sleep", args.join(" "), "is no time to sleep", "sleep SECONDS"),
  );
  return text("");
};

/** What every shell here has, whatever machine it runs on. */
export const builtins: ReadonlyMap<string, (session: SessionInside, args: readonly string[]) => Promise<Output>> =
  new Map([
    ["echo", echo],
    ["sleep", sleep],
  ]);
