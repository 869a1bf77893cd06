import { articleScenario } from "../../../lib/scenario/article.js";
import { smallCluster } from "../../../lib/scenario/small.js";
import { addr } from "../../../lib/ip/addr.js";
import { loadBalancerResource, managedCluster, publicIpResources } from "../../../lib/render/azObjects.js";
import { build } from "../../../lib/scenario/build.js";
import { azFunctions, azQuery } from "../../../lib/shell/jmespath.js";
import { filterablePacket, packetFilter } from "../../../lib/shell/filter.js";
import { grep } from "../../../lib/shell/grep.js";
import { parseLine, readLines } from "../../../lib/shell/script.js";
import { openSession } from "../../../lib/shell/session.js";
import { readUrl } from "../../../lib/shell/url.js";
import { tokenize } from "../../../lib/shell/tokens.js";
import type { Packet } from "../../../lib/packet/packet.js";
import { holds, reading, readingLater, same, type Target } from "../target.js";

const ends = { src: addr("10.0.0.1"), dst: addr("10.0.0.2"), ttl: 64 } as const;
const packets: readonly Packet[] = [
  { ...ends, proto: "tcp", sport: 1024, dport: 80, flags: ["SYN"], seq: 0, ack: 0, payload: "" },
  { ...ends, proto: "udp", sport: 53, dport: 53, payload: "x" },
];

const filter = (input: string): void => {
  const keeps = reading(() => packetFilter(input, name => (name === "web" ? addr("10.0.0.9") : undefined)));
  if (keeps === undefined) return;
  for (const packet of packets)
    holds("a filter answers yes or no", typeof keeps(filterablePacket({ packet })) === "boolean");
};

/** The first line are grep's arguments, the others its input. */
const grepLines = (input: string): void => {
  const [first = "", ...lines] = input.split("\n");
  const text = lines.join("\n");
  const args = first.split(" ").filter(word => word !== "");
  const search = reading(() => grep(args));
  if (search === undefined) return;
  const found = search(text);
  const others = reading(() => grep(["-v", ...args]));
  const flags = args.filter(word => /^-[A-Za-z]+$/.test(word)).join("");
  holds("an exit code", found.code === 0 || found.code === 1);
  if (others === undefined || /[cnqv]/.test(flags) || text === "") return;
  const count = (of: { readonly text: string; readonly code: number }): number =>
    of.code === 1 ? 0 : of.text.split("\n").length;
  same("lines with and without -v", count(found) + count(others(text)), text.split("\n").length);
};

const script = (input: string): void => {
  for (const { source } of readLines(input)) {
    reading(() => tokenize(source));
    reading(() => parseLine(source));
  }
  reading(() => readUrl(input));
};

const tiny = smallCluster({ nodeCount: 1, podsPerNode: 1, seed: 1 });
/** Longer texts and longer waits only take longer. */
const linesAtMost = 20;
const terminal = async (input: string): Promise<void> => {
  if (input.split("\n").length > linesAtMost || /sleep +\d{5}|-c *\d{3}/.test(input)) return;
  const session = await openSession(tiny, { readFile: () => "", writeFile: () => undefined });
  try {
    const printed = await readingLater(() => session.sh(input));
    holds("prints text", printed === undefined || typeof printed === "string");
    holds("the clock is a number", Number.isFinite(session.now));
  } finally {
    await session.close();
  }
};

const article = build(articleScenario);
const resources = JSON.parse(
  JSON.stringify({
    clusters: article.clusters.map(cluster => managedCluster(article, cluster)),
    balancers: article.clusters.map(cluster => loadBalancerResource(article, cluster)),
    addresses: publicIpResources(article),
    name: "kubernetes",
    numbers: [3, 1, 2.5],
    texts: ["b", "a"],
    nothing: null,
  }),
) as Parameters<typeof azQuery>[0];
const query = (input: string): void => {
  const found = reading(() => azQuery(resources, input));
  if (found === undefined) return;
  const text = JSON.stringify(found);
  holds("a value of JSON", text !== undefined && !/\bfunction\b/.test(text));
  holds("of a bounded size", text.length < 5_000_000);
};

export const shellTargets: readonly Target[] = [
  {
    name: "filter",
    about: "tcpdump's filters: what is taken answers yes or no to every packet",
    format: "text",
    words:
      `host net port portrange src dst and or not ! ( ) ip ip6 tcp udp icmp arp proto less greater len 80 80-90 http 10.0.0.1 10.0.0.0/8 10.0 mask 255.0.0.0 web tcp[13] &
      = != < > <= >= tcp[tcpflags] tcp-syn icmp[icmptype] ether vlan ip[0]&0xf 0x50 1e3 080 gateway inbound broadcast multicast`.split(
        /\s+/,
      ),
    run: filter,
  },
  {
    name: "grep",
    about: "grep's arguments and input: with -v and without, each line comes once",
    format: "text",
    words:
      String.raw`-E -F -i -n -c -v -w -x -q \( \) \{ \} \| \+ \? \< \> \b \B \w \W \s \1 [[:digit:]] [[:alpha:]] [^a-z] []a] [a-] . * + ? { } {2,3} {0,32767} ( ) | ^ $ ab`.split(
        " ",
      ),
    run: grepLines,
  },
  {
    name: "script",
    about: "the lines of a terminal, their words and statements; URLs",
    format: "text",
    words:
      String.raw`$ | & && || ; ' " \ # $( ) \${ } $x x= user@host:~$ [root@host /]# ^C echo ${"`"} < > >> 2>&1 ;; |& https:// http://a:80/ `.split(
        " ",
      ),
    run: script,
  },
  {
    name: "terminal",
    about: "whole lines typed into a terminal, and what they print",
    format: "text",
    words:
      `kubectl k get pod pods node svc deploy ingress -o wide json yaml name -n kube-system --all-namespaces -l app=app exec -it -- sh -c apply -f x.yaml scale --replicas=2 config use-context
      az aks show list network lb public-ip -g akstest -n --query --output tsv table ping -c 1 -t 1 -s 100 curl -s http://app-1 tcpdump -i any -nn -r f -w f -c2 iptables -t nat -vnxL
      iptables-save conntrack -L -p tcp ip addr route hostname systemctl status kubelet sudo bash yum install echo sleep 1 grep & | ; && || $rg $(hostname) testvm lab@testvm:~$`.split(
        /\s+/,
      ),
    short: 60,
    run: terminal,
  },
  {
    name: "query",
    about: "az --query: a value of JSON of a bounded size comes out, and nothing of what every object inherits",
    format: "text",
    words:
      `[] [*] [0] [-1] [::2] [?name=='a'] . | & @ * && || ! == != < <= { } ( ) , : \`1\` \`{}\` 'a' "a" clusters balancers addresses name id constructor __proto__ toString length
      ${azFunctions.map(name => `${name}(@)`).join(" ")} sort_by(@,&name) join(',',@) let $ ? let\u00a0x`.split(/\s+/),
    run: query,
  },
];
