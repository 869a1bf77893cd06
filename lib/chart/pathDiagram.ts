import { formatAddr } from "../ip/addr.js";
import { formatCidr } from "../ip/cidr.js";
import { addressChanges, type AddressChange, changeAt, formatChangedBy } from "../net/addressChange.js";
import type { Hop, Step, Trace } from "../net/trace.js";
import type { HostRole, Network, UserRoute } from "../net/network.js";
import type { Flow } from "../packet/flow.js";
import type { Packet } from "../packet/packet.js";
import { formatReason } from "../render/traceText.js";
import { element, textElement } from "./svgText.js";
import { textWidth, wrap } from "./textWidth.js";
import { colours, fontFamily } from "./theme.js";
import { count } from "./chartWords.js";

/** What a diagram of a packet's path shows. */
export interface PathDiagramOptions {
  /** Tells pods, nodes, machines and sites apart and gives them their own names. */
  readonly network?: Pick<Network, "hosts">;
  /** Draws what came back below. Default false. */
  readonly back?: boolean;
}

type Role = HostRole | "host" | "fabric" | "translator" | "internet";

interface Place {
  readonly name: string;
  readonly role: Role;
}

const roleWords: Readonly<Record<Role, string>> = {
  pod: "pod",
  node: "node",
  vm: "virtual machine",
  site: "Internet site",
  host: "host",
  fabric: "",
  translator: "load balancer",
  internet: "",
};

/** A stripe of colour for each kind of place; the words beside it say the same. */
const roleColours: Readonly<Record<Role, string>> = {
  pod: colours.blue,
  node: colours.green,
  vm: "#332288",
  site: "#332288",
  host: colours.muted,
  fabric: "#8c959f",
  translator: colours.orange,
  internet: "#8c959f",
};

const width = 420;
const margin = 12;
const inset = 14;
const legHeight = 62;
const cell = { top: 12, height: 38, left: 44, address: 156, ttl: 44, gap: 4 };
const changed = { fill: "#fff1d6", stroke: "#b26a00" };
const small = 11;
const size = 12;

/** Draws from the top down: what is drawn, and how far it reaches. */
interface Piece {
  readonly svg: string;
  readonly height: number;
}

const placeOf = (hop: Hop, roles: ReadonlyMap<string, Place>): Place => {
  if (hop.kind === "host") return roles.get(hop.place) ?? { name: hop.place, role: "host" };
  if (hop.kind === "fabric") return { name: "virtual network", role: "fabric" };
  return hop.kind === "internet" ? { name: "Internet", role: "internet" } : { name: hop.place, role: "translator" };
};

const placesOf = (network: Pick<Network, "hosts"> | undefined): ReadonlyMap<string, Place> =>
  new Map(
    network?.hosts.map(host => [host.id, { name: host.role === "pod" ? host.hostname : host.id, role: host.role }]),
  );

/** `10.13.1.4:80`; a ping has no ports. */
const end = (packet: Packet, which: "src" | "dst"): string => {
  const address = formatAddr(packet[which]);
  return packet.proto === "icmp" ? address : `${address}:${which === "src" ? packet.sport : packet.dport}`;
};

const kindOf = (packet: Packet): string => {
  switch (packet.proto) {
    case "tcp":
      return `a TCP ${packet.flags.join(" ")}`;
    case "udp":
      return "a UDP";
    case "icmp":
      return `an ICMP ${packet.type.replaceAll("-", " ")}`;
  }
};

/** The side of a flow that a change touches, as it was and as it became. */
const sides = ({ which, before, after }: AddressChange): readonly [string, string] => {
  const side = (flow: Flow) => {
    const address = formatAddr(which === "source" ? flow.src : flow.dst);
    return flow.proto === "icmp" ? address : `${address}:${which === "source" ? flow.sport : flow.dport}`;
  };
  return [side(before), side(after)];
};

interface Line {
  readonly text: string;
  readonly tone: "plain" | "changed" | "dropped";
}

const changeLines = (change: AddressChange): readonly Line[] => {
  const { by } = change;
  const comment = by.kind === "rule" && by.comment !== undefined ? ` “${by.comment}”` : "";
  const decided =
    by.kind !== "translator"
      ? formatChangedBy(by)
      : by.fresh
        ? `takes a port: ${count(by.portsInUse)} of ${count(by.portsAllotted)} in use`
        : "by the port that its connection has";
  return [
    { text: `${change.which} ${sides(change).join(" → ")}`, tone: "changed" },
    { text: `${decided}${comment}`, tone: "plain" },
  ];
};

const formatUserRoute = ({ to, nextHop }: UserRoute): string =>
  `user-defined route ${formatCidr(to)}${nextHop.kind === "appliance" ? ` via ${formatAddr(nextHop.address)}` : ` to ${nextHop.kind}`}`;

const plainText = (step: Step): string | undefined => {
  switch (step.kind) {
    case "ttl":
      return `forwards: TTL ${step.before} → ${step.after}`;
    case "bridge":
      return `bridge ${step.bridge} passes it on: TTL stays`;
    case "route":
      return `route ${step.route.to.prefix === 0 ? "default" : formatCidr(step.route.to)}${step.route.via === undefined ? "" : ` via ${formatAddr(step.route.via)}`} dev ${step.route.dev}`;
    case "fabric-route":
      if (step.route === "vnet") return "delivers inside the network: TTL stays";
      return `${step.route === "internet" ? "route to the Internet" : formatUserRoute(step.route)}: TTL stays`;
    case "inbound":
      return `rule ${step.rule} hands it to ${formatAddr(step.backend)}`;
    default:
      return undefined;
  }
};

const endLine = ({ disposition, hops }: Trace): Line => {
  switch (disposition.kind) {
    case "delivered":
      return { text: `receives it with TTL ${hops.at(-1)!.after.ttl}`, tone: "plain" };
    case "dropped":
      return { text: `drops it: ${formatReason(disposition.reason)}`, tone: "dropped" };
    case "rejected":
      return { text: `rejects it with ${disposition.with}`, tone: "dropped" };
    case "ttl-exceeded":
      return { text: "drops it: its TTL is used up", tone: "dropped" };
    case "copied":
      return { text: `sends ${disposition.copies.length} copies`, tone: "plain" };
    case "loop":
      return { text: "drops it: it goes in circles", tone: "dropped" };
  }
};

const linesOf = (trace: Trace, index: number): readonly Line[] => {
  const hop = trace.hops[index]!;
  const steps = hop.steps.flatMap((step, at): readonly Line[] => {
    const change = changeAt(hop, at);
    if (change !== undefined) return changeLines(change);
    const text = plainText(step);
    return text === undefined ? [] : [{ text, tone: "plain" }];
  });
  return [
    ...(index === 0 ? [{ text: `sends ${kindOf(trace.packet)} packet`, tone: "plain" } as const] : []),
    ...steps,
    ...(index === trace.hops.length - 1 ? [endLine(trace)] : []),
  ];
};

const alarm = "#b3261e";
const toneColours: Readonly<Record<Line["tone"], string>> = { plain: "#424a53", changed: "#8a4b00", dropped: alarm };

/** A place: its name and kind, and what happens there, line by line. */
const box = (place: Place, lines: readonly Line[], y: number): Piece => {
  const failed = lines.some(line => line.tone === "dropped");
  const left = margin + inset + 4;
  const right = width - margin - inset;
  const role = roleWords[place.role];
  const names = wrap(place.name, right - left - (role === "" ? 0 : textWidth(role, small) + 12), 13, "bold");
  const written = lines.flatMap(({ text, tone }) =>
    wrap(text, right - left, size, tone === "plain" ? "normal" : "bold").map(line => ({ text: line, tone })),
  );
  const top = y + 21 + (names.length - 1) * 17;
  const height = top - y + written.length * 17 + 11;
  const frame = { x: margin, y, width: width - 2 * margin, height };
  return {
    height,
    svg: [
      element("rect", { ...frame, rx: 6, fill: failed ? "#fdf0ef" : "#f6f8fa", stroke: failed ? alarm : colours.line }),
      element("rect", { ...frame, width: 6, rx: 3, fill: failed ? alarm : roleColours[place.role] }),
      ...names.map((name, row) =>
        textElement(name, { x: left, y: y + 21 + row * 17, "font-size": 13, "font-weight": "bold", fill: colours.ink }),
      ),
      role === ""
        ? ""
        : textElement(role, { x: right, y: y + 21, "text-anchor": "end", "font-size": small, fill: colours.muted }),
      ...written.map(({ text, tone }, row) =>
        textElement(text, {
          x: left,
          y: top + 19 + row * 17,
          "font-size": size,
          "font-weight": tone === "plain" ? undefined : "bold",
          fill: toneColours[tone],
        }),
      ),
    ].join(""),
  };
};

/** One field of the packet between two places, marked when the place before changed it. */
const field = (label: string, value: string, isChanged: boolean, x: number, y: number, fieldWidth: number): string =>
  [
    element("rect", {
      x,
      y,
      width: fieldWidth,
      height: cell.height,
      rx: 4,
      fill: isChanged ? changed.fill : colours.paper,
      stroke: isChanged ? changed.stroke : colours.line,
      "stroke-width": isChanged ? 1.5 : 1,
    }),
    textElement(label, { x: x + 7, y: y + 14, "font-size": 10, fill: colours.muted }),
    isChanged && fieldWidth > 80
      ? textElement("new", {
          x: x + fieldWidth - 6,
          y: y + 14,
          "text-anchor": "end",
          "font-size": 10,
          "font-weight": "bold",
          fill: toneColours.changed,
        })
      : "",
    textElement(value, { x: x + 7, y: y + 30, "font-size": size, fill: colours.ink }),
  ].join("");

const arrowX = margin + 16;

/** The way from one place to the next, with the packet's header as it is there. */
const leg = (packet: Packet, before: Packet, y: number): Piece => {
  const top = y + cell.top;
  const [source, destination] = [end(packet, "src"), end(packet, "dst")];
  const x = [cell.left, cell.left + cell.address + cell.gap, cell.left + 2 * (cell.address + cell.gap)] as const;
  return {
    height: legHeight,
    svg: [
      element("path", {
        d: `M${arrowX} ${y + 1}V${y + legHeight - 8}`,
        stroke: colours.muted,
        "stroke-width": 2,
        fill: "none",
      }),
      element("path", { d: `M${arrowX - 6} ${y + legHeight - 11}h12l-6 10z`, fill: colours.muted }),
      field("source", source, source !== end(before, "src"), x[0], top, cell.address),
      field("destination", destination, destination !== end(before, "dst"), x[1], top, cell.address),
      field("TTL", String(packet.ttl), packet.ttl !== before.ttl, x[2], top, cell.ttl),
    ].join(""),
  };
};

/** Where the way ends early. */
const cross = (y: number): Piece => ({
  height: 44,
  svg: [
    element("path", {
      d: `M${arrowX} ${y + 1}V${y + 20}`,
      stroke: alarm,
      "stroke-width": 2,
      "stroke-dasharray": "4 3",
    }),
    element("path", {
      d: `M${arrowX - 8} ${y + 22}l16 16m0 -16l-16 16`,
      stroke: alarm,
      "stroke-width": 4,
      "stroke-linecap": "round",
    }),
    textElement("goes no further", { x: cell.left, y: y + 34, "font-size": size, "font-weight": "bold", fill: alarm }),
  ].join(""),
});

const heading = (text: string, y: number): Piece => ({
  height: 34,
  svg: textElement(text, { x: margin, y: y + 22, "font-size": 13, "font-weight": "bold", fill: colours.ink }),
});

type Draw = (y: number) => Piece;

const drawTrace = (trace: Trace, places: ReadonlyMap<string, Place>): readonly Draw[] =>
  trace.hops.flatMap((hop, index): readonly Draw[] => {
    const own: Draw = y => box(placeOf(hop, places), linesOf(trace, index), y);
    if (index < trace.hops.length - 1) return [own, y => leg(hop.after, hop.before, y)];
    return trace.disposition.kind === "delivered" ? [own] : [own, cross];
  });

const titled = ({ name, role }: Place): string =>
  `${role === "fabric" || role === "internet" ? "the" : roleWords[role]} ${name}`;

const capital = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}`;

const listed = (names: readonly string[]): string =>
  names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;

/** A trace in sentences: from where to where and through what, each change, how it ended. */
const inWords = (trace: Trace, places: ReadonlyMap<string, Place>): string => {
  const { packet, hops, disposition } = trace;
  const named = hops.map(hop => titled(placeOf(hop, places)));
  const [from, last] = [named[0] ?? "nowhere", named.at(-1) ?? "nowhere"];
  const between = [...new Set(named.slice(1, -1))];
  const through = between.length === 0 ? "" : `, through ${listed(between)}`;
  const start = `${capital(from)} sends ${kindOf(packet)} packet from ${end(packet, "src")} to ${end(packet, "dst")}${through}.`;
  const changes = hops.flatMap((hop, index) =>
    addressChanges({ hops: [hop] }).map(change => {
      const by = change.by.kind === "translator" ? "" : ` (${formatChangedBy(change.by)})`;
      const [from, to] = sides(change);
      return `At ${named[index]} the ${change.which} changes from ${from} to ${to}${by}.`;
    }),
  );
  const received = hops.at(-1)?.after ?? packet;
  const finish =
    disposition.kind === "delivered"
      ? `${capital(last)} receives it from ${end(received, "src")} with TTL ${received.ttl}.`
      : `${capital(last)} ${endLine(trace).text}.`;
  return [start, ...changes, finish].join(" ");
};

/**
 * Draws a packet's way from the top down: a box for each place with what happened there, and between them the packet's
 * source, destination and TTL as they are on that leg. What a place changed is marked, with the rule that asked for it.
 * A packet that goes no further ends in a cross with the reason.
 * @returns SVG of its own light background, 420 wide, and the same in words
 */
export const pathDiagram = (
  trace: Trace,
  options: PathDiagramOptions = {},
): { readonly svg: string; readonly alt: string } => {
  const places = placesOf(options.network);
  const reply = options.back === true ? trace.replies[0] : undefined;
  const draws: readonly Draw[] = [
    ...drawTrace(trace, places),
    ...(reply === undefined ? [] : [(y: number) => heading("The way back", y), ...drawTrace(reply, places)]),
  ];
  const drawn: string[] = [];
  let y = margin;
  for (const draw of draws) {
    const piece = draw(y);
    drawn.push(piece.svg);
    y += piece.height;
  }
  const height = y + margin;
  const alt = [inWords(trace, places), ...(reply === undefined ? [] : [`Back: ${inWords(reply, places)}`])].join(" ");
  const frame = element("rect", {
    x: 0.5,
    y: 0.5,
    width: width - 1,
    height: height - 1,
    rx: 8,
    fill: colours.paper,
    stroke: colours.line,
  });
  const svg = element(
    "svg",
    {
      xmlns: "http://www.w3.org/2000/svg",
      width,
      height,
      viewBox: `0 0 ${width} ${height}`,
      "font-family": fontFamily,
      role: "img",
      "aria-label": alt,
    },
    [frame, ...drawn].join(""),
  );
  return { svg, alt };
};
