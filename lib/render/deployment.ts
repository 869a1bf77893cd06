import type { ClusterSpec, Scenario } from "../scenario/scenario.js";
import { shellQuote } from "../snat/planCommands.js";

type Flags = readonly (readonly [name: string, value: string | number | readonly string[] | undefined])[];

/** A command with its flags; those without a value are left out. A long one goes on in further lines. */
const command = (words: string, flags: Flags): string => {
  const parts = flags.flatMap(([name, value]) => {
    if (value === undefined) return [];
    const words = typeof value === "object" ? value : [String(value)];
    return [[`--${name}`, ...words.map(word => (word.startsWith('"$(') ? word : shellQuote(word)))].join(" ")];
  });
  const line = [words, ...parts].join(" ");
  return line.length <= 130 ? line : [words, ...parts].join(" \\\n    ");
};

const clusterCommand = (scenario: Scenario, spec: ClusterSpec): string => {
  const { resourceGroup, vnet } = scenario;
  const show = ["az network vnet subnet show", "--resource-group", "--vnet-name", "--name"];
  const values = ["", resourceGroup, vnet.name, spec.subnet].map(value =>
    value === "" ? "" : ` ${shellQuote(value)}`,
  );
  const subnet = `"$(${show.map((word, i) => `${word}${values[i]}`).join(" ")} --query id --output tsv)"`;
  return command("az aks create", [
    ["resource-group", resourceGroup],
    ["name", spec.name],
    ["kubernetes-version", spec.version],
    ["network-plugin", spec.plugin === "azure-cni" ? "azure" : "kubenet"],
    ["vnet-subnet-id", subnet],
    ["node-count", spec.nodeCount],
    ["max-pods", spec.maxPods],
    ["pod-cidr", spec.podCidr],
    ["service-cidr", spec.serviceCidr],
    ["dns-service-ip", spec.dnsServiceIp],
    ["load-balancer-sku", spec.loadBalancer.sku.toLowerCase()],
    ["load-balancer-managed-outbound-ip-count", spec.loadBalancer.outboundIps],
    ["load-balancer-outbound-ports", spec.loadBalancer.allocatedOutboundPorts],
    ["load-balancer-idle-timeout", spec.loadBalancer.idleTimeoutMinutes],
  ]);
};

/**
 * The `az` commands that deploy a scenario, for a POSIX shell: its network, its virtual machines, its clusters. What Azure
 * chooses by itself (names of nodes, public addresses) is not in them; the machines' image is any that has ping and tcpdump.
 *
 *     formatDeployment(articleScenario)
 */
export const formatDeployment = (scenario: Scenario): string => {
  const { resourceGroup, location, vnet, vms, clusters } = scenario;
  const group = ["resource-group", resourceGroup] as const;
  return [
    command("az group create", [
      ["name", resourceGroup],
      ["location", location],
    ]),
    command("az network vnet create", [group, ["name", vnet.name], ["address-prefixes", vnet.addressSpace]]),
    ...vnet.subnets.map(({ name, prefix }) =>
      command("az network vnet subnet create", [
        group,
        ["vnet-name", vnet.name],
        ["name", name],
        ["address-prefixes", prefix],
      ]),
    ),
    ...vms.map(({ name, subnet, address, user }) =>
      command("az vm create", [
        group,
        ["name", name],
        ["image", "Ubuntu2204"],
        ["vnet-name", vnet.name],
        ["subnet", subnet],
        ["private-ip-address", address],
        ["admin-username", user],
      ]),
    ),
    ...clusters.map(spec => clusterCommand(scenario, spec)),
  ].join("\n");
};
