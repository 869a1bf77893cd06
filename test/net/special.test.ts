import { suite } from "uvu";
import * as assert from "uvu/assert";
import { bootModel } from "../../lib/net/model.js";
import { asked, counted, during, happened, networkOf, onTheWire, packetOf, wireName } from "./special.js";

const wire = suite("special addresses on the wire");
for (const row of onTheWire)
  wire(wireName(row), async () => {
    const lab = bootModel(counted({}, row.localnet));
    assert.is(await during(lab, ["r", "b", "c"], async () => lab.inject("a", "eth0", packetOf(row))), row.came);
  });
wire.run();

const programs = suite("special addresses asked by programs");
for (const row of asked)
  programs(`${row.what}${row.localnet === undefined ? "" : `, route_localnet at ${row.localnet}`}`, async () => {
    assert.is(await happened(bootModel(networkOf(row)), row), row.came);
  });
programs.run();
