import { suite } from "uvu";
import * as assert from "uvu/assert";
import { cidr } from "../../lib/ip/cidr.js";
import { buildCluster } from "../../lib/kube/buildCluster.js";
import type { ClusterInput } from "../../lib/kube/clusterInput.js";
import { nodeRules } from "../../lib/kube/nodeRules.js";
import { printList, printSave } from "../../lib/netfilter/print.js";
import type { CountedRuleset, Ruleset } from "../../lib/netfilter/ruleset.js";
import { alone, canRunIptables } from "../linux/need.js";
import { articleKubenet, azureCni, kubenet, start, whereami } from "./clusters.js";

const test = suite("nodeRules");

const lines = (input: ClusterInput, ...chains: readonly string[]) =>
  printSave(nodeRules(buildCluster(input)))
    .split("\n")
    .filter(line => chains.some(chain => line.startsWith(`-A ${chain} `)));
const proxyJump = '-A POSTROUTING -m comment --comment "kubernetes postrouting rules" -j KUBE-POSTROUTING';
const docker = "-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE";

const plugins: readonly (readonly [name: string, input: ClusterInput, expected: readonly string[]])[] = [
  [
    "kubenet, destinations outside the pod CIDR",
    kubenet(1),
    [
      '-A POSTROUTING ! -d 192.168.0.0/16 -m comment --comment "kubenet: SNAT for outbound traffic from cluster" -m addrtype ! --dst-type LOCAL -j MASQUERADE',
    ],
  ],
  [
    "kubenet, its own default",
    kubenet(1, { nonMasqueradeCidr: cidr("10.0.0.0/8") }),
    [
      '-A POSTROUTING ! -d 10.0.0.0/8 -m comment --comment "kubenet: SNAT for outbound traffic from cluster" -m addrtype ! --dst-type LOCAL -j MASQUERADE',
    ],
  ],
  ["kubenet, disabled", kubenet(1, { nonMasqueradeCidr: cidr("0.0.0.0/0") }), []],
  [
    "azure-vnet",
    azureCni(),
    [
      "-A POSTROUTING ! -d 10.0.0.0/8 -m iprange ! --dst-range 168.63.129.16-168.63.129.16 -m addrtype ! --dst-type LOCAL -j MASQUERADE",
    ],
  ],
  [
    "ip-masq-agent",
    azureCni(1, { masqueradeBy: "ip-masq-agent", vnet: [cidr("10.0.0.0/8"), cidr("172.20.0.0/16")] }),
    [
      '-A POSTROUTING -m comment --comment "ip-masq-agent: ensure nat POSTROUTING directs all non-LOCAL destination traffic to our custom IP-MASQ-AGENT chain" -m addrtype ! --dst-type LOCAL -j IP-MASQ-AGENT',
      '-A IP-MASQ-AGENT -d 169.254.0.0/16 -m comment --comment "ip-masq-agent: local traffic is not subject to MASQUERADE" -j RETURN',
      '-A IP-MASQ-AGENT -d 10.0.0.0/8 -m comment --comment "ip-masq-agent: local traffic is not subject to MASQUERADE" -j RETURN',
      '-A IP-MASQ-AGENT -d 172.20.0.0/16 -m comment --comment "ip-masq-agent: local traffic is not subject to MASQUERADE" -j RETURN',
      '-A IP-MASQ-AGENT -m comment --comment "ip-masq-agent: outbound traffic is subject to MASQUERADE (must be last in chain)" -j MASQUERADE',
    ],
  ],
];

test("put the plugin's rules after kube-proxy's jump and docker's rule", () => {
  for (const [name, input, expected] of plugins)
    assert.equal(lines(input, "POSTROUTING", "IP-MASQ-AGENT"), [proxyJump, docker, ...expected], name);
});

const counted = (ruleset: Ruleset): CountedRuleset => {
  const counters = { packets: 0, bytes: 0 };
  return {
    tables: ruleset.tables.map(({ name, chains }) => ({
      name,
      chains: chains.map(chain => ({ ...chain, counters, rules: chain.rules.map(rule => ({ ...rule, counters })) })),
    })),
  };
};

test("are listed as in the article", () => {
  const list = printList(counted(nodeRules(buildCluster(articleKubenet()))), "nat", "POSTROUTING");
  assert.equal(
    list
      .trim()
      .split("\n")
      .slice(2)
      .map(line => line.replace(/ +/g, " ").replace("-- ", "").trim()),
    [
      "0 0 KUBE-POSTROUTING all * * 0.0.0.0/0 0.0.0.0/0 /* kubernetes postrouting rules */",
      "0 0 MASQUERADE all * !docker0 172.17.0.0/16 0.0.0.0/0",
      "0 0 MASQUERADE all * * 0.0.0.0/0 !192.168.0.0/16 /* kubenet: SNAT for outbound traffic from cluster */ ADDRTYPE match dst-type !LOCAL",
    ],
  );
});

/** Tables by name, without comments and the counters of chains. */
const tables = (text: string) =>
  text
    .split("\n")
    .filter(line => !line.startsWith("#"))
    .join("\n")
    .replace(/ \[\d+:\d+\]$/gm, "")
    .split(/^(?=\*)/m)
    .map(table => table.trim())
    .filter(table => /^\*(?:nat|filter)\n/.test(table))
    .sort();

if (canRunIptables()) {
  test("are taken by the kernel and given back unchanged", () => {
    const several = [{ objects: whereami, appliedAt: start + 900 }];
    const inputs = [
      ...plugins.map(([, input]) => input),
      articleKubenet(),
      kubenet(3, { manifests: several, scale: { whereami: 7 } }),
      kubenet(1, { manifests: several, scale: { whereami: 0 } }),
    ];
    for (const text of inputs.map(input => printSave(nodeRules(buildCluster(input)))))
      for (const kind of ["legacy", "nft"])
        assert.equal(tables(alone(`iptables-${kind}-restore; iptables-${kind}-save`, text)), tables(text));
  });
}

test.run();
