/**
 * The kernel process: tslab's own classes, driven over the parent's IPC channel instead of ZeroMQ.
 * One process runs several notebooks one after another. Each gets an executor of its own, so no variable passes from one
 * to the next; the converter, whose type-checked program takes most of a start, is kept. After each notebook the process
 * says whether it is as it was before: the parent replaces one that is not.
 */
import { createRequire } from "node:module";
import { inspect } from "node:util";
import { Worker } from "node:worker_threads";
import { type Fingerprint, fingerprint } from "./fingerprint.js";
import { markVariable } from "./processes.js";
import type { FromKernel, ToKernel } from "./protocol.js";

interface Converter {
  convert(prevDecl: string, src: string): { readonly sideOutputs?: readonly unknown[] };
  addModule(...args: unknown[]): unknown;
}
interface ConverterSet {
  readonly node: Converter;
  readonly browser: Converter;
  close(): void;
}
interface Tslab {
  createConverter(options: { isJS: boolean; isBrowser: boolean }): Converter;
  createExecutor(rootDir: string, converters: ConverterSet, console: Pick<Console, "log" | "error">): unknown;
  readonly JupyterHandlerImpl: new (executor: unknown, isJs: boolean) => Handler;
}
interface Handler {
  handleExecute(
    request: { code: string },
    writeStream: (name: "stdout" | "stderr", text: string) => void,
    writeDisplayData: (data: unknown, update: boolean) => void,
  ): Promise<{ status: "ok" | "error" | "abort" }>;
}

// Before anything that takes time: from here on the process ends with its runner.
new Worker(new URL("kernel-watch.js", import.meta.url), { workerData: process.env[markVariable] }).unref();

const require = createRequire(import.meta.url);
const tslab = {
  ...require("tslab/dist/converter.js"),
  ...require("tslab/dist/executor.js"),
  ...require("tslab/dist/jupyter.js"),
} as Tslab;

const send = (message: FromKernel): void => void process.send?.(message);

/** Notebook modules and imported source files live in the converter: a process that has met one is not used again. */
let touchedConverter = false;
const converter = tslab.createConverter({ isJS: false, isBrowser: false });
const watched: Converter = {
  convert(prevDecl, src) {
    const converted = converter.convert(prevDecl, src);
    if (converted.sideOutputs !== undefined) touchedConverter = true;
    return converted;
  },
  addModule(...args) {
    touchedConverter = true;
    return converter.addModule(...args);
  },
};

const newHandler = (): Handler => {
  const converters: ConverterSet = {
    node: watched,
    get browser(): Converter {
      touchedConverter = true;
      return tslab.createConverter({ isJS: false, isBrowser: true });
    },
    close: () => undefined,
  };
  return new tslab.JupyterHandlerImpl(
    tslab.createExecutor(process.cwd(), converters, { log: console.log, error: console.error }),
    false,
  );
};

let handler = newHandler();
let clean: Fingerprint;
let uncaught: string[] = [];
for (const event of ["unhandledRejection", "uncaughtException"] as const)
  process.on(event, (reason: unknown) => {
    uncaught.push(inspect(reason));
    send({ type: "uncaught", text: inspect(reason) });
  });

const turn = (): Promise<void> => new Promise(done => setImmediate(done));

/** An unhandled rejection is reported some turns of the event loop after the cell that caused it. */
const settle = async (): Promise<void> => {
  for (let i = 0; i < 3; i++) await turn();
};

const execute = async (code: string): Promise<void> => {
  uncaught = [];
  const reply = await handler.handleExecute(
    { code },
    (name, text) => send({ type: "stream", name, text }),
    (data, update) => send({ type: "display", data: data as never, update }),
  );
  await settle();
  send({ type: "reply", ok: reply.status === "ok" && uncaught.length === 0 });
};

/** What a notebook left running (a timer, a socket) may still fail; it has a second to end by itself. */
const finish = async (): Promise<void> => {
  for (let waited = 0; waited < 1000 && clean.pending(); waited += 10)
    await new Promise(done => clean.untracked(done, 10));
  await settle();
  send({ type: "finished", reusable: !touchedConverter && clean.same() });
  handler = newHandler();
};

/** The first cell type-checks the standard library and makes Node and tslab set themselves up: an empty one, before any other. */
const start = async (): Promise<void> => {
  await handler.handleExecute(
    { code: "void 0;" },
    () => undefined,
    () => undefined,
  );
  handler = newHandler();
  clean = fingerprint();
  send({ type: "ready" });
};

process.on("message", (message: ToKernel) => void (message.type === "execute" ? execute(message.code) : finish()));
void start();
