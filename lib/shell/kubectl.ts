import { known } from "../checks.js";
import { selects } from "../kube/lookUp.js";
import type { Host } from "../net/network.js";
import { type Data, printJson, printYaml } from "../render/document.js";
import {
  printDeployments,
  printIngresses,
  printNodes,
  printPods,
  printServices,
  type TableOptions,
} from "../render/kubectlText.js";
import {
  type ApiObject,
  deploymentObject,
  ingressObject,
  listOf,
  nodeObject,
  podObject,
  serviceObject,
} from "../render/objects.js";
import { printRows } from "../render/table.js";
import { type FlagSpec, fail, readFlags, toggle, value, wholeNumber } from "./flags.js";
import { runOn } from "./machine.js";
import { mapText, type Output, text } from "./output.js";
import { byNamespaceAndName } from "./places.js";
import type { NamespaceQuery, SessionInside } from "./command.js";

/** What every resource has for kubectl. */
interface Named {
  readonly name: string;
  readonly labels?: Readonly<Record<string, string>>;
}

/** A kind of object: how it is called, found, printed as a row and as an object. */
interface Resource<Item extends Named> {
  readonly words: readonly string[];
  /** Before the slash in `-o name`. */
  readonly prefix: string;
  readonly namespaced: boolean;
  readonly list: (session: SessionInside, query: NamespaceQuery) => readonly Item[];
  readonly print: (session: SessionInside, items: readonly Item[], options: TableOptions) => string;
  readonly object: (session: SessionInside, item: Item) => ApiObject;
}

/** The same, with its kind of item hidden, so that all fit one list. */
interface AnyResource {
  readonly words: readonly string[];
  readonly namespaced: boolean;
  find(session: SessionInside, query: NamespaceQuery, pick: (item: Named) => boolean): Found;
}

/** Objects found, ready to be printed in any form. */
interface Found {
  readonly names: readonly string[];
  /** Every name there is, for errors. */
  readonly all: readonly string[];
  table(options: TableOptions): string;
  objects(): readonly ApiObject[];
  prefixed(): readonly string[];
}

const resource = <Item extends Named>(kind: Resource<Item>): AnyResource => ({
  words: kind.words,
  namespaced: kind.namespaced,
  find(session, query, pick) {
    const all = kind.list(session, query);
    const items = all.filter(pick);
    return {
      names: items.map(({ name }) => name),
      all: all.map(({ name }) => name),
      table: options => kind.print(session, items, options),
      objects: () => items.map(item => kind.object(session, item)),
      prefixed: () => items.map(({ name }) => `${kind.prefix}/${name}`),
    };
  },
});

const resources: readonly AnyResource[] = [
  resource({
    words: ["node", "nodes", "no"],
    prefix: "node",
    namespaced: false,
    list: session => session.getNodes(),
    print: (session, items, options) => printNodes(session.clusterNow.cluster, items, options),
    object: (session, item) => nodeObject(session.clusterNow.cluster, item),
  }),
  resource({
    words: ["pod", "pods", "po"],
    prefix: "pod",
    namespaced: true,
    list: (session, query) =>
      [...session.getPods(query), ...session.getPendingPods(query)].toSorted(byNamespaceAndName),
    print: (_, items, options) => printPods(items, options),
    object: (session, item) => podObject(session.clusterNow.cluster, item),
  }),
  resource({
    words: ["svc", "service", "services"],
    prefix: "service",
    namespaced: true,
    list: (session, query) => session.getServices(query),
    print: (_, items, options) => printServices(items, options),
    object: (_, item) => serviceObject(item),
  }),
  resource({
    words: ["deploy", "deployment", "deployments"],
    prefix: "deployment.extensions",
    namespaced: true,
    list: (session, query) => session.getDeployments(query),
    print: (session, items, options) => printDeployments(session.clusterNow.cluster, items, options),
    object: (session, item) => deploymentObject(session.clusterNow.cluster, item),
  }),
  resource({
    words: ["ing", "ingress", "ingresses"],
    prefix: "ingress.extensions",
    namespaced: true,
    list: (session, query) => session.getIngresses(query),
    print: (session, items, options) => printIngresses(session.clusterNow.cluster, items, options),
    object: (session, item) => ingressObject(session.clusterNow.cluster, item),
  }),
];

const resourceNamed = (word: string): AnyResource =>
  resources.find(({ words }) => words.includes(word)) ??
  fail("kubectl get", word, "is not a kind of object known here", resources.flatMap(({ words }) => words).join(", "));

const namespaceFlags: FlagSpec = { "-n": value("namespace"), "--namespace": value("namespace") };

const queryOf = (session: SessionInside, flags: Readonly<Record<string, string>>): NamespaceQuery => {
  const { namespace } = flags;
  const all = { allNamespaces: "all" in flags };
  if (namespace === undefined) return all;
  const { cluster } = session.clusterNow;
  const namespaces = [
    ...new Set([
      "default",
      "kube-system",
      ...[...cluster.pods, ...cluster.services, ...cluster.deployments].map(item => item.namespace),
    ]),
  ];
  return namespaces.includes(namespace)
    ? { ...all, namespace }
    : fail("kubectl -n", namespace, "is not a namespace", known(namespaces));
};

/** Reads `-l app=web,tier!=front`. */
const labelFilter = (selector: string): ((labels: Readonly<Record<string, string>>) => boolean) => {
  const terms = selector.split(",").map(term => {
    const [, key, operator, wanted] =
      /^([\w./-]+)(==?|!=)([\w.-]*)$/.exec(term) ??
      fail("kubectl -l", selector, "is not a label selector", "KEY=VALUE or KEY!=VALUE, several joined by commas");
    return operator === "!="
      ? (labels: Readonly<Record<string, string>>) => labels[key!] !== wanted
      : (labels: Readonly<Record<string, string>>) => selects({ [key!]: wanted! }, labels);
  });
  return labels => terms.every(term => term(labels));
};

const outputs = ["wide", "json", "yaml", "name"];

const get = async (session: SessionInside, args: readonly string[]): Promise<Output> => {
  const { flags, rest } = readFlags("kubectl get", args, {
    ...namespaceFlags,
    "-o": value("output"),
    "--output": value("output"),
    "-l": value("selector"),
    "--selector": value("selector"),
    "--all-namespaces": toggle("all"),
  });
  const [
    word = fail("kubectl get", "", "lacks a kind of object", resources.map(({ words }) => words[0]).join(", ")),
    ...given
  ] = rest.flatMap((arg, index) => (index === 0 ? arg.split("/", 2) : [arg]));
  const { output } = flags;
  if (output !== undefined && !outputs.includes(output))
    fail("kubectl get -o", output, "is not an output format known here", outputs.join(", "));
  const kind = resourceNamed(word);
  const query = queryOf(session, flags);
  if (given.length > 0 && query.allNamespaces === true)
    fail("kubectl get", given.join(" "), "cannot be asked for in all namespaces", "a name with -n NAMESPACE");
  const wanted = flags["selector"] === undefined ? () => true : labelFilter(flags["selector"]);
  const found = kind.find(
    session,
    query,
    item => (given.length === 0 || given.includes(item.name)) && wanted(item.labels ?? {}),
  );
  for (const name of given)
    if (!found.all.includes(name)) fail(`kubectl get ${word}`, name, "does not exist", known(found.all));
  if (output === "json" || output === "yaml") {
    const objects = found.objects();
    const data: Data = given.length === 1 && objects.length === 1 ? objects[0]! : listOf(objects);
    return text(output === "json" ? printJson(data, 4) : printYaml(data));
  }
  if (output === "name") return text(found.prefixed().join("\n"));
  if (found.names.length === 0) return text("No resources found.");
  return text(
    found.table({
      now: session.now,
      wide: output === "wide",
      allNamespaces: kind.namespaced && query.allNamespaces === true,
    }),
  );
};

const apply = async (session: SessionInside, args: readonly string[]): Promise<Output> => {
  const { flags, rest } = readFlags("kubectl apply", args, { "-f": value("file"), "--filename": value("file") });
  const file = flags["file"] ?? fail("kubectl apply", args.join(" "), "names no file", "kubectl apply -f FILE");
  if (rest.length > 0) fail("kubectl apply", rest.join(" "), "is not known", "kubectl apply -f FILE");
  return text((await session.apply(file)).map(({ name, change }) => `${name} ${change}`).join("\n"));
};

/** The host on which a pod's programs run: its own, or its node on the host network. */
const hostOfPod = (session: SessionInside, name: string, query: NamespaceQuery): Host => {
  const pods = session.getPods(query);
  const pod = pods.find(each => each.name === name.replace(/^pods?\//, ""));
  if (pod === undefined)
    return fail("kubectl exec", name, "is not a running pod here", known(pods.map(each => each.name)));
  return session.host(pod.hostNetwork ? pod.node : `${session.context}/${pod.namespace}/${pod.name}`);
};

const execFlags: FlagSpec = {
  ...namespaceFlags,
  "-i": toggle("stdin"),
  "--stdin": toggle("stdin"),
  "-t": toggle("tty"),
  "--tty": toggle("tty"),
};

const exec = async (session: SessionInside, args: readonly string[]): Promise<Output> => {
  const usage = "kubectl exec [-it] POD [-n NAMESPACE] -- COMMAND";
  const dashes = args.indexOf("--");
  const { flags, rest } = readFlags("kubectl exec", dashes < 0 ? args : args.slice(0, dashes), execFlags, {
    stopAtFirst: dashes < 0,
  });
  const [pod = fail("kubectl exec", args.join(" "), "names no pod", usage), ...old] = rest;
  const [program = fail("kubectl exec", args.join(" "), "has no command", usage), ...programArgs] =
    dashes < 0 ? old : args.slice(dashes + 1);
  if (dashes >= 0 && old.length > 0) fail("kubectl exec", old.join(" "), "is not known before --", usage);
  const output = await runOn(
    { session, host: hostOfPod(session, pod, queryOf(session, flags)), tty: "tty" in flags },
    program,
    programArgs,
  );
  if (output.kind === "job" || output.code === 0) return output;
  return mapText(
    output,
    printed => `${printed === "" ? "" : `${printed}\n`}command terminated with exit code ${output.code}`,
  );
};

const printContexts = (session: SessionInside): string =>
  printRows([
    ["CURRENT", "NAME", "CLUSTER", "AUTHINFO", "NAMESPACE"],
    ...session.built.clusters.map(({ spec: { name } }) => [
      name === session.context ? "*" : "",
      name,
      name,
      `clusterUser_${session.scenario.resourceGroup}_${name}`,
      "",
    ]),
  ]);

const config = async (session: SessionInside, args: readonly string[]): Promise<Output> => {
  const [action, name, ...more] = args;
  if (more.length === 0) {
    if (action === "use-context" && name !== undefined) {
      session.useContext(name);
      return text(`Switched to context "${name}".`);
    }
    if (action === "current-context" && name === undefined) return text(session.context);
    if (action === "get-contexts" && name === undefined) return text(printContexts(session));
  }
  return fail("kubectl config", args.join(" "), "is not known", "use-context NAME, current-context, get-contexts");
};

const scale = async (session: SessionInside, args: readonly string[]): Promise<Output> => {
  const { flags, rest } = readFlags("kubectl scale", args, { ...namespaceFlags, "--replicas": value("replicas") });
  const usage = "kubectl scale deployment NAME --replicas=N";
  const [kind, name, ...more] = rest.flatMap((arg, index) => (index === 0 ? arg.split("/", 2) : [arg]));
  const replicas = flags["replicas"] ?? fail("kubectl scale", args.join(" "), "lacks --replicas", usage);
  if (!["deploy", "deployment", "deployments"].includes(kind ?? "") || name === undefined || more.length > 0)
    fail("kubectl scale", rest.join(" "), "is not a deployment", usage);
  await session.scale(name!, wholeNumber("kubectl scale --replicas", replicas, 0, 1_000_000), queryOf(session, flags));
  return text(`deployment.extensions/${name} scaled`);
};

const verbs: Readonly<Record<string, (session: SessionInside, args: readonly string[]) => Promise<Output>>> = {
  get,
  apply,
  exec,
  config,
  scale,
};

/** Runs kubectl. @throws InputError for what is not known, naming what is */
export const kubectl = (session: SessionInside, [verb = "", ...args]: readonly string[]): Promise<Output> => {
  const run = Object.hasOwn(verbs, verb) ? verbs[verb]! : undefined;
  return run === undefined
    ? fail("kubectl", verb, "is not a command known here", Object.keys(verbs).join(", "))
    : run(session, args);
};
