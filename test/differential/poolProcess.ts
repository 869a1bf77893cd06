import { compareNetwork, shrinkNetwork } from "./network.js";
import type { Question, Reply } from "./pool.js";

/** Who asked may have ended meanwhile. */
const answer = (reply: Reply): void => void process.send?.(reply, undefined, undefined, () => undefined);

process.on("message", ({ id, of, shrinkSeconds }: Question) => {
  const result = shrinkSeconds === undefined ? compareNetwork(of) : shrinkNetwork(of, shrinkSeconds);
  result.then(
    found => answer({ id, result: found }),
    (error: unknown) => answer({ id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
  );
});
process.on("disconnect", () => process.exit());
