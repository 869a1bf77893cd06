import { formatAddr } from "../ip/addr.js";
import { formatCidr } from "../ip/cidr.js";
import { type Era, newestEra } from "../azure/era.js";
import { defaultSurge } from "../azure/surge.js";
import type { Built, BuiltCluster } from "../scenario/scenario.js";
import type { Data } from "./document.js";

/** No subscription is modelled; resource ids carry this one. */
const subscription = "/subscriptions/00000000-0000-0000-0000-000000000000";

/** A cluster as `az aks show` describes it, keys as today's az spells them. Null where the resource has no such part. */
export type ManagedCluster = ReturnType<typeof managedCluster>;

/** A load balancer as `az network lb list` describes it, keys as today's az spells them. */
export type LoadBalancerResource = ReturnType<typeof loadBalancerResource>;

/** A public address as `az network public-ip list` describes it, keys as today's az spells them. */
export type PublicIpResource = ReturnType<typeof publicIp>;

/** What `az aks show` gives out about a cluster. */
export const managedCluster = (built: Built, { spec, cluster, nodeResourceGroup, loadBalancer }: BuiltCluster) => {
  const { resourceGroup, location, vnet } = built.scenario;
  const group = `${subscription}/resourceGroups/${resourceGroup}`;
  const outbound = loadBalancer.sku === "Standard";
  const { era = newestEra } = built.scenario;
  // The years before had no setting to show.
  const maxSurge = spec.maxSurge ?? (era === newestEra ? defaultSurge(era) : undefined);
  return {
    addonProfiles: Object.fromEntries(
      spec.addons.map(addon => [
        addon === "http_application_routing" ? "httpApplicationRouting" : addon,
        { enabled: true },
      ]),
    ),
    agentPoolProfiles: [
      {
        count: cluster.nodes.length,
        maxPods: cluster.maxPods,
        name: cluster.nodes[0]?.labels["agentpool"] ?? "nodepool1",
        osType: "Linux",
        upgradeSettings: maxSurge === undefined ? null : { maxSurge: `${maxSurge}` },
        vnetSubnetID: `${group}/providers/Microsoft.Network/virtualNetworks/${vnet.name}/subnets/${spec.subnet}`,
      },
    ],
    id: `${group}/providers/Microsoft.ContainerService/managedClusters/${spec.name}`,
    kubernetesVersion: cluster.version.replace(/^v/, ""),
    location,
    name: spec.name,
    networkProfile: {
      dnsServiceIP: formatAddr(cluster.dnsServiceIp),
      loadBalancerProfile: outbound
        ? {
            allocatedOutboundPorts: spec.loadBalancer.allocatedOutboundPorts ?? 0,
            idleTimeoutInMinutes: spec.loadBalancer.idleTimeoutMinutes ?? null,
            managedOutboundIPs: { count: spec.loadBalancer.outboundIps ?? 1 },
          }
        : null,
      loadBalancerSku: loadBalancer.sku.toLowerCase(),
      networkPlugin: spec.plugin === "azure-cni" ? "azure" : "kubenet",
      podCidr: cluster.podCidr === undefined ? null : formatCidr(cluster.podCidr),
      serviceCidr: formatCidr(cluster.serviceCidr),
    },
    nodeResourceGroup,
    provisioningState: "Succeeded",
    resourceGroup,
    type: "Microsoft.ContainerService/ManagedClusters",
  };
};

/** What `az network lb list` gives out about a cluster's load balancer. */
export const loadBalancerResource = (built: Built, { cluster, nodeResourceGroup, loadBalancer }: BuiltCluster) => {
  const group = `${subscription}/resourceGroups/${nodeResourceGroup}/providers/Microsoft.Network`;
  const id = `${group}/loadBalancers/${loadBalancer.name}`;
  const frontendOf = (service: string) => loadBalancer.frontends.find(frontend => frontend.service === service);
  const rules = cluster.services.flatMap(service => {
    const frontend = frontendOf(`${service.namespace}/${service.name}`);
    if (frontend === undefined) return [];
    return service.ports.map(port => ({
      backendPort: port.port,
      enableFloatingIP: true,
      frontendIPConfiguration: { id: `${id}/frontendIPConfigurations/${frontend.name}` },
      frontendPort: port.port,
      name: `${frontend.name}-${port.protocol}-${port.port}`,
      protocol: port.protocol === "TCP" ? "Tcp" : "Udp",
    }));
  });
  return {
    backendAddressPools: [{ id: `${id}/backendAddressPools/${loadBalancer.name}`, name: loadBalancer.name }],
    frontendIPConfigurations: loadBalancer.frontends.map(frontend => ({
      id: `${id}/frontendIPConfigurations/${frontend.name}`,
      name: frontend.name,
      publicIPAddress: { id: `${group}/publicIPAddresses/${frontend.name}` },
    })),
    id,
    loadBalancingRules: rules,
    location: built.scenario.location,
    name: loadBalancer.name,
    provisioningState: "Succeeded",
    resourceGroup: nodeResourceGroup,
    sku: { name: loadBalancer.sku, tier: "Regional" },
    type: "Microsoft.Network/loadBalancers",
  };
};

const publicIp = (built: Built, resourceGroup: string, name: string, ipAddress: string, sku: "Basic" | "Standard") => ({
  id: `${subscription}/resourceGroups/${resourceGroup}/providers/Microsoft.Network/publicIPAddresses/${name}`,
  ipAddress,
  location: built.scenario.location,
  name,
  provisioningState: "Succeeded",
  publicIPAddressVersion: "IPv4",
  resourceGroup,
  sku: { name: sku },
  type: "Microsoft.Network/publicIPAddresses",
});

/** What `az network public-ip list` gives out: the addresses of the clusters' load balancers, and those of machines. */
export const publicIpResources = (built: Built): readonly PublicIpResource[] => [
  ...built.clusters.flatMap(({ nodeResourceGroup, loadBalancer: { sku, frontends } }) =>
    frontends.map(({ name, address }) => publicIp(built, nodeResourceGroup, name, address, sku)),
  ),
  // az vm create names a machine's address so.
  ...built.scenario.vms.flatMap(({ name, publicAddress }) =>
    publicAddress === undefined
      ? []
      : [publicIp(built, built.scenario.resourceGroup, `${name}PublicIP`, publicAddress, "Basic")],
  ),
];

/** Keys that az wrote otherwise before it took over the names of the REST interface. */
const olderKeys: ReadonlyMap<string, string> = new Map([
  ["dnsServiceIP", "dnsServiceIp"],
  ["enableFloatingIP", "enableFloatingIp"],
  ["frontendIPConfiguration", "frontendIpConfiguration"],
  ["frontendIPConfigurations", "frontendIpConfigurations"],
  ["publicIPAddress", "publicIpAddress"],
  ["publicIPAddressVersion", "publicIpAddressVersion"],
  ["vnetSubnetID", "vnetSubnetId"],
]);

const olderSpelling = (data: Data): Data => {
  if (Array.isArray(data)) return (data as readonly Data[]).map(olderSpelling);
  if (typeof data !== "object" || data === null) return data;
  return Object.fromEntries(
    Object.entries(data).map(([key, value]) => [
      olderKeys.get(key) ?? key,
      value === undefined ? undefined : olderSpelling(value),
    ]),
  );
};

/** Resources with their keys spelt as the az of an era wrote them: `publicIpAddress` up to 2022, `publicIPAddress` since. */
export const spelt = (data: Data, era: Era = newestEra): Data => (era === newestEra ? data : olderSpelling(data));
