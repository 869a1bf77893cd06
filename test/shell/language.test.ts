import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { InputError } from "../../lib/errors.js";
import { addr } from "../../lib/ip/addr.js";
import type { Packet } from "../../lib/packet/packet.js";
import { filterablePacket, packetFilter } from "../../lib/shell/filter.js";
import { readFlags, toggle, value } from "../../lib/shell/flags.js";
import { parseLine, readLines } from "../../lib/shell/script.js";
import { tokenize, type Word } from "../../lib/shell/tokens.js";

const message = (action: () => unknown): string => {
  try {
    action();
  } catch (error) {
    assert.instance(error, InputError);
    assert.not.match((error as Error).message, /\n/);
    return (error as Error).message;
  }
  throw new Error("expected an InputError");
};

/** A word as text, what is still to be expanded in angle brackets. */
const show = (word: Word): string =>
  word
    .map(part =>
      part.kind === "text" ? part.text : part.kind === "variable" ? `<${part.name}>` : `<(${part.source})>`,
    )
    .join("");
const words = (source: string): readonly string[] =>
  tokenize(source).map(token => (token.kind === "word" ? show(token.word) : token.operator));

const tokens = suite("tokenize");

tokens("splits at white space and keeps what quotes hold together", () => {
  assert.equal(words(`a  b\t'c d' "e f"g h\\ i ''`), ["a", "b", "c d", "e fg", "h i", ""]);
  assert.equal(words(`--query [].[name,sku.name] -o tsv`), ["--query", "[].[name,sku.name]", "-o", "tsv"]);
  assert.equal(words(`'$rg' "\\"x\\"" '"'`), ["$rg", '"x"', '"']);
});

tokens("knows variables, commands in their place, operators and comments", () => {
  assert.equal(words('echo $rg ${rg}x "$a b" $ # rest'), ["echo", "<rg>", "<rg>x", "<a> b", "$"]);
  assert.equal(words("x=$(az show -g $rg | grep ')') y"), ["x=<(az show -g $rg | grep ')')>", "y"]);
  assert.equal(words("a|b & c;d"), ["a", "|", "b", "&", "c", ";", "d"]);
  assert.equal(words("a&&b||c"), ["a", "&&", "b", "||", "c"]);
  assert.equal(words("a#b"), ["a#b"]);
});

tokens("says what is wrong", () => {
  assert.match(
    message(() => tokenize("a 'b")),
    /has a ' that is not closed/,
  );
  assert.match(
    message(() => tokenize('a "b')),
    /has a " that is not closed/,
  );
  assert.match(
    message(() => tokenize("$(a")),
    /has \$\( without its \)/,
  );
  assert.match(
    message(() => tokenize("a ;; b")),
    /has ;;, which this shell does not have/,
  );
  assert.match(
    message(() => tokenize("a > b")),
    /has >, which this shell does not have/,
  );
});

tokens("returns or throws an InputError, whatever the text", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[a$(){}'"\\|&;#= \n]{0,40}$/)), source => {
      try {
        parseLine(source);
        readLines(source);
      } catch (error) {
        assert.instance(error, InputError);
      }
    }),
    { numRuns: 1000 },
  );
});

tokens.run();

const script = suite("script");

script("tells by the prompt where a line is typed", () => {
  const lines = readLines(`
    $ k get node
    $
    jose@testvm:~$ sudo tcpdump -i eth0 icmp
    jose@aks-nodepool1-35377101-0:/etc/kubernetes$ systemctl status kubelet
    [root@whereami-564765b89-d8rdb /]# tcpdump icmp
    root@pod:/# hostname
    ^C
    k get \\
      pod
    $rg
  `);
  assert.equal(
    lines.map(({ host, source, prompted }) => [host ?? "", source.replace(/\s+/g, " "), prompted]),
    [
      ["", "k get node", true],
      ["", "", true],
      ["testvm", "sudo tcpdump -i eth0 icmp", true],
      ["aks-nodepool1-35377101-0", "systemctl status kubelet", true],
      ["whereami-564765b89-d8rdb", "tcpdump icmp", true],
      ["pod", "hostname", true],
      ["", "k get pod", false],
      ["", "$rg", false],
    ],
  );
});

script("knows assignments, pipes and the background", () => {
  const [first, second, ...more] = parseLine("a=1 b=$x k get node | grep Ready & c=2");
  assert.equal(
    first!.assignments.map(({ name, value: word }) => [name, show(word)]),
    [
      ["a", "1"],
      ["b", "<x>"],
    ],
  );
  assert.equal(
    first!.pipeline.map(command => command.map(show)),
    [
      ["k", "get", "node"],
      ["grep", "Ready"],
    ],
  );
  assert.ok(first!.background);
  assert.equal([second!.pipeline, second!.background, more], [[], false, []]);
  assert.match(
    message(() => parseLine("a |")),
    /has a pipe without a command/,
  );
  assert.match(
    message(() => parseLine("&")),
    /has & without a command/,
  );
  assert.equal(
    parseLine("a && b || c; d").map(({ after }) => after),
    [";", "&&", "||", ";"],
  );
  for (const source of ["a &&", "&& a", "a || ; b", "a && && b"])
    assert.match(
      message(() => parseLine(source)),
      /has (?:&&|\|\|) without a command/,
    );
  assert.match(
    message(() => parseLine("a && b &")),
    /has & behind &&/,
  );
});

script.run();

const flags = suite("readFlags");

const spec = { "-o": value("output"), "--output": value("output"), "-i": toggle("stdin"), "-t": toggle("tty") };

flags("reads every form", () => {
  for (const form of [["-o", "wide"], ["-o=wide"], ["-owide"], ["--output", "wide"], ["--output=wide"]])
    assert.equal(readFlags("x", ["pod", ...form], spec), { flags: { output: "wide" }, rest: ["pod"] });
  assert.equal(readFlags("x", ["-it", "pod"], spec), { flags: { stdin: "", tty: "" }, rest: ["pod"] });
  assert.equal(readFlags("x", ["-i", "pod", "-c", "3"], spec, { stopAtFirst: true }), {
    flags: { stdin: "" },
    rest: ["pod", "-c", "3"],
  });
});

flags("names the flags that exist", () => {
  assert.is(
    message(() => readFlags("kubectl get", ["--wide"], spec)),
    'kubectl get: "--wide" is not a known flag; expected -o, --output, -i, -t',
  );
  assert.match(
    message(() => readFlags("x", ["-o"], spec)),
    /"-o" lacks its value/,
  );
  assert.match(
    message(() => readFlags("x", ["-ix"], spec)),
    /"-ix" is not a known flag/,
  );
  assert.match(
    message(() => readFlags("x", ["-i=1"], spec)),
    /is not a known flag/,
  );
  assert.match(
    message(() => readFlags("x", ["--constructor"], spec)),
    /is not a known flag/,
  );
});

flags.run();

const filter = suite("packetFilter");

const base = { src: addr("10.13.76.13"), dst: addr("10.13.1.4"), ttl: 64 };
const packets: Readonly<Record<string, Packet>> = {
  icmp: { ...base, proto: "icmp", type: "echo-request", id: 1, seq: 1, size: 56 },
  tcp: { ...base, proto: "tcp", sport: 40000, dport: 80, flags: ["SYN"], seq: 0, ack: 0, payload: "" },
  udp: { ...base, proto: "udp", sport: 53, dport: 40000, payload: "" },
};
const kept = (text: string): string =>
  Object.keys(packets)
    .filter(name =>
      packetFilter(text, name => (name === "testvm" ? base.dst : undefined))(
        filterablePacket({ packet: packets[name]! }),
      ),
    )
    .join(" ");

filter("keeps what tcpdump keeps", () => {
  const table: readonly (readonly [string, string])[] = [
    ["", "icmp tcp udp"],
    ["icmp", "icmp"],
    ["ip", "icmp tcp udp"],
    ["tcp or udp", "tcp udp"],
    ["not icmp", "tcp udp"],
    ["! icmp && ! udp", "tcp"],
    ["port 80", "tcp"],
    ["tcp port http", "tcp"],
    ["udp port 80", ""],
    ["src port 53", "udp"],
    ["dst port 53", ""],
    ["portrange 50-100", "tcp udp"],
    ["host 10.13.1.4", "icmp tcp udp"],
    ["src host 10.13.1.4", ""],
    ["dst 10.13.1.4 and tcp", "tcp"],
    ["host testvm and icmp", "icmp"],
    ["net 10.13.76.0/24 and not port 80", "icmp udp"],
    ["icmp or tcp and port 53", ""],
    ["icmp or (tcp and port 80)", "icmp tcp"],
    ["not (icmp or udp)", "tcp"],
    ["portrange 100-50", "tcp udp"],
    ["port 0x50", "tcp"],
    ["port ssh", ""],
    ["port (53 or 80) and not udp", "tcp"],
    ["src net 10.13", "icmp tcp udp"],
    ["src net 10.13.1.0/24 or 10.13.76.0/24", "icmp tcp udp"],
    ["host 10.13.1.4 and 10.13.76.13", "icmp tcp udp"],
    ["host 10.13.1.4 and 10.13.76.14", ""],
    ["ip proto 17 or proto \\tcp", "tcp udp"],
    ["greater 60", "icmp"],
    ["arp or ip6", ""],
  ];
  for (const [text, expected] of table) assert.is(kept(text), expected, text);
});

filter("says what is not known", () => {
  const table: readonly (readonly [string, RegExp])[] = [
    ["vlan", /^tcpdump filter: "vlan" is a word of filters that is not read here; expected icmp, tcp, udp/],
    ["icmp tcp", /"tcp" is not known at its place/],
    ["host", /ends after host/],
    ["host 1.2.3.4.5", /"1.2.3.4.5" is not an address/],
    ["port x", /"x" is not a port/],
    ["port 080", /"080" starts with 0 as an octal number does, and is none/],
    ["icmp port 80", /"icmp port 80" asks a protocol for ports that has none/],
    ["udp port ssh", /"udp port ssh" is a port of tcp/],
    ["(icmp", /without its \)/],
    ["tcp[13] = 2", /"\[13\] = 2" compares bytes/],
    ["!".repeat(100_000), /is longer than/],
  ];
  for (const [text, expected] of table)
    assert.match(
      message(() => packetFilter(text)),
      expected,
    );
});

filter("returns or throws an InputError, whatever the text", () => {
  const word = fc.constantFrom(
    "icmp",
    "tcp",
    "port",
    "80",
    "host",
    "10.0.0.1",
    "and",
    "or",
    "not",
    "(",
    ")",
    "!",
    "&&",
    "src",
    "dst",
    "net",
    "10.0.0.0/8",
    "x",
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(word).map(all => all.join(" ")),
      ),
      text => {
        try {
          packetFilter(text);
        } catch (error) {
          assert.instance(error, InputError);
        }
      },
    ),
    { numRuns: 1000 },
  );
});

filter.run();
