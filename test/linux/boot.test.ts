import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildSync } from "esbuild";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { InputError } from "../../lib/errors.js";
import { formatAddr } from "../../lib/ip/addr.js";
import { bootLinux, type LinuxLab } from "../../lib/linux/boot.js";
import type { Lab } from "../../lib/net/lab.js";
import { bootModel } from "../../lib/net/model.js";
import type { Network } from "../../lib/net/network.js";
import { type Packet, packetLength } from "../../lib/packet/packet.js";
import { bridgeLike, kubenetLike } from "../net/networks.js";
import { alone, canRunLinux } from "./need.js";
import type { Report } from "./surroundings.js";

const test = suite("linux");
const internetSite = "ifconfig.co";

const withLab = (network: Network, use: (lab: LinuxLab) => Promise<void>) => async () => {
  const lab = await bootLinux(network);
  try {
    await use(lab);
  } finally {
    await lab.close();
  }
};
const shell = (command: string) => execFileSync("sh", ["-c", command], { encoding: "utf8" });
const sources = (seen: readonly { packet: Packet }[]) =>
  seen.map(({ packet }) => `${formatAddr(packet.src)} ${packet.ttl}`);

if (canRunLinux()) {
  test(
    "a pod behind a masquerading node is seen as the node, with TTL 63",
    withLab(kubenetLike(), async lab => {
      const capture = await lab.capture("testvm", "eth0");
      const { replies, received } = await lab.ping("b", "10.13.1.4", { count: 2 });
      assert.is(received, 2);
      assert.equal(
        replies.map(({ ttl, bytes, from }) => ({ ttl, bytes, from })),
        [1, 2].map(() => ({ ttl: 63, bytes: 64, from: "10.13.1.4" })),
      );
      const seen = await capture.stop();
      assert.equal(sources(seen.filter(({ direction }) => direction === "in")), ["10.13.77.4 63", "10.13.77.4 63"]);
      assert.equal(sources(seen.filter(({ direction }) => direction === "out")), ["10.13.1.4 64", "10.13.1.4 64"]);
      assert.is(await capture.stop(), await capture.stop());
    }),
  );

  test(
    "a capture on any sees what the model's does, in the same order",
    withLab(kubenetLike(), async lab => {
      const seen = async (of: Lab) => {
        const capture = await of.capture("node-1", "any");
        await of.ping("b", "10.13.1.4");
        return (await capture.stop()).map(
          ({ interface: name, direction, packet }) => `${name} ${direction} ${formatAddr(packet.src)} ${packet.ttl}`,
        );
      };
      assert.equal(await seen(lab), await seen(bootModel(lab.network)));
    }),
  );

  test(
    "pods on two nodes see each other's address, with TTL 62",
    withLab(kubenetLike(), async lab => {
      const capture = await lab.capture("b", "eth0");
      assert.equal(
        (await lab.ping("a", "192.168.1.2")).replies.map(({ ttl }) => ttl),
        [62],
      );
      assert.equal(sources((await capture.stop()).filter(({ direction }) => direction === "in")), ["192.168.0.9 62"]);
    }),
  );

  test(
    "pods bridged onto the virtual network keep their address and TTL 64",
    withLab(bridgeLike(), async lab => {
      const pod = lab.network.hosts.find(({ role }) => role === "pod")!;
      const capture = await lab.capture("testvm", "eth0");
      assert.equal(
        (await lab.ping(pod.id, "10.13.1.4")).replies.map(({ ttl }) => ttl),
        [64],
      );
      assert.equal(sources((await capture.stop()).filter(({ direction }) => direction === "in")), [
        `${formatAddr(pod.interfaces[0]!.addresses[0]!.address)} 64`,
      ]);
    }),
  );

  test(
    "a site sees the frontend, on a port of the node's allocation; ping does not get out",
    withLab(kubenetLike(), async lab => {
      for (const proto of ["tcp", "udp"] as const) {
        const result = await lab.connect("a", internetSite, proto === "tcp" ? 80 : 53, { proto });
        assert.is(result.kind, "connected");
        if (result.kind !== "connected") return;
        assert.is(result.body, "137.117.164.147\n");
        assert.is(result.server, internetSite);
        assert.is(result.seenAs.address, "137.117.164.147");
        assert.ok(result.seenAs.port >= 1024 && result.seenAs.port <= 1027, String(result.seenAs.port));
      }
      assert.is((await lab.ping("a", internetSite)).received, 0);
    }),
  );

  test(
    "a fifth connection finds no port of four, except towards another destination",
    withLab(kubenetLike(), async lab => {
      const kinds = [];
      for (let i = 0; i < 5; i++) kinds.push((await lab.connect("a", internetSite, 80, { close: "open" })).kind);
      assert.equal(kinds, ["connected", "connected", "connected", "connected", "timeout"]);
      assert.is((await lab.connect("a", internetSite, 53, { proto: "udp" })).kind, "connected");
      assert.is((await lab.connect("b", internetSite, 80)).kind, "connected");
    }),
  );

  test(
    "from the Internet a load balancer hands on to a backend, and a public address to its card",
    withLab(kubenetLike(), async lab => {
      const service = await lab.connect(internetSite, "137.117.164.147", 80);
      assert.is(service.kind === "connected" ? service.server : service.kind, "b");
      const vm = await lab.connect(internetSite, "51.144.0.1", 80);
      assert.is(vm.kind === "connected" ? vm.server : vm.kind, "testvm");
      const out = await lab.connect("testvm", internetSite, 80);
      assert.is(out.kind === "connected" ? out.body : out.kind, "51.144.0.1\n");
      assert.is((await lab.connect(internetSite, "137.117.164.147", 81)).kind, "timeout");
    }),
  );

  test(
    "errors come back as what they are",
    withLab(kubenetLike(), async lab => {
      const { replies, received } = await lab.ping("a", "192.168.1.2", { ttl: 1 });
      assert.is(received, 0);
      assert.equal(
        replies.map(({ kind, from, ttl, bytes }) => ({ kind, from, ttl, bytes })),
        [{ kind: "time-exceeded", from: "192.168.0.1", ttl: 64, bytes: 92 }],
      );
      assert.is((await lab.connect("a", "192.168.1.2", 81)).kind, "refused");
      await assertRejects(lab.ping("nobody", "10.0.0.1"), 'host: "nobody" is not in this network');
      await assertRejects(lab.ping("a", "example.org"), 'destination: "example.org" is no known name');
      await assertRejects(lab.capture("a", "eth7"), 'interface of a: "eth7" does not exist; expected one of lo, eth0');
      await assertRejects(
        lab.ping("a", "10.13.1.4", { ttl: 256 }),
        "ttl: 256 is out of range; expected 1 to 255 for a TTL",
      );
    }),
  );

  test(
    "connections and counters are read from the kernel",
    withLab(kubenetLike(), async lab => {
      await lab.connect("a", internetSite, 80, { sourcePort: 40000 });
      const [entry] = (await lab.conntrack("node-0")).filter(({ original }) => original.proto === "tcp");
      assert.equal(
        { ...entry, timeout: 0 },
        {
          original: { proto: "tcp", src: 0xc0a80009, sport: 40000, dst: 0xcb00710a, dport: 80 },
          reply: { proto: "tcp", src: 0xcb00710a, sport: 80, dst: 0x0a0d4d05, dport: 40000 },
          tcpState: "TIME_WAIT",
          unreplied: false,
          assured: true,
          timeout: 0,
        },
      );
      const nat = (await lab.counters("node-0")).tables.find(({ name }) => name === "nat")!;
      const rules = nat.chains.find(({ name }) => name === "POSTROUTING")!.rules;
      assert.equal(
        rules.map(({ counters, target }) => [target.kind, counters]),
        [["MASQUERADE", { packets: 1, bytes: 60 }]],
      );
    }),
  );

  test(
    "a crafted packet goes its way past the sender's own stack",
    withLab(kubenetLike(), async lab => {
      const packet: Packet = {
        proto: "udp",
        src: 0xc0a80009 as never,
        sport: 5000,
        dst: 0x0a0d0104 as never,
        dport: 6000,
        ttl: 9,
        payload: "here",
      };
      const capture = await lab.capture("testvm", "eth0");
      await lab.inject("a", "eth0", packet);
      const [arrived] = await capture.stop();
      assert.equal(arrived!.packet, { ...packet, src: 0x0a0d4d05, ttl: 8 });
      assert.is(packetLength(arrived!.packet), 32);
    }),
  );

  test("two labs of the same addresses do not meet", async () => {
    const labs = await Promise.all([bootLinux(kubenetLike()), bootLinux(kubenetLike())]);
    try {
      const capture = await labs[1].capture("testvm", "eth0");
      assert.is((await labs[0].ping("a", "10.13.1.4")).received, 1);
      assert.equal(await capture.stop(), []);
      assert.is((await labs[1].ping("a", "10.13.1.4")).received, 1);
    } finally {
      await Promise.all(labs.map(lab => lab.close()));
    }
  });

  test("where it is started from all is as before, during and after, and out of its reach", () => {
    const own = "192.0.2.2";
    const setUp = [
      "mkdir /run/netns",
      "ip netns add theirs",
      "ip link set lo up",
      "ip link add eth0 type veth peer name eth0 netns theirs",
      "ip -n theirs link set eth0 up",
      `ip addr add ${own}/24 dev eth0`,
      "ip link set eth0 addrgenmode none up",
      "ip route add default via 192.0.2.1",
      "iptables -A INPUT -s 198.51.100.1 -j DROP",
    ];
    const program = fileURLToPath(new URL("surroundings.ts", import.meta.url));
    const run = `${process.execPath} --import tsx ${program} ${own}`;
    const { before, during, after, answers, podAnswers } = JSON.parse(alone([...setUp, run].join("; "), "")) as Report;
    for (const [what, lines] of Object.entries(before)) assert.ok(lines.length > 0, what);
    assert.equal(during, before);
    assert.equal(after, before);
    assert.equal({ answers, podAnswers }, { answers: 0, podAnswers: false });
  });

  interface Said {
    readonly unprivileged: boolean;
    readonly enter: string;
    readonly ttl: number;
    readonly seen: number;
  }
  /** A program that boots a lab, says so and does what `ending` says. */
  const program = (ending: string) => {
    const boot = fileURLToPath(new URL("../../lib/linux/boot.ts", import.meta.url));
    const networks = fileURLToPath(new URL("../net/networks.ts", import.meta.url));
    const parse = fileURLToPath(new URL("../../lib/netfilter/parseSave.ts", import.meta.url));
    return `import { bootLinux } from "${boot}"; import { kubenetLike } from "${networks}"; import { parseSave } from "${parse}";
const many = "-A FORWARD -s 198.51.100.1/32 -j DROP\\n".repeat(3000); // more than the kernel takes at once
const main = async () => {
  const lab = await bootLinux(kubenetLike({ rules: text => parseSave(text + "*filter\\n" + many + "COMMIT\\n") }));
  const capture = await lab.capture("testvm", "eth0");
  const ttl = (await lab.ping("b", "10.13.1.4")).replies[0]?.ttl;
  const seen = (await capture.stop()).length;
  console.log(JSON.stringify({ unprivileged: lab.unprivileged, enter: lab.enter("node-1"), ttl, seen }));
  ${ending}
};
main();`;
  };
  /** One file with all the code that the program needs, in a folder that anybody may enter: others may not enter every checkout. */
  const programFile = (ending: string): { readonly directory: string; readonly file: string } => {
    const directory = mkdtempSync(join(tmpdir(), "egress-lab-"));
    chmodSync(directory, 0o777);
    writeFileSync(join(directory, "lab.mts"), program(ending));
    const file = join(directory, "lab.mjs");
    buildSync({
      entryPoints: [join(directory, "lab.mts")],
      outfile: file,
      bundle: true,
      platform: "node",
      format: "esm",
    });
    copyFileSync(new URL("../../lib/linux/agent.pl", import.meta.url), join(directory, "agent.pl")); // found beside the code
    return { directory, file };
  };
  const start = async (ending: string, as: readonly string[] = []) => {
    const { directory, file } = programFile(ending);
    const [command, ...rest] = [...as, process.execPath, file];
    const child = spawn(command, rest, {
      cwd: directory,
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, HOME: directory, TMPDIR: directory },
    });
    let text = "";
    let errors = "";
    child.stdout.on("data", chunk => (text += chunk));
    child.stderr.on("data", chunk => (errors += chunk));
    const ended = once(child, "exit").then(() => rmSync(directory, { recursive: true, force: true }));
    for (let i = 0; i < 400 && !text.includes("\n") && child.exitCode === null; i++)
      await new Promise(done => setTimeout(done, 25));
    if (!text.includes("\n")) throw new Error(errors || "the program said nothing");
    return { child, ended, said: JSON.parse(text) as Said };
  };
  const alive = (pid: string) => spawnSync("kill", ["-0", pid]).status === 0;
  const agentOf = (enter: string) => /--target (\d+)/.exec(enter)![1]!;
  const goneSoon = async (pid: string) => {
    for (let i = 0; i < 200 && alive(pid); i++) await new Promise(done => setTimeout(done, 10));
    return !alive(pid);
  };

  for (const signal of ["SIGKILL", "SIGINT", "SIGTERM"] as const)
    test(`a lab ends with its program, ended by ${signal}`, async () => {
      const { child, ended, said } = await start("setInterval(() => {}, 1000);");
      assert.ok(alive(agentOf(said.enter)));
      child.kill(signal);
      await ended;
      assert.ok(await goneSoon(agentOf(said.enter)));
    });

  test("a program that forgets to close its lab ends all the same, and one that throws too", async () => {
    for (const ending of ["", "throw new Error('oh');"]) {
      const { ended, said } = await start(ending);
      await ended;
      assert.ok(await goneSoon(agentOf(said.enter)));
    }
  });

  test("a command opens a shell in a host", async () => {
    const { child, ended, said } = await start("setInterval(() => {}, 1000);");
    assert.match(shell(`${said.enter} iptables-save -c -t nat`), /^\[1:84\] -A POSTROUTING .* -j MASQUERADE$/m);
    child.kill();
    await ended;
  });

  const asNobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
  if (process.getuid!() === 0 && spawnSync("setpriv", [...asNobody.slice(1), "unshare", "--user", "true"]).status === 0)
    test("without root it runs in a user namespace", async () => {
      const { child, ended, said } = await start("setInterval(() => {}, 1000);", asNobody);
      const { unprivileged, ttl, seen } = said;
      assert.equal({ unprivileged, ttl, seen }, { unprivileged: true, ttl: 63, seen: 2 });
      const rules = shell(`${asNobody.join(" ")} ${said.enter} iptables-save -c -t nat`);
      assert.match(rules, /^\[1:84\] -A POSTROUTING .* -j MASQUERADE$/m);
      child.kill();
      await ended;
    });

  const asSomebody = ["setpriv", "--reuid=61234", "--regid=61234", "--clear-groups"];
  if (process.getuid!() === 0 && spawnSync("prlimit", ["--version"]).status === 0)
    test("where no process can be started that is said, not that programs are missing", () => {
      const { directory, file } = programFile("");
      const { stderr } = spawnSync(
        asSomebody[0]!,
        [...asSomebody.slice(1), "prlimit", "--nproc=12", process.execPath, file],
        {
          cwd: directory,
          encoding: "utf8",
          env: { ...process.env, HOME: directory },
        },
      );
      rmSync(directory, { recursive: true, force: true });
      assert.match(stderr, "no more processes can be started here: raise their limit (ulimit -u), or end some");
      assert.not.match(stderr, "apt-get");
    });

  test("what a host lacks or asks too much is said in one line", async () => {
    const network = kubenetLike();
    const broken: Network = {
      ...network,
      hosts: network.hosts.map(host =>
        host.id === "a"
          ? { ...host, interfaces: host.interfaces.map(entry => ({ ...entry, name: "a-very-long-interface" })) }
          : host,
      ),
    };
    await assertRejects(
      bootLinux(broken),
      'interface of a: "a-very-long-interface" is no interface name that Linux takes',
    );
    const path = process.env["PATH"];
    process.env["PATH"] = "/nonexistent";
    try {
      await assertRejects(bootLinux(network), "the linux engine lacks ");
    } finally {
      process.env["PATH"] = path;
    }
  });
}

const assertRejects = async (promise: Promise<unknown>, start: string) => {
  const error = await promise.then(
    () => new Error("nothing was thrown"),
    (reason: unknown) => reason as Error,
  );
  assert.ok(error.message.startsWith(start), `${error.message}\ndoes not begin with\n${start}`);
  if (!start.startsWith("the linux")) assert.instance(error, InputError);
  assert.not.match(error.message, /\n/);
};

if (!canRunLinux()) test("nothing can be tested here", () => undefined);

test.run();
