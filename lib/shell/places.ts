import { known } from "../checks.js";
import { InputError } from "../errors.js";
import type { Addr } from "../ip/addr.js";
import type { Service } from "../kube/cluster.js";
import type { Host } from "../net/network.js";
import type { Built } from "../scenario/scenario.js";

/** The order in which the API server lists objects. */
export const byNamespaceAndName = (
  a: { readonly namespace: string; readonly name: string },
  b: { readonly namespace: string; readonly name: string },
): number => {
  const [x, y] = [`${a.namespace}/${a.name}`, `${b.namespace}/${b.name}`];
  return x < y ? -1 : x > y ? 1 : 0;
};

/** The cluster that a host belongs to: its node, or a pod by its id. */
const clusterOf = (built: Built, host: Host): string | undefined =>
  host.role === "pod"
    ? host.id.split("/")[0]
    : built.clusters.find(({ cluster }) => cluster.nodes.some(({ name }) => name === host.hostname))?.spec.name;

/**
 * The machine that a name means: its id, or what it calls itself. When two clusters use the same name, the one of `context`.
 * @throws InputError naming some that exist
 */
export const findHost = (built: Built, context: string, name: string): Host => {
  const { hosts } = built.network;
  const found = hosts.filter(host => host.id === name || host.hostname === name);
  const [first] = found.length > 1 ? found.filter(host => clusterOf(built, host) === context) : found;
  if (first !== undefined) return first;
  const problem = found.length > 1 ? "is the name of several machines" : "is not a machine of this lab";
  const others =
    found.length > 1
      ? found.map(({ id }) => id)
      : ["vm", "node", "pod"].flatMap(role => hosts.filter(host => host.role === role)).map(({ hostname }) => hostname);
  throw new InputError({ where: "host", value: name, problem, expected: known(others) });
};

/** An interface of a host by name, its first, or `any` for all. @throws InputError naming those that it has */
export const interfaceOf = (host: Host, name: string | undefined): string => {
  if (name === "any") return name;
  const names = host.interfaces.map(each => each.name);
  if (name === undefined && names[0] !== undefined) return names[0];
  const found = names.find(each => each === name);
  if (found === undefined)
    throw new InputError({
      where: `interface of ${host.hostname}`,
      value: name,
      problem: "does not exist",
      expected: known(names),
    });
  return found;
};

/** Higher than most machines count: a tcpdump elsewhere then prints `?`, not what it calls the number itself. */
const firstIndex = 101;

/** The number of a host's interface in a capture on `any`. */
export const interfaceIndex = (host: Host, name: string): number =>
  name === "lo" ? 1 : firstIndex + host.interfaces.findIndex(each => each.name === name);

/** What a host calls the interface of a number, or `?` as tcpdump prints it. */
export const interfaceAt = (host: Host, index = 0): string =>
  index === 1 ? "lo" : (host.interfaces[index - firstIndex]?.name ?? "?");

/** The addresses of a host's interfaces. */
export const addressesOf = (host: Host): readonly Addr[] =>
  host.interfaces.flatMap(({ addresses }) => addresses.map(({ address }) => address));

/** The service that a name means to a pod: `web`, `web.default`, `web.default.svc`, `web.default.svc.cluster.local`. */
const serviceNamed = (services: readonly Service[], namespace: string, name: string): Service | undefined => {
  const [service, space = namespace, ...more] = name.replace(/\.svc(?:\.cluster\.local)?$/, "").split(".");
  return more.length > 0 ? undefined : services.find(each => each.name === service && each.namespace === space);
};

/**
 * What a name means to a host: to a pod a service of its cluster first, as its cluster's DNS answers; then a public name;
 * then a machine of the virtual network, as Azure's DNS answers. Undefined for an address, or a name that nobody knows.
 */
export const addressOfName = (built: Built, host: Host, name: string): Addr | undefined => {
  const [clusterName, namespace] = host.role === "pod" ? host.id.split("/") : [];
  const cluster = built.clusters.find(({ spec }) => spec.name === clusterName)?.cluster;
  const service = cluster === undefined ? undefined : serviceNamed(cluster.services, namespace ?? "default", name);
  if (service !== undefined) return service.clusterIp;
  const listed = built.network.names.find(each => each.name === name);
  if (listed !== undefined) return listed.address;
  const machine = built.network.hosts.find(
    ({ role, hostname }) => (role === "vm" || role === "node") && hostname === name,
  );
  return machine === undefined ? undefined : addressesOf(machine)[0];
};
