import { checkSeed } from "../checks.js";
import { type Nic, fabricNic } from "../azure/nic.js";
import { applianceRoute, routeTable } from "../azure/routes.js";
import { type Subnet, type VirtualNetwork, virtualNetwork } from "../azure/vnet.js";
import { InputError } from "../errors.js";
import { type Addr } from "../ip/addr.js";
import type { Pool } from "../ip/addressPool.js";
import { buildCluster } from "../kube/buildCluster.js";
import { clusterHosts } from "../kube/hosts.js";
import type { Cluster, Time } from "../kube/cluster.js";
import type { Fabric, Host, Network, Translator, UserRoute } from "../net/network.js";
import { seeded, subseed } from "../random.js";
import {
  type PrivateAddresses,
  type PublicAddresses,
  firstFree,
  privateAddresses,
  publicAddresses,
} from "./vnetAddresses.js";
import { assumptionsOf } from "./assumptions.js";
import { type GivenAddress, buildCloud } from "./cloud.js";
import { apiServerHost, siteHost, vmHost, vmNic, vmTranslator } from "./machines.js";
import { type PinnedNodes, type PlannedNode, checkPinnedPods, planNodes } from "./nodes.js";
import { type ClusterPlan, checkTogether, planCluster } from "./clusterPlan.js";
import { readScenario } from "./read.js";
import { parseTime } from "./time.js";
import type { Built, BuiltCluster, Scenario } from "./scenario.js";

/** What one cluster or machine adds to the network. */
interface Part {
  readonly hosts: readonly Host[];
  readonly nics: readonly { readonly nic: Nic; readonly host: string }[];
  readonly translators: readonly Translator[];
  readonly routes: readonly { readonly subnet: string; readonly route: UserRoute }[];
  readonly names: Network["names"];
}

const nothing: Part = { hosts: [], nics: [], translators: [], routes: [], names: [] };

/** What is at hand while a scenario is built. */
interface Site {
  readonly scenario: Scenario;
  readonly vnet: VirtualNetwork;
  readonly startsAt: Time;
  readonly publics: PublicAddresses;
  readonly privates: PrivateAddresses;
}

/** Addresses that the user states, taken before any is drawn. Keys are field paths. */
interface Claims {
  readonly sites: readonly Addr[];
  readonly vms: readonly { readonly address: Addr | undefined; readonly publicAddress: Addr | undefined }[];
  readonly clusters: readonly { readonly publicAddresses: ReadonlyMap<string, Addr>; readonly nodes: PinnedNodes }[];
}

const claim = ({ scenario, publics, privates }: Site): Claims => ({
  sites: scenario.sites.map(({ address }, i) => publics.claim(address, `sites[${i}].address`)),
  vms: scenario.vms.map(({ subnet, address, publicAddress }, i) => {
    privates.subnet(subnet, `vms[${i}].subnet`);
    return {
      address: address === undefined ? undefined : privates.claim(subnet, address, `vms[${i}].address`),
      publicAddress: publicAddress === undefined ? undefined : publics.claim(publicAddress, `vms[${i}].publicAddress`),
    };
  }),
  clusters: scenario.clusters.map(({ subnet, nodeCount, pins }, i) => {
    privates.subnet(subnet, `clusters[${i}].subnet`);
    const where = `clusters[${i}].pins`;
    return {
      publicAddresses: new Map(
        Object.entries(pins?.publicAddresses ?? {}).map(([key, text]) => [
          key,
          publics.claim(text, `${where}.publicAddresses["${key}"]`),
        ]),
      ),
      nodes: (pins?.nodeAddresses ?? [])
        .slice(0, nodeCount)
        .map((text, node) => privates.claim(subnet, text, `${where}.nodeAddresses[${node}]`)),
    };
  }),
});

const subnetOf = (vnet: VirtualNetwork, name: string): Subnet => vnet.subnets.find(subnet => subnet.name === name)!;

const buildVm = (site: Site, index: number, claims: Claims["vms"][number]): Part => {
  const spec = site.scenario.vms[index]!;
  const addresses: Pool = site.privates.subnet(spec.subnet, `vms[${index}].subnet`);
  const address = claims.address ?? firstFree(addresses, `vms[${index}].subnet`, spec.subnet);
  return {
    ...nothing,
    hosts: [vmHost(spec, subnetOf(site.vnet, spec.subnet), address)],
    nics: [{ nic: vmNic(spec, address, claims.publicAddress), host: spec.name }],
    translators:
      claims.publicAddress === undefined
        ? [vmTranslator(spec, address, site.publics.draw(`machine ${spec.name}`))]
        : [],
  };
};

const buildSite = ({ scenario }: Site, index: number, address: Addr): Part => {
  const { name } = scenario.sites[index]!;
  return { ...nothing, hosts: [siteHost(name, address)], names: [{ name, address }] };
};

const kubenetRoutes = (plan: ClusterPlan, cluster: Cluster): Part["routes"] =>
  cluster.nodes.flatMap(({ name, podCidr, internalIp }) =>
    podCidr === undefined ? [] : [{ subnet: plan.subnet.name, route: applianceRoute(name, podCidr, internalIp) }],
  );

/** The API server's name: the cluster's, eight hexadecimal digits, and the region's domain. */
const apiServerName = ({ scenario }: Site, plan: ClusterPlan): string => {
  const digits = seeded(subseed(scenario.seed, `API server of ${plan.spec.name}`))
    .int(0x10000000, 0xffffffff)
    .toString(16);
  return `${plan.spec.name.toLowerCase().replaceAll("_", "-")}-${digits}.hcp.${scenario.location}.azmk8s.io`;
};

const joinCluster = (
  site: Site,
  plan: ClusterPlan,
  nodes: readonly PlannedNode[],
  apiServer: Addr,
  publicAddress: (key: string) => Addr,
): Cluster =>
  buildCluster({
    where: plan.where,
    name: plan.spec.name,
    version: plan.version,
    plugin: plan.plugin,
    maxPods: plan.maxPods,
    serviceCidr: plan.serviceCidr,
    dnsServiceIp: plan.dnsServiceIp,
    podCidr: plan.podCidr,
    nonMasqueradeCidr: plan.nonMasqueradeCidr,
    masqueradeBy: plan.masqueradeBy,
    vnet: site.vnet.addressSpace,
    nodeResourceGroup: nodeResourceGroup(site.scenario, plan),
    nodes: nodes.map(({ input }) => input),
    manifests: plan.manifests,
    addons: plan.addons,
    scale: plan.scale,
    pins: plan.pins,
    publicAddress,
    apiServer,
    seed: subseed(site.scenario.seed, `cluster ${plan.spec.name}`),
    created: plan.created,
  });

const nodeResourceGroup = ({ resourceGroup, location }: Scenario, { spec }: ClusterPlan): string =>
  `MC_${resourceGroup}_${spec.name}_${location}`;

const buildOne = (
  site: Site,
  plan: ClusterPlan,
  claims: Claims["clusters"][number],
): { readonly part: Part; readonly built: BuiltCluster } => {
  const { scenario, publics, privates } = site;
  const name = plan.spec.name;
  const give = (key: string): Addr => claims.publicAddresses.get(key) ?? publics.draw(`${name}/${key}`);
  const nodes = planNodes(
    plan,
    privates.subnet(plan.subnet.name, `${plan.where}.subnet`),
    claims.nodes,
    scenario.seed,
    site.startsAt,
  );
  checkPinnedPods(plan, nodes);
  const given: GivenAddress[] = Array.from({ length: plan.balancer.outboundIps }, (_, i) => ({
    address: give(`outbound/${i}`),
  }));
  const apiServer = publics.draw(`API server of ${name}`);
  const cluster = joinCluster(site, plan, nodes, apiServer, service => {
    const address = give(service);
    given.push({ address, service });
    return address;
  });
  const { loadBalancer, translator } = buildCloud(
    plan,
    cluster,
    given,
    () => publics.draw(`nodes of ${name}`),
    scenario.seed,
  );
  const apiName = apiServerName(site, plan);
  return {
    part: {
      hosts: [...clusterHosts(cluster, plan.subnet.cidr), apiServerHost(apiName, apiServer)],
      nics: nodes.map(({ nic, input }) => ({ nic, host: input.name })),
      translators: [translator],
      routes: kubenetRoutes(plan, cluster),
      names: [{ name: apiName, address: apiServer }],
    },
    built: { spec: plan.spec, cluster, nodeResourceGroup: nodeResourceGroup(scenario, plan), loadBalancer },
  };
};

const buildFabric = (vnet: VirtualNetwork, parts: readonly Part[]): Fabric => {
  const routes = new Map<string, UserRoute[]>(vnet.subnets.map(({ name }) => [name, []]));
  for (const { subnet, route } of parts.flatMap(part => part.routes)) routes.get(subnet)!.push(route);
  return {
    addressSpace: vnet.addressSpace,
    subnets: vnet.subnets.map(({ name, cidr }) => ({
      name,
      cidr,
      routes: routeTable(name, routes.get(name)!, `route table of subnet ${name}`).routes,
    })),
    nics: parts.flatMap(part => part.nics.map(({ nic, host }) => fabricNic(nic, host, "eth0"))),
    translators: parts.flatMap(part => part.translators),
  };
};

/** Hosts are told apart by name: machines, sites and nodes may not share one. */
const checkNames = (hosts: readonly Host[]): void => {
  const seen = new Map<string, Host>();
  for (const host of hosts) {
    const twin = seen.get(host.id);
    if (twin !== undefined)
      throw new InputError({
        where: "scenario",
        value: host.id,
        problem: `names a ${twin.role} and a ${host.role}`,
        expected: "a name of its own for each machine, site and node",
      });
    seen.set(host.id, host);
  }
};

/**
 * Builds a scenario: checks all of it, gives out addresses and ports, and joins clusters, machines and sites in one network.
 * The same scenario gives the same result. Nothing is built of a scenario with a mistake in it.
 * @throws InputError naming the field (`clusters[0].maxPods`), its value, and what would be right
 */
export const build = (scenario: Scenario): Built => {
  const given = readScenario(scenario);
  checkSeed("seed", given.seed);
  const vnet = virtualNetwork(given.vnet);
  const startsAt = parseTime(given.startsAt, "startsAt");
  const site: Site = {
    scenario: given,
    vnet,
    startsAt,
    publics: publicAddresses(vnet, given.seed),
    privates: privateAddresses(vnet),
  };
  const plans = given.clusters.map((spec, i) => planCluster(spec, `clusters[${i}]`, { ...given, vnet, startsAt }));
  checkTogether(plans);
  const claims = claim(site);
  const sites = given.sites.map((_, i) => buildSite(site, i, claims.sites[i]!));
  const vms = given.vms.map((_, i) => buildVm(site, i, claims.vms[i]!));
  const clusters = plans.map((plan, i) => buildOne(site, plan, claims.clusters[i]!));
  const parts = [...clusters.map(({ part }) => part), ...vms, ...sites];
  const hosts = parts.flatMap(part => part.hosts);
  checkNames(hosts);
  return {
    scenario,
    clusters: clusters.map(({ built }) => built),
    network: {
      name: given.name,
      hosts,
      fabric: buildFabric(vnet, parts),
      names: parts.flatMap(part => part.names),
      seed: given.seed,
    },
    assumptions: assumptionsOf(
      clusters.map(({ built }, i) => ({ plan: plans[i]!, frontends: built.loadBalancer.frontends.length })),
      given.vms,
    ),
  };
};
