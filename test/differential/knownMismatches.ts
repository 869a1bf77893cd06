import { addr } from "../../lib/ip/addr.js";
import { bootLinux } from "../../lib/linux/boot.js";
import type { Lab } from "../../lib/net/lab.js";
import { bootModel } from "../../lib/net/model.js";
import type { Network, Translator } from "../../lib/net/network.js";
import { kubenetLike } from "../net/networks.js";
import { lans } from "../net/stack.js";
import { runKernel, runModel } from "./run.js";
import { address, smallCase, udp } from "./small.js";

/** Where the model deliberately does not do as Linux does. The README shows this table. */
export interface KnownMismatch {
  readonly what: string;
  readonly model: string;
  readonly linux: string;
  readonly why: string;
  /** Shows both: what was seen in the model and on Linux. */
  show(): Promise<{ readonly model: string; readonly linux: string }>;
}

const onBoth = (network: Network, look: (lab: Lab) => Promise<string>) => async () => {
  const linux = await bootLinux(network);
  try {
    return { model: await look(bootModel(network)), linux: await look(linux) };
  } finally {
    await linux.close();
  }
};

const withTranslator = (change: Partial<Translator>): Network => {
  const network = kubenetLike();
  const translators = network.fabric.translators.map(entry => ({ ...entry, ...change }));
  return { ...network, fabric: { ...network.fabric, translators } };
};

const withRuleTime = (idle: number): Network =>
  withTranslator({ inbound: kubenetLike().fabric.translators[0]!.inbound.map(rule => ({ ...rule, idle })) });

const portOf = async (
  lab: Lab,
  sourcePort: number,
  proto: "tcp" | "udp" = "tcp",
  to = "ifconfig.co",
): Promise<string> => {
  const result = await lab.connect("a", to, proto === "tcp" ? 80 : 53, { proto, sourcePort, close: "open" });
  return result.kind === "connected" ? String(result.seenAs.port) : result.kind;
};

const withSecondSite = (): Network => {
  const network = kubenetLike();
  const site = network.hosts.find(({ id }) => id === "ifconfig.co")!;
  const second = addr("203.0.113.20");
  return {
    ...network,
    names: [...network.names, { name: "second", address: second }],
    hosts: [
      ...network.hosts,
      {
        ...site,
        id: "second",
        hostname: "second",
        interfaces: site.interfaces.map(entry => ({ ...entry, addresses: [{ address: second, prefix: 32 }] })),
      },
    ],
  };
};

/** For each node a range of so many ports from each start on. */
const withRanges = (starts: readonly number[], size: number): Network => {
  const network = kubenetLike();
  const translators = network.fabric.translators.map(translator => ({
    ...translator,
    allocations: translator.allocations.map(({ source, ranges }, node) => ({
      source,
      ranges: starts.map(start => ({
        address: ranges[0]!.address,
        first: start + size * node,
        last: start + size * node + size - 1,
      })),
    })),
  }));
  return { ...network, fabric: { ...network.fabric, translators } };
};

export const knownMismatches: readonly KnownMismatch[] = [
  {
    what: "The load balancer's choice of a port",
    model: "the lowest free port, as Azure documents it",
    linux: "the source port if it is in range, else a random free one",
    why: "netfilter plays the load balancer there; which ports are taken agrees, and when they run out but for the last few",
    show: onBoth(kubenetLike(), lab => portOf(lab, 1026)),
  },
  {
    what: "Ports of a load balancer from several ranges",
    model: "those of the first range first",
    linux: "flows are spread over the ranges, and fail when theirs is full",
    why: "a rule of netfilter names one range and knows no next one",
    show: onBoth(withRanges([3000, 4000], 32), async lab => {
      const ports: number[] = [];
      for (let i = 0; i < 32; i++) ports.push(Number(await portOf(lab, 40000 + i)));
      return ports.every(port => port < 4000) ? "one range" : "both ranges";
    }),
  },
  {
    what: "When a load balancer resets an idle connection",
    model: "at both ends as the time is over, and on the next segment",
    linux: "on the next segment",
    why: "netfilter forgets a connection without telling anybody; whoever uses it again is told the same",
    show: onBoth(withTranslator({ tcpReset: true, timeouts: { idle: 1, fin: 240, rst: 15 } }), async lab => {
      const capture = await lab.capture("ifconfig.co", "eth0");
      await lab.connect("a", "ifconfig.co", 80, { close: "open" });
      await lab.wait(3);
      const resets = (await capture.stop()).filter(({ packet }) => "flags" in packet && packet.flags.includes("RST"));
      return `${resets.length} RST`;
    }),
  },
  {
    what: "The idle time of a load-balancing rule that differs from the outbound one",
    model: "its own",
    linux: "that of outbound flows",
    why: "netfilter keeps one timeout in a namespace for all established connections",
    show: onBoth(withRuleTime(1), async lab => {
      return (await lab.connect("ifconfig.co", "137.117.164.147", 80, { silence: 3 })).kind;
    }),
  },
  {
    what: "The last free ports of a large range",
    model: "are found",
    linux: "may not be found: a search looks at some 240 ports, then the connection fails",
    why: "the model does not search at random; of up to 128 ports netfilter finds the last one too",
    show: onBoth(withRanges([10_000], 4096), async lab => {
      const flows = Array.from({ length: 4096 }, (_, i) => portOf(lab, 40_000 + i, "udp"));
      return (await Promise.all(flows)).includes("timeout") ? "some fail" : "none fails";
    }),
  },
  {
    what: "UDP ports of a load balancer that gives one to each flow",
    model: "a port is held towards every destination",
    linux: "a port is reused towards another destination",
    why: "netfilter keeps whole tuples unique and knows no stricter rule",
    show: onBoth(withSecondSite(), async lab => {
      const results: string[] = [];
      for (const site of ["ifconfig.co", "second"])
        for (let i = 0; i < 3; i++)
          results.push((await portOf(lab, 40000 + i, "udp", site)) === "timeout" ? "timeout" : "connected");
      return results.join(" ");
    }),
  },
  {
    what: "A next hop that nobody answers for",
    model: "host unreachable, at once",
    linux: "host unreachable after three seconds of asking",
    why: "nothing runs by itself in the model, so nothing can wait",
    show: async () => {
      const of = smallCase({});
      const kernel = await runKernel(of, { replay: [udp("a", address.a, 1, addr("10.1.1.77"), 9)] });
      const model = await runModel(of, kernel);
      const told = (seen: readonly string[]) => (seen.some(line => line.includes("unreachable 1")) ? "told" : "silent");
      return { model: told(model.seen), linux: told(kernel.seen) };
    },
  },
  {
    what: "The first packet from 127.0.0.0/8 on a link, once NAT has given it such a source",
    model: "arrives",
    linux: "is lost: the question for its neighbour carries the same address, and gets no answer",
    why: "the model asks no questions on a link; a node masquerades what it sends there",
    show: onBoth(
      lans({ r: "*nat\n-A POSTROUTING -d 10.1.1.2/32 -j SNAT --to-source 127.0.0.5\nCOMMIT\n" }),
      async lab => {
        const capture = await lab.capture("b", "eth0");
        await lab.connect("a", "10.1.1.2", 9, { proto: "udp" });
        return (await capture.stop()).length === 0 ? "lost" : "arrives";
      },
    ),
  },
  {
    what: "TCP options",
    model: "none: a SYN is 40 bytes",
    linux: "a SYN is 60 bytes, so byte counters of whole conversations differ",
    why: "no address or port depends on them",
    show: onBoth(kubenetLike(), async lab => {
      await lab.connect("a", "ifconfig.co", 80);
      const nat = (await lab.counters("node-0")).tables.find(({ name }) => name === "nat")!;
      const { packets, bytes } = nat.chains.find(({ name }) => name === "POSTROUTING")!.rules[0]!.counters;
      return `${packets} packet, ${bytes} bytes`;
    }),
  },
  {
    what: "Packets larger than a link takes",
    model: "one packet, however large",
    linux: "fragments of 1,500 bytes",
    why: "fragments carry no ports, and no claim of the course is about them",
    show: onBoth(kubenetLike(), async lab => {
      const capture = await lab.capture("testvm", "eth0");
      await lab.ping("a", "10.13.1.4", { size: 3000 });
      const sizes = (await capture.stop()).flatMap(({ packet }) => ("size" in packet ? [packet.size] : []));
      return sizes.length === 0 ? "no whole packet" : sizes.join(" ");
    }),
  },
];
