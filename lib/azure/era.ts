/**
 * Which year's documentation decides what the sources disagree on: `2018` (to 2019), `2021` (to 2022), `2023` (on).
 * See `era` in the contradictions ledger.
 */
export type Era = "2018" | "2021" | "2023";

/** Every era, oldest first. */
export const eras: readonly Era[] = ["2018", "2021", "2023"];

/** The newest documented one. */
export const newestEra: Era = "2023";
