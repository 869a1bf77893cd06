import type { Target } from "../target.js";
import { notebookTargets } from "./notebook.js";
import { objectTargets } from "./objects.js";
import { packetTargets } from "./packets.js";
import { rulesTargets } from "./rules.js";
import { shellTargets } from "./shell.js";

export const targets: readonly Target[] = [
  ...rulesTargets,
  ...packetTargets,
  ...shellTargets,
  ...objectTargets,
  ...notebookTargets,
].sort((a, b) => (a.name < b.name ? -1 : 1));
