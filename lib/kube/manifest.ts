import { type Document, LineCounter, isNode, isScalar, parseAllDocuments, visit } from "yaml";
import { InputError } from "../errors.js";
import type { ContainerPort, ServicePort } from "./cluster.js";

interface ObjectBase {
  /** `default` when the manifest names none. */
  readonly namespace: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** A Deployment as written in a manifest. */
export interface DeploymentObject extends ObjectBase {
  readonly kind: "Deployment";
  /** 0 or more, default 1. */
  readonly replicas: number;
  readonly selector: Readonly<Record<string, string>>;
  readonly podLabels: Readonly<Record<string, string>>;
  /** The first container's. */
  readonly image: string;
  /** Of all containers. */
  readonly ports: readonly ContainerPort[];
  readonly hostNetwork: boolean;
}

/** A Service as written in a manifest. */
export interface ServiceObject extends ObjectBase {
  readonly kind: "Service";
  readonly type: "ClusterIP" | "NodePort" | "LoadBalancer";
  readonly selector: Readonly<Record<string, string>>;
  readonly ports: readonly ServicePort[];
}

/** An Ingress as written in a manifest. */
export interface IngressObject extends ObjectBase {
  readonly kind: "Ingress";
  /** The annotation `kubernetes.io/ingress.class` or `spec.ingressClassName`; empty for none. */
  readonly class: string;
  /** One row per host and path; without a host `*`. A port may be the name of a service's port. */
  readonly rules: readonly {
    readonly host: string;
    readonly path: string;
    readonly service: string;
    readonly port: number | string;
  }[];
}

/** An object of a manifest that the library understands. */
export type KubeObject = DeploymentObject | ServiceObject | IngressObject;

/** What the API server takes in one request (3 MiB, its default). */
const manifestBytes = 3 * 1024 * 1024;
/** Enough for hand-written anchors; what expands further is an attack or a mistake. */
const aliasesAtMost = 100;
const replicasAtMost = 1_000_000;

const labelName = /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/;
const subdomainName = /^(?=.{1,253}$)[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*$/;
const serviceName = /^[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?$/;
const portName = /^(?=.{1,15}$)(?=.*[a-z])[a-z0-9]+(?:-[a-z0-9]+)*$/;

/** One value in a document, which knows its place. */
interface Field {
  readonly value: unknown;
  readonly absent: boolean;
  at(key: string): Field;
  /** The items of a list; of an absent one none. */
  items(): readonly Field[];
  text(expected: string, pattern?: RegExp): string;
  integer(low: number, high: number, expected: string): number;
  oneOf<Word extends string>(...words: readonly Word[]): Word;
  /** A mapping of texts; of an absent one empty. */
  texts(expected: string): Readonly<Record<string, string>>;
  fail(problem: string, expected: string): never;
}

const isMapping = (value: unknown): value is Readonly<Record<string, unknown>> =>
  value !== null && typeof value === "object" && !Array.isArray(value);

const formatPath = (path: readonly (string | number)[]): string =>
  path.map((part, index) => (typeof part === "number" ? `[${part}]` : index === 0 ? part : `.${part}`)).join("") ||
  "document";

const field = (
  source: (path: readonly (string | number)[]) => string,
  path: readonly (string | number)[],
  value: unknown,
): Field => {
  const child = (key: string | number, inner: unknown): Field => field(source, [...path, key], inner);
  const fail = (problem: string, expected: string): never => {
    throw new InputError({
      where: source(path),
      value: value ?? null,
      problem: value === undefined ? "is missing" : problem,
      expected,
    });
  };
  return {
    value,
    absent: value === undefined || value === null,
    fail,
    at(key) {
      if (value === undefined || value === null) return child(key, undefined);
      if (!isMapping(value)) return fail("is no mapping", `a mapping with ${key}`);
      return child(key, Object.hasOwn(value, key) ? value[key] : undefined);
    },
    items() {
      if (value === undefined || value === null) return [];
      return Array.isArray(value)
        ? value.map((item: unknown, index) => child(index, item))
        : fail("is no list", "a list");
    },
    text(expected, pattern = /./) {
      return typeof value === "string" && pattern.test(value) ? value : fail("is not right", expected);
    },
    integer(low, high, expected) {
      return Number.isInteger(value) && (value as number) >= low && (value as number) <= high
        ? (value as number)
        : fail("is not right", expected);
    },
    oneOf(...words) {
      return words.find(word => word === value) ?? fail("is not known", words.join(", "));
    },
    texts(expected) {
      if (value === undefined || value === null) return {};
      if (!isMapping(value)) return fail("is no mapping", expected);
      return Object.fromEntries(Object.keys(value).map(key => [key, child(key, value[key]).text(expected, /^/)]));
    },
  };
};

/** Fields that would change what the network does, and that the model does not follow: refused, never ignored. */
const refuse = (place: Field, keys: readonly string[], remedy: string): void => {
  for (const key of keys) {
    const given = place.at(key);
    if (!given.absent) given.fail(`is not modelled (${key})`, remedy);
  }
};

const metadata = (root: Field, pattern: RegExp, expected: string): ObjectBase => {
  const meta = root.at("metadata");
  const namespace = meta.at("namespace");
  return {
    namespace: namespace.absent
      ? "default"
      : namespace.text("a namespace: a-z, 0-9 and -, at most 63 characters", labelName),
    name: meta.at("name").text(expected, pattern),
    labels: meta.at("labels").texts("labels, text to text"),
  };
};

const portNumber = (place: Field): number => place.integer(1, 65535, "a port, 1-65535");
/** A container's port has an IANA service name, a service's port a DNS label. */
const containerPortName = (place: Field): { readonly name: string } | undefined =>
  place.absent
    ? undefined
    : { name: place.text("a port name: a-z, 0-9 and -, at most 15 characters, a letter among them", portName) };
const servicePortName = (place: Field): { readonly name: string } | undefined =>
  place.absent ? undefined : { name: place.text("a port name: a-z, 0-9 and -, at most 63 characters", labelName) };
const protocolOf = (place: Field): "TCP" | "UDP" => (place.absent ? "TCP" : place.oneOf("TCP", "UDP"));

const containerPort = (port: Field): ContainerPort => {
  refuse(port, ["hostPort"], "a port without hostPort, behind a Service");
  return {
    ...containerPortName(port.at("name")),
    port: portNumber(port.at("containerPort")),
    protocol: protocolOf(port.at("protocol")),
  };
};

const deployment = (root: Field): DeploymentObject => {
  const base = metadata(root, subdomainName, "a name: a-z, 0-9, - and ., at most 253 characters");
  const spec = root.at("spec");
  const template = spec.at("template");
  const podLabels = template.at("metadata").at("labels").texts("labels, text to text");
  const pod = template.at("spec");
  refuse(pod, ["nodeName", "nodeSelector", "affinity"], "a pod that any node may run; pins place pods");
  const containers = pod.at("containers").items();
  const first = containers[0] ?? pod.at("containers").fail("has no container", "a list of containers");
  const selectorField = spec.at("selector").at("matchLabels");
  refuse(spec.at("selector"), ["matchExpressions"], "matchLabels");
  const selector = selectorField.absent ? podLabels : selectorField.texts("labels, text to text");
  for (const [key, value] of Object.entries(selector))
    if (podLabels[key] !== value)
      template.at("metadata").at("labels").fail("does not match the selector", `labels with ${key}: ${value}`);
  if (Object.keys(selector).length === 0)
    template.at("metadata").at("labels").fail("is empty", "labels that a selector can match");
  const replicas = spec.at("replicas");
  const hostNetwork = pod.at("hostNetwork");
  if (!hostNetwork.absent && typeof hostNetwork.value !== "boolean") hostNetwork.fail("is not right", "true or false");
  return {
    kind: "Deployment",
    ...base,
    replicas: replicas.absent ? 1 : replicas.integer(0, replicasAtMost, `a number of pods, 0-${replicasAtMost}`),
    selector,
    podLabels,
    image: first.at("image").text("an image"),
    ports: containers.flatMap(container => container.at("ports").items().map(containerPort)),
    hostNetwork: hostNetwork.value === true,
  };
};

const servicePort = (port: Field, several: boolean): ServicePort => {
  if (several && port.at("name").absent) port.at("name").fail("is missing", "a name, as the service has several ports");
  const number = portNumber(port.at("port"));
  const target = port.at("targetPort");
  const nodePort = port.at("nodePort");
  return {
    ...servicePortName(port.at("name")),
    port: number,
    protocol: protocolOf(port.at("protocol")),
    targetPort: target.absent
      ? number
      : typeof target.value === "string"
        ? target.text("the name of a container port, or 1-65535", portName)
        : portNumber(target),
    ...(nodePort.absent ? undefined : { nodePort: nodePort.integer(1, 65535, "a node port, 30000-32767") }),
  };
};

const service = (root: Field): ServiceObject => {
  const base = metadata(root, serviceName, "a name: a-z, 0-9 and -, a letter first, at most 63 characters");
  const spec = root.at("spec");
  refuse(
    spec,
    ["clusterIP", "externalIPs", "loadBalancerIP"],
    "an address that the cluster draws; pins.clusterIps and pins.publicAddresses fix it",
  );
  refuse(spec, ["loadBalancerSourceRanges", "externalName"], "a service open to every source");
  for (const [key, plain] of [
    ["sessionAffinity", "None"],
    ["externalTrafficPolicy", "Cluster"],
  ] as const) {
    const given = spec.at(key);
    if (!given.absent && given.value !== plain) given.fail("is not modelled", plain);
  }
  refuse(
    root.at("metadata").at("annotations"),
    ["service.beta.kubernetes.io/azure-load-balancer-internal"],
    "a public load balancer",
  );
  const type = spec.at("type");
  const ports = spec.at("ports").items();
  if (ports.length === 0) spec.at("ports").fail("has no port", "a list of ports");
  const parsed = ports.map(port => servicePort(port, ports.length > 1));
  parsed.forEach((port, index) => {
    const same = parsed.findIndex(
      other => other.name === port.name || (other.port === port.port && other.protocol === port.protocol),
    );
    if (same !== index)
      ports[index]!.fail(`repeats ports[${same}]`, "a name and a port and protocol of its own for each");
  });
  return {
    kind: "Service",
    ...base,
    type: type.absent ? "ClusterIP" : type.oneOf("ClusterIP", "NodePort", "LoadBalancer"),
    selector: spec.at("selector").texts("labels, text to text"),
    ports: parsed,
  };
};

type IngressBackend = Pick<IngressObject["rules"][number], "service" | "port">;

const servicePortRef = (place: Field): number | string =>
  typeof place.value === "string" ? place.text("a port, 1-65535, or its name", labelName) : portNumber(place);

const backend = (place: Field, v1: boolean): IngressBackend => {
  if (!v1)
    return {
      service: place.at("serviceName").text("the name of a service", serviceName),
      port: servicePortRef(place.at("servicePort")),
    };
  const target = place.at("service");
  const port = target.at("port");
  return {
    service: target.at("name").text("the name of a service", serviceName),
    port: servicePortRef(port.at("name").absent ? port.at("number") : port.at("name")),
  };
};

const ingress = (root: Field): IngressObject => {
  const base = metadata(root, subdomainName, "a name: a-z, 0-9, - and ., at most 253 characters");
  const v1 = root.at("apiVersion").value === "networking.k8s.io/v1";
  const spec = root.at("spec");
  const className = spec.at("ingressClassName");
  const annotation = root.at("metadata").at("annotations").at("kubernetes.io/ingress.class");
  const chosen = className.absent ? annotation : className;
  const fallback = spec.at(v1 ? "defaultBackend" : "backend");
  const rules = spec
    .at("rules")
    .items()
    .flatMap(rule => {
      const host = rule.at("host");
      return rule
        .at("http")
        .at("paths")
        .items()
        .map(entry => {
          const path = entry.at("path");
          return {
            host: host.absent ? "*" : host.text("a host name", /^(?:\*\.)?[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?$/),
            path: path.absent ? "/" : path.text("a path that starts with /", /^\//),
            ...backend(entry.at("backend"), v1),
          };
        });
    });
  const all = fallback.absent ? rules : [...rules, { host: "*", path: "/", ...backend(fallback, v1) }];
  if (all.length === 0) spec.at("rules").fail("leads nowhere", "rules with a host, paths and a backend");
  return {
    kind: "Ingress",
    ...base,
    class: chosen.absent ? "" : chosen.text("the name of an ingress class", subdomainName),
    rules: all,
  };
};

const kinds: Readonly<
  Record<string, { readonly apiVersions: readonly string[]; readonly read: (root: Field) => KubeObject }>
> = {
  Deployment: { apiVersions: ["apps/v1", "apps/v1beta2", "apps/v1beta1", "extensions/v1beta1"], read: deployment },
  Service: { apiVersions: ["v1"], read: service },
  Ingress: { apiVersions: ["extensions/v1beta1", "networking.k8s.io/v1beta1", "networking.k8s.io/v1"], read: ingress },
};

const readObject = (root: Field): KubeObject => {
  if (!isMapping(root.value))
    return root.fail("is no mapping", "a Kubernetes object with apiVersion, kind and metadata");
  const kind = kinds[root.at("kind").oneOf(...Object.keys(kinds))]!;
  root.at("apiVersion").oneOf(...kind.apiVersions);
  return kind.read(root);
};

/** A key that a mapping has twice. The YAML reader itself would compare each key with all before it. */
const repeatedKey = (document: Document.Parsed): { readonly name: string; readonly at: number } | undefined => {
  let found: { readonly name: string; readonly at: number } | undefined;
  visit(document, {
    Map(_, map) {
      const names = new Set<unknown>();
      for (const { key } of map.items) {
        if (!isScalar(key)) continue;
        if (names.has(key.value)) {
          found = { name: String(key.value), at: key.range?.[0] ?? 0 };
          return visit.BREAK;
        }
        names.add(key.value);
      }
      return undefined;
    },
  });
  return found;
};

/** The first line of the reader's own message: what follows quotes the input over many lines. */
const firstLine = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split("\n")[0]!.replace(/:$/, "");

/**
 * Reads a manifest: YAML documents with a Deployment, Service or Ingress each. Empty documents are passed over.
 * @param file its name, for errors
 * @throws InputError naming file, line, document and field, for a kind, field or value that is not known;
 * also for fields that would change the network and are not modelled (session affinity, host ports, internal load balancers ...)
 */
export const parseManifest = (yaml: string, file: string): readonly KubeObject[] => {
  const broken = (where: string, problem: string): never => {
    throw new InputError({
      where,
      value: yaml.trimStart().split("\n")[0]!,
      problem,
      expected: "YAML documents, one Kubernetes object each",
    });
  };
  if (yaml.length > manifestBytes)
    broken(file, `and what follows has ${yaml.length} characters, more than ${manifestBytes}`);
  const lines = new LineCounter();
  const place = (document: Document.Parsed, index: number, path: readonly (string | number)[]): string => {
    const near =
      path.map((_, cut) => document.getIn(path.slice(0, path.length - cut), true)).find(isNode) ?? document.contents;
    return `${file}:${lines.linePos(near?.range?.[0] ?? document.range[0]).line} document ${index + 1} ${formatPath(path)}`;
  };
  const read = (document: Document.Parsed, index: number): readonly KubeObject[] => {
    const error = document.errors[0];
    if (error !== undefined)
      return broken(
        `${file}:${lines.linePos(error.pos[0]).line} document ${index + 1}`,
        `is no YAML: ${firstLine(error)}`,
      );
    const repeated = repeatedKey(document);
    if (repeated !== undefined)
      return broken(
        `${file}:${lines.linePos(repeated.at).line} document ${index + 1}`,
        `is no YAML: the key ${JSON.stringify(repeated.name)} stands twice`,
      );
    const value: unknown = document.toJS({ maxAliasCount: aliasesAtMost });
    return value === null ? [] : [readObject(field(path => place(document, index, path), [], value))];
  };
  try {
    const documents = parseAllDocuments(yaml, {
      lineCounter: lines,
      prettyErrors: false,
      logLevel: "error",
      uniqueKeys: false,
    });
    const objects = "empty" in documents ? [] : documents.flatMap(read);
    return objects.length > 0 ? objects : broken(file, "holds no object");
  } catch (error) {
    if (error instanceof InputError) throw error;
    return broken(file, `cannot be read: ${firstLine(error)}`); // aliases that expand too far, nesting that is too deep
  }
};
