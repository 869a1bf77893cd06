import { suite } from "uvu";
import * as assert from "uvu/assert";
import { bootModel } from "../../lib/net/model.js";
import { watchWay } from "../../lib/net/watch.js";
import { kubenetLike } from "./networks.js";

const test = suite("watchWay");

test("shows the packet at each interface on its way", async () => {
  const lab = bootModel(kubenetLike());
  const way = bootModel(kubenetLike()).tracePing("b", "10.13.1.4");
  const seen = await watchWay(lab, way, () => lab.ping("b", "10.13.1.4"));
  assert.equal(
    seen.map(
      ({ place, interface: name, source, destination, ttl }) =>
        `${place} ${name}: ${source} > ${destination} ttl ${ttl}`,
    ),
    [
      "b eth0: 192.168.1.2 > 10.13.1.4 ttl 64",
      "node-1 vethb: 192.168.1.2 > 10.13.1.4 ttl 64",
      "node-1 eth0: 10.13.77.4 > 10.13.1.4 ttl 63",
      "testvm eth0: 10.13.77.4 > 10.13.1.4 ttl 63",
    ],
  );
});

test("leaves out an interface that saw nothing", async () => {
  const way = bootModel(kubenetLike()).tracePing("b", "10.13.1.4");
  const lab = bootModel(kubenetLike());
  assert.equal(await watchWay(lab, way, async () => undefined), []);
});

test.run();
