/** A program that runs until it is stopped: tcpdump. */
export interface Job {
  /** Ends it as ^C would, and gives all that it printed. */
  stop(): Promise<string>;
}

/** What a command gives: its text and exit code, or a job. */
export type Output =
  { readonly kind: "text"; readonly text: string; readonly code: number } | { readonly kind: "job"; readonly job: Job };

/** A command that ended. */
export const text = (content: string, code = 0): Output => ({ kind: "text", text: content, code });

/** The same output with something done to its text, now or when its job ends. */
export const mapText = (output: Output, change: (text: string) => string): Output => {
  if (output.kind === "text") return text(change(output.text), output.code);
  return { kind: "job", job: { stop: async () => change(await output.job.stop()) } };
};
