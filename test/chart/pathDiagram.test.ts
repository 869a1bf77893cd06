import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { pathDiagram } from "../../lib/chart/pathDiagram.js";
import { svgToPng } from "../../lib/course/png.js";
import { textWidth } from "../../lib/chart/textWidth.js";
import { bootModel } from "../../lib/net/model.js";
import { addressChanges } from "../../lib/net/addressChange.js";
import { smallNetwork } from "./network.js";

const pod = "c/default/web-0";
const network = smallNetwork();
const texts = (svg: string) => [...svg.matchAll(/<text[^>]*>([^<]*)</g)].map(match => match[1]);

const path = suite("pathDiagram");

path("tells the way from a pod to a machine, leg by leg", () => {
  const { svg, alt } = pathDiagram(bootModel(network).tracePing(pod, "10.13.1.4"), { network });
  assert.equal(texts(svg), [
    ...["web-0", "pod", "sends an ICMP echo request packet", "route default via 192.168.1.1 dev eth0"],
    ...["source", "192.168.1.2", "destination", "10.13.1.4", "TTL", "64"],
    ...[
      "node-0",
      "node",
      "forwards: TTL 64 → 63",
      "route default via 10.13.77.1 dev eth0",
      "source 192.168.1.2 → 10.13.77.4",
    ],
    ...["POSTROUTING rule 1, MASQUERADE “kubenet: SNAT for", "outbound traffic from cluster”"],
    ...["source", "new", "10.13.77.4", "destination", "10.13.1.4", "TTL", "63"],
    ...["virtual network", "delivers inside the network: TTL stays"],
    ...["source", "10.13.77.4", "destination", "10.13.1.4", "TTL", "63"],
    ...["testvm", "virtual machine", "receives it with TTL 63"],
  ]);
  assert.is(
    alt,
    "Pod web-0 sends an ICMP echo request packet from 192.168.1.2 to 10.13.1.4, through node node-0 and the virtual network. " +
      "At node node-0 the source changes from 192.168.1.2 to 10.13.77.4 (POSTROUTING rule 1, MASQUERADE). " +
      "Virtual machine testvm receives it from 10.13.77.4 with TTL 63.",
  );
});

path("shows the port that the load balancer gives", () => {
  const { svg } = pathDiagram(bootModel(network).traceConnect(pod, "ifconfig.co", 80, { sourcePort: 40000 }), {
    network,
  });
  for (const text of [
    "source 10.13.77.4:40000 → 137.117.164.147:1024",
    "takes a port: 1 of 8 in use",
    "137.117.164.147:1024",
  ])
    assert.ok(texts(svg).includes(text), text);
});

path("ends a lost packet in a cross with the reason", () => {
  const { svg, alt } = pathDiagram(bootModel(network).tracePing(pod, "ifconfig.co"), { network });
  assert.ok(texts(svg).includes("drops it: kubernetes does not translate icmp"));
  assert.ok(texts(svg).includes("goes no further"));
  assert.match(alt, /Load balancer kubernetes drops it: kubernetes does not translate icmp\.$/);
});

path("draws the way back only when asked", () => {
  const trace = bootModel(network).traceConnect(pod, "ifconfig.co", 80);
  assert.not.ok(texts(pathDiagram(trace, { network }).svg).includes("The way back"));
  const { svg, alt } = pathDiagram(trace, { network, back: true });
  assert.ok(texts(svg).includes("The way back"));
  assert.match(
    alt,
    / Back: Internet site ifconfig.co sends a TCP SYN ACK packet from 172\.67\.168\.106:80 to 137\.117\.164\.147:1024.* receives it from 172\.67\.168\.106:80 with TTL 63\.$/,
  );
});

path("draws the same bytes for the same trace", async () => {
  const draw = () => pathDiagram(bootModel(network).traceConnect(pod, "ifconfig.co", 80), { network, back: true }).svg;
  assert.is(draw(), draw());
  assert.equal(await svgToPng(draw()), await svgToPng(draw()));
});

path("needs no network to be drawn", () => {
  const { alt } = pathDiagram(bootModel(network).tracePing(pod, "10.13.1.4"));
  assert.match(alt, /^Host c\/default\/web-0 sends/);
});

path("stays well-formed and inside its frame, whatever a pod is called", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(
        fc.string({ minLength: 1, maxLength: 80 }),
        fc.constant(`<script>alert("1")</script>`),
        fc.constant("]]>&amp;'\u0000"),
      ),
      async name => {
        const named = smallNetwork(name);
        const { svg } = pathDiagram(bootModel(named).traceConnect(`c/default/${name}`, "ifconfig.co", 80), {
          network: named,
          back: true,
        });
        assert.not.match(svg, /<script/);
        await svgToPng(svg);
      },
    ),
    { numRuns: 15 },
  );
});

path("no text is wider than the frame", () => {
  const long = smallNetwork("a-pod-with-the-longest-name-that-kubernetes-allows-564765b89-d8rdb");
  const { svg } = pathDiagram(bootModel(long).traceConnect(long.hosts[0]!.id, "ifconfig.co", 80), {
    network: long,
    back: true,
  });
  for (const [, attributes, text] of svg.matchAll(/<text([^>]*)>([^<]*)</g)) {
    const read = (name: string) => Number(new RegExp(` ${name}="([\\d.]+)"`).exec(attributes!)![1]);
    const wide = textWidth(text!, read("font-size"), attributes!.includes("bold") ? "bold" : "normal");
    const left = attributes!.includes('text-anchor="end"') ? read("x") - wide : read("x");
    assert.ok(left >= 0 && left + wide <= 420 - 12, text);
  }
});

path.run();

const change = suite("addressChanges");

change("names the rule that asked, and nothing where nothing changed", () => {
  const trace = bootModel(network).traceConnect(pod, "ifconfig.co", 80);
  assert.equal(
    addressChanges(trace).map(({ place, which, by }) => ({ place, which, by })),
    [
      {
        place: "node-0",
        which: "source",
        by: {
          kind: "rule",
          hook: "POSTROUTING",
          table: "nat",
          chain: "POSTROUTING",
          number: 1,
          target: "MASQUERADE",
          comment: "kubenet: SNAT for outbound traffic from cluster",
        },
      },
      {
        place: "kubernetes",
        which: "source",
        by: { kind: "translator", translator: "kubernetes", portsInUse: 1, portsAllotted: 8, fresh: true },
      },
    ],
  );
  assert.equal(
    addressChanges(trace.replies[0]!).map(({ place, which, by }) => [place, which, by.kind]),
    [
      ["kubernetes", "destination", "translator"],
      ["node-0", "destination", "connection"],
    ],
  );
});

change.run();
