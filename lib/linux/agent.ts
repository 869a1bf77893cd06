import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { machine } from "node:os";
import { LinuxUnavailable, pathWithSbin } from "./environment.js";

/** How a program ended that the agent ran. */
export interface Ran {
  readonly code: number;
  readonly stdout: Uint8Array;
  readonly stderr: string;
}

interface Answer {
  readonly status: string;
  readonly fields: readonly Buffer[];
}

/** The program inside a lab's namespaces: agent.pl, which says what it is. */
export interface Agent {
  /** Whether it runs in a user namespace, without being root outside. */
  readonly unprivileged: boolean;
  /** A shell command that opens a shell in a network namespace, or runs the command that follows it. */
  enter(namespace: string): string;
  run(namespace: string, command: readonly string[], input?: string): Promise<Ran>;
  /** Any other operation of the agent: the fields of its answer. @throws Error with the agent's reason */
  ask(operation: string, ...fields: readonly (string | number | Uint8Array)[]): Promise<readonly Buffer[]>;
  /** Ends it and everything that lives in its namespaces. */
  close(): Promise<void>;
}

/**
 * How namespaces can be made here: as root, or in a user namespace of one's own where this user is root. Within that one the lab
 * has another, in which it may do all but is not root: tcpdump as root would change its user, which such a namespace forbids.
 */
const waysToUnshare = [
  { unprivileged: false, outer: [], inner: [] },
  {
    unprivileged: true,
    outer: ["--user", "--map-root-user"],
    inner: ["--user", "--map-user=1", "--map-group=1", "--keep-caps"],
  },
] as const;
type WayToUnshare = (typeof waysToUnshare)[number];

/** The number under which the lab's first process holds the user namespace in which this user is root. */
const outerUser = 9;

/** A command that runs another one in new namespaces, with a /run of its own. */
const inNamespaces = ({ outer, inner }: WayToUnshare, command: readonly string[]): readonly string[] => {
  const shell = `ulimit -n "$(ulimit -Hn)"; mount -t tmpfs tmpfs /run && exec ${outerUser}</proc/self/ns/user unshare "$@"`;
  const within = ["--net", "--mount", "--pid", "--fork", "--kill-child", ...inner, ...command];
  return ["unshare", "--mount", ...outer, "sh", "-c", shell, "sh", ...within];
};

/** Trying takes as long as half of a small lab, and what this user may do does not change; what failed is tried again. */
let known: WayToUnshare | undefined;

const wayToUnshare = (): WayToUnshare => {
  if (known !== undefined) return known;
  let said = "";
  const way = waysToUnshare.find(candidate => {
    const [program, ...args] = inNamespaces(candidate, ["true"]);
    const tried = spawnSync(program!, args, { stdio: ["ignore", "ignore", "pipe"], env: pathWithSbin() });
    said += `${tried.error?.message ?? ""}${String(tried.stderr ?? "")}`;
    return tried.status === 0;
  });
  if (way !== undefined) return (known = way);
  if (/EAGAIN|ENOMEM|fork|temporarily unavailable|cannot allocate/i.test(said))
    throw new LinuxUnavailable("no more processes can be started here: raise their limit (ulimit -u), or end some");
  throw new LinuxUnavailable(
    "this user may not create network namespaces: run as root, or allow user namespaces (sysctl kernel.unprivileged_userns_clone=1, or on Ubuntu kernel.apparmor_restrict_unprivileged_userns=0)",
  );
};

/** Longer than any line of lengths that the agent writes. */
const lineAtMost = 4096;

/**
 * Answers as they arrive: a line of lengths, then the bytes.
 * @throws Error on what is no answer: nothing after it could be told apart
 */
export const answers = (deliver: (id: number, answer: Answer) => void) => {
  let chunks: Buffer[] = [];
  let size = 0;
  let needed = 0;
  return (chunk: Buffer): void => {
    chunks.push(chunk);
    size += chunk.length;
    if (size < needed) return; // joining only when enough is there keeps a large answer linear
    let data = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
    needed = 0;
    for (let line = data.indexOf(10); line >= 0; line = data.indexOf(10)) {
      const head = data.toString("latin1", 0, Math.min(line, lineAtMost));
      if (!/^\d{1,15} [a-z]+(?: \d{1,15})*$/.test(head))
        throw new Error(`the lab's agent says what is no answer: ${JSON.stringify(head.slice(0, 80))}`);
      const [id, status, ...lengths] = head.split(" ");
      const total = lengths.reduce((sum, length) => sum + Number(length), line + 1);
      if (data.length < total) {
        needed = total;
        break;
      }
      let at = line + 1;
      const fields = lengths.map(length => data.subarray(at, (at += Number(length))));
      data = data.subarray(total);
      deliver(Number(id), { status: status!, fields });
    }
    chunks = data.length > 0 ? [data] : [];
    size = data.length;
  };
};

/** Programs run at a time: more only wait for the processor. */
const parallel = 4;

/**
 * Starts the agent in new namespaces: network, mounts, processes, and users when not root.
 * It and all in it end with this process, however this process ends.
 * @throws LinuxUnavailable when namespaces cannot be made
 */
export const startAgent = async (): Promise<Agent> => {
  const way = wayToUnshare();
  const agent = readFileSync(new URL("./agent.pl", import.meta.url), "utf8"); // in there this file may be out of reach
  const [program, ...args] = inNamespaces(way, ["perl", "-e", agent, machine()]);
  const child: ChildProcess = spawn(program!, args, {
    stdio: ["pipe", "pipe", "pipe"],
    detached: true, // Ctrl-C is for this process, which then closes its labs or ends, and they with it
    env: { ...pathWithSbin(), LC_ALL: "C" },
  });
  const { stdin, stdout, stderr } = child;
  if (stdin === null || stdout === null || stderr === null) throw new Error("the agent has no pipes");
  const waiting = new Map<number, (answer: Answer) => void>();
  let next = 1;
  let errors = "";
  let ended = false;

  // A lab at rest must not keep the process alive; a question in flight must.
  const handles = [child, stdin, stdout, stderr] as unknown as { ref(): void; unref(): void }[];
  const hold = () => {
    for (const handle of handles)
      if (waiting.size > 0) handle.ref();
      else handle.unref();
  };
  stderr.on("data", chunk => (errors += chunk));
  stdin.on("error", () => undefined); // told by the end of its output
  const receiveAll = answers((id, answer) => {
    const done = waiting.get(id);
    waiting.delete(id);
    hold();
    done?.(answer);
  });
  stdout.on("data", (chunk: Buffer) => {
    try {
      receiveAll(chunk);
    } catch (error) {
      errors += (error as Error).message;
      child.kill("SIGKILL");
    }
  });
  const closed = new Promise<void>(resolve => {
    child.on("error", error => ((errors += error.message), resolve()));
    child.on("close", () => resolve());
  }).then(() => {
    ended = true;
    for (const [id, done] of waiting) {
      waiting.delete(id);
      done({ status: "failed", fields: [Buffer.from(errors.trim() || "the lab has been closed")] });
    }
  });

  const receive = (id: number) => new Promise<Answer>(resolve => (waiting.set(id, resolve), hold()));
  const send = async (operation: string, fields: readonly (string | number | Uint8Array)[]): Promise<Answer> => {
    if (ended) throw new Error("the lab has been closed");
    const id = next++;
    const bytes = fields.map(field => (field instanceof Uint8Array ? field : Buffer.from(String(field))));
    const answer = receive(id);
    stdin.write(
      Buffer.concat([Buffer.from(`${[id, operation, ...bytes.map(({ length }) => length)].join(" ")}\n`), ...bytes]),
    );
    const result = await answer;
    if (result.status === "failed") throw new Error(result.fields[0]!.toString().trim());
    return result;
  };
  const ran = ({ fields }: Answer): Ran => ({
    code: Number(fields[0]),
    stdout: fields[1]!,
    stderr: fields[2]!.toString(),
  });

  let free = parallel;
  const turns: (() => void)[] = [];
  const inTurn = async <T>(task: () => Promise<T>): Promise<T> => {
    if (free > 0) free--;
    else await new Promise<void>(resolve => turns.push(resolve));
    try {
      return await task();
    } finally {
      const turn = turns.shift();
      if (turn === undefined) free++;
      else turn();
    }
  };

  const started = await Promise.race([receive(0), closed.then(() => undefined)]);
  if (started?.status !== "ready")
    throw new LinuxUnavailable(`the lab's namespaces did not start: ${errors.trim().split("\n")[0]}`);
  return {
    unprivileged: way.unprivileged,
    enter: namespace => {
      const process = `/proc/${child.pid}`;
      const user = way.unprivileged ? `--preserve-credentials --user=${process}/fd/${outerUser} ` : "";
      return `nsenter ${user}--mount --net=${process}/root/run/netns/${namespace} --target ${child.pid}`;
    },
    run: (namespace, command, input = "") => inTurn(async () => ran(await send("run", [namespace, input, ...command]))),
    ask: async (operation, ...fields) => (await send(operation, fields)).fields,
    async close() {
      stdin.end();
      for (const handle of handles) handle.ref();
      await closed;
    },
  };
};
