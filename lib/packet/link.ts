/**
 * What a capture file says of its frames, by the numbers of https://www.tcpdump.org/linktypes.html. Raw IP has three:
 * its own, and those that BSD and OpenBSD wrote.
 */
export const linkTypes = {
  null: 0,
  ethernet: 1,
  rawBsd: 12,
  rawOpenBsd: 14,
  raw: 101,
  loop: 108,
  cookedV1: 113,
  rawIpv4: 228,
  cooked: 276,
} as const;

const names = new Map<number, string>([
  [linkTypes.null, "NULL (BSD loopback)"],
  [linkTypes.ethernet, "EN10MB (Ethernet)"],
  [linkTypes.rawBsd, "RAW (Raw IP)"],
  [linkTypes.rawOpenBsd, "RAW (Raw IP)"],
  [linkTypes.raw, "RAW (Raw IP)"],
  [linkTypes.loop, "LOOP (OpenBSD loopback)"],
  [linkTypes.cookedV1, "LINUX_SLL (Linux cooked v1)"],
  [linkTypes.rawIpv4, "IPV4 (Raw IPv4)"],
  [linkTypes.cooked, "LINUX_SLL2 (Linux cooked v2)"],
]);

/** A link type as tcpdump calls it; undefined for one that is not read here. */
export const linkTypeName = (linkType: number): string | undefined => names.get(linkType);

/** The link types that are read, for an error. */
export const linkTypesRead = [...names].map(([number, name]) => `${number} ${name}`).join(", ");

/** EtherTypes: what a frame carries. */
export const etherTypes = { ipv4: 0x0800, arp: 0x0806, rarp: 0x8035, vlan: 0x8100, ipv6: 0x86dd } as const;
/** Tags with a VLAN's number, after which the EtherType comes: 802.1Q, its early doubles and 802.1ad. */
const vlanTags: readonly number[] = [etherTypes.vlan, 0x88a8, 0x9100, 0x9200];

/** Linux's packet types, as a cooked header has them. */
export const packetTypes = { toUs: 0, broadcast: 1, multicast: 2, other: 3, outgoing: 4 } as const;

export const ethernetHeader = 14;
export const cookedHeader = 20;
const cookedV1Header = 16;
const loopbackHeader = 4;
const vlanTag = 4;

/** What a frame's link header says. */
export interface Link {
  /** The EtherType of what follows it; below 1536 no EtherType, but a length or one of Linux's own numbers. */
  readonly network: number;
  /** Where that starts in the frame. */
  readonly at: number;
  /** Tags with a VLAN's number that were passed. */
  readonly vlans: number;
  /** One of {@link packetTypes}; known for Linux's cooked captures only. */
  readonly packetType?: number;
  /** The number of the interface on its host; known for Linux's cooked captures of version 2 only. */
  readonly interfaceIndex?: number;
}

const pastVlans = (view: DataView, link: Link, tags: readonly number[]): Link => {
  let { network, at, vlans } = link;
  for (; tags.includes(network) && at + vlanTag <= view.byteLength; vlans++) {
    network = view.getUint16(at + 2);
    at += vlanTag;
  }
  return { ...link, network, at, vlans };
};

/** BSD's address families, one number for IPv4 and three for IPv6. */
const familyTypes = new Map<number, number>([
  [2, etherTypes.ipv4],
  [24, etherTypes.ipv6],
  [28, etherTypes.ipv6],
  [30, etherTypes.ipv6],
]);

/** The family is in the byte order of the host that captured; a number that fills the upper half is one turned round. */
const familyOf = (view: DataView): number => {
  const family = view.getUint32(0, true);
  return family > 0xffff ? view.getUint32(0, false) : family;
};

const rawNetwork = (view: DataView): number =>
  view.byteLength > 0 && view.getUint8(0) >> 4 === 6 ? etherTypes.ipv6 : etherTypes.ipv4;

/** Reads a frame's link header; undefined where the capture does not hold all of it. */
export const readLink = (linkType: number, frame: Uint8Array): Link | undefined => {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
  const holds = (bytes: number): boolean => frame.length >= bytes;
  switch (linkType) {
    case linkTypes.ethernet:
      return holds(ethernetHeader)
        ? pastVlans(view, { network: view.getUint16(12), at: ethernetHeader, vlans: 0 }, vlanTags)
        : undefined;
    case linkTypes.cookedV1:
      return holds(cookedV1Header)
        ? pastVlans(
            view,
            { network: view.getUint16(14), at: cookedV1Header, vlans: 0, packetType: view.getUint16(0) },
            [etherTypes.vlan],
          )
        : undefined;
    case linkTypes.cooked:
      return holds(cookedHeader)
        ? pastVlans(
            view,
            {
              network: view.getUint16(0),
              at: cookedHeader,
              vlans: 0,
              packetType: view.getUint8(10),
              interfaceIndex: view.getUint32(4),
            },
            [etherTypes.vlan],
          )
        : undefined;
    case linkTypes.null:
    case linkTypes.loop:
      return holds(loopbackHeader)
        ? { network: familyTypes.get(familyOf(view)) ?? 0, at: loopbackHeader, vlans: 0 }
        : undefined;
    default:
      return { network: rawNetwork(view), at: 0, vlans: 0 };
  }
};
