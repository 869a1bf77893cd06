import { suite } from "uvu";
import * as assert from "uvu/assert";
import { bootLinux } from "../../lib/linux/boot.js";
import type { Lab } from "../../lib/net/lab.js";
import { bootModel } from "../../lib/net/model.js";
import type { Network, Translator } from "../../lib/net/network.js";
import { parseSave } from "../../lib/netfilter/parseSave.js";
import { kubenetLike } from "../net/networks.js";
import { canRunLinux } from "./need.js";

const site = "ifconfig.co";
const frontend = "137.117.164.147";

/** The same on every engine that there is here. */
const onEach = async (network: Network, use: (lab: Lab) => Promise<void>): Promise<void> => {
  const labs: readonly Lab[] = [bootModel(network), ...(canRunLinux() ? [await bootLinux(network)] : [])];
  try {
    for (const lab of labs) await use(lab);
  } finally {
    for (const lab of labs) await lab.close();
  }
};

const conversation = suite("a conversation");

/** Flags of each packet in turn, as a host sees them. */
const packetsOf = async (lab: Lab, host: string, name: string, action: () => Promise<unknown>) => {
  const capture = await lab.capture(host, name);
  await action();
  return (await capture.stop()).map(({ direction, packet }) =>
    packet.proto === "tcp"
      ? `${direction} ${[...packet.flags].sort().join(" ")} ${packet.payload === "" ? "" : "data"}`.trim()
      : packet.proto,
  );
};

conversation("over HTTP is ten packets: the server acknowledges the request before it answers it", async () => {
  const expected = [
    ...["in SYN", "out ACK SYN", "in ACK", "in ACK PSH data", "out ACK"],
    ...["out ACK PSH data", "in ACK", "in ACK FIN", "out ACK FIN", "in ACK"],
  ];
  await onEach(kubenetLike(), async lab => {
    for (const from of ["a", "b", "testvm"]) {
      // Of two acknowledgements that are due, a busy kernel may send both.
      let seen: readonly string[] = [];
      for (let tries = 0; tries < 8 && seen.length !== expected.length; tries++)
        seen = await packetsOf(lab, site, "eth0", () => lab.connect(from, site, 80));
      assert.equal(seen, expected, `${lab.engine}: ${from}`);
    }
  });
});

conversation("is counted alike: ten packets pass both ways through a node's rules", async () => {
  const counting =
    "*filter\n-A FORWARD -p tcp -m tcp --dport 80 -j ACCEPT\n-A FORWARD -p tcp -m tcp --sport 80 -j ACCEPT\nCOMMIT\n";
  const counts = async (lab: Lab) => {
    await lab.connect("a", site, 80);
    const filter = (await lab.counters("node-0")).tables.find(({ name }) => name === "filter")!;
    return filter.chains.find(({ name }) => name === "FORWARD")!.rules.map(({ counters }) => counters.packets);
  };
  await onEach(kubenetLike({ rules: text => parseSave(text + counting) }), async lab =>
    assert.equal(await counts(lab), [6, 4], lab.engine),
  );
});

conversation.run();

const idle = suite("an idle connection");

const withTranslator = (change: Partial<Translator>): Network => {
  const network = kubenetLike();
  const translators = network.fabric.translators.map(entry => ({ ...entry, ...change }));
  return { ...network, fabric: { ...network.fabric, translators } };
};

for (const tcpReset of [false, true])
  idle(`is forgotten by the load balancer, either way, ${tcpReset ? "and reset" : "in silence"}`, async () => {
    await onEach(withTranslator({ timeouts: { idle: 3, fin: 240, rst: 15 }, tcpReset }), async lab => {
      const kinds = await Promise.all(
        [1, 5].flatMap(silence => [
          lab.connect("a", site, 80, { silence }),
          lab.connect(site, frontend, 80, { silence }),
        ]),
      );
      const late = tcpReset ? "reset" : "timeout";
      assert.equal(
        kinds.map(({ kind }) => kind),
        ["connected", "connected", late, late],
        lab.engine,
      );
    });
  });

idle.run();
