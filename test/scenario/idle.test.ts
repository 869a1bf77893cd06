import { suite } from "uvu";
import * as assert from "uvu/assert";
import { addr } from "../../lib/ip/addr.js";
import type { ConnectOptions, ModelLab } from "../../lib/net/lab.js";
import { bootModel } from "../../lib/net/model.js";
import type { Tcp } from "../../lib/packet/packet.js";
import { formatReason } from "../../lib/render/traceText.js";
import { build } from "../../lib/scenario/build.js";
import { smallCluster } from "../../lib/scenario/small.js";
import { editCluster } from "../../lib/scenario/edit.js";
import { nodeCounts, plugins } from "./ways.js";

const test = suite("a connection that is idle for too long");
const minutes = (count: number) => count * 60;

const start = ({ tcpReset, ...shape }: Parameters<typeof smallCluster>[0] & { readonly tcpReset?: boolean } = {}) => {
  const scenario = smallCluster({ sku: "Standard", ...shape });
  const built = build(
    scenario.clusters[0]!.loadBalancer.sku === "Basic"
      ? scenario
      : editCluster(scenario, "cluster", { loadBalancer: { ...(tcpReset !== undefined && { tcpReset }) } }),
  );
  const pod = built.network.hosts.find(({ role, id }) => role === "pod" && id.includes("/app-"))!;
  return { built, lab: bootModel(built.network), pod: pod.id, site: built.scenario.sites[0]!.name };
};

/** Flags of what a host sees at an interface meanwhile. */
const flags = async (lab: ModelLab, host: string, action: () => Promise<unknown>) => {
  const capture = await lab.capture(host, "eth0");
  await action();
  return (await capture.stop()).map(({ direction, packet }) => `${direction} ${(packet as Tcp).flags.join(" ")}`);
};

/** Opens a connection and gives the last segment that the pod sent: what it would send next continues it. */
const openOne = async (lab: ModelLab, pod: string, site: string): Promise<Tcp> => {
  const capture = await lab.capture(pod, "eth0");
  assert.is((await lab.connect(pod, site, 80, { close: "open" })).kind, "connected");
  return (await capture.stop()).findLast(({ direction }) => direction === "out")!.packet as Tcp;
};

for (const plugin of plugins)
  for (const nodeCount of nodeCounts)
    test(`does not outlive the load balancer's timeout: ${plugin}, ${nodeCount} nodes`, async () => {
      const after = async (silence: number, tcpReset: boolean) => {
        const { lab, pod, site } = start({ plugin, nodeCount, tcpReset });
        return (await lab.connect(pod, site, 80, { silence })).kind;
      };
      assert.is(await after(minutes(29), false), "connected");
      assert.is(await after(minutes(31), false), "timeout");
      assert.is(await after(minutes(29), true), "connected");
      assert.is(await after(minutes(31), true), "reset");
    });

test("of Basic ends after four minutes, and nobody is told", async () => {
  const after = async (silence: number) => {
    const { lab, pod, site } = start({ sku: "Basic" });
    return (await lab.connect(pod, site, 80, { silence })).kind;
  };
  assert.equal([await after(minutes(3)), await after(minutes(5))], ["connected", "timeout"]);
});

test("gets no new port: its next segment is of no flow, and the trace says so", async () => {
  const { lab, pod, site } = start({ tcpReset: false });
  const last = await openOne(lab, pod, site);
  await lab.wait(minutes(31));
  const { disposition, replies } = lab.trace(pod, { ...last, flags: ["ACK", "PSH"], payload: "again" });
  const reason = { kind: "unknown-flow", translator: "cluster/kubernetes", reset: false } as const;
  assert.equal([disposition, replies], [{ kind: "dropped", place: "cluster/kubernetes", reason }, []]);
  assert.is(formatReason(reason), "cluster/kubernetes knows no flow that it belongs to");
  assert.is(
    lab.portUse().reduce((sum, { inUse }) => sum + inUse, 0),
    0,
  );
});

test("that never was is answered with RST, where TCP reset is on, whoever sends the segment", async () => {
  const { lab, site, built } = start({ tcpReset: true });
  const node = built.clusters[0]!.cluster.nodes[0]!;
  const segment: Tcp = {
    ...{ proto: "tcp", src: node.internalIp, sport: 40_000, dst: addr("203.0.113.10"), dport: 80, ttl: 64 },
    ...{ flags: ["ACK"], seq: 1, ack: 77, payload: "" },
  };
  const fromSite: Tcp = {
    ...segment,
    src: segment.dst,
    sport: 5000,
    dst: addr(built.clusters[0]!.loadBalancer.frontends.at(-1)!.address),
  };
  for (const [host, sent] of [
    [node.name, segment],
    [site, fromSite],
  ] as const) {
    const { disposition, replies } = lab.trace(host, sent);
    assert.is(disposition.kind === "dropped" && disposition.reason.kind, "unknown-flow");
    const [reply] = replies;
    const { flags: told, seq } = reply!.packet as Tcp;
    assert.equal([replies.length, told, seq, reply!.disposition], [1, ["RST"], 77, { kind: "delivered", host }]);
    assert.is(lab.trace(host, { ...sent, flags: ["RST"] }).replies.length, 0);
  }
});

test("is ended by RST at both ends when the time is over, where TCP reset is on", async () => {
  for (const [tcpReset, expected] of [
    [true, ["in RST"]],
    [false, []],
  ] as const) {
    const { lab, pod, site } = start({ tcpReset });
    await lab.connect(pod, site, 80, { close: "open" });
    assert.equal(
      [
        await flags(lab, pod, () => lab.wait(minutes(29))),
        await flags(lab, pod, () => flags(lab, site, () => lab.wait(minutes(1)))),
      ],
      [[], expected],
    );
    const again = start({ tcpReset });
    await again.lab.connect(again.pod, again.site, 80, { close: "open" });
    assert.equal(await flags(again.lab, again.site, () => again.lab.wait(minutes(30))), expected);
  }
});

test("that came in by a rule ends alike, after the rule's four minutes", async () => {
  const after = async (options: ConnectOptions, shape: Parameters<typeof start>[0]) => {
    const { lab, built, site } = start(shape);
    const { frontends } = built.clusters[0]!.loadBalancer;
    return (await lab.connect(site, frontends.at(-1)!.address, 80, options)).kind;
  };
  for (const plugin of plugins)
    for (const [shape, late] of [
      [{ sku: "Basic" }, "timeout"],
      [{ sku: "Standard", tcpReset: false }, "timeout"],
      [{ sku: "Standard", tcpReset: true }, "reset"],
    ] as const) {
      assert.is(await after({ silence: minutes(3) }, { plugin, ...shape }), "connected");
      assert.is(await after({ silence: minutes(5) }, { plugin, ...shape }), late);
    }
});

test("is reset by AKS as it is today, and was not in 2018", async () => {
  const reset = (shape: Parameters<typeof smallCluster>[0]) =>
    start(shape).built.network.fabric.translators[0]!.tcpReset === true;
  assert.equal([reset({}), reset({ era: "2018" }), reset({ sku: "Basic" })], [true, false, false]);
});

test("is no such thing when it speaks: keep-alives every 20 minutes keep it", async () => {
  const { lab, pod, site } = start({ tcpReset: false });
  const keepAlive = await openOne(lab, pod, site);
  for (let i = 0; i < 6; i++) {
    await lab.wait(minutes(20));
    assert.is(lab.trace(pod, keepAlive).disposition.kind, "delivered", String(i));
  }
});

test.run();
