import { addr } from "../ip/addr.js";
import { cidr, everywhere } from "../ip/cidr.js";
import type { Match, Ruleset } from "../netfilter/ruleset.js";
import { proxyPart } from "./proxy.js";
import {
  accept,
  chain,
  combine,
  comment,
  conntrack,
  destination,
  drop,
  dstLocal,
  dstNotLocal,
  inBy,
  jump,
  masquerade,
  outBy,
  returns,
  rule,
  source,
  table,
} from "./ruleWords.js";
import type { Cluster } from "./cluster.js";
import { dockerCidr } from "./validate.js";

/** Docker's rules for its own bridge, as of 2018. AKS sets the FORWARD policy back to ACCEPT after docker has started. */
const dockerRules: Ruleset = {
  tables: [
    table("nat", [
      chain("PREROUTING", [rule(jump("DOCKER"), dstLocal)]),
      chain("OUTPUT", [rule(jump("DOCKER"), destination(cidr("127.0.0.0/8"), true), dstLocal)]),
      chain("POSTROUTING", [rule(masquerade, source(dockerCidr), outBy("docker0", true))]),
      chain("DOCKER", [rule(returns, inBy("docker0"))]),
    ]),
    table("filter", [
      chain("FORWARD", [
        rule(jump("DOCKER-USER")),
        rule(jump("DOCKER-ISOLATION-STAGE-1")),
        rule(accept, outBy("docker0"), conntrack("RELATED", "ESTABLISHED")),
        rule(jump("DOCKER"), outBy("docker0")),
        rule(accept, inBy("docker0"), outBy("docker0", true)),
        rule(accept, inBy("docker0"), outBy("docker0")),
      ]),
      chain("DOCKER", []),
      chain("DOCKER-ISOLATION-STAGE-1", [
        rule(jump("DOCKER-ISOLATION-STAGE-2"), inBy("docker0"), outBy("docker0", true)),
        rule(returns),
      ]),
      chain("DOCKER-ISOLATION-STAGE-2", [rule(drop, outBy("docker0")), rule(returns)]),
      chain("DOCKER-USER", [rule(returns)]),
    ]),
  ],
};

const natOnly = (...chains: Ruleset["tables"][number]["chains"]): Ruleset => ({ tables: [table("nat", chains)] });

/** kubenet's rule; without it where --non-masquerade-cidr is 0.0.0.0/0. */
const kubenetRules = (cluster: Cluster): Ruleset => {
  const kept = cluster.nonMasqueradeCidr ?? everywhere;
  if (kept.prefix === 0) return { tables: [] };
  return natOnly(
    chain("POSTROUTING", [
      rule(
        masquerade,
        destination(kept, true),
        comment("kubenet: SNAT for outbound traffic from cluster"),
        dstNotLocal,
      ),
    ]),
  );
};

/** Azure's wire server, which must see a node's own requests unchanged. */
const wireServer = addr("168.63.129.16");

/** The static form that azure-vnet nodes were set up with: it knows one range of the virtual network. */
const azureVnetRules = (cluster: Cluster): Ruleset => {
  const notWireServer: Match = {
    kind: "iprange",
    not: true,
    on: "destination",
    range: { first: wireServer, last: wireServer },
  };
  const kept = (cluster.masquerade?.except ?? []).map(range => destination(range, true));
  return natOnly(chain("POSTROUTING", [rule(masquerade, ...kept, notWireServer, dstNotLocal)]));
};

/** ip-masq-agent's chain with its defaults: link-local destinations keep the pod's address (masqLinkLocal false), and so does the virtual network. */
const ipMasqAgentRules = (cluster: Cluster): Ruleset => {
  const local = comment("ip-masq-agent: local traffic is not subject to MASQUERADE");
  const kept = [cidr("169.254.0.0/16"), ...(cluster.masquerade?.except ?? [])];
  return natOnly(
    chain("POSTROUTING", [
      rule(
        jump("IP-MASQ-AGENT"),
        comment(
          "ip-masq-agent: ensure nat POSTROUTING directs all non-LOCAL destination traffic to our custom IP-MASQ-AGENT chain",
        ),
        dstNotLocal,
      ),
    ]),
    chain("IP-MASQ-AGENT", [
      ...kept.map(range => rule(returns, destination(range), local)),
      rule(masquerade, comment("ip-masq-agent: outbound traffic is subject to MASQUERADE (must be last in chain)")),
    ]),
  );
};

const pluginRules = (cluster: Cluster): Ruleset => {
  if (cluster.plugin === "kubenet") return kubenetRules(cluster);
  return cluster.masquerade?.by === "ip-masq-agent" ? ipMasqAgentRules(cluster) : azureVnetRules(cluster);
};

/**
 * All rules of a cluster's nodes: kube-proxy's, docker's and the network plugin's, the same on every node.
 * In nat POSTROUTING kube-proxy's jump stands first, as it puts itself before what is there; then docker's rule, then the plugin's.
 */
export const nodeRules = (cluster: Cluster): Ruleset =>
  combine([proxyPart(cluster), dockerRules, pluginRules(cluster)]);
