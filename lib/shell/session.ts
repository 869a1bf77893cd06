import { known, wholeNumber } from "../checks.js";
import { InputError } from "../errors.js";
import { type Addr, formatAddr } from "../ip/addr.js";
import { parseManifest } from "../kube/manifest.js";
import type { Cluster, Deployment, Ingress, Node, PendingPod, Pod, Service, Time } from "../kube/cluster.js";
import type { Capture, ConnectResult, Lab, ModelLab, PingOptions, PingResult } from "../net/lab.js";
import { bootModel } from "../net/model.js";
import type { Host, Network } from "../net/network.js";
import type { ConntrackEntry } from "../netfilter/netfilter.js";
import type { CountedRuleset } from "../netfilter/ruleset.js";
import {
  type LoadBalancerResource,
  type PublicIpResource,
  publicIpResources,
  loadBalancerResource,
  type ManagedCluster,
  managedCluster,
} from "../render/azObjects.js";
import { build } from "../scenario/build.js";
import { type Addon, applyManifest, disableAddon, editCluster, enableAddon } from "../scenario/edit.js";
import { formatTime, parseTime } from "../scenario/time.js";
import type { Built, BuiltCluster, ClusterSpec, Scenario } from "../scenario/scenario.js";
import { type Applied, compareManifest } from "./applied.js";
import { filterablePacket, packetFilter } from "./filter.js";
import { fail } from "./flags.js";
import { addressOfName, byNamespaceAndName, findHost, interfaceOf } from "./places.js";
import { restartAt } from "./restart.js";
import { Terminal } from "./terminal.js";
import type { CaptureOptions, NamespaceQuery, Session } from "./command.js";
import { readUrl } from "./url.js";

/** How a session is opened. */
export interface SessionOptions<L extends Lab = ModelLab> {
  /** Starts an engine whose clock stands at `startsAt`, seconds since the epoch. The in-process model by default. */
  readonly boot?: (network: Network, startsAt: Time) => L | Promise<L>;
  /** Reads a file for `kubectl apply -f` and `tcpdump -r`: its bytes, or its text. Without it none can be read. */
  readonly readFile?: (path: string) => Uint8Array | string | Promise<Uint8Array | string>;
  /** Writes a file for `tcpdump -w`, best whole or not at all. Without it none can be written. */
  readonly writeFile?: (path: string, content: Uint8Array) => void | Promise<void>;
  /** Requests that a `ping` without `-c` sends before it is interrupted, as nobody presses ^C here. 1-10000, default 3. */
  readonly pingCount?: number;
  /**
   * Variables of the lab terminal, beside those that it starts with: `rg` is the resource group, `aksname_azure` and
   * `aksname_kubenet` the first cluster of each plugin.
   */
  readonly variables?: Readonly<Record<string, string>>;
}

const firstLine = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split("\n", 1)[0]!;

class LabSession<L extends Lab> implements Session<L> {
  scenario: Scenario;
  built: Built;
  lab: L;
  context: string;
  readonly pingCount: number;
  readonly installed = new Set<string>();
  /** The session's clock less the lab's: an engine may have a clock that cannot be set. */
  #ahead: number;
  readonly #boot: (network: Network, startsAt: Time) => L | Promise<L>;
  readonly #files: Pick<SessionOptions, "readFile" | "writeFile">;
  readonly #terminal: Terminal;

  constructor(
    built: Built,
    lab: L,
    boot: (network: Network, startsAt: Time) => L | Promise<L>,
    options: SessionOptions<L>,
  ) {
    this.scenario = built.scenario;
    this.built = built;
    this.lab = lab;
    this.#ahead = parseTime(built.scenario.startsAt, "startsAt") - lab.now();
    this.context = built.clusters[0]?.spec.name ?? "";
    this.pingCount = options.pingCount ?? 3;
    this.#boot = boot;
    this.#files = options;
    const nameOf = (plugin: ClusterSpec["plugin"]): string =>
      built.clusters.find(({ spec }) => spec.plugin === plugin)?.spec.name ?? "";
    this.#terminal = new Terminal(this, {
      rg: built.scenario.resourceGroup,
      aksname_azure: nameOf("azure-cni"),
      aksname_kubenet: nameOf("kubenet"),
      ...options.variables,
    });
  }

  get now(): Time {
    return this.lab.now() + this.#ahead;
  }

  get clusterNow(): BuiltCluster {
    return this.cluster(this.context, "kubectl context");
  }

  cluster(name: string, where: string): BuiltCluster {
    const found = this.built.clusters.find(({ spec }) => spec.name === name);
    if (found === undefined)
      throw new InputError({
        where,
        value: name,
        problem: "is not a cluster of this lab",
        expected: known(this.built.clusters.map(({ spec }) => spec.name)),
      });
    return found;
  }

  async at(time: string): Promise<void> {
    const seconds = parseTime(time, "time") - this.now;
    if (seconds < -1e-6)
      throw new InputError({
        where: "time",
        value: time,
        problem: "is past",
        expected: `a time from ${formatTime(this.now)} on`,
      });
    if (this.lab.engine === "model") await this.lab.wait(Math.max(0, seconds));
    else this.#ahead += seconds;
  }

  wait(seconds: number): Promise<void> {
    return this.lab.wait(seconds);
  }

  sh(text: string): Promise<string> {
    return this.#terminal.run(text);
  }

  useContext(name: string): void {
    this.context = this.cluster(name, "kubectl config use-context").spec.name;
  }

  #select<Item extends { readonly namespace: string; readonly name: string }>(
    pick: (cluster: Cluster) => readonly Item[],
    query: NamespaceQuery,
  ): readonly Item[] {
    const namespace = query.namespace ?? "default";
    return pick(this.clusterNow.cluster)
      .filter(item => query.allNamespaces === true || item.namespace === namespace)
      .toSorted(byNamespaceAndName);
  }

  getNodes(): readonly Node[] {
    return this.clusterNow.cluster.nodes.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }

  getPods(query: NamespaceQuery = {}): readonly Pod[] {
    return this.#select(cluster => cluster.pods, query);
  }

  getPendingPods(query: NamespaceQuery = {}): readonly PendingPod[] {
    return this.#select(cluster => cluster.pending, query);
  }

  getServices(query: NamespaceQuery = {}): readonly Service[] {
    return this.#select(cluster => cluster.services, query);
  }

  getDeployments(query: NamespaceQuery = {}): readonly Deployment[] {
    return this.#select(cluster => cluster.deployments, query);
  }

  getIngresses(query: NamespaceQuery = {}): readonly Ingress[] {
    return this.#select(cluster => cluster.ingresses, query);
  }

  /** Changes the scenario, builds it anew and boots it where the clock stands. */
  async #change(edit: (scenario: Scenario, now: string) => Scenario): Promise<void> {
    const { now } = this;
    const scenario = edit(restartAt(this.built, now), formatTime(now));
    const built = build(scenario);
    const lab = await this.#boot(built.network, now);
    await this.lab.close();
    this.scenario = scenario;
    this.built = built;
    this.lab = lab;
    this.#ahead = now - lab.now();
  }

  async apply(file: string, yaml?: string): Promise<readonly Applied[]> {
    const text = yaml ?? new TextDecoder().decode(await this.read("kubectl apply -f", file, "a manifest file"));
    const { spec } = this.clusterNow;
    const before = spec.manifests.flatMap(manifest => parseManifest(manifest.yaml, manifest.file));
    const applied = compareManifest(text, file, before);
    if (applied.some(({ change }) => change !== "unchanged"))
      await this.#change((scenario, appliedAt) => applyManifest(scenario, spec.name, { file, yaml: text, appliedAt }));
    return applied;
  }

  async read(where: string, file: string, expected: string): Promise<Uint8Array> {
    const { readFile } = this.#files;
    if (readFile === undefined) return fail(where, file, "cannot be read here", "a session that was given a readFile");
    try {
      const content = await readFile(file);
      return typeof content === "string" ? new TextEncoder().encode(content) : content;
    } catch (error) {
      return fail(where, file, `cannot be read (${firstLine(error)})`, expected);
    }
  }

  writer(where: string, file: string): (content: Uint8Array) => Promise<void> {
    const { writeFile } = this.#files;
    if (writeFile === undefined)
      return fail(where, file, "cannot be written here", "a session that was given a writeFile");
    return async content => {
      try {
        await writeFile(file, content);
      } catch (error) {
        if (error instanceof InputError) throw error;
        fail(where, file, `cannot be written (${firstLine(error)})`, "a file that can be written");
      }
    };
  }

  async scale(deployment: string, replicas: number, query: NamespaceQuery = {}): Promise<void> {
    const all = this.getDeployments(query);
    const found = all.find(({ name }) => name === deployment);
    if (found === undefined)
      throw new InputError({
        where: "kubectl scale",
        value: deployment,
        problem: "is not a deployment here",
        expected: known(all.map(({ name }) => name)),
      });
    const { spec } = this.clusterNow;
    await this.#change(scenario => editCluster(scenario, spec.name, { scale: { [deployment]: replicas } }));
  }

  async enableAddon(cluster: string, addon: Addon): Promise<void> {
    const { spec } = this.cluster(cluster, "az aks enable-addons");
    if (!spec.addons.includes(addon)) await this.#change((scenario, at) => enableAddon(scenario, cluster, addon, at));
  }

  async disableAddon(cluster: string, addon: Addon): Promise<void> {
    const { spec } = this.cluster(cluster, "az aks disable-addons");
    if (spec.addons.includes(addon)) await this.#change(scenario => disableAddon(scenario, cluster, addon));
  }

  aksShow(cluster: string): ManagedCluster {
    return managedCluster(this.built, this.cluster(cluster, "az aks show"));
  }

  /** Tells the resources of a group, or all. @throws InputError for a group that is not there */
  #inGroup(resourceGroup: string | undefined): (group: string) => boolean {
    const groups = [
      this.scenario.resourceGroup,
      ...this.built.clusters.map(({ nodeResourceGroup }) => nodeResourceGroup),
    ];
    const same = (group: string): boolean =>
      resourceGroup === undefined || group.toLowerCase() === resourceGroup.toLowerCase();
    if (!groups.some(same))
      throw new InputError({
        where: "resource group",
        value: resourceGroup,
        problem: "does not exist",
        expected: known(groups),
      });
    return same;
  }

  networkLbList(resourceGroup?: string): readonly LoadBalancerResource[] {
    const inGroup = this.#inGroup(resourceGroup);
    return this.built.clusters
      .filter(({ nodeResourceGroup }) => inGroup(nodeResourceGroup))
      .map(cluster => loadBalancerResource(this.built, cluster));
  }

  networkPublicIpList(resourceGroup?: string): readonly PublicIpResource[] {
    const inGroup = this.#inGroup(resourceGroup);
    return publicIpResources(this.built).filter(({ resourceGroup }) => inGroup(resourceGroup));
  }

  host(name: string): Host {
    return findHost(this.built, this.context, name);
  }

  resolve(host: Host, name: string): Addr | undefined {
    return addressOfName(this.built, host, name);
  }

  #destination(host: Host, name: string): string {
    const address = this.resolve(host, name);
    return address === undefined ? name : formatAddr(address);
  }

  ping(from: string, to: string, options: PingOptions = {}): Promise<PingResult> {
    const host = this.host(from);
    return this.lab.ping(host.id, this.#destination(host, to), options);
  }

  curl(from: string, url: string): Promise<ConnectResult> {
    const host = this.host(from);
    const { name, port, path } = readUrl(url);
    const request = `GET ${path} HTTP/1.1\r\nHost: ${port === 80 ? name : `${name}:${port}`}\r\nUser-Agent: curl/7.29.0\r\nAccept: */*\r\n\r\n`;
    return this.lab.connect(host.id, this.#destination(host, name), port, { request });
  }

  async capture(name: string, options: CaptureOptions = {}): Promise<Capture> {
    const host = this.host(name);
    const filter = packetFilter(options.filter ?? "", text => this.resolve(host, text));
    const capture = await this.lab.capture(host.id, interfaceOf(host, options.interface));
    return {
      host: capture.host,
      interface: capture.interface,
      stop: async () =>
        (await capture.stop())
          .filter(captured => filter(filterablePacket(captured)))
          .map(captured => ({ ...captured, time: captured.time + this.#ahead })),
    };
  }

  iptables(host: string): Promise<CountedRuleset> {
    return this.lab.counters(this.host(host).id);
  }

  conntrack(host: string): Promise<readonly ConntrackEntry[]> {
    return this.lab.conntrack(this.host(host).id);
  }

  kubelet(name: string): { readonly pid: number; readonly flags: readonly string[] } {
    const nodes = this.built.clusters.flatMap(({ cluster }) => cluster.nodes);
    const node = nodes.find(each => each.name === name);
    if (node === undefined)
      throw new InputError({
        where: "kubelet",
        value: name,
        problem: "is not a node",
        expected: known(nodes.map(each => each.name)),
      });
    return { pid: node.kubeletPid, flags: node.kubeletFlags };
  }

  close(): Promise<void> {
    return this.lab.close();
  }
}

/**
 * Builds a scenario, boots it and opens a terminal on it.
 *
 *     const session = await openSession(articleScenario);
 *     await session.sh("k get pod -o wide");
 * @throws InputError when the scenario cannot be built
 */
export function openSession(scenario: Scenario, options?: SessionOptions): Promise<Session>;
export function openSession<L extends Lab>(
  scenario: Scenario,
  options: SessionOptions<L> & { readonly boot: NonNullable<SessionOptions<L>["boot"]> },
): Promise<Session<L>>;
export async function openSession(scenario: Scenario, options: SessionOptions<Lab> = {}): Promise<Session<Lab>> {
  const boot = options.boot ?? bootModel;
  wholeNumber("pingCount", options.pingCount ?? 3, { least: 1, most: 10_000 }, "packets");
  const built = build(scenario);
  return new LabSession(built, await boot(built.network, parseTime(scenario.startsAt, "startsAt")), boot, options);
}
