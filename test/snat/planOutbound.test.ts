import { execFileSync } from "node:child_process";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { erlangB, loadFor, mappingsLost } from "../../lib/snat/erlang.js";
import { type Plan, type PlanName, type PlanQuestion, compare, planOutbound } from "../../lib/snat/planOutbound.js";
import type { Stream } from "../../lib/snat/workload.js";

const api: Stream = {
  name: "api",
  rate: 0.1,
  to: { address: "203.0.113.7", port: 443, protocol: "tcp" },
  duration: { kind: "exponential", mean: 15 },
};
const question: PlanQuestion = { nodes: 50, maxNodes: 60, podsPerNode: 30, streams: [api], target: 0.001 };
const option = (change: Partial<PlanQuestion>, name: PlanName): Plan =>
  planOutbound({ ...question, ...change }).find(plan => plan.name === name)!;

/** The same, of one that does not fit. */
const unfit = (change: Partial<PlanQuestion>, name: PlanName): Plan => {
  const plan = option(change, name);
  assert.is(plan.fits, false, plan.why);
  return plan;
};

/** A stream that needs exactly so many ports on a node of one pod. */
const needing = (ports: number): Partial<PlanQuestion> => {
  const load = loadFor(ports - 4, question.target);
  return { podsPerNode: 1, streams: [{ ...api, rate: load / 255 }] };
};

const vectors = suite("the published vectors");

// Nodes that fit so many ports each on so many addresses: azure-aks-docs configure-load-balancer-standard.md.
for (const { ports, ips, nodes } of [
  { ports: 1000, ips: 2, nodes: 128 },
  { ports: 1000, ips: 7, nodes: 448 },
  { ports: 4000, ips: 2, nodes: 32 },
  { ports: 4000, ips: 7, nodes: 112 },
])
  vectors(`${ports} ports on ${ips} addresses hold ${nodes} nodes, surge nodes counted`, () => {
    const at = (maxNodes: number) => option({ ...needing(ports), nodes: 1, maxNodes, surge: 1 }, "standard-allocated");
    const full = at(nodes - 1);
    assert.is(full.atMost!.ports, ports);
    assert.is(full.atMost!.ips, ips);
    assert.match(
      full.commands[0]!,
      new RegExp(`--load-balancer-managed-outbound-ip-count ${ips} --load-balancer-outbound-ports ${ports}$`),
    );
    assert.ok(
      full.breaks.some(text => text.includes(`hold ${nodes} nodes`)),
      `${full.breaks}`,
    );
    assert.is(at(nodes).atMost!.ips, ips + 1);
  });

vectors("9 nodes of 8,000 ports need a second address; so do 3 of 21,000, as a surge node is counted", () => {
  const ips = (ports: number, nodes: number, surge?: PlanQuestion["surge"]) =>
    option(
      { ...needing(ports), nodes, maxNodes: nodes, ...(surge === undefined ? {} : { surge }) },
      "standard-allocated",
    ).atMost!.ips;
  assert.is(ips(8000, 9, 0), 2);
  assert.is(ips(8000, 8, 0), 1);
  assert.is(ips(8000, 8), 2);
  assert.is(ips(21_000, 3, 0), 1);
  assert.is(ips(21_000, 3, 1), 2);
  assert.is(ips(21_000, 3, "10%"), 2);
  assert.is(ips(21_000, 3), 2);
});

vectors("22 nodes in three pools are 25 with surge nodes: 3,200 ports each do not fit one address", () => {
  const pools = { ...needing(3200), nodes: [10, 10, 2], maxNodes: [10, 10, 2] };
  const { atMost, breaks } = option(pools, "standard-allocated");
  assert.is(atMost!.ips, 2);
  assert.is(atMost!.nodes, 22);
  assert.match(breaks.join(), /25 are counted: 22 nodes in 3 pools and 3 surge nodes, maxSurge 10%/);
});

vectors("7 nodes of 10,000 ports do not fit one address", () => {
  assert.is(option({ ...needing(10_000), nodes: 7, maxNodes: 7, surge: 0 }, "standard-allocated").atMost!.ips, 2);
});

vectors.run();

const options = suite("the options");

options("Basic never fits, and says why", () => {
  const plan = option({ nodes: 1, maxNodes: 1 }, "basic");
  assert.not(plan.fits);
  assert.match(plan.why, /retired on 2025-09-30/);
  assert.equal(plan.commands, []);
  assert.is(plan.now!.ports, 1024);
});

const alone: Partial<PlanQuestion> = { streams: [{ ...api, rate: 0.01 }] };

options("from 50 to 51 nodes the default table halves the ports, already when an upgrade adds a node", () => {
  const step = /from 50 to 51 nodes.* every node falls from 1,024 to 512 ports/;
  assert.match(
    option({ maxNodes: 51, era: "2023", streams: [{ ...api, rate: 0.01 }] }, "standard-default").breaks.join(),
    step,
  );
  assert.match(
    option({ maxNodes: 50, streams: [{ ...api, rate: 0.01 }] }, "standard-default").breaks.join(),
    /which the surge nodes of an upgrade already pass/,
  );
  assert.equal(option({ maxNodes: 50, surge: 0 }, "standard-default").breaks, []);
  const sizes = [50, 51, 52].map(
    maxNodes => option({ ...alone, nodes: 49, maxNodes, surge: 1 }, "standard-default").breaks.length,
  );
  assert.equal(sizes, [1, 1, 1], "the one surge node is the 51st");
  assert.equal(option({ ...alone, nodes: 49, maxNodes: 49, surge: 1 }, "standard-default").breaks, []);
  assert.match(
    option({ nodes: 990, maxNodes: 1000, streams: [{ ...api, rate: 0.0001 }] }, "standard-default").breaks.join(),
    /from 1,000 nodes on.* the default table has no ports/,
  );
});

options("more addresses make up for the table, as far as the era lets them", () => {
  const newest = option({}, "standard-default");
  assert.equal([newest.fits, newest.now!.ips, newest.atMost!.ports], [true, 2, 1024]);
  assert.equal(newest.breaks, [], "two addresses hold the ports at 1,024");
  const busy = { streams: [{ ...api, rate: 0.2 }] };
  assert.not(option(busy, "standard-default").fits, "1,024 is the ceiling");
  assert.ok(option({ ...busy, era: "2021" }, "standard-default").fits, "which there was not in 2021");
});

options("allocated ports are the fewest multiple of 8 that meets the target", () => {
  const { atMost, fits } = option({}, "standard-allocated");
  const load = 30 * 0.1 * 255;
  assert.ok(fits && atMost!.ports % 8 === 0);
  assert.is(atMost!.failure, erlangB(load, atMost!.ports));
  assert.ok(atMost!.failure <= question.target && erlangB(load, atMost!.ports - 8) > question.target);
  assert.ok(atMost!.headroom >= 1 && atMost!.headroom < 1.02);
});

options("more than a node or a cluster can have is refused", () => {
  assert.match(
    unfit({ streams: [{ ...api, rate: 10 }] }, "standard-allocated").why,
    /each node needs [\d,]+ ports, and can have 64,000/,
  );
  assert.match(
    unfit({ streams: [{ ...api, rate: 5 }], maxNodes: 400 }, "standard-allocated").why,
    /need [\d,]+ outbound addresses, and a cluster can have 100/,
  );
  assert.not(option({ streams: [{ ...api, rate: 100 }] }, "nat-gateway").fits);
});

options("a NAT gateway takes as many addresses as all nodes together need", () => {
  const plan = option({ maxNodes: 1000, nodes: 1000 }, "nat-gateway");
  const load = 1100 * 30 * 0.1 * (15 + 65);
  const ips = plan.atMost!.ips;
  assert.ok(plan.fits);
  assert.ok(erlangB(load, ips * 64_512) <= question.target && erlangB(load, (ips - 1) * 64_512) > question.target);
  assert.match(
    plan.commands[0]!,
    new RegExp(`--outbound-type managedNATGateway --nat-gateway-managed-outbound-ip-count ${ips}$`),
  );
});

options("fewer connections: what would fit meets the target exactly", () => {
  const plan = option({}, "fewer-connections");
  assert.not(plan.fits);
  const [advice] = plan.advice!;
  const failure = erlangB(30 * advice!.fittingRate * 255, 512);
  assert.ok(Math.abs(failure / question.target - 1) < 1e-6, `${failure}`);
  assert.is(advice!.fittingDuration, undefined, "the 240 s after FIN alone are too long");
  const long = option(
    { streams: [{ ...api, rate: 0.02, duration: { kind: "constant", seconds: 1000 } }] },
    "fewer-connections",
  ).advice![0]!;
  assert.ok(Math.abs(erlangB(30 * 0.02 * (long.fittingDuration! + 240), 512) / question.target - 1) < 1e-6);
});

options("few enough connections are said to be so, and by how much", () => {
  const { fits, why, atMost } = option({ streams: [{ ...api, rate: 0.01 }] }, "fewer-connections");
  assert.ok(fits && atMost!.headroom > 1);
  assert.ok(why.endsWith(`erlangs to one destination, ${atMost!.headroom.toFixed(2)} times what there is`), why);
});

options("shares are told to two digits, down to the hundredth of a percent", () => {
  const said = (target: number) => option({ target, streams: [{ ...api, rate: 0.5 }] }, "standard-default").why;
  assert.match(said(1e-4), /the target is 0\.01 %/);
  assert.match(said(0.99e-4), /the target is under 0\.01 %/);
  assert.match(said(0.0123), /the target is 1\.2 %/);
});

options("destinations share ports: sixteen of them carry sixteen times as much", () => {
  const spread: Stream = { ...api, rate: 1.6, to: { name: "shard", count: 16, port: 443, protocol: "tcp" } };
  const one = option({}, "standard-default").now!;
  const sixteen = option({ streams: [spread] }, "standard-default").now!;
  assert.ok(Math.abs(sixteen.failure - one.failure) < 1e-12);
  assert.ok(Math.abs(sixteen.headroom - one.headroom) < 1e-9);
});

options("commands name the group and the cluster", () => {
  assert.match(
    option({ resourceGroup: "akstest", cluster: "kubenetcluster" }, "nat-gateway").commands[0]!,
    /^az aks update --resource-group akstest --name kubenetcluster /,
  );
});

options("a NAT gateway is AKS's own in a managed network, and one's own in a network of one's own", () => {
  const names = { resourceGroup: "akstest", cluster: "c1", location: "westeurope" };
  assert.equal(option({ ...names, idleTimeoutMinutes: 10 }, "nat-gateway").commands, [
    "az aks update --resource-group akstest --name c1 --outbound-type managedNATGateway --nat-gateway-managed-outbound-ip-count 1 --nat-gateway-idle-timeout 10",
  ]);
  const own = { ...names, vnet: { resourceGroup: "net (prod)", name: "aksVnet", subnet: "nodes" } };
  const many = { nodes: 1000, maxNodes: 1000, idleTimeoutMinutes: 10 };
  assert.equal(option({ ...own, ...many, streams: [{ ...api, rate: 0.04 }] }, "nat-gateway").commands, [
    "az network public-ip create --resource-group 'net (prod)' --name c1-nat-ip-1 --location westeurope --sku Standard --allocation-method Static",
    "az network public-ip create --resource-group 'net (prod)' --name c1-nat-ip-2 --location westeurope --sku Standard --allocation-method Static",
    "az network nat gateway create --resource-group 'net (prod)' --name c1-nat --location westeurope --public-ip-addresses c1-nat-ip-1 c1-nat-ip-2 --idle-timeout 10",
    "az network vnet subnet update --resource-group 'net (prod)' --name nodes --vnet-name aksVnet --nat-gateway c1-nat",
    "az aks update --resource-group akstest --name c1 --outbound-type userAssignedNATGateway",
  ]);
  assert.match(option({}, "nat-gateway").effects.wayBack, /documents disagree/);
  assert.match(option(own, "nat-gateway").effects.wayBack, /--outbound-type loadBalancer/);
});

options("an outbound type needs scale sets", () => {
  for (const vmSetType of ["AvailabilitySet", "VirtualMachines"] as const) {
    const plan = option({ vmSetType }, "nat-gateway");
    assert.equal([plan.fits, plan.commands.length], [false, 0]);
    assert.match(plan.why, /virtual machine scale sets with a Standard load balancer/);
  }
});

options("from Basic every way begins with a migration that cannot be rolled back", () => {
  const names = { resourceGroup: "akstest", cluster: "c1" };
  const plans = planOutbound({ ...question, ...names, sku: "Basic", vmSetType: "AvailabilitySet" });
  const migration = plans.find(({ name }) => name === "basic-to-standard")!;
  assert.equal(migration.commands, ["az aks update --resource-group akstest --name c1 --migrate-vmas-to-vms"]);
  assert.match(migration.effects.wayBack, /^none/);
  assert.equal(
    [migration.now, migration.atMost].map(setup => [setup?.nodes, setup?.ips]),
    [
      [50, 1],
      [60, 1],
    ],
  );
  assert.match(migration.effects.connections, /down for a while/);
  assert.match(migration.effects.addresses, /outbound connections get new ones/);
  assert.equal(option({ ...names, sku: "Basic" }, "basic-to-standard").commands, [
    "az aks update --resource-group akstest --name c1 --load-balancer-sku standard",
  ]);
  assert.equal(
    plans.filter(({ commands }) => commands.length > 0).map(({ name, after }) => [name, after]),
    [
      ["basic-to-standard", undefined],
      ["standard-default", "basic-to-standard"],
      ["standard-allocated", "basic-to-standard"],
    ],
  );
  assert.is(option({}, "basic-to-standard"), undefined);
  assert.match(
    option({ sku: "Basic", nodes: 290, maxNodes: 310, streams: [{ ...api, rate: 0.001 }] }, "basic").breaks.join(),
    /from 300 nodes on a Basic load balancer's pool is full/,
  );
});

options("every setup says in a line what it rests on", () => {
  const basis = (name: PlanName, change: Partial<PlanQuestion> = {}) => option(change, name).basis;
  assert.is(
    basis("standard-default"),
    "default table, 51 to 100 nodes, 2 addresses, 1024 ports at most; documents of 2023; a port is held 240 s after FIN",
  );
  assert.is(
    basis("standard-allocated"),
    "832 ports allocated to each of 66 nodes (60 nodes and 6 surge nodes, maxSurge 10%); a port is held 240 s after FIN",
  );
  assert.match(basis("nat-gateway")!, /^1 x 64512 ports.* only open ones count \(no document decides\)$/);
  assert.match(basis("fewer-connections", { era: "2018" })!, /documents of 2018/);
  assert.is(basis("standard-allocated", { streams: [{ ...api, rate: 10 }] }), undefined);
});

options("every plan says what changes address, what loses connections and whether there is a way back", () => {
  for (const sku of ["Basic", "Standard"] as const)
    for (const vmSetType of ["VirtualMachineScaleSets", "AvailabilitySet", "VirtualMachines"] as const)
      for (const vnet of ["managed", {}] as const)
        for (const { name, effects } of planOutbound({ ...question, sku, vmSetType, vnet }))
          for (const [field, text] of Object.entries(effects) as [string, string][])
            assert.ok(text.length > 10, `${name} ${field}`);
});

options("say what is enough, what it holds and where it ends, to the number", () => {
  // 64,000 / 1,000 = 64 nodes on one address: 58 and 10 % surge are 64, 59 are 65.
  const at = (nodes: number) => option({ ...needing(1000), nodes, maxNodes: nodes }, "standard-allocated");
  assert.equal([at(58).atMost!.ips, at(59).atMost!.ips], [1, 2]);
  assert.equal(at(58).breaks, [
    "1 address holds 64 nodes, surge nodes counted: from 65 on scaling or upgrading is refused (64 are counted: 58 nodes and 6 surge nodes, maxSurge 10%)",
  ]);
  assert.match(
    at(58).why,
    /^1,000 ports per node are enough: 0\.\d+ % of the connections to the busiest destination fail with 58 nodes; the target is 0\.1 %$/,
  );
  assert.match(at(1).breaks[0]!, /from 65 on/);
  assert.equal(
    [at(58).effects.addresses, at(59).effects.addresses],
    [
      "no address changes where there is one today; of several the others go",
      "outbound connections come from 2 addresses: whoever allows one must learn the others",
    ],
  );
  assert.match(
    option({ ...needing(1000), nodes: 1, maxNodes: 1 }, "nat-gateway").why,
    /fail with 2 nodes; the target is 0\.1 %$/,
  );
});

options("count a NAT gateway's addresses for the largest size, from 1 to 16", () => {
  for (const [rate, fits] of [
    [0.01, true],
    [1, true],
    [5, false],
  ] as const) {
    const plan = option({ nodes: 100, maxNodes: 100, surge: 0, streams: [{ ...api, rate }] }, "nat-gateway");
    const load = 100 * 30 * rate;
    const failure = (ips: number) => Math.max(erlangB(load * 80, ips * 64_512), erlangB(load * 15, ips * 50_000));
    const ips = Array.from({ length: 16 }, (_, i) => i + 1).find(count => failure(count) <= question.target) ?? 16;
    assert.equal([plan.fits, plan.now!.ips, plan.now!.ports], [failure(16) <= question.target, ips, ips * 64_512]);
    assert.is(plan.fits, fits, `${rate}`);
    assert.ok(plan.now!.shared);
  }
});

options("advise fewer connections by how much too many there are", () => {
  const [free] = option({ streams: [{ ...api, rate: 0.001 }] }, "fewer-connections").advice!;
  assert.is(free!.requestsPerConnection, 1);
  const plan = option({}, "fewer-connections");
  const [advice] = plan.advice!;
  assert.ok(plan.atMost!.headroom < 1);
  assert.ok(Math.abs(advice!.requestsPerConnection * plan.atMost!.headroom - 1) < 1e-12);
  assert.ok(Math.abs(advice!.fittingRate - advice!.rate * plan.atMost!.headroom) < 1e-15);
  assert.match(
    plan.why,
    /^512 ports per node carry [\d,]+ erlangs to one destination: only with \d+ % of today's connections$/,
  );
  assert.is(plan.why.match(/carry ([\d,]+)/)![1], `${Math.floor(loadFor(512, question.target))}`);
  const none = option(
    {
      nodes: 50,
      maxNodes: 1200,
      streams: [
        { ...api, rate: 0.001 },
        { ...api, name: "off", rate: 0 },
      ],
    },
    "fewer-connections",
  );
  assert.equal(
    [none.fits, none.atMost, none.why],
    [false, undefined, "the default table has no ports for 1,200 nodes"],
  );
  assert.equal(
    option(
      {
        streams: [
          { ...api, rate: 0.001 },
          { ...api, name: "off", rate: 0 },
        ],
      },
      "fewer-connections",
    ).advice!.map(({ stream }) => stream),
    ["api"],
  );
});

options.run();

const pasted = suite("commands to paste");

/** The options of each command, as `az COMMAND --help` lists them; those that take no value are marked. */
const flags: Readonly<Record<string, readonly string[]>> = {
  "az aks update": [
    ..."--resource-group --name --load-balancer-sku --load-balancer-managed-outbound-ip-count".split(" "),
    ..."--load-balancer-outbound-ports --load-balancer-idle-timeout --outbound-type".split(" "),
    ..."--nat-gateway-managed-outbound-ip-count --nat-gateway-idle-timeout --migrate-vmas-to-vms".split(" "),
  ],
  "az network public-ip create": "--resource-group --name --location --sku --allocation-method".split(" "),
  "az network nat gateway create": "--resource-group --name --location --public-ip-addresses --idle-timeout".split(" "),
  "az network vnet subnet update": "--resource-group --name --vnet-name --nat-gateway".split(" "),
};

const settings: readonly Partial<PlanQuestion>[] = [
  {},
  { idleTimeoutMinutes: 10, location: "westeurope" },
  { sku: "Basic" },
  { sku: "Basic", vmSetType: "AvailabilitySet", idleTimeoutMinutes: 10 },
  { vnet: {} },
  { vnet: { name: "v", subnet: "s", resourceGroup: "r" }, idleTimeoutMinutes: 10, location: "westeurope" },
];

pasted("use options that az has", () => {
  for (const setting of settings)
    for (const command of planOutbound({ ...question, ...setting }).flatMap(({ commands }) => commands)) {
      const known = Object.entries(flags).find(([name]) => command.startsWith(`${name} `));
      assert.ok(known, command);
      for (const flag of command.match(/ --[a-z-]+/g)!)
        assert.ok(known[1].includes(flag.trim()), `${flag} in ${command}`);
    }
});

/** A word for each name, as a shell hands them to az. */
const wordsOf = (command: string): readonly string[] =>
  execFileSync("sh", ["-c", command.replace(/^az /, "printf '%s\\0' ")], { encoding: "utf8" }).split("\0");

pasted("keep every name as it is, whatever a shell would make of it", () => {
  const hostile = ["$(id)", "`id`", "a b", "x;id", "it's", '"', "\\", "$HOME", "&", "!x", "*", "a'$(id)'b", "~", "#x"];
  for (const name of hostile) {
    const named = { resourceGroup: name, cluster: name, location: name, vnet: { name, subnet: name } };
    const commands = option(named, "nat-gateway").commands;
    for (const command of commands) {
      const words = wordsOf(command);
      assert.is(words[words.indexOf("--resource-group") + 1], name, command);
      assert.ok(
        words.every(word => !word.includes(name[0]!) || word.includes(name) || /^[-\w]+$/.test(word)),
        `${words.join("|")}`,
      );
    }
    assert.is(wordsOf(commands.at(-1)!)[5], name);
  }
});

pasted("refuse names that az would read as a file or an option", () => {
  for (const name of ["@secret", "--query", "", "a\nb"])
    for (const named of [{ cluster: name }, { resourceGroup: name }, { vnet: { subnet: name } }])
      assert.throws(() => planOutbound({ ...question, ...named }), /cannot be a name in a command/);
});

pasted.run();

const senseless = suite("planOutbound");

senseless("a question without sense is refused", () => {
  const refuses = (change: Partial<PlanQuestion>, message: RegExp) =>
    assert.throws(() => planOutbound({ ...question, ...change }), message);
  refuses({ nodes: 0 }, /nodes: 0 is out of range/);
  refuses({ maxNodes: 49 }, /maxNodes: 49 is out of range; expected 50 to 5000/);
  refuses({ podsPerNode: 251 }, /podsPerNode: 251/);
  refuses({ target: 0 }, /target: 0 is no probability/);
  refuses({ streams: [] }, /expected a stream with a rate above 0/);
  refuses({ streams: [{ ...api, rate: 0 }] }, /expected a stream with a rate above 0/);
  refuses(
    { sku: "Basic", nodes: 301, maxNodes: 400 },
    /nodes: 301 is more than the pool of a Basic load balancer holds/,
  );
  refuses({ sku: "basic" as "Basic" }, /sku: "basic" is no load balancer SKU/);
  refuses({ vnet: "mine" as "managed" }, /vnet: "mine" is no virtual network/);
  refuses({ vmSetType: "VMSS" as "AvailabilitySet" }, /vmSetType: "VMSS"/);
  refuses({ streams: [{ ...api, rate: -1 }] }, /streams\[0\].rate: -1 is negative/);
});

senseless.run();

const changes = suite("compare");

changes("names what changes for which nodes", () => {
  const { now, atMost } = option({ maxNodes: 51, era: "2021", streams: [{ ...api, rate: 0.01 }] }, "standard-default");
  const rows = compare(now!, atMost!);
  assert.equal(
    rows.slice(0, 2).map(({ what, before, after, nodes, consequence }) => [what, before, after, nodes, consequence]),
    [
      ["nodes", "50", "51", "1 new", "the new ones start with 512 ports"],
      ["ports", "1,024", "512", "the 50 that there are", "0-77 of a node's 77 mappings are lost"],
    ],
  );
});

changes("tells how many mappings are lost with the ports, over all destinations", () => {
  const streams = [{ ...api, rate: 0.15, to: { name: "api", count: 2, port: 443, protocol: "tcp" } as const }];
  const { now, atMost } = option({ maxNodes: 51, era: "2021", streams }, "fewer-connections");
  const { least, most } = mappingsLost(now!.loads[0]!.load, 1024, 512);
  const { consequence } = compare(now!, atMost!).find(({ what }) => what === "ports")!;
  const [from, to, of] = consequence.match(/\d[\d,]*/g)!.map(text => Number(text.replace(",", "")));
  assert.is(from, Math.round(2 * least));
  assert.is(to, Math.round(2 * most));
  assert.is(of, Math.round(now!.loads[0]!.load * 2));
  assert.is(compare(atMost!, now!).find(({ what }) => what === "ports")!.consequence, "nothing breaks");
});

changes("a gateway that loses an address loses its share of the mappings, whatever one destination may hold", () => {
  const large = { nodes: 1000, maxNodes: 1000, podsPerNode: 100, streams: [{ ...api, rate: 0.005 }] };
  const { now } = option(large, "nat-gateway");
  assert.ok(now!.ports > now!.rules.connectionsPerDestination);
  const half = { ...now!, ports: now!.ports / 2, rules: { ...now!.rules, ports: now!.ports / 2 } };
  const { consequence } = compare(now!, half).find(({ what }) => what === "ports")!;
  const [lost, of] = consequence.match(/\d[\d,]*/g)!.map(text => Number(text.replace(",", "")));
  assert.ok(of! > 1000 && Math.abs(lost! - of! / 2) <= 1, consequence);
});

changes("from load balancer to NAT gateway: another pool, other timeouts", () => {
  const rows = compare(option({}, "standard-allocated").now!, option({}, "nat-gateway").now!);
  assert.equal(
    rows.map(row => row.what),
    ["pool", "idle timeout", "hold after FIN", "failures"],
  );
  assert.equal([rows[0]!.before, rows[0]!.after], ["832 for each node", "64,512 for all nodes"]);
});

changes("takes whole plans too, at their largest size", () => {
  const [a, b] = [option({}, "standard-default"), option({}, "standard-allocated")];
  assert.equal(compare(a, b), compare(a.atMost!, b.atMost!));
  assert.throws(
    () => compare(a, option({ streams: [{ ...api, rate: 10 }] }, "standard-allocated")),
    /planB: "standard-allocated" has no setup to compare/,
  );
});

changes("nothing between equals", () => {
  const { now } = option({}, "nat-gateway");
  assert.equal(compare(now!, now!), []);
});

changes("names nodes that go, addresses that come, and silence that is forgotten sooner", () => {
  const small = { streams: [{ ...api, rate: 0.01 }] };
  const one = option({ ...small, nodes: 40, maxNodes: 40, surge: 0 }, "standard-default").now!;
  const fewer = option({ ...small, nodes: 30, maxNodes: 30, surge: 0, idleTimeoutMinutes: 4 }, "standard-default").now!;
  assert.equal(compare(one, fewer), [
    { what: "nodes", before: "40", after: "30", nodes: "10 removed", consequence: "their ports fall free" },
    {
      what: "idle timeout",
      before: "30 min",
      after: "4 min",
      nodes: "all 30",
      consequence: "silent connections are forgotten after that time",
    },
  ]);
  const gateway = option({ nodes: 40, maxNodes: 40 }, "nat-gateway").now!;
  const more = { ...gateway, nodes: 41, ips: 2 };
  assert.equal(compare(gateway, more), [
    { what: "nodes", before: "40", after: "41", nodes: "1 new", consequence: "the same ports for all" },
    {
      what: "addresses",
      before: "1",
      after: "2",
      nodes: "all 41",
      consequence: "whoever allows the cluster's addresses must know them",
    },
  ]);
  const back = compare(gateway, one).find(({ what }) => what === "pool")!;
  assert.equal([back.before, back.after, back.nodes], ["64,512 for all nodes", "1,024 for each node", "all 40"]);
  const hold = compare(one, gateway).find(({ what }) => what === "hold after FIN")!;
  assert.equal([hold.before, hold.after], ["240 s", "65 s"]);
  for (const [before, after, consequence] of [
    [0.01, 0.02, "more connections fail"],
    [0.02, 0.01, "fewer connections fail"],
  ] as const)
    assert.equal(compare({ ...one, failure: before }, { ...one, failure: after }), [
      {
        what: "failures",
        before: `${before * 100} %`,
        after: `${after * 100} %`,
        nodes: "all 40",
        consequence,
      },
    ]);
  const bit = compare({ ...one, failure: 0 }, { ...one, failure: 0.00005 })[0]!;
  assert.equal([bit.before, bit.after], ["none", "under 0.01 %"]);
});

changes.run();
