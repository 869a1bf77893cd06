import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { InputError } from "../../lib/errors.js";
import { articleScenario } from "../../lib/scenario/article.js";
import { build } from "../../lib/scenario/build.js";
import { whereami } from "../../lib/scenario/manifests.js";
import type { Scenario } from "../../lib/scenario/scenario.js";
import { message } from "../message.js";
import { plain, plainCni } from "./base.js";

const refused = (scenario: unknown) => message(() => build(scenario as Scenario));
const table = (name: string, rows: readonly (readonly [scenario: unknown, text: string])[]) => {
  const test = suite(name);
  test("each is one line that names place, value and remedy", () => {
    for (const [scenario, text] of rows) assert.is(refused(scenario), text);
  });
  test.run();
};
const vnet = plain().vnet;
const basic = { sku: "Basic", frontendSelection: "first" } as const;
const standard = { sku: "Standard", frontendSelection: "first" } as const;
const { name: _, ...nameless } = plain();

table("the shape of a scenario", [
  [
    null,
    "scenario: null is not an object; expected a scenario with name, seed, resourceGroup, location, vnet, vms, clusters, sites, era, startsAt",
  ],
  [
    { ...plain(), node: 1 },
    'scenario: "node" is not a field of a scenario; expected one of name, seed, resourceGroup, location, vnet, vms, clusters, sites, era, startsAt',
  ],
  [nameless, "name: undefined is missing; expected a name"],
  [
    plain({ maxpods: 30 } as never),
    'clusters[0]: "maxpods" is not a field of a cluster; expected one of name, plugin, subnet, nodeCount, maxSurge, maxPods, version, serviceCidr, dnsServiceIp, podCidr, nonMasqueradeCidr, masqueradeBy, loadBalancer, addons, manifests, scale, pins',
  ],
  [
    plain({ plugin: "calico" as never }),
    'clusters[0].plugin: "calico" is no network plugin; expected azure-cni or kubenet',
  ],
  [
    plain({ loadBalancer: { ...basic, sku: "Premium" as never } }),
    'clusters[0].loadBalancer.sku: "Premium" is no load balancer SKU; expected Basic or Standard',
  ],
  [
    plain({ loadBalancer: { ...basic, era: "1999" as never } }),
    'clusters[0].loadBalancer.era: "1999" is no era; expected 2018 or 2021 or 2023',
  ],
  [
    plain({ addons: ["monitoring" as never] }),
    'clusters[0].addons[0]: "monitoring" is no add-on; expected http_application_routing',
  ],
  [plain({ nodeCount: "3" as never }), 'clusters[0].nodeCount: "3" is not a number; expected a number'],
  [plain({}, { clusters: {} as never }), "clusters: {} is not a list; expected a list"],
  [
    plain({ name: "a b" }),
    'clusters[0].name: "a b" is not right; expected a name: a-z, A-Z, 0-9, - and _, at most 63 characters',
  ],
  [
    plain({ pins: { publicAddresses: { whereami: "1.2.3.4" } } }),
    'clusters[0].pins.publicAddresses: "whereami" is not a key; expected namespace/name',
  ],
  [
    plain({ pins: { created: { whereami: "2019-02-12T12:00:00Z" } } }),
    'clusters[0].pins.created: "whereami" is not a key; expected Node/NAME, Service/NAMESPACE/NAME, Deployment/NAMESPACE/NAME or Addon/NAME',
  ],
  [plain({ scale: { app: 1e9 } }), 'clusters[0].scale["app"]: 1000000000 is out of range; expected 0 to 1250000 pods'],
  [
    plain({}, { seed: 2 ** 40 }),
    "seed: 1099511627776 is out of range; expected -2147483648 to 2147483647 (a 32-bit whole number)",
  ],
  [
    plain({}, { startsAt: "noon" }),
    'startsAt: "noon" is not an RFC 3339 time; expected a time like 2019-02-12T22:11:26Z',
  ],
  [
    plain({}, { startsAt: "2019-02-31T12:00:00" }),
    'startsAt: "2019-02-31T12:00:00" is not an RFC 3339 time; expected a time like 2019-02-12T22:11:26Z',
  ],
]);

table("counts", [
  [
    plain({ nodeCount: 401 }),
    "clusters[0].nodeCount: 401 is out of range; expected 1 to 400 nodes with kubenet, a user-defined route each",
  ],
  [plainCni({ nodeCount: 0 }), "clusters[0].nodeCount: 0 is out of range; expected 1 to 5000 nodes"],
  [plain({ maxPods: 9 }), "clusters[0].maxPods: 9 is out of range; expected 10 to 250 pods per node"],
  [plain({ maxPods: 251 }), "clusters[0].maxPods: 251 is out of range; expected 10 to 250 pods per node"],
  [
    plain({ nodeCount: 1, maxPods: 29 }),
    "clusters[0].maxPods: 29 gives the node pool 29 pod slots; expected at least 30 in all, so 30 per node",
  ],
  [
    plainCni({ nodeCount: 10 }),
    "clusters[0].nodeCount: 10 is refused: Pre-allocated IPs 310 exceeds IPs available 251 in Subnet nodes; expected at most 8 nodes, fewer max-pods or a larger subnet",
  ],
  [
    plainCni({ nodeCount: 2, maxPods: 250 }),
    "clusters[0].nodeCount: 2 is refused: Pre-allocated IPs 502 exceeds IPs available 251 in Subnet nodes; expected at most 1 node, fewer max-pods or a larger subnet",
  ],
  [
    plain({ nodeCount: 9, podCidr: "192.168.0.0/21" }),
    'clusters[0].podCidr: "192.168.0.0/21" holds 8 blocks of /24, one a node, and there are 9 nodes; expected a /20 or larger',
  ],
  [
    plain({ nodeCount: 252, podCidr: "192.168.0.0/16" }),
    "clusters[0].nodeCount: 252 is refused: Pre-allocated IPs 252 exceeds IPs available 251 in Subnet nodes; expected at most 251 nodes, fewer max-pods or a larger subnet",
  ],
]);

table("ranges", [
  [plain({ subnet: "nowhere" }), 'clusters[0].subnet: "nowhere" is no subnet of vnet; expected nodes or vms'],
  [
    plain({ podCidr: "192.168.0.1/16" }),
    'clusters[0].podCidr: "192.168.0.1/16" has address bits beyond its prefix; expected 192.168.0.0/16',
  ],
  [
    plain({ podCidr: "10.13.128.0/17" }),
    'clusters[0].podCidr: "10.13.128.0/17" overlaps the virtual network, 10.13.0.0/16; expected a range that nothing else uses',
  ],
  [
    plain({ podCidr: "10.0.0.0/16" }),
    'clusters[0].podCidr: "10.0.0.0/16" overlaps the service CIDR, 10.0.0.0/16; expected a range that nothing else uses',
  ],
  [
    plain({ serviceCidr: "10.13.200.0/24" }),
    'clusters[0].serviceCidr: "10.13.200.0/24" overlaps the virtual network, 10.13.0.0/16; expected a range that nothing else uses',
  ],
  [
    plain({ serviceCidr: "10.0.0.0/30" }),
    "clusters[0].serviceCidr's prefix length: 30 is out of range; expected 12 to 28 bits",
  ],
  [
    plain({ dnsServiceIp: "10.0.0.1" }),
    'clusters[0].dnsServiceIp: "10.0.0.1" is reserved (the range itself, the API\'s .1, broadcast); expected another address of 10.0.0.0/16',
  ],
  [
    plain({ dnsServiceIp: "10.1.0.10" }),
    'clusters[0].dnsServiceIp: "10.1.0.10" is outside the service CIDR; expected an address of 10.0.0.0/16',
  ],
  [
    plainCni({ podCidr: "192.168.0.0/16" }),
    'clusters[0].podCidr: "192.168.0.0/16" does not go with azure-cni, whose pods have addresses of the virtual network; expected nothing',
  ],
  [
    plainCni({ nonMasqueradeCidr: "10.0.0.0/8" }),
    'clusters[0].nonMasqueradeCidr: "10.0.0.0/8" does not go with azure-cni; expected nothing; masqueradeBy names who masquerades',
  ],
  [
    plain({ masqueradeBy: "azure-vnet" }),
    'clusters[0].masqueradeBy: "azure-vnet" does not go with kubenet, which masquerades itself; expected nothing; nonMasqueradeCidr says where it does not',
  ],
  [
    plain({}, { vnet: { ...vnet, addressSpace: ["10.13.0.0/16", "198.18.0.0/16"] } }),
    'vnet.addressSpace[1]: "198.18.0.0/16" overlaps 198.18.0.0/15, which stands for the public addresses that Azure draws; expected another range, such as 10.0.0.0/8',
  ],
  [
    plain({}, { vnet: { ...vnet, subnets: [...vnet.subnets, { name: "x", prefix: "10.13.77.128/25" }] } }),
    'vnet.subnets[2].prefix: "10.13.77.128/25" overlaps subnets[0] nodes (10.13.77.0/24); expected ranges that share no address',
  ],
]);

table("load balancers", [
  [
    plain({ loadBalancer: { ...basic, allocatedOutboundPorts: 8 } }),
    "clusters[0].loadBalancer.allocatedOutboundPorts: 8 is for sku Standard only; expected the field left out",
  ],
  [
    plain({ loadBalancer: { ...basic, outboundIps: 2 } }),
    "clusters[0].loadBalancer.outboundIps: 2 is for sku Standard only; expected the field left out",
  ],
  [
    plain({ loadBalancer: { ...basic, idleTimeoutMinutes: 4 } }),
    "clusters[0].loadBalancer.idleTimeoutMinutes: 4 is for sku Standard only; expected the field left out",
  ],
  [
    plain({ loadBalancer: { ...standard, outboundIps: 101 } }),
    "clusters[0].loadBalancer.outboundIps: 101 is out of range; expected 1 to 100 outbound addresses",
  ],
  [
    plain({ loadBalancer: { ...standard, idleTimeoutMinutes: 3 } }),
    "clusters[0].loadBalancer.idleTimeoutMinutes: 3 is out of range; expected 4 to 120 minutes",
  ],
  [
    plain({ loadBalancer: { ...standard, allocatedOutboundPorts: 1001 } }),
    "clusters[0].loadBalancer.allocatedOutboundPorts: 1001 is not a multiple of 8, the block that ports are given out in; expected 1000 or 1008",
  ],
  [
    plain({ nodeCount: 9, loadBalancer: { ...standard, allocatedOutboundPorts: 8000 } }),
    "clusters[0].loadBalancer.allocatedOutboundPorts: 8000 is refused: Total node count 10 requires 80000 ports but only 64000 ports are available given 1 outbound public IPs (9 nodes and 1 surge node, maxSurge 10%); expected fewer ports, fewer nodes or more outbound addresses",
  ],
  [
    plain({ nodeCount: 3, maxSurge: 2, loadBalancer: { ...standard, allocatedOutboundPorts: 16_000 } }),
    "clusters[0].loadBalancer.allocatedOutboundPorts: 16000 is refused: Total node count 5 requires 80000 ports but only 64000 ports are available given 1 outbound public IPs (3 nodes and 2 surge nodes, maxSurge 2); expected fewer ports, fewer nodes or more outbound addresses",
  ],
  [
    plain({ maxSurge: "101%" }),
    'clusters[0].maxSurge: "101%" is no surge; expected a number of nodes, or a percentage of each pool: 1% to 100%',
  ],
  [
    plainCni(
      { nodeCount: 1001, maxPods: 10, loadBalancer: standard },
      { vnet: { ...vnet, subnets: [{ name: "nodes", prefix: "10.13.128.0/17" }, vnet.subnets[1]!] } },
    ),
    "clusters[0].loadBalancer.allocatedOutboundPorts: 0 is refused: the default table of ports ends at 1000 nodes and the pool has 1001; expected a multiple of 8 set by hand",
  ],
]);

table("addresses", [
  [
    plain({}, { vms: [{ name: "vm", subnet: "vms", address: "10.13.1.2", user: "lab" }] }),
    'vms[0].address: "10.13.1.2" is reserved by Azure; expected an address of 10.13.1.0/24 other than the first four and the last',
  ],
  [
    plain({}, { vms: [{ name: "vm", subnet: "vms", address: "10.13.77.4", user: "lab" }] }),
    'vms[0].address: "10.13.77.4" is outside the subnet 10.13.1.0/24; expected an address of 10.13.1.0/24',
  ],
  [
    plain({}, { vms: [{ name: "vm", subnet: "x", user: "lab" }] }),
    'vms[0].subnet: "x" is no subnet of vnet; expected nodes or vms',
  ],
  [
    plain({ pins: { nodeAddresses: ["10.13.77.4", "10.13.77.4"] } }),
    'clusters[0].pins.nodeAddresses[1]: "10.13.77.4" is taken already; expected a free address of 10.13.77.0/24',
  ],
  [
    plain({}, { sites: [{ name: "a", address: "10.99.0.1" }] }),
    'sites[0].address: "10.99.0.1" is not a public address; expected an address that the Internet routes, or one of 192.0.2.0/24, 198.51.100.0/24, 203.0.113.0/24',
  ],
  [
    plain(
      {},
      {
        sites: [
          { name: "a", address: "203.0.113.1" },
          { name: "b", address: "203.0.113.1" },
        ],
      },
    ),
    'sites[1].address: "203.0.113.1" is taken by sites[0].address; expected an address of its own',
  ],
  [
    plain({ pins: { publicAddresses: { "default/a": "203.0.113.10" } } }),
    'clusters[0].pins.publicAddresses["default/a"]: "203.0.113.10" is taken by sites[0].address; expected an address of its own',
  ],
  [
    plain({}, { sites: [{ name: "vm", address: "203.0.113.1" }] }),
    'scenario: "vm" names a vm and a site; expected a name of its own for each machine, site and node',
  ],
  [
    plain({ pins: { pods: { "default/a": [{ address: "192.168.0.2" }] } } }),
    'clusters[0].pins.pods["default/a"][0].address: "192.168.0.2" cannot be pinned; expected nothing: kubenet gives the addresses of 192.168.0.0/16 out in order of creation',
  ],
  [
    plainCni({ pins: { pods: { "default/a": [{ address: "10.13.1.9" }] } } }),
    'clusters[0].pins.pods["default/a"][0].address: "10.13.1.9" is outside the subnet nodes; expected an address of 10.13.77.0/24 that its node\'s card holds',
  ],
  [
    plainCni({ pins: { pods: { "default/a": [{ address: "10.13.77.200" }] } } }),
    'clusters[0].pins.pods["default/a"][0].address: "10.13.77.200" is reserved for pods on no node\'s card; expected an address of the pod\'s own node',
  ],
  [
    plainCni({ pins: { pods: { "default/a": [{ node: 1, address: "10.13.77.5" }] } } }),
    'clusters[0].pins.pods["default/a"][0].address: "10.13.77.5" is reserved on the card of node 0; expected an address of the pod\'s own node',
  ],
]);

const twins = (podCidr: string) =>
  plain({}, { clusters: [plain().clusters[0]!, { ...plain({ podCidr }).clusters[0]!, name: "d" }] });
const done = (appliedAt: string) => plain({ manifests: [{ ...whereami, appliedAt }] });

table("clusters, manifests and times", [
  [
    plain({}, { clusters: [plain().clusters[0]!, plain().clusters[0]!] }),
    'clusters[1].name: "c" is the name of clusters[0] too; expected a name of its own',
  ],
  [
    twins("192.168.128.0/17"),
    'clusters[1].podCidr: "192.168.128.0/17" overlaps clusters[0].podCidr, 192.168.0.0/16, whose routes are in the same table; expected ranges that share no address',
  ],
  [
    done("2019-02-12T13:00:00Z"),
    'clusters[0].manifests[0].appliedAt: "2019-02-12T13:00:00Z" is after the scenario\'s start; expected 2019-02-12T12:00:00Z or earlier',
  ],
  [
    done("2019-02-12T10:00:00Z"),
    'clusters[0].manifests[0].appliedAt: "2019-02-12T10:00:00Z" is before the cluster was created; expected 2019-02-12T11:00:00Z or later; pins.created["Service/default/kubernetes"] moves that',
  ],
]);

const whole = suite("bad input");

whole("in any place of a scenario gives an InputError or a network, never anything else", () => {
  const paths: (readonly (string | number)[])[] = [];
  const visit = (value: unknown, path: readonly (string | number)[]): void => {
    if (path.length > 0) paths.push(path);
    if (typeof value === "object" && value !== null)
      for (const [key, child] of Object.entries(value))
        visit(child, [...path, Array.isArray(value) ? Number(key) : key]);
  };
  visit(articleScenario, []);
  const replaced = (path: readonly (string | number)[], junk: unknown): unknown => {
    const copy = structuredClone(articleScenario) as unknown;
    let at = copy as Record<string | number, unknown>;
    for (const key of path.slice(0, -1)) at = at[key] as typeof at;
    at[path.at(-1)!] = junk;
    return copy;
  };
  const junk = fc.oneof(
    fc.anything(),
    fc.integer(),
    fc.string(),
    fc.ipV4(),
    fc.constantFrom("", "0.0.0.0/0", "10.0.0.0/8", Number.NaN, -1, 1e9, [], {}, null),
  );
  fc.assert(
    fc.property(fc.constantFrom(...paths), junk, (path, value) => {
      try {
        build(replaced(path, value) as Scenario);
      } catch (error) {
        assert.instance(error, InputError, `${path.join(".")}: ${String(error)}`);
      }
    }),
    { numRuns: 400 },
  );
});

whole.run();
