import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { formatAddr } from "../../lib/ip/addr.js";
import type { Cluster } from "../../lib/kube/cluster.js";
import { bootLinux, type LinuxLab } from "../../lib/linux/boot.js";
import type { ConnectResult, Lab } from "../../lib/net/lab.js";
import { bootModel } from "../../lib/net/model.js";
import { printSave } from "../../lib/netfilter/print.js";
import { editCluster } from "../../lib/scenario/edit.js";
import { build } from "../../lib/scenario/build.js";
import { smallCluster } from "../../lib/scenario/small.js";
import { canRunLinux } from "../linux/need.js";
import { disagreement, outcomes } from "./outcomes.js";

const test = suite("kube-proxy on both engines");

interface ServiceShape {
  readonly type: "ClusterIP" | "NodePort" | "LoadBalancer";
  readonly ports: readonly { readonly port: number; readonly protocol: "TCP" | "UDP"; readonly named: boolean }[];
  /** Whether any pod is behind it. */
  readonly backed: boolean;
}

const anyService: fc.Arbitrary<ServiceShape> = fc.record(
  {
    type: fc.constantFrom("ClusterIP" as const, "NodePort" as const, "LoadBalancer" as const),
    ports: fc.uniqueArray(
      fc.record(
        {
          port: fc.constantFrom(80, 443, 8080, 53),
          protocol: fc.constantFrom("TCP" as const, "TCP" as const, "UDP" as const),
          named: fc.constant(true),
        },
        { noNullPrototype: true },
      ),
      { minLength: 1, maxLength: 2, selector: ({ port, protocol }) => `${port}/${protocol}` },
    ),
    backed: fc.constantFrom(true, true, true, true, false),
  },
  { noNullPrototype: true },
);

const yaml = (services: readonly ServiceShape[]): string =>
  [
    [
      "apiVersion: apps/v1",
      "kind: Deployment",
      "metadata: { name: app }",
      "spec:",
      "  replicas: 4",
      "  selector: { matchLabels: { app: app } }",
      "  template:",
      "    metadata: { labels: { app: app } }",
    ],
    [
      "    spec:",
      "      containers:",
      "        - name: app",
      "          image: example/app",
      "          ports: [{ containerPort: 80 }, { containerPort: 53, protocol: UDP }]",
    ],
  ]
    .flat()
    .join("\n")
    .concat(
      ...services.map(
        ({ type, ports, backed }, i) =>
          `\n---\napiVersion: v1\nkind: Service\nmetadata: { name: s${i} }\nspec:\n  type: ${type}\n  selector: { app: ${backed ? "app" : "none"} }\n  ports:\n${ports
            .map(
              ({ port, protocol }) =>
                `  - { name: p${port}${protocol.toLowerCase()}, port: ${port}, protocol: ${protocol}, targetPort: ${protocol === "TCP" ? 80 : 53} }`,
            )
            .join("\n")}`,
      ),
    );

const scenarioOf = (plugin: "kubenet" | "azure-cni", services: readonly ServiceShape[]) =>
  build(
    editCluster(smallCluster({ plugin, nodeCount: 2, podsPerNode: 2 }), "cluster", {
      manifests: [{ file: "services.yaml", yaml: yaml(services) }],
    }),
  );

interface Target {
  readonly address: string;
  readonly port: number;
  readonly proto: "tcp" | "udp";
  readonly from: "inside" | "anywhere";
}

/** Every address that leads to a service, with who can use it. */
const targetsOf = (cluster: Cluster): readonly Target[] =>
  cluster.services
    .filter(({ namespace }) => namespace === "default")
    .filter(({ name }) => name !== "kubernetes")
    .flatMap(({ clusterIp, externalIp, ports }) =>
      ports.flatMap(({ port, protocol, nodePort }): readonly Target[] => {
        const proto = protocol === "TCP" ? ("tcp" as const) : ("udp" as const);
        return [
          { address: formatAddr(clusterIp), port, proto, from: "inside" },
          ...(nodePort === undefined
            ? []
            : cluster.nodes.map(({ internalIp }): Target => ({
                address: formatAddr(internalIp),
                port: nodePort,
                proto,
                from: "inside",
              }))),
          ...(externalIp === undefined
            ? []
            : [{ address: formatAddr(externalIp), port, proto, from: "anywhere" as const }]),
        ];
      }),
    );

/** What is determined once the endpoint has been drawn: who the endpoint sees. */
const seenBy = (result: ConnectResult) =>
  result.kind === "connected" ? `${result.server} sees ${result.seenAs.address}` : result.kind;

/** Datagrams of their own tell conversations apart that are under way at once. */
let datagrams = 0;

const checkTraffic = async (
  lab: LinuxLab,
  model: Lab,
  clients: readonly string[],
  targets: readonly Target[],
): Promise<void> => {
  for (const { address, port, proto, from: whence } of targets)
    for (const from of clients) {
      if (whence === "inside" && from.startsWith("site")) continue;
      const once = async (engine: Lab) =>
        seenBy(
          await engine.connect(from, address, port, {
            proto,
            ...(proto === "udp" && { request: `datagram ${++datagrams}\n` }),
          }),
        );
      const found = disagreement(
        await outcomes(
          () => once(lab),
          () => once(model),
        ),
      );
      assert.is(found, undefined, `${from} to ${proto} ${address}:${port}: ${found}`);
    }
};

const sampled = (count: number, seed: number) =>
  fc.sample(fc.array(anyService, { minLength: count, maxLength: count, size: "max" }), { seed, numRuns: 1 })[0]!;

if (canRunLinux()) {
  for (const plugin of ["kubenet", "azure-cni"] as const)
    for (const count of [1, 12, 100])
      test(`${plugin}, ${count} services: the kernel takes the rules, gives them back unchanged, and sends traffic where the model does`, async () => {
        const services = sampled(count, count);
        const { network, clusters } = scenarioOf(plugin, services);
        const cluster = clusters[0]!.cluster;
        const lab = await bootLinux(network, { connectTimeout: 0.7 });
        try {
          const node = network.hosts.find(({ role }) => role === "node")!;
          const text = printSave(node.rules);
          assert.equal(await lab.run(node.id, ["iptables-restore", "--test"], text), {
            code: 0,
            stdout: "",
            stderr: "",
          });
          const saved = (await lab.run(node.id, ["iptables-save"])).stdout
            .replace(/^#.*\n/gm, "")
            .replace(/\[\d+:\d+\]/g, "[0:0]");
          for (const table of text.split(/(?<=COMMIT\n)/))
            assert.ok(saved.includes(table), `${table.split("\n")[0]} is given back changed`);
          const targets = targetsOf(cluster);
          const step = Math.max(1, Math.floor(targets.length / 12));
          const pods = network.hosts
            .filter(({ role, id }) => role === "pod" && id.includes("/default/"))
            .map(({ id }) => id);
          await checkTraffic(
            lab,
            bootModel(network),
            [pods[0]!, pods.at(-1)!, node.id, "vm", "site-1.example"],
            targets.filter((_, i) => i % step === 0),
          );
        } finally {
          await lab.close();
        }
      });

  test("endpoints are drawn evenly: 900 connections to four endpoints pass a chi-squared test at 1 in 100,000", async () => {
    const { network, clusters } = scenarioOf("kubenet", [
      { type: "ClusterIP", ports: [{ port: 80, protocol: "TCP", named: true }], backed: true },
    ]);
    const service = clusters[0]!.cluster.services.find(({ name }) => name === "s0")!;
    const lab = await bootLinux(network);
    try {
      const pod = network.hosts.find(({ role, id }) => role === "pod" && id.includes("/default/"))!.id;
      const servers = new Map<string, number>();
      for (let i = 0; i < 9; i++)
        for (const result of await Promise.all(
          Array.from({ length: 100 }, () => lab.connect(pod, formatAddr(service.clusterIp), 80)),
        )) {
          const server = result.kind === "connected" ? result.server : result.kind;
          servers.set(server, (servers.get(server) ?? 0) + 1);
        }
      const endpoints = service.endpoints.length;
      assert.is(servers.size, endpoints);
      const expected = 900 / endpoints;
      const chiSquared = [...servers.values()].reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
      assert.ok(
        chiSquared < 25.9,
        `chi-squared ${chiSquared.toFixed(1)} with ${endpoints - 1} degrees of freedom: ${[...servers.values()].join(", ")}`,
      ); // 25.9 is the value for 3 degrees
    } finally {
      await lab.close();
    }
  });
} else test("nothing can be compared here", () => undefined);

test.run();
