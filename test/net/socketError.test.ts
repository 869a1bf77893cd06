import { suite } from "uvu";
import * as assert from "uvu/assert";
import { bootModel } from "../../lib/net/model.js";
import { ask, tellings } from "./stack.js";

const test = suite("what a program is told");

for (const { what, network, to = "10.1.1.2", port, tcp, udp } of tellings)
  test(what, async () => {
    assert.is(await ask(bootModel(network), "a", to, port ?? 80), tcp, "TCP");
    assert.is(await ask(bootModel(network), "a", to, port ?? 53, { proto: "udp" }), udp, "UDP");
  });

test.run();
