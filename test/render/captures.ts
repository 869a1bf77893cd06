/**
 * Captures of every kind that is read here, made by hand. Run by itself, with tcpdump 4.99 on the machine, it prints
 * what that makes of them:
 *
 *     node --import tsx test/render/captures.ts > test/golden/tcpdump.txt
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  arp,
  icmp,
  ipv4,
  ipv6,
  type KeptFrame,
  type LinkName,
  links,
  long,
  pcapFile,
  pcapngFile,
  tcp,
  udp,
  words,
} from "../packet/frames.js";
import { realTcpdump } from "../packet/programs.js";

const client = 0x0af40005; // 10.244.0.5
const server = 0xcb007107; // 203.0.113.7
const there = { protocol: 6, src: client, dst: server };
const back = { protocol: 6, src: server, dst: client };
const ports = { sport: 40000, dport: 9000 };
const turned = { sport: 9000, dport: 40000 };
const text = (content: string): number[] => [...content].map(char => char.charCodeAt(0));
const mss = [2, 4, ...words(1460)];
const timestamp = [8, 10, ...long(123456), ...long(7)];

const conversation: readonly number[][] = [
  ipv4({ ...there, body: tcp({ ...ports, options: [...mss, 4, 2, ...timestamp, 1, 3, 3, 7] }) }),
  ipv4({
    ...back,
    body: tcp({ ...turned, seq: 5000, ack: 1001, flags: 0x12, window: 1024, options: [...mss, 1, 3, 3, 7] }),
  }),
  ipv4({ ...there, body: tcp({ ...ports, seq: 1001, ack: 5001, flags: 0x10, window: 0 }) }),
  ipv4({ ...there, body: tcp({ ...ports, seq: 1001, ack: 5001, flags: 0x18, data: text("hello") }) }),
  ipv4({
    ...back,
    body: tcp({ ...turned, seq: 5001, ack: 1001, flags: 0x10, options: [1, 1, 5, 10, ...long(1003), ...long(1006)] }),
  }),
  ipv4({ ...back, body: tcp({ ...turned, seq: 5001, ack: 1006, flags: 0x11 }) }),
  ipv4({ ...there, body: tcp({ ...ports, seq: 1006, ack: 5002, flags: 0x14, window: 512 }) }),
];

const flags: readonly number[][] = [0, 0xff, 0x1ff, 0xc2, 0x20, 0x29].map(bits =>
  ipv4({ ...there, body: tcp({ ...ports, flags: bits, window: 65535, urgent: 3 }) }),
);

const options: readonly number[][] = [
  [5, 9, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1],
  [6, 6, ...long(1), 7, 6, ...long(2)],
  [11, 6, ...long(1), 12, 6, ...long(2), 13, 6, ...long(3), 1, 1],
  [19, 18, ...new Array<number>(16).fill(0xab), 1, 1],
  [20, 4, 1, 2],
  [28, 4, ...words(0x8005), 28, 4, ...words(6)],
  [29, 8, 1, 2, 3, 4, 5, 6],
  [29, 3, 1, 0],
  [34, 2, 34, 6, 1, 2, 3, 4, 34, 5, 1, 2, 3, 1],
  [254, 4, 0xf9, 0x89, 254, 8, 0xf9, 0x89, 1, 2, 3, 4],
  [254, 4, 1, 2, 253, 4, 9, 8],
  [254, 3, 1, 1],
  [77, 2, 1, 1],
  [2, 5, 5, 180, 0, 1, 1, 1],
  [2, 3, 5, 1],
  [3, 0, 1, 1],
  [1, 1, 1, 9],
  [8, 30, 1, 1],
  [0, 1, 2, 3],
].map(bytes => ipv4({ ...there, body: tcp({ ...ports, options: bytes }) }));

const headers: readonly number[][] = [
  ipv4({ ...there, body: tcp({ ...ports, offset: 3 }) }),
  ipv4({ ...there, body: tcp({ ...ports, offset: 9 }) }),
  ipv4({ ...there, body: tcp(ports), options: [1, 1, 1, 0], tos: 3, ttl: 1, id: 0xabcd, fragment: 0x4000 }),
  ipv4({ ...there, body: tcp(ports), length: 2000 }),
  ipv4({ ...there, body: tcp(ports), length: 10 }),
  ipv4({ ...there, body: tcp(ports), length: 0 }),
  [...ipv4({ ...there, body: tcp(ports) }), 0, 0, 0, 0, 0, 0],
  ipv4({ ...there, body: tcp({ ...ports, data: text("first") }), fragment: 0x2000 }),
  ipv4({ ...there, body: text("later fragment"), fragment: 0x0003 }),
  ipv4({ ...there, protocol: 17, body: text("more"), fragment: 0x2003 }),
  [0x43, ...ipv4({ ...there, body: tcp(ports) }).slice(1)],
  [0x65, ...ipv4({ ...there, body: tcp(ports) }).slice(1)],
  [0x15, ...ipv4({ ...there, body: tcp(ports) }).slice(1)],
  ipv4({ ...there, body: tcp(ports) }).slice(0, 16),
];

const datagrams: readonly number[][] = [
  udp(40000, 9000, text("hello")),
  udp(40000, 9000, [], 8),
  udp(40000, 9000, text("padded"), 10),
  udp(40000, 9000, text("short"), 60),
  udp(40000, 9000, text("hello"), 3),
  udp(40000, 9000).slice(0, 6),
].map(body => ipv4({ protocol: 17, src: client, dst: server, body }));

const quoted = (protocol: number, body: readonly number[]): number[] =>
  ipv4({ protocol, src: server, dst: client, body });
const inTcp = quoted(6, tcp(turned));
const inUdp = quoted(17, udp(9000, 40000));
const messages: readonly number[][] = [
  icmp(8, 0, [...words(16, 33), ...new Array<number>(56).fill(1)]),
  icmp(0, 0, [...words(16, 33)]),
  ...Array.from({ length: 17 }, (_, code) => icmp(3, code, [...words(0, code === 4 ? 1400 : 0), ...inUdp])),
  icmp(3, 4, [...words(0, 0), ...inTcp]),
  icmp(3, 3, [...words(0, 0), ...inTcp]),
  icmp(3, 3, [...words(0, 0), ...quoted(1, icmp(8, 0, words(1, 2)))]),
  icmp(3, 3, [...words(0, 0), ...inUdp.slice(0, 22)]),
  icmp(3, 0, [...words(0, 0), ...inUdp.slice(0, 10)]),
  icmp(4, 0, [...words(0, 0), ...inTcp]),
  ...[0, 1, 2, 3, 9].map(code => icmp(5, code, [...long(client + 1), ...inTcp])),
  icmp(9, 0, [1, 2, ...words(30), ...long(client), ...long(5)]),
  icmp(9, 0, [1, 2, ...words(1800), ...long(client), ...long(5)]),
  icmp(9, 0, [2, 2, ...words(4000), ...long(client), ...long(5), ...long(server), ...long(6)]),
  icmp(9, 0, [1, 3, ...words(30), ...long(client), ...long(5)]),
  icmp(10, 0, [0, 0, 0, 0]),
  ...[0, 1, 2].map(code => icmp(11, code, [...words(0, 0), ...inTcp])),
  icmp(11, 0, [...words(0, 0), 1, 2, 3]),
  icmp(12, 0, [4, 0, 0, 0, ...inTcp]),
  icmp(12, 2, [0, 0, 0, 0, ...inTcp]),
  icmp(13, 0, [...words(1, 2), ...long(1), ...long(0), ...long(0)]),
  icmp(14, 0, [...words(1, 2), ...long(3_723_004), ...long(3_723_005), ...long(86_399_999)]),
  icmp(15, 0, words(1, 2)),
  icmp(16, 0, words(1, 2)),
  icmp(17, 0, [...words(1, 2), 0, 0, 0, 0]),
  icmp(18, 0, [...words(1, 2), 255, 255, 255, 0]),
  icmp(42, 0, words(1, 2)),
  icmp(8, 0, []).slice(0, 1),
].map(body => ipv4({ protocol: 1, src: client, dst: server, body }));

const http: readonly number[][] = [
  "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
  "HTTP/1.1 200 OK\r\n\r\nbody",
  "HTTP/1.1 OK\r\n",
  "propfind /x HTTP/1.1\n",
  "GET without an end",
  "GET /\r",
  "GET /\rX",
  "body of a page",
  "GET \u0001\r\n",
].map(content => ipv4({ ...there, body: tcp({ sport: 40000, dport: 80, ack: 1, flags: 0x18, data: text(content) }) }));

const others: readonly (readonly [number, number[]])[] = [
  [0x0806, arp(1, client, server)],
  [0x0806, arp(2, client, server, 9)],
  [0x0806, arp(1, client, server, 9)],
  [0x0806, arp(1, client, server).slice(0, 20)],
  [0x0800, ipv4({ protocol: 50, body: text("not read") })],
  [0x86dd, ipv6(6, tcp(ports))],
  [0x88cc, text("not read")],
  [0x0800, ipv4({ ...there, body: tcp({ ...ports, options: [30, 4, 0, 0] }) })],
];

const timed = (bodies: readonly (readonly number[])[], unit: number): readonly KeptFrame[] =>
  bodies.map((bytes, index) => ({
    seconds: 1_700_000_000 + index,
    fraction: ((index * 123_457) % 1_000_000) * unit + (unit - 1),
    bytes,
  }));

const inFrames = (link: LinkName, bodies: readonly (readonly number[])[]): readonly number[][] =>
  bodies.map(body => links[link].frame(0x0800, body));

/** Every prefix of some frames, as captures that keep less and less of each have them. */
const cut = (link: LinkName, bodies: readonly (readonly number[])[]): readonly KeptFrame[] =>
  inFrames(link, bodies).flatMap(frame =>
    Array.from({ length: frame.length - 1 }, (_, kept) => ({
      seconds: 1_700_000_000,
      fraction: kept,
      bytes: frame.slice(0, kept + 1),
      length: frame.length,
    })),
  );

const ethernet = (bodies: readonly (readonly number[])[]): Uint8Array =>
  pcapFile(1, timed(inFrames("ethernet", bodies), 1));

/** Captures by name. */
export const captures: Readonly<Record<string, Uint8Array>> = {
  ...Object.fromEntries(
    (Object.keys(links) as LinkName[]).map(link => [
      `conversation, ${link}`,
      pcapFile(links[link].linkType, timed(inFrames(link, conversation), 1)),
    ]),
  ),
  "big-endian": pcapFile(1, timed(inFrames("ethernet", conversation), 1), { little: false }),
  nanoseconds: pcapFile(1, timed(inFrames("ethernet", conversation), 1000), { nanoseconds: true }),
  pcapng: pcapngFile(1, timed(inFrames("ethernet", conversation), 1)),
  "pcapng, big-endian, cooked, nanoseconds": pcapngFile(113, timed(inFrames("cookedV1", conversation), 1000), {
    little: false,
    resolution: 9,
    offset: 1_600_000_000,
  }),
  flags: ethernet(flags),
  options: ethernet(options),
  headers: ethernet(headers),
  datagrams: ethernet(datagrams),
  messages: ethernet(messages),
  http: ethernet(http),
  others: pcapFile(
    1,
    timed(
      others.map(([network, body]) => links.ethernet.frame(network, body)),
      1,
    ),
  ),
  "cut TCP": pcapFile(1, cut("ethernet", [conversation[0]!])),
  "cut UDP, cooked": pcapFile(276, cut("cooked", [datagrams[0]!])),
  "cut ICMP, cooked v1": pcapFile(113, cut("cookedV1", [messages[3]!])),
  "cut HTTP, raw": pcapFile(101, cut("raw", [http[0]!])),
  "impossible lengths": pcapFile(1, [
    { seconds: 0, fraction: 0, bytes: [] },
    { seconds: 0, fraction: 0, bytes: [], length: 0 },
    { seconds: 0, fraction: 0, bytes: [1, 2], length: 1 },
    { seconds: 0, fraction: 0, bytes: [1, 2], length: 300_000 },
  ]),
};

/** How each capture is printed. */
export const forms: readonly (readonly string[])[] = [[], ["-q"]];

/** A file of a name that stands in no line. */
export const withCapture = <T>(bytes: Uint8Array, use: (path: string) => T): T => {
  const directory = mkdtempSync(join(tmpdir(), "egress-lab-"));
  try {
    writeFileSync(join(directory, "capture"), bytes);
    return use(join(directory, "capture"));
  } finally {
    rmSync(directory, { recursive: true });
  }
};

/** What the real tcpdump prints of all captures, each under a heading. */
export const realText = (): string =>
  Object.entries(captures)
    .flatMap(([name, bytes]) =>
      forms.map(flags => {
        const { lines } = withCapture(bytes, path => realTcpdump(path, ...flags));
        return `# ${[name, ...flags].join(" ")}\n${lines.join("\n")}\n`;
      }),
    )
    .join("\n");

if (process.argv[1] === fileURLToPath(import.meta.url)) process.stdout.write(realText());
