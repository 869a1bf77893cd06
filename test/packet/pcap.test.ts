import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { InputError } from "../../lib/errors.js";
import { addr } from "../../lib/ip/addr.js";
import { checksum, checksumsRight, emitPacket, parsePacket } from "../../lib/packet/emit.js";
import { type Packet, packetLength } from "../../lib/packet/packet.js";
import { type CookedPacket, readPcap, writeCookedPcap, writePcap } from "../../lib/packet/pcap.js";
import { hasTool } from "../tools.js";
import { anyPacket } from "./packets.js";
import { realTcpdump, realTshark, saysOf } from "./programs.js";

const emit = suite("emit");

emit("a packet read back is the packet", () => {
  fc.assert(fc.property(anyPacket, packet => assert.equal(parsePacket(emitPacket(packet)), packet)));
});

emit("has the length that packetLength tells, and right checksums", () => {
  fc.assert(
    fc.property(anyPacket, packet => {
      const bytes = emitPacket(packet);
      assert.is(bytes.length, packetLength(packet));
      assert.ok(checksumsRight(bytes));
    }),
  );
});

emit("a changed byte is noticed by a checksum", () => {
  fc.assert(
    fc.property(anyPacket, fc.nat(), fc.integer({ min: 1, max: 255 }), (packet, where, change) => {
      const bytes = emitPacket(packet);
      const at = where % bytes.length;
      if (at < 4 || at === 6 || at === 7 || at === 9) return; // lengths, fragments and protocol change what is read at all
      if (packet.proto === "udp" && at >= 20 && at < 28) return; // a UDP length or checksum may come to mean something else
      bytes[at]! ^= change;
      assert.not(checksumsRight(bytes));
    }),
  );
});

emit("the example of RFC 1071 sums to its answer", () => {
  assert.is(checksum(new Uint8Array([0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7])), ~0xddf2 & 0xffff);
});

emit("bytes that are no packet are told, not thrown", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), bytes => void parsePacket(bytes)));
  fc.assert(
    fc.property(anyPacket, fc.nat(), fc.nat(255), fc.nat(600), (packet, at, byte, cut) => {
      const bytes = emitPacket(packet);
      bytes[at % bytes.length] = byte;
      parsePacket(bytes.subarray(0, cut));
    }),
  );
});

emit.run();

const pcap = suite("pcap");
const microseconds = fc.nat(999_999);
const timed = fc.record(
  {
    time: fc.tuple(fc.integer({ min: 0, max: 2_000_000_000 }), microseconds).map(([s, us]) => s + us / 1e6),
    packet: anyPacket,
  },
  { noNullPrototype: true },
);

pcap("what was written is read back", () => {
  fc.assert(
    fc.property(fc.array(timed, { maxLength: 20 }), packets => {
      const { linkType, records } = readPcap(writePcap(packets));
      assert.is(linkType, 1);
      assert.equal(
        records.map(({ packet }) => packet),
        packets.map(({ packet }) => packet),
      );
      records.forEach(({ time }, i) => assert.ok(Math.abs(time - packets[i]!.time) < 1e-6));
    }),
  );
});

const cooked: fc.Arbitrary<CookedPacket> = fc
  .tuple(timed, fc.constantFrom("in" as const, "out" as const), fc.integer({ min: 1, max: 0xffffffff }))
  .map(([packet, direction, interfaceIndex]) => ({ ...packet, direction, interfaceIndex }));

pcap("of a capture on any, directions and interfaces too", () => {
  fc.assert(
    fc.property(fc.array(cooked, { maxLength: 20 }), packets => {
      const { linkType, records } = readPcap(writeCookedPcap(packets));
      assert.is(linkType, 276);
      assert.equal(
        records.map(({ packet, direction, interfaceIndex }) => ({ packet, direction, interfaceIndex })),
        packets.map(({ packet, direction, interfaceIndex }) => ({ packet, direction, interfaceIndex })),
      );
      records.forEach(({ time }, i) => assert.ok(Math.abs(time - packets[i]!.time) < 1e-6));
    }),
  );
});

pcap("what is no capture is an InputError", () => {
  const message = (bytes: Uint8Array) => {
    try {
      readPcap(bytes, "x.pcap");
    } catch (error) {
      if (error instanceof InputError) return error.message;
      throw error;
    }
    return "read";
  };
  assert.is(message(new Uint8Array(3)), "x.pcap: 3 bytes are too few for a capture file; expected at least 24");
  assert.is(
    message(new Uint8Array(24)),
    'x.pcap: "0" does not begin a capture file; expected a1b2c3d4 or a1b23c4d (pcap), or 0a0d0d0a (pcapng)',
  );
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), bytes => void message(bytes)));
  fc.assert(
    fc.property(fc.array(timed, { maxLength: 4 }), fc.nat(), fc.nat(255), (packets, at, byte) => {
      const bytes = writePcap(packets);
      bytes[at % bytes.length] = byte;
      message(bytes);
    }),
  );
});

const withFile = (bytes: Uint8Array, use: (path: string) => void) => {
  const directory = mkdtempSync(join(tmpdir(), "egress-lab-"));
  try {
    writeFileSync(join(directory, "t.pcap"), bytes);
    use(join(directory, "t.pcap"));
  } finally {
    rmSync(directory, { recursive: true });
  }
};

if (hasTool("tcpdump", "apt-get install tcpdump")) {
  pcap("tcpdump reads it without a complaint and finds every checksum right", () => {
    fc.assert(
      fc.property(fc.array(cooked, { minLength: 100, maxLength: 200 }), packets => {
        for (const [bytes, says] of [
          [writePcap(packets), saysOf.ethernet],
          [writeCookedPcap(packets), saysOf.cooked],
        ] as const)
          withFile(bytes, path => {
            const { lines, stderr, status } = realTcpdump(path, "-vv");
            assert.is(status, 0);
            assert.is(stderr, says);
            assert.not.match(lines.join("\n"), /bad (udp )?cksum|wrong icmp cksum|\(incorrect/);
          });
      }),
      { numRuns: 5 },
    );
  });

  pcap("tcpdump prints the direction, the interface's number and the sender's hardware address", () => {
    const [packet] = fc.sample(cooked, { numRuns: 1, seed: 1 });
    const sent = {
      ...packet!,
      packet: { ...packet!.packet, src: addr("10.0.0.1") },
      direction: "out",
      interfaceIndex: 104,
    } as const;
    withFile(writeCookedPcap([sent]), path =>
      assert.match(
        realTcpdump(path, "-e").lines[0]!,
        / Out ifindex 104 02:00:0a:00:00:01 ethertype IPv4 \(0x0800\), length \d+: /,
      ),
    );
  });

  pcap("tcpdump prints nanoseconds and the packet's own fields", () => {
    const packet: Packet = {
      proto: "udp",
      src: addr("10.0.0.1"),
      sport: 53000,
      dst: addr("10.0.0.2"),
      dport: 9,
      ttl: 63,
      payload: "abc",
    };
    withFile(writePcap([{ time: 1.5, packet }]), path => {
      assert.match(
        realTcpdump(path, "-tt", "--nano", "-vv").lines.join("\n"),
        /^1\.500000000 IP \(tos 0x0, ttl 63, id 0, offset 0, flags \[DF\], proto UDP \(17\), length 31\)\n +10\.0\.0\.1\.53000 > 10\.0\.0\.2\.9: \[udp sum ok\] UDP, length 3/,
      );
    });
  });
}

if (hasTool("tshark", "apt-get install tshark")) {
  pcap("tshark verifies every checksum and finds nothing malformed", () => {
    const packets = fc.sample(cooked, { numRuns: 300, seed: 1 });
    for (const bytes of [writePcap(packets), writeCookedPcap(packets)])
      withFile(bytes, path => assert.equal(realTshark(path), { packets: packets.length, bad: [] }));
  });
}

pcap.run();
