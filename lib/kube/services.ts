import { InputError } from "../errors.js";
import { type Addr, formatAddr } from "../ip/addr.js";
import { type Cidr, cidrSize, contains, formatCidr, lastOf, nth } from "../ip/cidr.js";
import { seeded, subseed } from "../random.js";
import type { ServiceObject } from "./manifest.js";
import type { Endpoint, Pod, Service, ServicePort, Time } from "./cluster.js";
import { selects } from "./lookUp.js";

/** Kubernetes' default --service-node-port-range. */
const nodePorts = { first: 30000, last: 32767 };

export interface DeclaredService {
  readonly object: ServiceObject;
  readonly created: Time;
}

export interface ServicesInput {
  readonly where: string;
  /** Oldest first: this is the order in which public addresses are asked for. */
  readonly services: readonly DeclaredService[];
  readonly pods: readonly Pod[];
  readonly serviceCidr: Cidr;
  /** Cluster IPs that do not depend on chance, by `namespace/name`. */
  readonly fixedIps: Readonly<Record<string, Addr>>;
  readonly pinnedIps: Readonly<Record<string, Addr>>;
  readonly pinnedNodePorts: Readonly<Record<string, Readonly<Record<number, number>>>>;
  /** Endpoints of services without a selector. */
  readonly fixedEndpoints: Readonly<Record<string, readonly Endpoint[]>>;
  readonly publicAddress: (key: string) => Addr;
  readonly seed: number;
}

const keyOf = (object: { readonly namespace: string; readonly name: string }): string =>
  `${object.namespace}/${object.name}`;

/** A draw from 0 to size - 1 that is not taken: a random start, then the next free one. Undefined when all are taken. */
const drawFree = (size: number, seed: number, isTaken: (index: number) => boolean): number | undefined => {
  const start = seeded(seed).int(0, size - 1);
  for (let step = 0; step < size; step++) if (!isTaken((start + step) % size)) return (start + step) % size;
  return undefined;
};

const clusterIps = (input: ServicesInput): ReadonlyMap<string, Addr> => {
  const { serviceCidr, fixedIps, pinnedIps, where } = input;
  const taken = new Map<Addr, string>([
    [serviceCidr.base, "the range itself"],
    [lastOf(serviceCidr), "the range's broadcast address"],
  ]);
  for (const [key, address] of Object.entries(fixedIps)) taken.set(address, key);
  for (const [key, address] of Object.entries(pinnedIps)) {
    const refuse = (problem: string, expected: string): never => {
      throw new InputError({
        where: `${where}.pins.clusterIps["${key}"]`,
        value: formatAddr(address),
        problem,
        expected,
      });
    };
    if (!contains(serviceCidr, address))
      refuse("is outside the service CIDR", `an address of ${formatCidr(serviceCidr)}`);
    if (fixedIps[key] !== undefined && fixedIps[key] !== address)
      refuse("is not the address that this service always has", formatAddr(fixedIps[key]));
    const other = taken.get(address) ?? key;
    if (other !== key) refuse(`belongs to ${other}`, "an address of its own for each service");
    taken.set(address, key);
  }
  const result = new Map<string, Addr>();
  for (const { object } of input.services) {
    const key = keyOf(object);
    const known = fixedIps[key] ?? pinnedIps[key];
    const index =
      known === undefined
        ? drawFree(cidrSize(serviceCidr), subseed(input.seed, `cluster IP of ${key}`), at =>
            taken.has(nth(serviceCidr, at)),
          )
        : undefined;
    if (known === undefined && index === undefined)
      throw new InputError({
        where: `${where}.serviceCidr`,
        value: formatCidr(serviceCidr),
        problem: `has no address left for the service ${key}`,
        expected: `a larger range: ${input.services.length} services are wanted`,
      });
    const address = known ?? nth(serviceCidr, index!);
    taken.set(address, key);
    result.set(key, address);
  }
  return result;
};

const assignNodePorts = (input: ServicesInput): ReadonlyMap<string, readonly ServicePort[]> => {
  const taken = new Map<number, string>();
  const claim = (place: string, owner: string, nodePort: number): void => {
    const expected = `a port from ${nodePorts.first} to ${nodePorts.last} that no other service has`;
    const refuse = (problem: string): never => {
      throw new InputError({ where: place, value: nodePort, problem, expected });
    };
    if (!Number.isInteger(nodePort) || nodePort < nodePorts.first || nodePort > nodePorts.last)
      refuse("is no node port");
    const other = taken.get(nodePort) ?? owner;
    if (other !== owner) refuse(`belongs to ${other}`);
    taken.set(nodePort, owner);
  };
  for (const [key, ports] of Object.entries(input.pinnedNodePorts))
    for (const [port, nodePort] of Object.entries(ports))
      claim(`${input.where}.pins.nodePorts["${key}"][${port}]`, `${key} port ${port}`, nodePort);
  for (const { object } of input.services)
    for (const port of object.ports)
      if (port.nodePort !== undefined)
        claim(`${input.where}: Service ${keyOf(object)} nodePort`, `${keyOf(object)} port ${port.port}`, port.nodePort);

  const draw = (key: string, port: number): number => {
    const seed = subseed(input.seed, `node port of ${key}:${port}`);
    const index = drawFree(nodePorts.last - nodePorts.first + 1, seed, at => taken.has(nodePorts.first + at));
    if (index === undefined)
      throw new InputError({
        where: `${input.where}: Service ${key} port`,
        value: port,
        problem: "finds no free node port",
        expected: `at most ${nodePorts.last - nodePorts.first + 1} ports of NodePort and LoadBalancer services`,
      });
    taken.set(nodePorts.first + index, `${key} port ${port}`);
    return nodePorts.first + index;
  };
  return new Map(
    input.services.map(({ object }) => {
      const key = keyOf(object);
      if (object.type === "ClusterIP") return [key, object.ports.map(({ nodePort: _, ...port }) => port)];
      return [
        key,
        object.ports.map(port => ({
          ...port,
          nodePort: port.nodePort ?? input.pinnedNodePorts[key]?.[port.port] ?? draw(key, port.port),
        })),
      ];
    }),
  );
};

/** Pods by namespace and one pair of their labels, so that a service looks at few of them. */
const podIndex = (pods: readonly Pod[]) => {
  const index = new Map<string, Pod[]>();
  const entry = (namespace: string, key: string, value: string): string => JSON.stringify([namespace, key, value]);
  const keysOf = new Map<Pod["labels"], readonly string[]>(); // pods of one deployment share their labels
  for (const pod of pods) {
    const keys =
      keysOf.get(pod.labels) ?? Object.entries(pod.labels).map(([key, value]) => entry(pod.namespace, key, value));
    keysOf.set(pod.labels, keys);
    for (const key of keys) {
      const found = index.get(key);
      if (found === undefined) index.set(key, [pod]);
      else found.push(pod);
    }
  }
  return (namespace: string, selector: Readonly<Record<string, string>>): readonly Pod[] => {
    const [first] = Object.entries(selector);
    if (first === undefined) return [];
    return (index.get(entry(namespace, ...first)) ?? []).filter(pod => selects(selector, pod.labels));
  };
};

const targetOf = (port: ServicePort, pod: Pod): number | undefined =>
  typeof port.targetPort === "number"
    ? port.targetPort
    : pod.ports.find(own => own.name === port.targetPort && own.protocol === port.protocol)?.port;

/** Pods by address. Numbers sort natively, so address and position go into one: both stay far below 2^53. */
const byAddress = (pods: readonly Pod[]): readonly Pod[] =>
  Array.from(
    Float64Array.from(pods, (pod, index) => pod.ip * pods.length + index).sort(),
    key => pods[key % pods.length]!,
  );

const endpointsOf = (ports: readonly ServicePort[], pods: readonly Pod[]): readonly Endpoint[] => {
  const endpoints: Endpoint[] = [];
  for (const pod of byAddress(pods))
    for (const port of ports) {
      const { name, protocol } = port;
      const target = targetOf(port, pod);
      if (target !== undefined)
        endpoints.push(
          name === undefined
            ? { protocol, ip: pod.ip, port: target }
            : { portName: name, protocol, ip: pod.ip, port: target },
        );
    }
  return endpoints;
};

/**
 * Gives each service its addresses, node ports and endpoints.
 * @throws InputError on a pinned or written address or port that the cluster cannot give, and when a range is used up
 */
export const buildServices = (input: ServicesInput): readonly Service[] => {
  const ips = clusterIps(input);
  const ports = assignNodePorts(input);
  const podsOf = podIndex(input.pods);
  return input.services.map(({ object, created }) => {
    const { namespace, name, type, selector, labels } = object;
    const key = keyOf(object);
    return {
      namespace,
      name,
      type,
      clusterIp: ips.get(key)!,
      ...(type === "LoadBalancer" ? { externalIp: input.publicAddress(key) } : undefined),
      ports: ports.get(key)!,
      selector,
      labels,
      created,
      endpoints: input.fixedEndpoints[key] ?? endpointsOf(ports.get(key)!, podsOf(namespace, selector)),
    };
  });
};
