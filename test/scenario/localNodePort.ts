import type { ConnectResult, Lab } from "../../lib/net/lab.js";
import type { Network } from "../../lib/net/network.js";
import type { Built } from "../../lib/scenario/scenario.js";

/** A NodePort asked for at 127.0.0.1 by the node itself: works only because kube-proxy sets route_localnet. */
export const atLocalhost = ({ clusters }: Built): { readonly node: string; readonly port: number } => {
  const { cluster } = clusters[0]!;
  const service = cluster.services.find(({ name }) => name === "web")!;
  return { node: cluster.nodes[0]!.name, port: service.ports.find(({ protocol }) => protocol === "TCP")!.nodePort! };
};

export const withoutLocalnet = (network: Network): Network => ({
  ...network,
  hosts: network.hosts.map(host => ({ ...host, routeLocalnet: false })),
});

const outcome = (result: ConnectResult): string =>
  result.kind === "connected" ? `${result.server} sees ${result.seenAs.address}` : result.kind;

export const askLocalhost = async (lab: Lab, { node, port }: ReturnType<typeof atLocalhost>): Promise<string> =>
  outcome(await lab.connect(node, "127.0.0.1", port));
