import { suite } from "uvu";
import * as assert from "uvu/assert";
import { bootLinux, type LinuxLab } from "../../lib/linux/boot.js";
import type { Network } from "../../lib/net/network.js";
import {
  type Asked,
  asked,
  counted,
  during,
  happened,
  networkOf,
  onTheWire,
  packetOf,
  wireName,
} from "../net/special.js";
import { canRunLinux } from "./need.js";

const test = suite("special addresses on Linux");

/** All know each other's hardware addresses: with 127.0.0.0/8 as the asker's address ARP is not answered. */
const acquainted = async (network: Network): Promise<LinuxLab> => {
  const lab = await bootLinux(network, { connectTimeout: 0.5 });
  for (const [from, to] of [
    ["b", "10.1.1.1"],
    ["a", "10.1.0.1"],
    ["c", "10.1.0.1"],
    ["a", "10.1.0.3"],
  ] as const)
    await lab.ping(from, to);
  return lab;
};

/** What a router sees that tells a sender about a missing route. */
const tellsNoRoute = "r 1 0 0 1 1";

interface Wrong {
  readonly what: string;
  readonly got: string;
  readonly expected: string;
}

if (canRunLinux()) {
  test("on the wire, as the table says that the model was made by", async () => {
    const wrong: Wrong[] = [];
    for (const on of [false, true]) {
      const lab = await acquainted(counted({}, on));
      try {
        for (const row of onTheWire.filter(({ localnet = false }) => localnet === on)) {
          const got = await during(
            lab,
            ["r", "b", "c"],
            async () => {
              await lab.inject("a", "eth0", packetOf(row));
            },
            row.came,
          );
          if (got !== row.came) wrong.push({ what: wireName(row), got, expected: row.came });
          if (row.came === tellsNoRoute) await lab.wait(1); // that there is no route is told five times at once, then once a second
        }
      } finally {
        await lab.close();
      }
    }
    assert.equal(wrong, []);
  });

  test("asked by programs, as the table says that the model was made by", async () => {
    const wrong: Wrong[] = [];
    const byNetwork = new Map<string, Asked[]>();
    for (const row of asked) {
      const key = JSON.stringify([row.nat, row.localnet]);
      byNetwork.set(key, [...(byNetwork.get(key) ?? []), row]);
    }
    const networks = [...byNetwork.values()];
    const worker = async () => {
      for (let rows = networks.shift(); rows !== undefined; rows = networks.shift()) {
        const lab = await acquainted(networkOf(rows[0]!));
        try {
          for (const row of rows) {
            const got = await happened(lab, row, row.came);
            if (got !== row.came) wrong.push({ what: row.what, got, expected: row.came });
          }
        } finally {
          await lab.close();
        }
      }
    };
    await Promise.all([worker(), worker(), worker(), worker()]);
    assert.equal(wrong, []);
  });
} else test("cannot be seen here", () => undefined);

test.run();
