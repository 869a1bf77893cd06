import { formatAddr } from "../ip/addr.js";
import { cidrOf, cidrSize, formatCidr, lastOf } from "../ip/cidr.js";
import type { Host, Interface, Route } from "../net/network.js";

const state = (link: Interface): string =>
  `<BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500${link.master === undefined ? "" : ` master ${link.master}`} state UP`;

const linkName = (link: Interface): string =>
  link.kind === "veth" ? `${link.name}@${link.peer.interface}` : link.name;

const addressLines = (link: Interface): readonly string[] =>
  link.addresses.map(({ address, prefix }) => {
    const broadcast =
      cidrSize(cidrOf(address, prefix)) > 2 ? ` brd ${formatAddr(lastOf(cidrOf(address, prefix)))}` : "";
    return `    inet ${formatAddr(address)}/${prefix}${broadcast} scope global ${link.name}`;
  });

/** A host's interfaces and addresses as `ip addr` lists them; the model has no hardware addresses to show. */
export const printAddresses = (host: Host): string =>
  [
    "1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 state UNKNOWN",
    "    inet 127.0.0.1/8 scope host lo",
    ...host.interfaces.flatMap((link, index) => [
      `${index + 2}: ${linkName(link)}: ${state(link)}`,
      ...addressLines(link),
    ]),
  ].join("\n");

const formatRoute = (route: Route): string => {
  const to =
    route.to.prefix === 0 ? "default" : route.to.prefix === 32 ? formatAddr(route.to.base) : formatCidr(route.to);
  return route.via === undefined
    ? `${to} dev ${route.dev} scope link`
    : `${to} via ${formatAddr(route.via)} dev ${route.dev}`;
};

const onLink = (host: Host): readonly { readonly route: Route; readonly text: string }[] =>
  host.interfaces.flatMap(link =>
    link.addresses
      .filter(({ prefix }) => prefix < 32)
      .map(({ address, prefix }) => {
        const to = cidrOf(address, prefix);
        return {
          route: { to, dev: link.name },
          text: `${formatCidr(to)} dev ${link.name} proto kernel scope link src ${formatAddr(address)}`,
        };
      }),
  );

/** A host's routes as `ip route` lists them: the default first, then by address; on-link routes name their source address. */
export const printRoutes = (host: Host): string =>
  [...host.routes.map(route => ({ route, text: formatRoute(route) })), ...onLink(host)]
    .sort((a, b) => a.route.to.base - b.route.to.base || a.route.to.prefix - b.route.to.prefix)
    .map(({ text }) => text)
    .join("\n");
