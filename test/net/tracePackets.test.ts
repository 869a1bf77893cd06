import { suite } from "uvu";
import * as assert from "uvu/assert";
import { InputError } from "../../lib/errors.js";
import { formatAddr } from "../../lib/ip/addr.js";
import { bootModel } from "../../lib/net/model.js";
import { tracePackets } from "../../lib/net/tracePackets.js";
import { readPcap, writePcap } from "../../lib/packet/pcap.js";
import { kubenetLike } from "./networks.js";

const test = suite("tracePackets");

const isOutOfRange = (error: Error): boolean =>
  error instanceof InputError && /^startsAt: \S+ is out of range/.test(error.message);

test("a ping and its answer, one file an interface, in order", () => {
  const trace = bootModel(kubenetLike()).tracePing("b", "10.13.1.4");
  const files = tracePackets(trace, 1_500_000_000);
  const seen = files.map(({ host, interface: name, packets }) => {
    const { records } = readPcap(writePcap(packets));
    assert.ok(records.every(({ time }, i) => i === 0 || time > records[i - 1]!.time));
    return `${host} ${name}: ${records.map(({ packet }) => `${formatAddr(packet!.src)} > ${formatAddr(packet!.dst)} ttl ${packet!.ttl}`).join(", ")}`;
  });
  assert.is(files[0]!.packets[0]!.time, 1_500_000_000);
  assert.equal(seen, [
    "b eth0: 192.168.1.2 > 10.13.1.4 ttl 64, 10.13.1.4 > 192.168.1.2 ttl 63",
    "node-1 vethb: 192.168.1.2 > 10.13.1.4 ttl 64",
    "node-1 eth0: 10.13.77.4 > 10.13.1.4 ttl 63, 10.13.1.4 > 10.13.77.4 ttl 64",
    "testvm eth0: 10.13.77.4 > 10.13.1.4 ttl 63, 10.13.1.4 > 10.13.77.4 ttl 64",
    "node-1 cbr0: 10.13.1.4 > 192.168.1.2 ttl 63",
  ]);
});

test("no start that is no time of a capture file", () => {
  const trace = bootModel(kubenetLike()).tracePing("b", "10.13.1.4");
  for (const startsAt of [Infinity, NaN, -1, 2 ** 32]) assert.throws(() => tracePackets(trace, startsAt), isOutOfRange);
  for (const startsAt of [Infinity, NaN, 1e12, -1e12])
    assert.throws(() => bootModel(kubenetLike(), startsAt), isOutOfRange);
});

test.run();
