import { readFile } from "node:fs/promises";
import { type Lab, type Scenario, type Session, openSession } from "egress-lab";
import { InputError } from "egress-lab/input";
import { writeWhole } from "./files.js";

/** Tells on a terminal how far a large lab's start has come. */
const showStart = (done: number, total: number): void => {
  if (process.stderr.isTTY) process.stderr.write(done < total ? `\r${done} of ${total} hosts started` : "\r\x1b[K");
};

/**
 * Opens a lab on a scenario, as the notebooks do: `kubectl apply -f` and `tcpdump -r` read files beside the notebook,
 * `tcpdump -w` writes them there, and the engine is a parameter.
 *
 *     const lab = await openLab(articleAt("azurePing"), engine);
 *     show(await lab.sh("$ k get pod -o wide"));
 * @param engine `model`, the in-process engine, or `linux`, real network namespaces on a Linux machine
 * @throws InputError for an engine that is neither, or a scenario that cannot be built
 */
export const openLab = async (scenario: Scenario, engine = "model"): Promise<Session<Lab>> => {
  const files = { readFile: (path: string) => readFile(path), writeFile: writeWhole };
  if (engine === "model") return openSession(scenario, files);
  if (engine !== "linux")
    throw new InputError({ where: "engine", value: engine, problem: "is not an engine", expected: "model or linux" });
  const { bootLinux } = await import("egress-lab/linux");
  return openSession<Lab>(scenario, { ...files, boot: network => bootLinux(network, { onProgress: showStart }) });
};
