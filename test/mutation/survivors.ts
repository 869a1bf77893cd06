/** Mutants that no test needs to notice, with the reason. */
interface Survivor {
  readonly file: string;
  readonly original: string;
  readonly replacement: string;
  readonly reason: string;
}

const survivors: readonly Survivor[] = [];

/** Why nothing has to notice a mutant; undefined where something should. */
export const accepted = (file: string, original: string, replacement: string): string | undefined =>
  survivors.find(
    survivor => survivor.file === file && survivor.original === original && survivor.replacement === replacement,
  )?.reason;
