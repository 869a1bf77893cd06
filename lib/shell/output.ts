/** A program that runs until it is stopped: tcpdump. */
export interface Job {
  /** Ends it as ^C would, and gives all that it printed. */
  stop(): Promise<string>;
}

/** What a command that ended has printed, and its exit code. */
export interface Printed {
  readonly kind: "text";
  readonly text: string;
  readonly code: number;
}

/** What a command gives: its text and exit code, or a job. */
export type Output = Printed | { readonly kind: "job"; readonly job: Job };

/** A command that ended. */
export const text = (content: string, code = 0): Printed => ({ kind: "text", text: content, code });

/** The same output with something done to its text, now or when its job ends. @param code the exit code that this gives */
export const mapText = (output: Output, change: (text: string) => string, code?: (text: string) => number): Output => {
  if (output.kind === "text") return text(change(output.text), code === undefined ? output.code : code(output.text));
  return { kind: "job", job: { stop: async () => change(await output.job.stop()) } };
};
