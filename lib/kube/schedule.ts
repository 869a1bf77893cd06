import type { Addr } from "../ip/addr.js";
import type { NodeIpam } from "./ipam.js";
import type { PendingPod, Time } from "./cluster.js";

/** A pod that somebody wants to run. */
export interface WantedPod {
  /** Pods of one owner are spread over the nodes. */
  readonly owner: string;
  readonly created: Time;
  /** It is gone at this time, and so is its address. */
  readonly deleted?: Time | undefined;
  /** The node that it is known to have got, by index: taken when it exists and has room. */
  readonly node?: number | undefined;
  /** The address that it is known to have got. */
  readonly address?: Addr | undefined;
  /** It has the node's own address. */
  readonly hostNetwork: boolean;
  /** One of each node's own, placed as soon as its node joins, before pods that have waited. */
  readonly daemon: boolean;
}

export interface SchedulableNode {
  readonly name: string;
  readonly internalIp: Addr;
  readonly created: Time;
}

/** What became of a wanted pod. */
export type Placement =
  | { readonly kind: "running"; readonly node: number; readonly ip: Addr }
  | { readonly kind: "pending"; readonly reason: PendingPod["reason"] }
  | { readonly kind: "deleted" };

/** A heap of node indexes, the least first. */
const heapOf = (size: number, less: (a: number, b: number) => boolean) => {
  const items: number[] = [];
  const swap = (a: number, b: number): void => {
    [items[a], items[b]] = [items[b]!, items[a]!];
  };
  const sink = (start: number): void => {
    for (let at = start; ;) {
      const left = 2 * at + 1;
      let least = at;
      for (const child of [left, left + 1])
        if (child < items.length && less(items[child]!, items[least]!)) least = child;
      if (least === at) return;
      swap(at, least);
      at = least;
    }
  };
  return {
    fill(wanted: (node: number) => boolean): void {
      items.length = 0;
      for (let node = 0; node < size; node++) if (wanted(node)) items.push(node);
      for (let at = (items.length >> 1) - 1; at >= 0; at--) sink(at);
    },
    least: (): number | undefined => items[0],
    /** To be told when the least one's order has grown, or that it is out. */
    grown(out: boolean): void {
      if (out) {
        const last = items.pop()!;
        if (items.length === 0) return;
        items[0] = last;
      }
      sink(0);
    },
  };
};

interface Event {
  readonly time: Time;
  readonly order: number;
  readonly run: () => void;
}

/** What comes first within a second: a replacement starts before the pod that it replaces goes. */
const order = { join: 0, daemon: 1, retry: 2, create: 3, remove: 4 } as const;

/**
 * Places pods in the order of their creation, as time goes by: nodes join, pods come, pods go.
 * A pod goes to the node with the fewest pods of its owner, then the fewest pods in all, then the first;
 * one for which no node has room waits until there is some. A pod on the host network counts towards max-pods too.
 */
export const schedule = (
  wanted: readonly WantedPod[],
  nodes: readonly SchedulableNode[],
  maxPods: number,
  ipam: (node: number) => NodeIpam,
): readonly Placement[] => {
  const ready = new Uint8Array(nodes.length);
  const load = new Uint16Array(nodes.length);
  const loadOf = new Map<string, Uint16Array>();
  const ipams = new Map<number, NodeIpam>();
  const placements = new Array<Placement | undefined>(wanted.length).fill(undefined);
  let room = 0;
  let waiting: number[] = [];

  let heapOwner: string | undefined; // whose order the heap is in; undefined when it must be filled anew
  let own: Uint16Array = new Uint16Array(nodes.length);
  const heap = heapOf(
    nodes.length,
    (a, b) => own[a]! < own[b]! || (own[a] === own[b] && (load[a]! < load[b]! || (load[a] === load[b] && a < b))),
  );
  const ownLoad = (owner: string): Uint16Array => {
    const known = loadOf.get(owner) ?? new Uint16Array(nodes.length);
    loadOf.set(owner, known);
    return known;
  };
  const hasRoom = (node: number): boolean => ready[node] === 1 && load[node]! < maxPods;

  const chooseNode = (owner: string): number | undefined => {
    if (heapOwner !== owner) {
      own = ownLoad(owner);
      heap.fill(hasRoom);
      heapOwner = owner;
    }
    return heap.least();
  };
  const count = (node: number, owner: string, by: 1 | -1): void => {
    const least = by === 1 && heapOwner === owner && heap.least() === node;
    load[node]! += by;
    ownLoad(owner)[node]! += by;
    room -= by;
    if (least) heap.grown(!hasRoom(node));
    else heapOwner = undefined;
  };

  const address = (node: number, pod: WantedPod): Placement => {
    if (pod.hostNetwork) return { kind: "running", node, ip: nodes[node]!.internalIp };
    const plugin = ipams.get(node) ?? ipam(node);
    ipams.set(node, plugin);
    const ip = plugin.take(pod.address);
    if (ip === undefined)
      return { kind: "pending", reason: { kind: "no-address", node: nodes[node]!.name, capacity: plugin.capacity } };
    return { kind: "running", node, ip };
  };
  const place = (index: number): boolean => {
    const pod = wanted[index]!;
    const known = pod.node !== undefined && pod.node < nodes.length ? pod.node : undefined;
    if (known !== undefined && ready[known] === 0) return false;
    const node = known !== undefined && hasRoom(known) ? known : room > 0 ? chooseNode(pod.owner) : undefined;
    if (node === undefined) return false;
    count(node, pod.owner, 1);
    placements[index] = address(node, pod);
    return true;
  };
  const retry = (): void => {
    if (room === 0 || waiting.length === 0) return;
    const again = waiting;
    waiting = [];
    for (const index of again) if (room === 0 || !place(index)) waiting.push(index);
  };
  const remove = (index: number): void => {
    const was = placements[index];
    placements[index] = { kind: "deleted" };
    waiting = waiting.filter(other => other !== index);
    if (was?.kind !== "running") return;
    count(was.node, wanted[index]!.owner, -1);
    if (!wanted[index]!.hostNetwork) ipams.get(was.node)!.release(was.ip);
    retry();
  };

  const join = (node: number): void => {
    ready[node] = 1;
    room += maxPods;
    heapOwner = undefined;
  };
  const create = (index: number): void => {
    if (!place(index)) waiting.push(index);
  };
  const events: Event[] = nodes.flatMap(({ created: time }, node) => [
    { time, order: order.join, run: () => join(node) },
    { time, order: order.retry, run: retry },
  ]);
  wanted.forEach((pod, index) => {
    events.push({ time: pod.created, order: pod.daemon ? order.daemon : order.create, run: () => create(index) });
    if (pod.deleted !== undefined) events.push({ time: pod.deleted, order: order.remove, run: () => remove(index) });
  });
  events.sort((a, b) => a.time - b.time || a.order - b.order);
  for (const event of events) event.run();
  return placements.map(
    placement => placement ?? { kind: "pending", reason: { kind: "unschedulable", nodes: nodes.length, maxPods } },
  );
};
