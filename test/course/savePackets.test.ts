import { existsSync, readFileSync, readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { InputError } from "../../lib/errors.js";
import { formatAddr } from "../../lib/ip/addr.js";
import { bootModel } from "../../lib/net/model.js";
import type { Trace } from "../../lib/net/trace.js";
import { saveCapture, saveTrace } from "../../lib/course/savePackets.js";
import { readPcap } from "../../lib/packet/pcap.js";
import { kubenetLike } from "../net/networks.js";
import { realTcpdump, realTshark, saysOf } from "../packet/programs.js";
import { hasTool } from "../tools.js";
import { folder } from "./notebooks.js";

const trace = bootModel(kubenetLike()).tracePing("b", "10.13.1.4");

/** The same trace through hosts of other names. */
const renamed = (of: Trace, names: Readonly<Record<string, string>>): Trace => ({
  ...of,
  hops: of.hops.map(hop => ({ ...hop, place: names[hop.place] ?? hop.place })),
  replies: of.replies.map(reply => renamed(reply, names)),
});

const saving = suite("saving packets");

saving("makes one file for each interface that a trace passed, in order", () => {
  const at = join(folder(), "deep/er");
  const paths = saveTrace(trace, at, 1_500_000_000);
  assert.equal(
    paths,
    ["b_eth0", "node-1_vethb", "node-1_eth0", "testvm_eth0", "node-1_cbr0"].map(name => join(at, `${name}.pcap`)),
  );
  assert.equal(readdirSync(at).length, 5);
  const { records } = readPcap(readFileSync(paths[2]!));
  assert.equal(
    records.map(({ packet }) => `${formatAddr(packet!.src)} > ${formatAddr(packet!.dst)} ${packet!.ttl}`),
    ["10.13.77.4 > 10.13.1.4 63", "10.13.1.4 > 10.13.77.4 64"],
  );
  assert.is(Math.floor(records[0]!.time), 1_500_000_000);
});

saving("names files as every file system takes them, each its own", () => {
  const at = folder();
  const names = (hosts: Readonly<Record<string, string>>) =>
    saveTrace(renamed(trace, hosts), at).map(path => basename(path));
  assert.equal(names({ b: "kubenet/default/../web:1", "node-1": "../Kubenet", testvm: "..\\kubenet" }), [
    "kubenet_default_.._web_1_eth0.pcap",
    ".._Kubenet_vethb.pcap",
    ".._Kubenet_eth0.pcap",
    ".._kubenet_eth0-2.pcap",
    ".._Kubenet_cbr0.pcap",
  ]);
  assert.equal(
    names({ b: "b".repeat(300) }).map(name => name.length),
    [205, 17, 16, 16, 16],
  );
  assert.equal(
    readdirSync(at).filter(name => !name.endsWith(".pcap")),
    [],
  );
});

saving("says which folder cannot be made, and leaves no file", () => {
  const at = folder({ file: "" });
  for (const save of [
    () => saveTrace(trace, join(at, "file")),
    () => saveTrace(trace, join(at, "file/below")),
    () => saveCapture([], join(at, "file/x.pcap")),
  ])
    assert.throws(
      save,
      (error: unknown) => error instanceof InputError && /is a file; expected a folder/.test(error.message),
    );
  assert.equal(readdirSync(at), ["file"]);
});

saving("takes what a capture saw", async () => {
  const lab = bootModel(kubenetLike(), 1_500_000_000);
  const capture = await lab.capture("testvm", "eth0");
  await lab.ping("b", "10.13.1.4", { count: 2 });
  const seen = await capture.stop();
  const file = join(folder(), "testvm.pcap");
  saveCapture(seen, file);
  assert.equal(
    readPcap(readFileSync(file)).records.map(({ packet }) => packet),
    seen.map(({ packet }) => packet),
  );
  saveCapture([], file);
  assert.equal(readPcap(readFileSync(file)).records, []);
  assert.not.ok(existsSync(`${file}.part`));
});

if (hasTool("tcpdump", "apt-get install tcpdump") && hasTool("tshark", "apt-get install tshark"))
  saving("makes files that tcpdump and tshark read without a complaint", () => {
    for (const path of saveTrace(bootModel(kubenetLike()).traceConnect("b", "10.13.1.4", 80), folder())) {
      const { lines, stderr } = realTcpdump(path);
      assert.is(stderr, saysOf.ethernet);
      assert.equal(realTshark(path), { packets: lines.length, bad: [] });
    }
  });

saving.run();
