import { suite } from "uvu";
import * as assert from "uvu/assert";
import { addr, formatAddr } from "../../lib/ip/addr.js";
import { cidr, contains, formatCidr } from "../../lib/ip/cidr.js";
import { buildCluster } from "../../lib/kube/buildCluster.js";
import { clusterHosts } from "../../lib/kube/hosts.js";
import { ingressAddress, podsOf } from "../../lib/kube/lookUp.js";
import type { ClusterInput, PodPin } from "../../lib/kube/clusterInput.js";
import { parseManifest } from "../../lib/kube/manifest.js";
import type { Cluster, Pod, Service } from "../../lib/kube/cluster.js";
import { articleKubenet, azureCni, kubenet, messageOf, start, whereami, whereamiIngress } from "./clusters.js";

const podsNamed = (cluster: Cluster, name: string): readonly Pod[] =>
  cluster.pods.filter(pod => pod.name.startsWith(name));
const service = (cluster: Cluster, key: string): Service =>
  cluster.services.find(({ namespace, name }) => `${namespace}/${name}` === key)!;
const where = (pods: readonly Pod[]) => pods.map(pod => `${pod.name} ${formatAddr(pod.ip)} ${pod.node}`);
const applied = (appliedAt = start + 1000) => [{ objects: whereami, appliedAt }];
const endpoints = (cluster: Cluster, key: string) =>
  service(cluster, key).endpoints.map(({ portName, ip, port, protocol }) =>
    `${portName ?? ""} ${formatAddr(ip)}:${port}/${protocol}`.trim(),
  );

const pods = suite("pods");

pods("of the article's kubenet cluster get their addresses by the order of creation", () => {
  const cluster = buildCluster(articleKubenet());
  assert.equal(where(podsNamed(cluster, "whereami")), [
    "whereami-564765b89-d8rdb 192.168.1.2 aks-nodepool1-35377101-1",
    "whereami-564765b89-z7p82 192.168.0.9 aks-nodepool1-35377101-0",
    "whereami-ingress-7f97d7c96f-2lqxf 192.168.0.10 aks-nodepool1-35377101-0",
    "whereami-ingress-7f97d7c96f-66vvv 192.168.1.7 aks-nodepool1-35377101-1",
  ]);
  assert.equal(
    cluster.nodes.map(node => formatCidr(node.podCidr!)),
    ["192.168.0.0/24", "192.168.1.0/24"],
  );
});

pods("of the article follow another order to other addresses", () => {
  const { pins, ...input } = articleKubenet();
  const early = buildCluster({
    ...input,
    pins,
    manifests: input.manifests.map(({ objects }) => ({ objects, appliedAt: start + 300 })),
  });
  const late = buildCluster({ ...input, pins: { ...pins, pods: { ...pins.pods, "kube-system/heapster": [] } } });
  assert.is(formatAddr(podsNamed(early, "whereami-ingress-7f97d7c96f-66vvv")[0]!.ip), "192.168.1.3");
  assert.is(formatAddr(podsNamed(late, "whereami-564765b89-z7p82")[0]!.ip), "192.168.0.8");
});

pods("wait for the first node, and all land there while it is alone", () => {
  const [first, second] = kubenet(2).nodes;
  const cluster = buildCluster(kubenet(2, { nodes: [first!, { ...second!, created: start + 250 }] }));
  const own = cluster.pods.filter(pod => !pod.hostNetwork);
  assert.is(own.length, 6);
  assert.ok(own.every(pod => pod.node === first!.name));
  assert.equal(
    cluster.pods.filter(pod => pod.hostNetwork).map(pod => pod.name.slice(0, -6)),
    ["kube-proxy", "kube-proxy", "kube-svc-redirect", "kube-svc-redirect"],
  );
});

pods("of one deployment are spread, then go where the fewest are", () => {
  const cluster = buildCluster(kubenet(3, { manifests: applied(), scale: { whereami: 30 } }));
  const counts = cluster.nodes.map(node => podsNamed(cluster, "whereami").filter(pod => pod.node === node.name).length);
  assert.equal(counts, [10, 10, 10]);
  const all = new Set(cluster.pods.filter(pod => !pod.hostNetwork).map(pod => pod.ip));
  assert.is(all.size, 36);
  for (const pod of cluster.pods) {
    const node = cluster.nodes.find(({ name }) => name === pod.node)!;
    assert.ok(pod.hostNetwork ? pod.ip === node.internalIp : contains(node.podCidr!, pod.ip));
  }
});

pods("beyond max-pods stay pending, with the reason", () => {
  const cluster = buildCluster(kubenet(2, { maxPods: 10, manifests: applied(), scale: { whereami: 14 } }));
  assert.is(cluster.pods.length, 20);
  assert.is(cluster.pending.length, 4);
  assert.equal(cluster.pending[0]!.reason, { kind: "unschedulable", nodes: 2, maxPods: 10 });
  assert.equal(endpoints(cluster, "default/whereami").length, 10);
});

pods("without a free address stay pending on their node", () => {
  const [node] = azureCni().nodes;
  const cluster = buildCluster(azureCni(1, { nodes: [{ ...node!, podAddresses: node!.podAddresses!.slice(0, 4) }] }));
  assert.is(cluster.pods.filter(pod => !pod.hostNetwork).length, 4);
  assert.equal(
    cluster.pending.map(pod => pod.reason),
    [1, 2].map(() => ({ kind: "no-address", node: node!.name, capacity: 4 })),
  );
});

pods("take up room that a deleted pod leaves", () => {
  const filled = kubenet(1, {
    maxPods: 10,
    manifests: applied(),
    pins: { pods: { "kube-system/heapster": [{ deleted: start + 2000 }, { created: start + 2000 }] } },
  });
  const cluster = buildCluster(filled);
  assert.equal(cluster.pending, []);
  assert.is(cluster.pods.length, 10);
});

pods("pinned to times before their deployment's come and go with it", () => {
  const early = [
    { node: 0, created: start + 300, deleted: start + 400 },
    { node: 0, deleted: start + 500 },
    { node: 0, created: start + 300 },
  ];
  const cluster = buildCluster(
    kubenet(1, { manifests: applied(start + 2000), pins: { pods: { "default/whereami": early } } }),
  );
  const own = podsNamed(cluster, "whereami");
  assert.equal(own.map(pod => formatAddr(pod.ip)).sort(), ["192.168.0.10", "192.168.0.11"]);
  assert.equal(
    own.map(pod => pod.created),
    [start + 2000, start + 2000],
  );
  assert.is(endpoints(cluster, "default/whereami").length, 2);
});

pods("of a deployment scaled to nothing leave no trace, those that are gone neither", () => {
  const later = { ...whereami[0]!, name: "later" } as (typeof whereami)[number];
  const addressOf = (pins: ClusterInput["pins"]) =>
    where(
      podsNamed(
        buildCluster(
          kubenet(1, {
            manifests: [...applied(), { objects: [later], appliedAt: start + 2000 }],
            scale: { whereami: 0, later: 1 },
            pins,
          }),
        ),
        "later",
      ),
    ).map(text => text.split(" ")[1]);
  assert.equal(addressOf({}), ["192.168.0.8"]);
  assert.equal(addressOf({ pods: { "default/whereami": [{ deleted: start + 1500 }] } }), ["192.168.0.8"]);
});

pods("of azure-cni have addresses of their node's reservation, drawn or pinned", () => {
  const pin = { name: "whereami-564765b89-xcvjm", node: 1, address: addr("10.13.76.60") };
  const cluster = buildCluster(
    azureCni(2, { manifests: applied(), scale: { whereami: 20 }, pins: { pods: { "default/whereami": [pin] } } }),
  );
  assert.ok(
    where(podsNamed(cluster, "whereami")).includes("whereami-564765b89-xcvjm 10.13.76.60 aks-nodepool1-26711606-1"),
  );
  for (const pod of cluster.pods.filter(({ hostNetwork }) => !hostNetwork)) {
    const index = Number(pod.node.slice(-1));
    assert.ok(azureCni(2).nodes[index]!.podAddresses!.includes(pod.ip), formatAddr(pod.ip));
  }
  assert.is(new Set(podsNamed(cluster, "whereami").map(pod => pod.ip)).size, 20);
  assert.ok(
    podsNamed(cluster, "whereami").every(pod => pod.name.startsWith("whereami-564765b89-")),
    "the pinned name tells the template's hash",
  );
});

pods("keep to a pin only where it can hold", () => {
  const pins = {
    pods: { "default/whereami": [{ node: 7, address: addr("10.13.76.250") }], "default/gone": [{ node: 0 }] },
  };
  const cluster = buildCluster(azureCni(1, { manifests: applied(), pins }));
  assert.is(podsNamed(cluster, "whereami").length, 2);
});

pods("are never given a name that a pin keeps for another", () => {
  const named = (pinned: readonly PodPin[]) =>
    podsNamed(
      buildCluster(kubenet(1, { manifests: applied(), pins: { pods: { "default/whereami": pinned } } })),
      "whereami",
    )
      .map(({ name }) => name)
      .sort();
  const [first, second] = named([]) as [string, string];
  for (const taken of [first, second])
    for (const pinned of [[{}, { name: taken }], [{ name: taken }]]) {
      const names = named(pinned);
      assert.ok(names.includes(taken));
      assert.is(new Set(names).size, 2, names.join(" "));
    }
});

pods("of a deployment are found by namespace and labels together", () => {
  const cluster = buildCluster(articleKubenet());
  for (const deployment of cluster.deployments)
    for (const pod of podsOf(cluster, deployment)) {
      assert.is(pod.namespace, deployment.namespace);
      assert.ok(pod.name.startsWith(deployment.name.slice(0, 58)), `${pod.name} is not of ${deployment.name}`);
    }
  assert.is(
    podsOf(
      cluster,
      cluster.deployments.find(({ name }) => name === "whereami")!,
    ).length,
    2,
  );
});

pods("have names as Kubernetes makes them", () => {
  const cluster = buildCluster(articleKubenet({ pins: {} }));
  const safe = "[bcdfghjklmnpqrstvwxz2456789]";
  for (const pod of podsNamed(cluster, "whereami-"))
    assert.match(pod.name, new RegExp(`^whereami-(ingress-)?${safe}{8,10}-${safe}{5}$`));
  const long = podsNamed(cluster, "addon-http-application-routing-nginx-ingress-controller-")[0]!;
  assert.is(long.name.length, 63);
  assert.is(new Set(cluster.pods.map(pod => pod.name)).size, cluster.pods.length);
});

pods("come out the same from the same input, and another seed moves only what is drawn", () => {
  assert.equal(buildCluster(articleKubenet()), buildCluster(articleKubenet()));
  const other = buildCluster(articleKubenet({ seed: 2 }));
  assert.equal(where(podsNamed(other, "whereami")), where(podsNamed(buildCluster(articleKubenet()), "whereami")));
  assert.is.not(
    service(other, "default/whereami").clusterIp,
    service(buildCluster(articleKubenet()), "default/whereami").clusterIp,
  );
});

pods.run();

const services = suite("services");

services("are those of the article, with their endpoints", () => {
  const cluster = buildCluster(articleKubenet());
  assert.equal(
    cluster.services.map(
      ({ namespace, name, type, ports }) =>
        `${namespace}/${name} ${type} ${ports.map(({ port, protocol, nodePort }) => `${port}${nodePort === undefined ? "" : ":N"}/${protocol}`).join(",")}`,
    ),
    [
      "default/kubernetes ClusterIP 443/TCP",
      "default/whereami LoadBalancer 80:N/TCP",
      "default/whereami-ingress ClusterIP 80/TCP",
      "kube-system/addon-http-application-routing-default-http-backend ClusterIP 80/TCP",
      "kube-system/addon-http-application-routing-nginx-ingress LoadBalancer 80:N/TCP,443:N/TCP",
      "kube-system/heapster ClusterIP 80/TCP",
      "kube-system/kube-dns ClusterIP 53/UDP,53/TCP",
      "kube-system/kubernetes-dashboard ClusterIP 80/TCP",
      "kube-system/metrics-server ClusterIP 443/TCP",
    ],
  );
  assert.is(formatAddr(service(cluster, "default/kubernetes").clusterIp), "10.0.0.1");
  assert.is(formatAddr(service(cluster, "kube-system/kube-dns").clusterIp), "10.0.0.10");
  assert.is(formatAddr(service(cluster, "default/whereami").externalIp!), "137.117.164.147");
  assert.equal(endpoints(cluster, "default/kubernetes"), ["https 203.0.113.1:443/TCP"]);
  assert.equal(endpoints(cluster, "default/whereami"), ["192.168.0.9:80/TCP", "192.168.1.2:80/TCP"]);
  assert.equal(endpoints(cluster, "kube-system/addon-http-application-routing-nginx-ingress"), [
    "http 192.168.1.5:80/TCP",
    "https 192.168.1.5:443/TCP",
  ]);
  assert.equal(endpoints(cluster, "kube-system/kube-dns"), [
    "dns 192.168.0.3:53/UDP",
    "dns-tcp 192.168.0.3:53/TCP",
    "dns 192.168.0.4:53/UDP",
    "dns-tcp 192.168.0.4:53/TCP",
  ]);
  assert.equal(
    cluster.ingresses.map(({ class: name, rules }) => [name, rules]),
    [
      [
        "addon-http-application-routing",
        [{ host: "whereami.example.aksapp.io", path: "/", service: "whereami-ingress", port: 80 }],
      ],
    ],
  );
  assert.is(formatAddr(ingressAddress(cluster, cluster.ingresses[0]!)!), "104.214.236.151");
});

services(
  "belong to clusters whose plugin says who masquerades what: azure-vnet but to the nodes' range, the agent but to all",
  () => {
    const vnet = [cidr("10.0.0.0/8"), cidr("172.20.0.0/16")];
    const nodesOnly = buildCluster(azureCni(2, { vnet }));
    const agent = buildCluster(azureCni(2, { vnet, masqueradeBy: "ip-masq-agent" }));
    const agents = (cluster: Cluster) => podsNamed(cluster, "azure-ip-masq-agent").map(({ node }) => node);
    assert.equal(agents(nodesOnly), []);
    assert.equal([...agents(agent)].sort(), agent.nodes.map(({ name }) => name).sort());
    assert.is(nodesOnly.masquerade?.except.length, 1);
    assert.equal(agent.masquerade, { by: "ip-masq-agent", except: vnet });
  },
);

services("ask for public addresses oldest first", () => {
  const asked: string[] = [];
  const publicAddress = (key: string) => (asked.push(key), addr("203.0.113.9"));
  buildCluster(articleKubenet({ publicAddress }));
  assert.equal(asked, ["default/whereami", "kube-system/addon-http-application-routing-nginx-ingress"]);
});

services("draw what is not pinned, each apart from the others", () => {
  const pinned = {
    clusterIps: { "default/whereami": addr("10.0.58.118") },
    nodePorts: { "default/whereami": { 80: 30694 } },
  };
  const cluster = buildCluster(articleKubenet({ pins: pinned }));
  const free = buildCluster(articleKubenet({ pins: {} }));
  assert.is(formatAddr(service(cluster, "default/whereami").clusterIp), "10.0.58.118");
  assert.is(service(cluster, "default/whereami").ports[0]!.nodePort, 30694);
  assert.is(service(cluster, "kube-system/heapster").clusterIp, service(free, "kube-system/heapster").clusterIp);
  for (const { clusterIp, ports } of cluster.services) {
    assert.ok(contains(cidr("10.0.0.0/16"), clusterIp));
    for (const { nodePort } of ports) assert.ok(nodePort === undefined || (nodePort >= 30000 && nodePort <= 32767));
  }
  assert.is(new Set(cluster.services.map(({ clusterIp }) => clusterIp)).size, cluster.services.length);
});

services("find a port by its name, and pods of their own namespace only", () => {
  const yaml = (target: string, namespace: string) => `
{apiVersion: apps/v1, kind: Deployment, metadata: {name: a}, spec: {template: {metadata: {labels: {app: a}}, spec: {containers: [{image: x, ports: [{name: http, containerPort: 8080}]}]}}}}
---
{apiVersion: v1, kind: Service, metadata: {name: a, namespace: ${namespace}}, spec: {type: NodePort, selector: {app: a}, ports: [{port: 80, targetPort: ${target}, nodePort: 31000}]}}`;
  const built = (target: string, namespace: string) =>
    buildCluster(
      kubenet(1, {
        manifests: [{ objects: parseManifest(yaml(target, namespace), "a.yaml"), appliedAt: start + 900 }],
      }),
    );
  assert.equal(endpoints(built("http", "default"), "default/a"), ["192.168.0.8:8080/TCP"]);
  assert.equal(endpoints(built("https", "default"), "default/a"), []);
  assert.equal(endpoints(built("http", "shop"), "shop/a"), []);
  assert.is(service(built("http", "default"), "default/a").ports[0]!.nodePort, 31000);
});

services("of a full range leave the last free address and node port to the last that asks", () => {
  const many = (count: number, first = 0) =>
    Array.from({ length: count }, (_, index) => ({
      ...whereami[1]!,
      type: "NodePort" as const,
      name: `s${first + index}`,
    })) as readonly (typeof whereami)[number][];
  // A /28 has 16 addresses; the first, the API's, and the last are kept, and the system's other services take 4.
  const range = cidr("10.0.0.0/28");
  const full = buildCluster(
    kubenet(1, { serviceCidr: range, dnsServiceIp: undefined, manifests: [{ objects: many(9), appliedAt: start }] }),
  );
  const ips = full.services.map(({ clusterIp }) => clusterIp);
  assert.is(new Set(ips).size, 14);
  for (const ip of ips) assert.ok(contains(range, ip) && ip !== addr("10.0.0.0") && ip !== addr("10.0.0.15"));
  assert.is(formatAddr(service(full, "kube-system/kube-dns").clusterIp), "10.0.0.10");

  const built = (count: number) =>
    buildCluster(kubenet(1, { manifests: [{ objects: many(count), appliedAt: start }] }));
  const ports = built(2768).services.flatMap(own => own.ports.flatMap(({ nodePort }) => nodePort ?? []));
  assert.equal(
    [...ports].sort((a, b) => a - b),
    Array.from({ length: 2768 }, (_, index) => 30000 + index),
  );
  assert.is(
    messageOf(() => built(2769)),
    "clusters[0]: Service default/s2768 port: 80 finds no free node port; expected at most 2768 ports of NodePort and LoadBalancer services",
  );
});

services(
  "of the cluster alone have no node port, even where one is written, and only a load balancer has an address",
  () => {
    const yaml = ["ClusterIP", "NodePort", "LoadBalancer"]
      .map(
        (type, index) =>
          `{apiVersion: v1, kind: Service, metadata: {name: ${type.toLowerCase()}}, spec: {type: ${type}, selector: {app: a}, ports: [{name: a, port: 80, nodePort: ${31000 + index}}, {name: b, port: 81}]}}`,
      )
      .join("\n---\n");
    const cluster = buildCluster(
      kubenet(1, { manifests: [{ objects: parseManifest(yaml, "a.yaml"), appliedAt: start }] }),
    );
    const own = (name: string) => service(cluster, `default/${name}`);
    assert.equal(
      own("clusterip").ports.map(({ nodePort }) => nodePort),
      [undefined, undefined],
    );
    for (const [index, name] of ["nodeport", "loadbalancer"].entries()) {
      const [first, second] = own(name).ports.map(({ nodePort }) => nodePort);
      assert.is(first, 31001 + index);
      assert.ok(second! >= 30000 && second! <= 32767 && second !== first);
    }
    assert.equal(
      ["clusterip", "nodeport", "loadbalancer"].map(name => own(name).externalIp !== undefined),
      [false, false, true],
    );
  },
);

services("of a full range are found wherever the search for the last address starts", () => {
  const objects = Array.from({ length: 9 }, (_, index) => ({ ...whereami[1]!, name: `s${index}` }));
  const range = { serviceCidr: cidr("10.0.0.0/28"), dnsServiceIp: undefined };
  for (let seed = 1; seed <= 80; seed++) {
    const full = buildCluster(kubenet(1, { ...range, seed, manifests: [{ objects, appliedAt: start }] }));
    assert.is(new Set(full.services.map(({ clusterIp }) => clusterIp)).size, 14, `seed ${seed}`);
  }
});

services("of the system are called at the ports that Kubernetes gives them", () => {
  const { services: all } = buildCluster(articleKubenet());
  const called = (name: string) =>
    all.find(own => own.name === name)!.ports.map(({ port, protocol }) => `${port}/${protocol}`);
  assert.equal(called("kubernetes"), ["443/TCP"]);
  assert.equal(called("heapster"), ["80/TCP"]);
  assert.equal(called("kube-dns"), ["53/UDP", "53/TCP"]);
  assert.equal(called("kubernetes-dashboard"), ["80/TCP"]);
  assert.equal(called("metrics-server"), ["443/TCP"]);
});

services("of the system lead to ports that their pods listen on", () => {
  const cluster = buildCluster(articleKubenet());
  const hosts = clusterHosts(cluster, cidr("10.13.77.0/24"));
  const routing = "addon-http-application-routing";
  const rows: readonly (readonly [service: string, targets: readonly string[]])[] = [
    ["heapster", ["8082/tcp"]],
    ["kube-dns", ["53/tcp", "53/udp"]],
    ["kubernetes-dashboard", ["9090/tcp"]],
    ["metrics-server", ["443/tcp"]],
    [`${routing}-default-http-backend`, ["8080/tcp"]],
    [`${routing}-nginx-ingress`, ["443/tcp", "80/tcp"]],
  ];
  for (const [name, targets] of rows) {
    const found = service(cluster, `kube-system/${name}`).endpoints;
    assert.equal([...new Set(found.map(({ port, protocol }) => `${port}/${protocol.toLowerCase()}`))].sort(), targets);
    for (const { ip, port, protocol } of found) {
      const pod = hosts.find(({ interfaces }) => interfaces[0]!.addresses.some(({ address }) => address === ip))!;
      assert.ok(
        pod.listeners.some(listener => listener.port === port && listener.proto === protocol.toLowerCase()),
        `${name} ${port}`,
      );
    }
  }
});

services("lead to the pods that have every label of the selector, in the order of their addresses", () => {
  const deployment = (name: string, labels: string, port = "containerPort: 80") =>
    `{apiVersion: apps/v1, kind: Deployment, metadata: {name: ${name}}, spec: {replicas: 3, template: {metadata: {labels: ${labels}}, spec: {containers: [{image: x, ports: [{name: http, ${port}}]}]}}}}`;
  const yaml = `${deployment("front", "{app: shop, tier: front}")}
---
${deployment("back", "{app: shop, tier: back}", "containerPort: 8080")}
---
${deployment("udp", "{app: shop, tier: udp}", "containerPort: 9, protocol: UDP")}
---
{apiVersion: v1, kind: Service, metadata: {name: front}, spec: {selector: {app: shop, tier: front}, ports: [{port: 80}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: all}, spec: {selector: {app: shop}, ports: [{port: 80, targetPort: http}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: none}, spec: {ports: [{port: 80}]}}`;
  const cluster = buildCluster(
    kubenet(3, { manifests: [{ objects: parseManifest(yaml, "a.yaml"), appliedAt: start + 900 }] }),
  );
  const reached = (key: string, of: Cluster = cluster) => service(of, key).endpoints;
  const ipsOf = (prefix: string) =>
    podsNamed(cluster, prefix)
      .map(({ ip }) => ip)
      .sort((a, b) => a - b);
  assert.equal(
    reached("default/front").map(({ ip }) => ip),
    ipsOf("front-"),
  );
  // A port is found by name and protocol: the UDP port of that name is another.
  assert.equal(
    reached("default/all").map(({ ip, port }) => `${ip}:${port}`),
    [...ipsOf("front-").map(ip => [ip, 80]), ...ipsOf("back-").map(ip => [ip, 8080])]
      .sort(([a], [b]) => a! - b!)
      .map(([ip, port]) => `${ip}:${port}`),
  );
  assert.equal(reached("default/none"), []);
});

services.run();

const input = suite("what is refused");

const podPins = (...pins: readonly PodPin[]): Partial<ClusterInput> => ({ pins: { pods: { "default/a": pins } } });

const refusals: readonly (readonly [name: string, input: ClusterInput, message: string])[] = [
  [
    "max-pods too low",
    kubenet(1, { maxPods: 9 }),
    "clusters[0].maxPods: 9 is out of range; expected 10 to 250 pods per node",
  ],
  [
    "max-pods too high",
    kubenet(1, { maxPods: 251 }),
    "clusters[0].maxPods: 251 is out of range; expected 10 to 250 pods per node",
  ],
  [
    "an unknown plugin",
    { ...kubenet(), plugin: "calico" as "kubenet" },
    'clusters[0].plugin: "calico" is not a known network plugin; expected azure-cni or kubenet',
  ],
  [
    "a version without rules",
    kubenet(1, { version: "1.31.0" }),
    'clusters[0].version: "1.31.0" is not modelled; expected 1.11.x, whose kube-proxy rules are known',
  ],
  [
    "kubenet without a pod CIDR",
    kubenet(1, { podCidr: undefined }),
    "clusters[0].podCidr: null is missing; expected a range for pods, as kubenet takes their addresses from it: 10.244.0.0/16",
  ],
  [
    "azure-cni with a pod CIDR",
    azureCni(1, { podCidr: cidr("192.168.0.0/16") }),
    'clusters[0].podCidr: "192.168.0.0/16" does not go with azure-cni, whose pods have addresses of the virtual network; expected nothing',
  ],
  [
    "azure-cni that nobody masquerades for",
    azureCni(1, { masqueradeBy: undefined }),
    "clusters[0].masqueradeBy: null is missing; expected azure-vnet or ip-masq-agent",
  ],
  [
    "services over pods",
    kubenet(1, { podCidr: cidr("10.0.128.0/17") }),
    'clusters[0].podCidr: "10.0.128.0/17" overlaps the service CIDR, 10.0.0.0/16; expected a range that nothing else uses',
  ],
  [
    "services over the network",
    kubenet(1, { serviceCidr: cidr("10.0.0.0/12") }),
    'clusters[0].serviceCidr: "10.0.0.0/12" overlaps the virtual network, 10.13.0.0/16; expected a range that nothing else uses',
  ],
  [
    "pods over docker",
    kubenet(1, { podCidr: cidr("172.16.0.0/12") }),
    'clusters[0].podCidr: "172.16.0.0/12" overlaps docker\'s bridge, 172.17.0.0/16; expected a range that nothing else uses',
  ],
  [
    "DNS elsewhere",
    kubenet(1, { dnsServiceIp: addr("10.1.0.10") }),
    'clusters[0].dnsServiceIp: "10.1.0.10" is outside the service CIDR; expected an address of 10.0.0.0/16',
  ],
  [
    "DNS at the API's address",
    kubenet(1, { dnsServiceIp: addr("10.0.0.1") }),
    'clusters[0].dnsServiceIp: "10.0.0.1" is reserved (the range itself, the API\'s .1, broadcast); expected another address of 10.0.0.0/16',
  ],
  [
    "more nodes than /24s",
    kubenet(5, { podCidr: cidr("192.168.0.0/22") }),
    'clusters[0].podCidr: "192.168.0.0/22" holds 4 blocks of /24, one a node, and there are 5 nodes; expected a /21 or larger',
  ],
  ["no nodes", kubenet(0), "clusters[0].nodes: 0 is no cluster; expected at least one node"],
  [
    "a cluster IP elsewhere",
    kubenet(1, { pins: { clusterIps: { "default/a": addr("10.1.0.1") } } }),
    'clusters[0].pins.clusterIps["default/a"]: "10.1.0.1" is outside the service CIDR; expected an address of 10.0.0.0/16',
  ],
  [
    "a cluster IP twice",
    kubenet(1, { pins: { clusterIps: { "default/a": addr("10.0.0.9"), "default/b": addr("10.0.0.9") } } }),
    'clusters[0].pins.clusterIps["default/b"]: "10.0.0.9" belongs to default/a; expected an address of its own for each service',
  ],
  [
    "the API's cluster IP",
    kubenet(1, { pins: { clusterIps: { "default/a": addr("10.0.0.1") } } }),
    'clusters[0].pins.clusterIps["default/a"]: "10.0.0.1" belongs to default/kubernetes; expected an address of its own for each service',
  ],
  [
    "a node port out of range",
    kubenet(1, { pins: { nodePorts: { "default/a": { 80: 8080 } } } }),
    'clusters[0].pins.nodePorts["default/a"][80]: 8080 is no node port; expected a port from 30000 to 32767 that no other service has',
  ],
  [
    "a node port twice",
    kubenet(1, { pins: { nodePorts: { "default/a": { 80: 30080 }, "default/b": { 80: 30080 } } } }),
    'clusters[0].pins.nodePorts["default/b"][80]: 30080 belongs to default/a port 80; expected a port from 30000 to 32767 that no other service has',
  ],
  [
    "a pod outside the pod CIDR",
    kubenet(1, { pins: { pods: { "default/a": [{ address: addr("10.13.77.9") }] } } }),
    'clusters[0].pins.pods["default/a"][0].address: "10.13.77.9" is outside the pod CIDR; expected nothing: kubenet gives the addresses of 192.168.0.0/16 out in order of creation',
  ],
  [
    "a pod outside the network",
    azureCni(1, { pins: { pods: { "default/a": [{ address: addr("192.168.0.9") }] } } }),
    'clusters[0].pins.pods["default/a"][0].address: "192.168.0.9" is outside the virtual network; expected an address of 10.0.0.0/8',
  ],
  [
    "a pod's name twice",
    kubenet(1, { pins: { pods: { "default/a": [{ name: "a-1" }, { name: "a-1" }] } } }),
    'clusters[0].pins.pods["default/a"][1].name: "a-1" is taken; expected a name of its own for each pod',
  ],
  [
    "a scale of nothing",
    kubenet(1, { scale: { whereami: 3 } }),
    'clusters[0].scale["whereami"]: "whereami" is not a deployment of the cluster; expected kube-system/heapster, kube-system/kube-dns-v20, kube-system/kubernetes-dashboard, kube-system/metrics-server, kube-system/tunnelfront',
  ],
  [
    "a scale below nothing",
    kubenet(1, { manifests: applied(), scale: { whereami: -1 } }),
    'clusters[0].scale["whereami"]: -1 is out of range; expected 0 or more pods',
  ],
  [
    "kubenet with another's masquerading",
    kubenet(1, { masqueradeBy: "ip-masq-agent" }),
    'clusters[0].masqueradeBy: "ip-masq-agent" does not go with kubenet, which masquerades itself; expected nothing; nonMasqueradeCidr says where it does not',
  ],
  [
    "azure-cni with kubenet's range",
    azureCni(1, { nonMasqueradeCidr: cidr("10.0.0.0/8") }),
    'clusters[0].nonMasqueradeCidr: "10.0.0.0/8" does not go with azure-cni; expected nothing; masqueradeBy names who masquerades',
  ],
  [
    "azure-cni that somebody unknown masquerades for",
    azureCni(1, { masqueradeBy: "cilium" as "azure-vnet" }),
    'clusters[0].masqueradeBy: "cilium" is not known; expected azure-vnet or ip-masq-agent',
  ],
  [
    "pods over the network",
    kubenet(1, { podCidr: cidr("10.12.0.0/15") }),
    'clusters[0].podCidr: "10.12.0.0/15" overlaps the virtual network, 10.13.0.0/16; expected a range that nothing else uses',
  ],
  [
    "services over docker",
    azureCni(1, { serviceCidr: cidr("172.17.128.0/17"), dnsServiceIp: addr("172.17.128.10") }),
    'clusters[0].serviceCidr: "172.17.128.0/17" overlaps docker\'s bridge, 172.17.0.0/16; expected a range that nothing else uses',
  ],
  [
    "too many service addresses",
    kubenet(1, { serviceCidr: cidr("100.0.0.0/11"), dnsServiceIp: addr("100.0.0.10") }),
    "clusters[0].serviceCidr's prefix length: 11 is out of range; expected 12 to 28 bits",
  ],
  [
    "too few service addresses",
    kubenet(1, { serviceCidr: cidr("10.0.0.0/29"), dnsServiceIp: addr("10.0.0.2") }),
    "clusters[0].serviceCidr's prefix length: 29 is out of range; expected 12 to 28 bits",
  ],
  [
    "DNS at the first address",
    kubenet(1, { dnsServiceIp: addr("10.0.0.0") }),
    'clusters[0].dnsServiceIp: "10.0.0.0" is reserved (the range itself, the API\'s .1, broadcast); expected another address of 10.0.0.0/16',
  ],
  [
    "DNS at the last address",
    kubenet(1, { dnsServiceIp: addr("10.0.255.255") }),
    'clusters[0].dnsServiceIp: "10.0.255.255" is reserved (the range itself, the API\'s .1, broadcast); expected another address of 10.0.0.0/16',
  ],
  [
    "a pod CIDR smaller than a node's share",
    kubenet(1, { podCidr: cidr("192.168.0.0/25") }),
    'clusters[0].podCidr: "192.168.0.0/25" holds 0 blocks of /24, one a node, and there are 1 nodes; expected a /24 or larger',
  ],
  [
    "a node's name twice",
    kubenet(2, { nodes: kubenet(2).nodes.map(node => ({ ...node, name: "n" })) }),
    'clusters[0].nodes[1].name: "n" is taken; expected a name of its own for each node',
  ],
  [
    "a node's address twice",
    kubenet(2, { nodes: kubenet(2).nodes.map(node => ({ ...node, internalIp: addr("10.13.77.4") })) }),
    'clusters[0].nodes[1].internalIp: "10.13.77.4" is taken; expected an address of its own for each node',
  ],
  [
    "a node outside the network",
    kubenet(2, { nodes: [kubenet(1).nodes[0]!, { name: "n", internalIp: addr("10.14.0.4"), created: start }] }),
    'clusters[0].nodes[1].internalIp: "10.14.0.4" is outside the virtual network; expected an address of 10.13.0.0/16',
  ],
  [
    "a pod's name that is none",
    kubenet(1, podPins({ name: "A" })),
    'clusters[0].pins.pods["default/a"][0].name: "A" is no pod name; expected a-z, 0-9, - and .',
  ],
  [
    "a pod before the first node",
    kubenet(1, podPins({}, { node: -1 })),
    'clusters[0].pins.pods["default/a"][1].node: -1 is out of range; expected 0 or more as an index of a node',
  ],
  [
    "a pod that went before it came",
    kubenet(1, podPins({ created: start + 1, deleted: start })),
    `clusters[0].pins.pods["default/a"][0].deleted: ${start} is before it was created; expected a later time`,
  ],
  [
    "a pod's address with kubenet",
    kubenet(1, podPins({ address: addr("192.168.0.9") })),
    'clusters[0].pins.pods["default/a"][0].address: "192.168.0.9" cannot be pinned; expected nothing: kubenet gives the addresses of 192.168.0.0/16 out in order of creation',
  ],
  [
    "a pod's address twice",
    azureCni(1, podPins({ address: addr("10.13.76.9") }, { address: addr("10.13.76.9") })),
    'clusters[0].pins.pods["default/a"][1].address: "10.13.76.9" is pinned to pins.pods["default/a"] too; expected an address of its own for each pod',
  ],
  [
    "DNS at another's address",
    kubenet(1, { pins: { clusterIps: { "kube-system/kube-dns": addr("10.0.0.11") } } }),
    'clusters[0].pins.clusterIps["kube-system/kube-dns"]: "10.0.0.11" is not the address that this service always has; expected 10.0.0.10',
  ],
  [
    "the range's own address for a service",
    kubenet(1, { pins: { clusterIps: { "default/a": addr("10.0.0.0") } } }),
    'clusters[0].pins.clusterIps["default/a"]: "10.0.0.0" belongs to the range itself; expected an address of its own for each service',
  ],
  [
    "the broadcast address for a service",
    kubenet(1, { pins: { clusterIps: { "default/a": addr("10.0.255.255") } } }),
    'clusters[0].pins.clusterIps["default/a"]: "10.0.255.255" belongs to the range\'s broadcast address; expected an address of its own for each service',
  ],
  ...[29_999, 32_768, 30_000.5].map(
    port =>
      [
        `node port ${port}`,
        kubenet(1, { pins: { nodePorts: { "default/a": { 80: port } } } }),
        `clusters[0].pins.nodePorts["default/a"][80]: ${port} is no node port; expected a port from 30000 to 32767 that no other service has`,
      ] as const,
  ),
  [
    "an unknown add-on",
    { ...kubenet(1), addons: [{ name: "monitoring" as "http_application_routing", enabledAt: start }] },
    'clusters[0].addons: "monitoring" is not a known add-on; expected http_application_routing',
  ],
  [
    "an unknown VM size",
    kubenet(1, { vmSize: "Standard_X1" }),
    'clusters[0].vmSize: "Standard_X1" is not a known VM size; expected Standard_B2ms, Standard_DS1_v2, Standard_DS2_v2, Standard_DS3_v2, Standard_D2_v3, Standard_D2s_v3, Standard_D4s_v3, Standard_D8s_v3, Standard_D16s_v3',
  ],
];

input("names field, value, problem and what would be right", () => {
  for (const [name, cluster, message] of refusals)
    assert.is(
      messageOf(() => buildCluster(cluster)),
      message,
      name,
    );
});

input("what lies just within is taken", () => {
  const taken: readonly (readonly [name: string, input: ClusterInput])[] = [
    ["10 pods a node", kubenet(1, { maxPods: 10 })],
    ["250 pods a node", kubenet(1, { maxPods: 250 })],
    ["a v before the version", kubenet(1, { version: "v1.11.10" })],
    ["as many nodes as shares", kubenet(4, { podCidr: cidr("192.168.0.0/22") })],
    ["one share for one node", kubenet(1, { podCidr: cidr("192.168.0.0/24") })],
    ["the most services", kubenet(1, { serviceCidr: cidr("100.0.0.0/12"), dnsServiceIp: addr("100.0.0.10") })],
    ["the fewest services", kubenet(1, { serviceCidr: cidr("10.0.0.0/28"), dnsServiceIp: addr("10.0.0.14") })],
    ["DNS at the address after the API's", kubenet(1, { dnsServiceIp: addr("10.0.0.2") })],
    ["services beside docker and the network", azureCni(1, { vnet: [cidr("10.0.0.0/8"), cidr("172.16.0.0/16")] })],
    [
      "the same name in two namespaces",
      kubenet(1, { pins: { pods: { "dev/a": [{ name: "a-1" }], "rev/a": [{ name: "a-1" }] } } }),
    ],
    ["a pod that was gone at once", kubenet(1, podPins({ created: start, deleted: start }))],
    [
      "the first node port and the last",
      kubenet(1, { pins: { nodePorts: { "default/a": { 80: 30000, 81: 32767 } } } }),
    ],
    ["DNS where it is", kubenet(1, { pins: { clusterIps: { "kube-system/kube-dns": addr("10.0.0.10") } } })],
    ["the whole network for masquerading", kubenet(1, { nonMasqueradeCidr: cidr("0.0.0.0/0") })],
  ];
  for (const [name, cluster] of taken) assert.is(buildCluster(cluster).name, cluster.name, name);
  assert.is(buildCluster(kubenet(1, { version: "v1.11.10" })).version, "1.11.10");
  assert.is(formatAddr(buildCluster(kubenet(1, { dnsServiceIp: undefined })).dnsServiceIp), "10.0.0.10");
  assert.is(buildCluster(kubenet(1)).version, "1.11.5");
});

input("a service CIDR that is used up", () => {
  const many = Array.from({ length: 12 }, (_, index) => ({ ...whereami[1]!, name: `s${index}` }));
  const small = kubenet(1, { serviceCidr: cidr("10.0.0.0/28"), manifests: [{ objects: many, appliedAt: start }] });
  assert.match(
    messageOf(() => buildCluster(small)),
    /serviceCidr: "10\.0\.0\.0\/28" has no address left for the service default\/s9; expected a larger range: 17 services are wanted/,
  );
});

input("an ingress to a port that is not there", () => {
  const ingress = {
    kind: "Ingress",
    namespace: "default",
    name: "i",
    labels: {},
    class: "",
    rules: [{ host: "*", path: "/", service: "whereami", port: "web" }],
  } as const;
  const cluster = kubenet(1, { manifests: [{ objects: [...whereami, ingress], appliedAt: start }] });
  assert.is(
    messageOf(() => buildCluster(cluster)),
    'clusters[0]: Ingress default/i: "web" is no port of the service whereami; expected a port number',
  );
});

input("objects applied again keep their age", () => {
  const cluster = buildCluster(
    kubenet(1, {
      manifests: [
        ...applied(start + 500),
        { objects: [{ ...whereami[0]!, replicas: 5 } as (typeof whereami)[number]], appliedAt: start + 900 },
      ],
    }),
  );
  assert.equal(
    cluster.deployments.filter(({ name }) => name === "whereami").map(({ replicas, created }) => [replicas, created]),
    [[5, start + 500]],
  );
  const pinned = buildCluster(articleKubenet({ pins: { created: { "Service/default/whereami": start + 77 } } }));
  assert.is(service(pinned, "default/whereami").created, start + 77);
  assert.is(whereamiIngress.length, 3);
});

input.run();

const scale = suite("large clusters");

scale("of 5,000 nodes with 100 reserved addresses each, and of 110,000 pods, are built", () => {
  assert.is(buildCluster(azureCni(5000, { maxPods: 100 })).nodes.length, 5000);
  const wide = kubenet(1000, {
    podCidr: cidr("192.0.0.0/8"),
    vnet: [cidr("10.13.0.0/16")],
    manifests: applied(),
    scale: { whereami: 107_994 },
  });
  const cluster = buildCluster(wide);
  assert.is(cluster.pods.length, 110_000);
  assert.is(cluster.pending.length, 0);
});

scale.run();
