import { readFileSync } from "node:fs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { formatAddr } from "../../lib/ip/addr.js";
import { bootModel } from "../../lib/net/model.js";
import { age } from "../../lib/render/duration.js";
import { articleAt, articleMoments, articleScenario } from "../../lib/scenario/article.js";
import { build } from "../../lib/scenario/build.js";
import { editCluster, enableAddon, scenarioAt } from "../../lib/scenario/edit.js";
import { whereami, whereamiIngress } from "../../lib/scenario/manifests.js";
import { parseTime } from "../../lib/scenario/time.js";
import type { Scenario } from "../../lib/scenario/scenario.js";
import { message } from "../message.js";
import { clusterNamed, podId, seenBy } from "./base.js";

const ages = suite("ages");
const agesAt = (moment: keyof typeof articleMoments) => {
  const { at, cluster } = articleMoments[moment];
  const { nodes, pods, services } = clusterNamed(build(articleAt(moment)), cluster).cluster;
  const now = parseTime(at, "at");
  const rows = [
    ...nodes.map(({ name, created }) => [name, created] as const),
    ...pods.filter(({ namespace }) => namespace === "default").map(({ name, created }) => [name, created] as const),
    ...services.map(({ name, created }) => [`svc/${name}`, created] as const),
  ];
  return Object.fromEntries(rows.map(([name, created]) => [name, age(created, now)]));
};
const system = (value: string) => ({
  "svc/heapster": value,
  "svc/kube-dns": value,
  "svc/kubernetes-dashboard": value,
  "svc/metrics-server": value,
});
const addon = (value: string) => ({
  "svc/addon-http-application-routing-default-http-backend": value,
  "svc/addon-http-application-routing-nginx-ingress": value,
});

ages("of the Azure CNI cluster at the first look: whereami alone, no add-on", () => {
  assert.equal(agesAt("azureStatus"), {
    "aks-nodepool1-26711606-0": "18m",
    "whereami-564765b89-vdkjd": "11m",
    "whereami-564765b89-xcvjm": "11m",
    "svc/kubernetes": "22m",
    "svc/whereami": "11m",
    ...system("22m"),
  });
});

ages("of its services once the add-on is there", () => {
  const {
    "svc/kubernetes": api,
    "svc/whereami": app,
    "svc/whereami-ingress": ingress,
    ...others
  } = agesAt("azureServices");
  assert.equal([api, app, ingress], ["41m", "29m", "33s"]);
  for (const [name, value] of Object.entries({ ...addon("1m"), ...system("40m") }))
    assert.is(others[name], value, name);
});

ages("of its pods a little later", () => {
  const shown = agesAt("azurePods");
  const pods = [
    "whereami-564765b89-vdkjd",
    "whereami-564765b89-xcvjm",
    "whereami-ingress-7f97d7c96f-6ws82",
    "whereami-ingress-7f97d7c96f-qcf6p",
  ];
  assert.equal(
    pods.map(name => shown[name]),
    ["31m", "31m", "2m", "2m"],
  );
});

ages("of the kubenet cluster", () => {
  assert.equal(agesAt("kubenetStatus"), {
    "aks-nodepool1-35377101-0": "52m",
    "aks-nodepool1-35377101-1": "52m",
    "whereami-564765b89-d8rdb": "4m",
    "whereami-564765b89-z7p82": "4m",
    "whereami-ingress-7f97d7c96f-2lqxf": "1m",
    "whereami-ingress-7f97d7c96f-66vvv": "1m",
    "svc/kubernetes": "56m",
    "svc/whereami": "4m",
    "svc/whereami-ingress": "1m",
    ...addon("3m"),
    ...system("56m"),
  });
});

ages("come from moments in the order in which they are told", () => {
  const times = Object.values(articleMoments).map(({ at }) => parseTime(at, "at"));
  assert.equal(
    times,
    [...times].sort((a, b) => a - b),
  );
  assert.is(articleScenario.startsAt, articleMoments.kubenetCurl.at);
});

ages("a moment that the article does not have is refused, with those that it has", () => {
  const text = message(() => articleAt("lunch" as "azurePing"));
  assert.ok(text.startsWith('articleAt: "lunch" is no moment of the article; expected azureStatus, '), text);
});

ages.run();

const derived = suite("derived");
const built = build(articleScenario);
const cluster = (name: string) => clusterNamed(built, name);

derived("kubenet's pod addresses follow from the order of creation on each node", () => {
  const { pods } = cluster("kubenetcluster").cluster;
  assert.equal(
    pods.filter(({ namespace }) => namespace === "default").map(({ name, ip }) => [name.slice(-5), formatAddr(ip)]),
    [
      ["d8rdb", "192.168.1.2"],
      ["z7p82", "192.168.0.9"],
      ["2lqxf", "192.168.0.10"],
      ["66vvv", "192.168.1.7"],
    ],
  );
});

derived("the add-on has its pods once, whenever it is enabled", () => {
  for (const at of ["2019-02-12T22:20:00Z", "2019-02-12T22:50:00Z"]) {
    const before = { ...scenarioAt(articleScenario, "2019-02-12T22:10:00Z"), startsAt: at };
    const { pods } = clusterNamed(
      build(enableAddon(before, "kubenetcluster", "http_application_routing", at)),
      "kubenetcluster",
    ).cluster;
    const own = pods.filter(({ name }) => name.startsWith("addon-"));
    assert.is(own.length, 3);
    for (const { created } of own) assert.is(created, parseTime(at, "at"));
  }
});

derived("node resource group, SKU, ports and outbound address", () => {
  assert.is(cluster("kubenetcluster").nodeResourceGroup, "MC_akstest_kubenetcluster_westeurope");
  for (const [name, first] of [
    ["azurecluster", "104.45.15.171"],
    ["kubenetcluster", "137.117.164.147"],
  ] as const) {
    const { sku, portsPerNode, outboundFrontends, frontends } = cluster(name).loadBalancer;
    assert.equal([sku, portsPerNode, outboundFrontends, frontends.length], ["Basic", 1024, [first], 2]);
  }
});

derived("the address that each destination sees", async () => {
  const rows: readonly (readonly [cluster: string, pod: string, vm: string, site: string])[] = [
    ["azurecluster", "whereami-564765b89-vdkjd", "10.13.76.13", "104.45.15.171"],
    ["azurecluster", "whereami-ingress-7f97d7c96f-qcf6p", "", "104.45.15.171"],
    ["kubenetcluster", "whereami-564765b89-d8rdb", "10.13.77.4", "137.117.164.147"],
    ["kubenetcluster", "whereami-564765b89-z7p82", "10.13.77.5", "137.117.164.147"],
    ["kubenetcluster", "whereami-ingress-7f97d7c96f-2lqxf", "10.13.77.5", "137.117.164.147"],
    ["kubenetcluster", "whereami-ingress-7f97d7c96f-66vvv", "10.13.77.4", "137.117.164.147"],
  ];
  for (const [name, pod, vm, site] of rows) {
    const from = () => podId(built, name, pod);
    if (vm !== "") assert.is(await seenBy(articleScenario, from, "10.13.1.4"), vm, pod);
    assert.is(await seenBy(articleScenario, from, "ifconfig.co"), site, pod);
  }
});

derived("TTL: 64 on layer 2, 63 through a node, 62 through two", async () => {
  const lab = bootModel(built.network);
  const ttl = async (from: string, to: string) => (await lab.ping(from, to)).replies.map(reply => reply.ttl);
  assert.equal(await ttl(podId(built, "azurecluster", "whereami-564765b89-vdkjd"), "10.13.1.4"), [64]);
  assert.equal(await ttl(podId(built, "kubenetcluster", "whereami-564765b89-d8rdb"), "10.13.1.4"), [63]);
  assert.equal(await ttl(podId(built, "kubenetcluster", "whereami-564765b89-z7p82"), "192.168.1.2"), [62]);
});

derived.run();

const pins = suite("pins");
const kubenet = (change: Parameters<typeof editCluster>[2]) => editCluster(articleScenario, "kubenetcluster", change);
const azure = (change: Parameters<typeof editCluster>[2]) => editCluster(articleScenario, "azurecluster", change);
const d8rdb = (scenario: Scenario) => podId(build(scenario), "kubenetcluster", "whereami-564765b89-d8rdb");
const vmSees = (scenario: Scenario) => seenBy(scenario, () => d8rdb(scenario), "10.13.1.4");
const siteSees = (scenario: Scenario) => seenBy(scenario, () => d8rdb(scenario), "ifconfig.co");

pins("publicAddresses: the site sees the new one, and clients reach the service by it", async () => {
  const moved = kubenet({ pins: { publicAddresses: { "default/whereami": "203.0.113.77" } } });
  assert.is(await siteSees(moved), "203.0.113.77");
  const answer = await bootModel(build(moved).network).connect("ifconfig.co", "203.0.113.77", 80);
  assert.match(answer.kind === "connected" ? answer.server : "", /^kubenetcluster\/default\/whereami-564765b89-/);
});

pins("publicAddresses: without the first service the next one's address is used", async () => {
  const without = editCluster(articleScenario, "kubenetcluster", {
    manifests: articleScenario.clusters[1]!.manifests.slice(1),
  });
  const from = (some: ReturnType<typeof build>) => podId(some, "kubenetcluster", "whereami-ingress-7f97d7c96f-2lqxf");
  assert.is(await seenBy(without, from, "ifconfig.co"), "104.214.236.151");
});

pins("pods' nodes: the VM sees the other node, and the pod has an address of its range", async () => {
  const { pods } = articleScenario.clusters[1]!.pins!;
  const swapped = kubenet({
    pins: { pods: { "default/whereami": pods!["default/whereami"]!.map(pod => ({ ...pod, node: 1 - pod.node! })) } },
  });
  assert.is(await vmSees(swapped), "10.13.77.5");
  const pod = clusterNamed(build(swapped), "kubenetcluster").cluster.pods.find(({ name }) => name.endsWith("d8rdb"))!;
  assert.match(formatAddr(pod.ip), /^192\.168\.0\./);
});

pins("nodeAddresses: the VM sees the new one, and the fabric routes to it", async () => {
  const moved = kubenet({ pins: { nodeAddresses: ["10.13.77.4", "10.13.77.5"] } });
  assert.is(await vmSees(moved), "10.13.77.5");
  const routes = build(moved).network.fabric.subnets.find(({ name }) => name === "kubenet")!.routes;
  assert.equal(
    routes.map(({ nextHop }) => nextHop.kind === "appliance" && formatAddr(nextHop.address)),
    ["10.13.77.4", "10.13.77.5"],
  );
});

pins("azure-cni pod addresses: the VM sees the new one", async () => {
  const [first, second] = articleScenario.clusters[0]!.pins!.pods!["default/whereami"]!;
  const moved = azure({ pins: { pods: { "default/whereami": [{ ...first!, address: "10.13.76.30" }, second!] } } });
  assert.is(
    await seenBy(moved, some => podId(some, "azurecluster", "whereami-564765b89-vdkjd"), "10.13.1.4"),
    "10.13.76.30",
  );
});

pins("clusterIps and nodePorts: the service answers there and not where it was", async () => {
  const moved = kubenet({
    pins: { clusterIps: { "default/whereami": "10.0.9.9" }, nodePorts: { "default/whereami": { 80: 31000 } } },
  });
  const lab = bootModel(build(moved).network);
  const ask = async (to: string, port: number) => (await lab.connect("testvm", to, port)).kind;
  assert.is(await ask("10.13.77.5", 31000), "connected");
  assert.is(await ask("10.13.77.5", 30694), "refused");
  const client = podId(build(moved), "kubenetcluster", "whereami-ingress-7f97d7c96f-2lqxf");
  assert.is((await lab.connect(client, "10.0.9.9", 80)).kind, "connected");
  assert.is.not((await lab.connect(client, "10.0.58.118", 80)).kind, "connected");
});

pins("nodePoolId, names, creation times and the kubelet's process follow", () => {
  const changed = kubenet({
    pins: {
      nodePoolId: "12345678",
      kubeletPid: 42,
      created: { "Service/default/whereami": "2019-02-12T22:40:00Z" },
      pods: { "default/whereami": [{ name: "whereami-564765b89-aaaaa", node: 1 }] },
    },
  });
  const { nodes, pods, services } = clusterNamed(build(changed), "kubenetcluster").cluster;
  assert.equal(
    nodes.map(({ name }) => name),
    ["aks-nodepool1-12345678-0", "aks-nodepool1-12345678-1"],
  );
  assert.is(nodes[0]!.kubeletPid, 42);
  assert.is(services.find(({ name }) => name === "whereami")!.created, parseTime("2019-02-12T22:40:00Z", "at"));
  assert.ok(pods.some(({ name }) => name === "whereami-564765b89-aaaaa"));
});

pins("taken out are drawn, and the rest still follows", async () => {
  const { pins: _, ...bare } = articleScenario.clusters[1]!;
  const manifests = bare.manifests.map(({ file, yaml }) => ({ file, yaml }));
  const drawn: Scenario = { ...articleScenario, clusters: [{ ...bare, manifests }] };
  const some = build(drawn);
  const { cluster: own, loadBalancer } = clusterNamed(some, "kubenetcluster");
  const pod = own.pods.find(({ name }) => name.startsWith("whereami-"))!;
  const from = () => `kubenetcluster/default/${pod.name}`;
  assert.is(await seenBy(drawn, from, "ifconfig.co"), loadBalancer.outboundFrontends[0]);
  assert.is(
    await seenBy(drawn, from, "10.13.1.4"),
    formatAddr(own.nodes.find(({ name }) => name === pod.node)!.internalIp),
  );
});

pins.run();

const files = suite("manifests");

files("are the files beside the notebooks", () => {
  for (const { file, yaml } of [whereami, whereamiIngress])
    assert.is(readFileSync(new URL(`../../notebooks/${file}`, import.meta.url), "utf8"), yaml);
});

files.run();
