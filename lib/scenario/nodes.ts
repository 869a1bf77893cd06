import { fitSubnet, nodesThatFit, subnetNeed } from "../azure/need.js";
import { type Nic } from "../azure/nic.js";
import { InputError } from "../errors.js";
import { type Addr, formatAddr } from "../ip/addr.js";
import type { Pool } from "../ip/addressPool.js";
import type { NodeInput } from "../kube/clusterInput.js";
import { seeded, subseed } from "../random.js";
import { firstFree } from "./vnetAddresses.js";
import type { ClusterPlan } from "./clusterPlan.js";
import { formatTime } from "./time.js";

/** A node before Kubernetes knows it: a machine with its card. */
export interface PlannedNode {
  readonly input: NodeInput;
  readonly nic: Nic;
}

/** Node addresses that the user pinned, taken before any is drawn; those of nodes beyond the last do nothing. */
export type PinnedNodes = readonly Addr[];

const checkRoom = (plan: ClusterPlan, addresses: Pool, pinned: PinnedNodes): void => {
  const { plugin, maxPods, spec, where, subnet } = plan;
  const available = addresses.free + pinned.length;
  const fit = fitSubnet(subnetNeed({ plugin, nodes: spec.nodeCount, maxPods }), available);
  if (fit.kind === "fits") return;
  const most = nodesThatFit(plugin, maxPods, available);
  throw new InputError({
    where: `${where}.nodeCount`,
    value: spec.nodeCount,
    problem: `is refused: ${fit.reason} ${subnet.name}`,
    expected: `${most === 0 ? "fewer max-pods" : `at most ${most} ${most === 1 ? "node" : "nodes"}, fewer max-pods`} or a larger subnet`,
  });
};

const nodePoolId = (plan: ClusterPlan, seed: number): string =>
  plan.spec.pins?.nodePoolId ??
  String(seeded(subseed(seed, `node pool of ${plan.spec.name}`)).int(10_000_000, 49_999_999));

const joined = (plan: ClusterPlan, name: string, startsAt: number): number => {
  const created = plan.createdPins[`Node/${name}`] ?? plan.created;
  if (created < plan.created || created > startsAt)
    throw new InputError({
      where: `${plan.where}.pins.created["Node/${name}"]`,
      value: formatTime(created),
      problem: "is not within the cluster's life",
      expected: `${formatTime(plan.created)} to ${formatTime(startsAt)}`,
    });
  return created;
};

/**
 * The nodes of a cluster in the order of their creation, each with the addresses of its card: the primary first,
 * then with azure-cni max-pods more, reserved before the next node gets any, each the lowest free one.
 * @throws InputError with Azure's arithmetic when the subnet is too small
 */
export const planNodes = (
  plan: ClusterPlan,
  addresses: Pool,
  pinned: PinnedNodes,
  seed: number,
  startsAt: number,
): readonly PlannedNode[] => {
  checkRoom(plan, addresses, pinned);
  const { plugin, maxPods, subnet, spec } = plan;
  const pool = `aks-nodepool1-${nodePoolId(plan, seed)}`;
  const take = (): Addr => firstFree(addresses, `${plan.where}.subnet`, subnet.name);
  return Array.from({ length: spec.nodeCount }, (_, i) => {
    const name = `${pool}-${i}`;
    const internalIp = pinned[i] ?? take();
    const podAddresses = plugin === "azure-cni" ? Array.from({ length: maxPods }, take) : undefined;
    return {
      input: { name, internalIp, podAddresses, created: joined(plan, name, startsAt) },
      nic: {
        name: `${name}-nic`,
        subnet: subnet.name,
        addresses: [internalIp, ...(podAddresses ?? [])],
        ipForwarding: plugin === "kubenet",
      },
    };
  });
};

/** A pinned pod address must be one that the pinned node's card holds, where cards hold pods' addresses. */
export const checkPinnedPods = (plan: ClusterPlan, nodes: readonly PlannedNode[]): void => {
  if (plan.plugin === "kubenet") return;
  const holders = (address: Addr): number =>
    nodes.findIndex(({ input }) => input.podAddresses?.includes(address) === true);
  for (const [key, pods] of Object.entries(plan.pins.pods ?? {}))
    pods.forEach(({ address, node }, i) => {
      if (address === undefined || (node !== undefined && node >= nodes.length)) return;
      const holder = holders(address);
      if (holder >= 0 && (node === undefined || node === holder)) return;
      throw new InputError({
        where: `${plan.where}.pins.pods["${key}"][${i}].address`,
        value: formatAddr(address),
        problem: holder < 0 ? "is reserved for pods on no node's card" : `is reserved on the card of node ${holder}`,
        expected: "an address of the pod's own node",
      });
    });
};
