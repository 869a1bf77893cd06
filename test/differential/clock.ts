import type { Case } from "./generate.js";
import { differences, type Kernel, runModel } from "./run.js";

/** Milliseconds by which a busy machine may do something later than it was told to. */
const late = [-200, -50, -10, 10, 50, 200];

/** The kernel's run as if its packets from one on had been sent a little earlier or later. */
const shifted = (kernel: Kernel, from: number, milliseconds: number): Kernel => ({
  ...kernel,
  readAfter: Math.max(0, kernel.readAfter + milliseconds / 1000),
  sent: kernel.sent.map((sent, index) =>
    index < from ? sent : { ...sent, after: Math.max(0, (sent.after ?? 0) + milliseconds / 1000) },
  ),
});

/** More tries take longer than the difference is worth. */
const mostTries = 60;
const mostRepetitions = 20;

/**
 * The mechanism that goes by the clock and made a difference which was not there the second time; undefined when none is known.
 *
 * - "a timer": the model agrees when packets from one on are sent up to 200 ms earlier or later, so something ran out (a
 *   connection, a pause between errors, the two seconds after which UDP is a stream) just then.
 * - "overtaken": a packet was still under way, as the kernel had put its work off, when the next was sent.
 */
export const byTheClock = async (of: Case, kernel: Kernel): Promise<string | undefined> => {
  if (kernel.overtaken) return "overtaken";
  const step = Math.max(1, Math.ceil((kernel.sent.length * late.length) / mostTries));
  for (let from = 0; from <= kernel.sent.length; from += step)
    for (const milliseconds of late) {
      const other = shifted(kernel, from, milliseconds);
      if (differences(other, await runModel(of, other, mostRepetitions)).length === 0) return "a timer";
    }
  return undefined;
};
