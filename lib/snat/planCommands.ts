import { refuse } from "../errors.js";

/** Names for the commands; what is left out stands in them as a shell variable. */
export interface PlanNames {
  readonly resourceGroup?: string;
  readonly cluster?: string;
  /** Where resources are made, such as `westeurope`; where their resource group is when left out. */
  readonly location?: string;
}

/** The names of a virtual network of one's own. */
export interface PlaceNames {
  /** The cluster's when left out. */
  readonly resourceGroup?: string;
  readonly name?: string;
  /** The nodes' subnet. */
  readonly subnet?: string;
}

/** Quotes a word for a POSIX shell, so that it stands for itself whatever it holds. */
export const shellQuote = (word: string): string =>
  /^[A-Za-z0-9_./:=,+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;

const checkName = (name: unknown, where: string): void => {
  if (name === undefined) return;
  // az takes @NAME for a file to read and -NAME for an option; no resource has a name with control characters.
  if (typeof name !== "string" || name === "" || /^[-@]|\p{Cc}/u.test(name))
    refuse(where, name, "cannot be a name in a command", "a resource's name, which starts with neither - nor @");
};

/** Refuses names that az would take for something else. @throws InputError naming the field */
export const checkNames = (names: PlanNames, vnet: "managed" | PlaceNames): void => {
  for (const field of ["resourceGroup", "cluster", "location"] as const) checkName(names[field], field);
  if (vnet === "managed") return;
  for (const field of ["resourceGroup", "name", "subnet"] as const) checkName(vnet[field], `vnet.${field}`);
};

/** A name that was given, or the shell variable that stands for it. */
const given = (name: string | undefined, variable: string): string =>
  name === undefined ? `"$${variable}"` : shellQuote(name);

type Timed = PlanNames & { readonly idleTimeoutMinutes?: number };

const groupOf = ({ resourceGroup }: PlanNames): string => given(resourceGroup, "RESOURCE_GROUP");

const update = (names: PlanNames, ...flags: readonly string[]): string =>
  ["az aks update --resource-group", groupOf(names), "--name", given(names.cluster, "CLUSTER"), ...flags].join(" ");

const idle = ({ idleTimeoutMinutes }: Timed, flag: string): readonly string[] =>
  idleTimeoutMinutes === undefined ? [] : [flag, `${idleTimeoutMinutes}`];

/** What a NAT gateway of one's own takes: its addresses, itself, the subnet, and only then the cluster. */
const ownGateway = (question: Timed, vnet: PlaceNames, ips: number): readonly string[] => {
  const { cluster, location } = question;
  const group = vnet.resourceGroup === undefined ? groupOf(question) : shellQuote(vnet.resourceGroup);
  const named = (suffix: string): string =>
    cluster === undefined ? `"$CLUSTER-${suffix}"` : shellQuote(`${cluster}-${suffix}`);
  const made = ["--resource-group", group, "--name"];
  const place = location === undefined ? [] : ["--location", shellQuote(location)];
  const addresses = Array.from({ length: ips }, (_, i) => named(`nat-ip-${i + 1}`));
  const gateway = named("nat");
  const subnet = ["--vnet-name", given(vnet.name, "VNET"), "--nat-gateway", gateway];
  return [
    ...addresses.map(address =>
      ["az network public-ip create", ...made, address, ...place, "--sku Standard --allocation-method Static"].join(
        " ",
      ),
    ),
    [
      ...["az network nat gateway create", ...made, gateway, ...place, "--public-ip-addresses", ...addresses],
      ...idle(question, "--idle-timeout"),
    ].join(" "),
    ["az network vnet subnet update", ...made, given(vnet.subnet, "SUBNET"), ...subnet].join(" "),
    update(question, "--outbound-type userAssignedNATGateway"),
  ];
};

/** The `az` commands of each plan, in order. */
export const commandLines = {
  basicToStandard: (names: PlanNames, availabilitySets: boolean): readonly string[] => [
    update(names, availabilitySets ? "--migrate-vmas-to-vms" : "--load-balancer-sku standard"),
  ],
  balancer: (question: Timed, ips: number, ports: number): readonly string[] => [
    update(
      question,
      `--load-balancer-managed-outbound-ip-count ${ips} --load-balancer-outbound-ports ${ports}`,
      ...idle(question, "--load-balancer-idle-timeout"),
    ),
  ],
  natGateway: (question: Timed, vnet: "managed" | PlaceNames, ips: number): readonly string[] =>
    vnet === "managed"
      ? [
          update(
            question,
            `--outbound-type managedNATGateway --nat-gateway-managed-outbound-ip-count ${ips}`,
            ...idle(question, "--nat-gateway-idle-timeout"),
          ),
        ]
      : ownGateway(question, vnet, ips),
} as const;
