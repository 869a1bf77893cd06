import type { Case, Sent } from "./generate.js";
import { differences, type Kernel, runModel } from "./run.js";

/** Seconds to which Linux's timers know the time, in the kernels that distributions build (CONFIG_HZ of 250). */
const tick = 0.004;

/** What the kernel drew is settled by then, but for a draw that another moment makes; more tries take longer than it is worth. */
const mostRepetitions = 20;

/** The kernel's run as if the packet at `index` had been dealt with at another time, and what would have overtaken it with it. */
const dealtWithAt = (kernel: Kernel, index: number, time: number): Kernel => {
  const sent = kernel.sent.map((one, i): Sent => {
    const own = one.after ?? 0;
    return { ...one, after: i === index ? time : i < index ? Math.min(own, time) : Math.max(own, time) };
  });
  return { ...kernel, sent, readAfter: Math.max(kernel.readAfter, time) };
};

/** The kernel's run as if of two packets the second had been dealt with first. */
const turned = (kernel: Kernel, number: number): Kernel => {
  const numbers = new Map([
    [number, number + 1],
    [number + 1, number],
  ]);
  const other = (one: number): number => numbers.get(one) ?? one;
  return {
    ...kernel,
    sent: kernel.sent.map((one, i): Sent => ({
      ...kernel.sent[other(i + 1) - 1]!,
      ...(one.after !== undefined && { after: one.after }),
    })),
    ports: new Map(
      [...kernel.ports].map(([key, ports]) => {
        const [host, of] = key.split(" ");
        return [`${host} ${other(Number(of))}`, ports];
      }),
    ),
    passed: new Map([...kernel.passed].map(([of, lines]) => [other(of), lines])),
  };
};

/**
 * The mechanism that goes by the clock and explains a difference; undefined when there is none. It has to come to all that the
 * kernel did, exactly.
 *
 * - "a timer": something ran out (a connection, a pause between errors, the two seconds after which UDP is a stream) within a tick
 *   of a packet or of the reading of the tables, or while the kernel, busy with others, had put the packet off.
 * - "overtaken": a packet was still under way, as the captures show, when the next was sent and came by.
 */
export const byTheClock = async (of: Case, kernel: Kernel): Promise<string | undefined> => {
  const { decided } = await runModel(of, kernel);
  const explains = async (other: Kernel): Promise<boolean> => {
    for (const first of [decided, []])
      if (differences(kernel, await runModel(of, other, mostRepetitions, first)).length === 0) return true;
    return false;
  };
  for (const number of kernel.overtaken)
    if (await explains(turned(kernel, number))) return `packet ${number} overtaken`;
  const { sent, back, readAfter, readUntil } = kernel;
  for (const time of [readAfter - tick, readUntil + tick])
    if (await explains({ ...kernel, readAfter: Math.max(time, sent.at(-1)?.after ?? 0) }))
      return "a timer, as the tables were read";
  for (let index = 0; index < sent.length; index++) {
    const after = sent[index]!.after ?? 0;
    for (const time of [Math.max(0, after - tick), after + tick, back[index]! + tick])
      if (await explains(dealtWithAt(kernel, index, time))) return `a timer, at packet ${index + 1}`;
  }
  return undefined;
};
