import { largest } from "../extremes.js";
import { destinationKinds, type FlowChange, type FlowRow } from "../scenario/flowTable.js";

/** A table ready to be shown: cells as text or numbers. */
export interface FlowTableView {
  readonly caption: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | number | null)[])[];
}

const groupBy = <Item>(items: Iterable<Item>, key: (item: Item) => string): ReadonlyMap<string, readonly Item[]> => {
  const groups = new Map<string, Item[]>();
  for (const item of items) {
    const group = groups.get(key(item));
    if (group === undefined) groups.set(key(item), [item]);
    else group.push(item);
  }
  return groups;
};

/** What tells a pod or node from its like: what follows the last dash of its name. */
const shortName = ({ fromKind, from }: FlowRow): string =>
  fromKind === "node" ? `node ${from.slice(from.lastIndexOf("-") + 1)}` : from.slice(from.lastIndexOf("-") + 1);

/** A source with its port only where the port is new. */
const source = (value: string | undefined, before: string): string => {
  if (value === undefined) return "-";
  const [address, port] = value.split(":");
  return before.endsWith(`:${port}`) ? address! : value;
};

/** The source address at each stage, a table for each cluster, within 100 columns. A port is repeated only where it changes. */
export const flowTableColumns = (rows: Iterable<FlowRow>): readonly FlowTableView[] =>
  [...groupBy(rows, row => row.cluster)].map(([cluster, own]) => ({
    caption: `${cluster} (${own[0]!.plugin})`,
    columns: ["FROM", "TO", "SENT AS", "NODE", "VNET", "RECEIVER", "TTL"],
    rows: own.map(row => [
      shortName(row),
      row.toKind,
      row.sent,
      source(row.leavingNode, row.sent),
      source(row.inVnet, row.sent),
      row.received === undefined ? row.outcome : source(row.received, row.sent),
      row.ttl ?? null,
    ]),
  }));

const widest = 100;

const cut = (text: string, width: number): string => (text.length > width ? `${text.slice(0, width - 1)}…` : text);

/** `POSTROUTING 3 MASQUERADE`: whether source or destination changes is in the target's name. */
const decidedBy = ({ by }: FlowChange): string =>
  by.replace(/^load balancer .*/, "load balancer SNAT").replace(/ rule (\d+),/, " $1");

/** Who changes addresses and by which rule, for each kind of sender and destination; a table for each cluster, within 100 columns. */
export const flowChangeColumns = (rows: Iterable<FlowRow>): readonly FlowTableView[] =>
  [...groupBy(rows, row => row.cluster)].map(([cluster, own]) => {
    const all = own.flatMap(row =>
      row.changes.map(change => [row.fromKind, row.toKind, decidedBy(change), change.comment ?? ""] as const),
    );
    const cells = [...groupBy(all, cell => cell.join("\t")).values()].map(same => same[0]!);
    const rest = ([0, 1, 2] as const).reduce(
      (left, column) => left - 2 - Math.max(4, largest(cells.map(cell => cell[column].length))),
      widest,
    );
    return {
      caption: `${cluster} (${own[0]!.plugin})`,
      columns: ["FROM", "TO", "BY", "COMMENT"],
      rows: cells.map(([from, to, by, comment]) => [from, to, by, cut(comment, rest)]),
    };
  });

/** What the receiver sees, the clusters side by side: whose address, and the TTL, for the first sender of each kind whose packet arrives. */
export const compareFlows = (table: Iterable<FlowRow>): FlowTableView => {
  const rows = [...table];
  const clusters = [...groupBy(rows, row => row.cluster)];
  const kinds = (["pod", "node"] as const)
    .flatMap(fromKind => destinationKinds.map(toKind => ({ fromKind, toKind })))
    .filter(({ fromKind, toKind }) => rows.some(row => row.fromKind === fromKind && row.toKind === toKind));
  const seen = (own: readonly FlowRow[]): readonly (string | number | null)[] => {
    const row = own.find(({ outcome }) => outcome === "delivered") ?? own[0];
    if (row === undefined) return ["-", null];
    return row.received === undefined ? [row.outcome, null] : [`${row.owner} ${row.received.split(":")[0]}`, row.ttl!];
  };
  return {
    caption: "Source that the receiver sees",
    columns: ["FROM", "TO", ...clusters.flatMap(([, own]) => [own[0]!.plugin, "TTL"])],
    rows: kinds.map(({ fromKind, toKind }) => [
      fromKind,
      toKind,
      ...clusters.flatMap(([, own]) => seen(own.filter(row => row.fromKind === fromKind && row.toKind === toKind))),
    ]),
  };
};
