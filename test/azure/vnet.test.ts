import { suite } from "uvu";
import * as assert from "uvu/assert";
import { fabricNic, ipConfigurations } from "../../lib/azure/nic.js";
import { applianceRoute, routeTable } from "../../lib/azure/routes.js";
import {
  azureReserved,
  subnetCapacity,
  subnetGateway,
  subnetPool,
  takeAddress,
  virtualNetwork,
} from "../../lib/azure/vnet.js";
import { addr, formatAddr } from "../../lib/ip/addr.js";
import { cidr, formatCidr, nth } from "../../lib/ip/cidr.js";
import { message } from "../message.js";

const net = suite("virtualNetwork");
const read = (addressSpace: string[], ...subnets: [name: string, prefix: string][]) =>
  virtualNetwork({ name: "v", addressSpace, subnets: subnets.map(([name, prefix]) => ({ name, prefix })) });

net("keeps the first four addresses of a subnet and the last", () => {
  const subnet = { name: "s", cidr: cidr("10.13.76.0/24") };
  assert.equal(azureReserved(subnet.cidr).map(formatAddr), [
    "10.13.76.0",
    "10.13.76.1",
    "10.13.76.2",
    "10.13.76.3",
    "10.13.76.255",
  ]);
  assert.is(subnetCapacity(subnet.cidr), 251);
  assert.is(subnetPool(subnet).capacity, 251);
  assert.equal(subnetPool(subnet).first(), { kind: "allocated", address: addr("10.13.76.4") });
  assert.is(formatAddr(subnetGateway(subnet)), "10.13.76.1");
});

net("refuses what Azure refuses, naming the clash", () => {
  const rows: readonly (readonly [action: () => unknown, text: string])[] = [
    [() => read([]), "vnet.addressSpace: [] is empty; expected at least one CIDR"],
    [
      () => read(["10.0.0.0/8", "10.13.0.0/16"]),
      'vnet.addressSpace[1]: "10.13.0.0/16" overlaps vnet.addressSpace[0] (10.0.0.0/8); expected ranges that share no address',
    ],
    [
      () => read(["10.13.0.0/16"], ["a", "10.14.0.0/24"]),
      'vnet.subnets[0].prefix: "10.14.0.0/24" is outside the address space; expected a part of 10.13.0.0/16',
    ],
    [
      () => read(["10.13.0.0/16"], ["a", "10.13.0.0/30"]),
      'vnet.subnets[0].prefix: "10.13.0.0/30" is too small for a subnet, as Azure keeps 5 addresses of each; expected a prefix length of 2 to 29',
    ],
    [
      () => read(["10.13.0.0/16"], ["a", "10.13.1.0/24"], ["b", "10.13.0.0/23"]),
      'vnet.subnets[1].prefix: "10.13.0.0/23" overlaps subnets[0] a (10.13.1.0/24); expected ranges that share no address',
    ],
    [
      () => read(["10.13.0.0/16"], ["a", "10.13.1.0/24"], ["a", "10.13.2.0/24"]),
      'vnet.subnets[1].name: "a" is the name of subnets[0] too; expected a name of its own',
    ],
    [() => read(["10.13.0.0"]), 'vnet.addressSpace[0]: "10.13.0.0" is not a CIDR; expected a CIDR a.b.c.d/0-32'],
  ];
  for (const [action, text] of rows) assert.is(message(action), text);
});

net("takes several ranges, and subnets of /2 to /29 in any of them", () => {
  const spaces = ["10.0.0.0/8", "12.16.0.0/12", "128.0.0.0/1"];
  const { addressSpace, subnets } = read(spaces, ["a", "12.16.0.0/29"], ["b", "128.0.0.0/2"], ["c", "10.0.0.0/8"]);
  assert.equal(addressSpace.map(formatCidr), spaces);
  assert.equal(
    subnets.map(({ name, cidr: block }) => `${name} ${formatCidr(block)}`),
    ["a 12.16.0.0/29", "b 128.0.0.0/2", "c 10.0.0.0/8"],
  );
  assert.is(subnetCapacity(subnets[0]!.cidr), 3);
  for (const [prefix, problem] of [
    ["12.16.0.0/30", "too small"],
    ["128.0.0.0/1", "too large"],
    ["12.0.0.0/9", "outside the address space"],
  ] as const)
    assert.match(
      message(() => read(spaces, ["a", prefix])),
      problem,
    );
});

net("hands a given address out once", () => {
  const pool = subnetPool({ name: "s", cidr: cidr("10.13.1.0/24") });
  takeAddress(pool, addr("10.13.1.4"), "vms[0].address");
  const rows = [
    ["10.13.1.4", 'vms[0].address: "10.13.1.4" is taken already; expected a free address of 10.13.1.0/24'],
    [
      "10.13.1.3",
      'vms[0].address: "10.13.1.3" is reserved by Azure; expected an address of 10.13.1.0/24 other than the first four and the last',
    ],
    [
      "10.13.2.4",
      'vms[0].address: "10.13.2.4" is outside the subnet 10.13.1.0/24; expected an address of 10.13.1.0/24',
    ],
  ] as const;
  for (const [address, text] of rows)
    assert.is(
      message(() => takeAddress(pool, addr(address), "vms[0].address")),
      text,
    );
});

net.run();

const table = suite("routeTable");
const route = (i: number) =>
  applianceRoute(`n${i}`, { base: nth(cidr("192.168.0.0/15"), i * 256), prefix: 24 }, addr("10.13.77.4"));

table("holds 400 routes and no more", () => {
  const routes = Array.from({ length: 401 }, (_, i) => route(i));
  assert.is(routeTable("t", routes.slice(0, 400)).routes.length, 400);
  assert.is(
    message(() => routeTable("t", routes)),
    "route table t: 401 routes are more than a route table holds; expected 400 at most, so 400 kubenet nodes",
  );
});

table("holds each name and prefix once", () => {
  assert.match(
    message(() => routeTable("t", [route(0), route(0)])),
    /"n0" names two routes/,
  );
  assert.is(
    message(() => routeTable("t", [route(0), { ...route(0), name: "m" }])),
    'route table t: "192.168.0.0/24" is the prefix of both n0 and m; expected one route for a prefix',
  );
});

table.run();

const nic = suite("nic");

nic("lists its primary configuration first", () => {
  assert.equal(
    ipConfigurations({
      name: "nic",
      subnet: "s",
      addresses: [addr("10.13.76.4"), addr("10.13.76.5")],
      ipForwarding: false,
    }),
    [
      { name: "ipconfig1", privateIpAddress: "10.13.76.4", primary: true },
      { name: "ipconfig2", privateIpAddress: "10.13.76.5", primary: false },
    ],
  );
});

nic("is the fabric's with all that the fabric asks for, a public address only where it has one", () => {
  const own = { name: "nic", subnet: "s", addresses: [addr("10.13.76.4")], ipForwarding: true };
  const fabric = { host: "vm", interface: "eth0", subnet: "s", addresses: own.addresses, ipForwarding: true };
  assert.equal(fabricNic(own, "vm", "eth0"), fabric);
  const publicAddress = addr("198.18.0.9");
  assert.equal(fabricNic({ ...own, publicAddress }, "vm", "eth0"), { ...fabric, publicAddress });
});

nic.run();
