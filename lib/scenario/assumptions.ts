import { type ContradictionName, contradiction, reading } from "../azure/ledger.js";
import type { ClusterPlan } from "./clusterPlan.js";
import type { Assumption, VmSpec } from "./scenario.js";

/** A choice between readings of the ledger, as made for one cluster. */
const chosen = (name: ContradictionName, value: string, cluster: string): Assumption => {
  const { says, source } = reading(name, value);
  return { name: `${cluster}: ${name}`, value, why: `${contradiction(name).question} Taken: ${says}.`, source };
};

const pinned = ({ spec }: ClusterPlan): readonly Assumption[] => {
  const fields = Object.keys(spec.pins ?? {});
  if (fields.length === 0) return [];
  return [
    {
      name: `${spec.name}: pins`,
      value: fields.join(", "),
      why: "Drawn by chance once; taken as observed instead of drawn anew.",
      source: "the scenario's pins",
    },
  ];
};

/** The surge in force: Azure counts it when it checks the ports allocated. */
const surge = ({ balancer, spec }: ClusterPlan): Assumption =>
  spec.maxSurge === undefined
    ? chosen("surge", `${balancer.surge}`, spec.name)
    : {
        name: `${spec.name}: surge`,
        value: `${balancer.surge}`,
        why: "Nodes that an upgrade adds, counted when ports are allocated. Given.",
        source: "the scenario's maxSurge",
      };

const ofCluster = (plan: ClusterPlan, frontends: number): readonly Assumption[] => {
  const { balancer, masqueradeBy, spec } = plan;
  return [
    ...(balancer.sku === "Basic" && frontends > 1 ? [chosen("frontendSelection", balancer.selection, spec.name)] : []),
    chosen("era", balancer.era, spec.name),
    ...(balancer.allocatedOutboundPorts > 0 ? [surge(plan)] : []),
    chosen("portRelease", "2019", spec.name),
    ...(masqueradeBy === undefined ? [] : [chosen("masqueradeBy", masqueradeBy, spec.name)]),
    ...(balancer.sku === "Basic" && frontends === 0
      ? [standalone(`${spec.name}'s nodes`, "no Service of type LoadBalancer gives their load balancer a frontend")]
      : []),
    ...pinned(plan),
  ];
};

const standalone = (who: string, because: string): Assumption => ({
  name: `outbound address of ${who}`,
  value: "picked by Azure",
  why: `As ${because}, Azure picks an address to share by ports; nobody configures it and it may change.`,
  source: reading("portRelease", "2019").source,
});

const portOrder: Assumption = {
  name: "order of port ranges",
  value: "ascending from 1024",
  why: "How many ports a node gets is documented, which ones is not: nodes are taken to get ranges in the order of their creation, beside blocks that inbound rules hold.",
  source: "azure-docs load-balancer-outbound-connections.md (2023-03), as far as it goes",
};

/** Everything that shaped a network and that somebody could see otherwise. */
export const assumptionsOf = (
  clusters: readonly { readonly plan: ClusterPlan; readonly frontends: number }[],
  vms: readonly VmSpec[],
): readonly Assumption[] => [
  ...clusters.flatMap(({ plan, frontends }) => ofCluster(plan, frontends)),
  ...vms.filter(vm => vm.publicAddress === undefined).map(vm => standalone(vm.name, "it has no public address")),
  ...(clusters.length > 0 ? [portOrder] : []),
];
