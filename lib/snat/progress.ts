/** How a long run reports and how it is stopped. */
export interface RunOptions {
  /** Called several times a second with the share done, 0 to 1. */
  readonly onProgress?: (share: number) => void;
  /** Stops the run: its promise rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** Ends a run whose signal is aborted. */
export const checkCancelled = ({ signal }: RunOptions): void => {
  if (signal?.aborted) throw signal.reason;
};

/** Reports progress and lets the host do its other work, if anyone listens; ends the run when it is cancelled. */
export const breathe = async (options: RunOptions, share: number): Promise<void> => {
  if (options.onProgress === undefined && options.signal === undefined) return;
  options.onProgress?.(share);
  await new Promise<void>(resume => setTimeout(resume));
  checkCancelled(options);
};
