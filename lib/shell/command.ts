import type { Addr } from "../ip/addr.js";
import type { Deployment, Ingress, Node, PendingPod, Pod, Service, Time } from "../kube/cluster.js";
import type { Capture, ConnectResult, Lab, ModelLab, PingOptions, PingResult } from "../net/lab.js";
import type { Host } from "../net/network.js";
import type { ConntrackEntry } from "../netfilter/netfilter.js";
import type { CountedRuleset } from "../netfilter/ruleset.js";
import type { LoadBalancerResource, ManagedCluster, PublicIpResource } from "../render/azObjects.js";
import type { Addon } from "../scenario/edit.js";
import type { Built, BuiltCluster, Scenario } from "../scenario/scenario.js";
import type { Applied } from "./applied.js";
import type { Output } from "./output.js";

/** Which objects a question is about: one namespace (`default` when left out), or all. */
export interface NamespaceQuery {
  readonly namespace?: string;
  readonly allNamespaces?: boolean;
}

/** What a capture listens to. */
export interface CaptureOptions {
  /** An interface of the host, or `any` for all at once; its first when left out. */
  readonly interface?: string;
  /** A filter in tcpdump's language: `icmp`, `tcp port 80 and host 10.13.1.4`. Everything when left out. */
  readonly filter?: string;
}

/**
 * A lab with its clusters, its clock and its terminal: each command that a reader would type is a call.
 * Machines are named as they name themselves (`testvm`, a node's or a pod's name) or by id.
 *
 * Applying a manifest, scaling and switching an add-on make a new scenario, build it and boot it again: connections and
 * counters start over, the clock goes on. A capture that is running then hears no more.
 */
export interface Session<L extends Lab = ModelLab> {
  /** As it is now: what was applied, scaled and enabled is in it. */
  readonly scenario: Scenario;
  readonly built: Built;
  readonly lab: L;
  /** The clock, seconds since the epoch. Packets take time, looking takes none. */
  readonly now: Time;
  /** The cluster that kubectl speaks to; the scenario's first at the start. */
  readonly context: string;
  /**
   * Goes on to a moment: in the model time passes, on another engine the clock is set and connections do not age.
   * @throws InputError for one that is no RFC 3339 time, or is past
   */
  at(time: string): Promise<void>;
  /** Lets seconds pass. */
  wait(seconds: number): Promise<void>;
  /**
   * The lab terminal. Takes one command or several lines, and gives what they print.
   *
   * - A prompt in front says where a line is typed: `jose@testvm:~$ sudo tcpdump -i eth0 icmp`, `[root@POD /]# ping ...`,
   *   `$ k get node`; a line without one is typed at the workstation.
   * - Each prompt's host is a terminal of its own. A tcpdump runs until the next line at its own prompt, or the end of
   *   the text, so it sees what the lines below it do. With `&` it outlives the text, until `fg` at the same prompt.
   * - Several lines with prompts come back as a transcript: each line as typed, what it printed below it.
   * - `tcpdump -w FILE` writes its packets when it ends, `tcpdump -r FILE` prints a file's. All machines share the
   *   session's files.
   * - `name=value`, `$name`, `$(command)`, quotes, `#`, `;`, `&&`, `||` and `| grep PATTERN` work as in a shell, and so
   *   they do in `sh -c '...'` on a machine.
   * @throws InputError for what is not known, naming what is
   */
  sh(text: string): Promise<string>;
  /** `kubectl config use-context`. */
  useContext(name: string): void;
  /** Nodes of the cluster that kubectl speaks to. */
  getNodes(): readonly Node[];
  /** Pods that run. */
  getPods(query?: NamespaceQuery): readonly Pod[];
  /** Pods that do not run, each with its reason. `kubectl get pod` shows both. */
  getPendingPods(query?: NamespaceQuery): readonly PendingPod[];
  /** Services, of one namespace or all. */
  getServices(query?: NamespaceQuery): readonly Service[];
  /** Deployments, of one namespace or all. */
  getDeployments(query?: NamespaceQuery): readonly Deployment[];
  /** Ingresses, of one namespace or all. */
  getIngresses(query?: NamespaceQuery): readonly Ingress[];
  /** `kubectl apply -f FILE`: reads the file by the session's reader, or takes the YAML given. */
  apply(file: string, yaml?: string): Promise<readonly Applied[]>;
  /** `kubectl scale deployment NAME --replicas=N`. */
  scale(deployment: string, replicas: number, query?: NamespaceQuery): Promise<void>;
  /** `az aks enable-addons`. An add-on that is on stays on. */
  enableAddon(cluster: string, addon: Addon): Promise<void>;
  /** `az aks disable-addons`. */
  disableAddon(cluster: string, addon: Addon): Promise<void>;
  /** `az aks show`. */
  aksShow(cluster: string): ManagedCluster;
  /** `az network lb list`: the load balancers of a resource group, or all. */
  networkLbList(resourceGroup?: string): readonly LoadBalancerResource[];
  /** `az network public-ip list`: the public addresses of a resource group, or all. */
  networkPublicIpList(resourceGroup?: string): readonly PublicIpResource[];
  /** Pings from a machine to an address or a name. One request by default. */
  ping(from: string, to: string, options?: PingOptions): Promise<PingResult>;
  /** Fetches a page: `ifconfig.co`, `http://10.0.134.154:80/path`. */
  curl(from: string, url: string): Promise<ConnectResult>;
  /** Listens at an interface until `stop`. */
  capture(host: string, options?: CaptureOptions): Promise<Capture>;
  /** A machine's rules with their counters. */
  iptables(host: string): Promise<CountedRuleset>;
  /** A machine's connections. */
  conntrack(host: string): Promise<readonly ConntrackEntry[]>;
  /** The flags and process id of a node's kubelet. */
  kubelet(node: string): { readonly pid: number; readonly flags: readonly string[] };
  /** The machine that a name means. */
  host(name: string): Host;
  /** Ends the session and its lab. */
  close(): Promise<void>;
}

/** What the terminal needs of the session beside its public face. */
export interface SessionInside extends Session<Lab> {
  readonly pingCount: number;
  /** What `yum install` has put on machines: `HOST-ID PACKAGE`. */
  readonly installed: Set<string>;
  readonly clusterNow: BuiltCluster;
  cluster(name: string, where: string): BuiltCluster;
  resolve(host: Host, name: string): Addr | undefined;
  /** A file's bytes. @param expected what it should be, for an error. @throws InputError when it cannot be read */
  read(where: string, file: string, expected: string): Promise<Uint8Array>;
  /** What writes a command's file when the time has come. @throws InputError at once in a session that writes no files */
  writer(where: string, file: string): (content: Uint8Array) => Promise<void>;
}

/** Where a command runs. */
export interface Machine {
  readonly session: SessionInside;
  readonly host: Host;
  /** Whether ^C reaches the program: not through a `kubectl exec` without `-t`, where it ends kubectl only. */
  readonly tty: boolean;
}

/** A program of a machine. */
export type Command = (machine: Machine, args: readonly string[]) => Promise<Output>;
