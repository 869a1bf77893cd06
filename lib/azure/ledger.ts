/** One of several answers that sources give to the same question. */
export interface Reading {
  /** How code names it: an era, an option's value. */
  readonly name: string;
  readonly says: string;
  readonly source: string;
}

/** A question that sources answer differently. The library offers every reading that it can compute with. */
export interface Contradiction {
  readonly name: string;
  readonly question: string;
  readonly readings: readonly Reading[];
  /** The reading taken when nobody asks for another: the newest documented one. */
  readonly default: string;
}

const lb = (date: string) => `azure-docs load-balancer-outbound-connections.md (${date})`;

/** The contradictions ledger: where the sources disagree, what each says and which is taken. */
export const contradictions = [
  {
    name: "frontendSelection",
    question: "Which of several frontends does a Basic load balancer use for outbound flows?",
    readings: [
      { name: "random", says: "any of them, to be considered random", source: lb("2018-03, 2019-08") },
      {
        name: "first",
        says: "the first configured, and the next when that is deleted",
        source: "azure-docs aks/egress.md (2019-03); Azure/AKS issue 189; observed on two clusters in early 2019",
      },
    ],
    default: "random",
  },
  {
    name: "era",
    question:
      "How many ports does a node of a Standard load balancer get by default from several frontends, and what does a UDP port serve?",
    readings: [
      {
        name: "2018",
        says: "the table's ports from every frontend; a UDP port serves one flow",
        source: lb("2018-03, 2019-08"),
      },
      {
        name: "2021",
        says: "the table's ports from every frontend, one address used up before the next; a UDP port serves one flow to each destination address",
        source: lb("2022-03"),
      },
      {
        name: "2023",
        says: "the table's ports from every frontend, 1,024 at most in all; a UDP port serves one flow to each destination address",
        source: lb("2023-03"),
      },
    ],
    default: "2023",
  },
  {
    name: "portsPerFrontend",
    question: "How many ports does one frontend address give?",
    readings: [
      { name: "64000", says: "64,000", source: lb("2018-03 to 2023-03") },
      {
        name: "51200",
        says: "51,200, a correction made once and undone since",
        source: "azure-docs pull request 19275 (2018-11)",
      },
    ],
    default: "64000",
  },
  {
    name: "idleTimeout",
    question: "How long may the idle timeout of an outbound rule be set?",
    readings: [
      {
        name: "120",
        says: "4 to 120 minutes",
        source: "azure-docs load-balancer/outbound-rules.md (2024-04); ARM reference",
      },
      {
        name: "100",
        says: "4 to 100 minutes for outbound rules, 4 to 30 for load-balancing rules",
        source: "azure-docs load-balancer/load-balancer-tcp-reset.md (2020-10); azure-cli acs/_validators.py",
      },
    ],
    default: "120",
  },
  {
    name: "portRelease",
    question: "How long is a TCP port held after the connection has ended?",
    readings: [
      { name: "2019", says: "240 s after FIN, 15 s after RST", source: lb("2019-08") },
      { name: "today", says: "not published", source: lb("2023-03") },
    ],
    default: "2019",
  },
  {
    name: "surge",
    question: "How many nodes does an upgrade add to a pool by default?",
    readings: [
      { name: "1", says: "one node", source: "azure-aks-docs concepts-network-ip-address-planning.md (2026-08)" },
      {
        name: "10%",
        says: "a tenth of the pool, rounded up",
        source: "Azure/AKS CHANGELOG.md (2025-03-16); azure-aks-docs upgrade-aks-cluster.md (2026-08)",
      },
    ],
    default: "10%",
  },
  {
    name: "connectionsPerDestination",
    question:
      "A NAT gateway carries 50,000 connections per address to one destination: do connections that are closed and whose port is still held count?",
    readings: [
      {
        name: "open",
        says: "open connections only",
        source: "azure-docs nat-gateway/nat-gateway-resource.md (2023-07), which speaks of connections",
      },
      {
        name: "held",
        says: "every connection that holds its port, the time after its end included",
        source: "azure-docs nat-gateway/nat-gateway-snat.md (2023-07), by which the port of an ended one is not free",
      },
    ],
    default: "open",
  },
  {
    name: "leaveManagedNatGateway",
    question: "Can a cluster go back from a managed NAT gateway to its load balancer?",
    readings: [
      { name: "no", says: "not by an update", source: "azure-aks-docs egress-outboundtype.md (2026-08), its table" },
      {
        name: "yes",
        says: "by an update of the outbound type",
        source: "azure-aks-docs egress-outboundtype.md (2026-08), its commands; its table of 2025",
      },
    ],
    default: "no",
  },
  {
    name: "masqueradeBy",
    question:
      "Whose rules turn a pod's address into its node's when it leaves the virtual network of an Azure CNI cluster?",
    readings: [
      { name: "azure-vnet", says: "a rule of the azure-vnet plugin", source: "Azure/azure-container-networking" },
      {
        name: "ip-masq-agent",
        says: "the ip-masq-agent, seen on clusters by 2019-09",
        source: "Azure/AKS issue 1207; Azure/ip-masq-agent-v2",
      },
    ],
    default: "ip-masq-agent",
  },
] as const satisfies readonly Contradiction[];

/** The name of an entry of the ledger. */
export type ContradictionName = (typeof contradictions)[number]["name"];

/** The entry of a name. */
export const contradiction = (name: ContradictionName): Contradiction => {
  const found: readonly Contradiction[] = contradictions.filter(entry => entry.name === name);
  return found[0]!;
};

/** One reading of a question. @throws Error for a reading that the ledger does not hold */
export const reading = (name: ContradictionName, chosen: string): Reading => {
  const found = contradiction(name).readings.find(entry => entry.name === chosen);
  if (found === undefined) throw new Error(`the ledger has no reading ${chosen} of ${name}`);
  return found;
};
