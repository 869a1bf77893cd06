import { type Addr, formatAddr } from "../ip/addr.js";
import type { FabricNic } from "../net/network.js";

/**
 * A network card in the cloud. Its addresses are its IP configurations: the primary first, then the secondary ones
 * (with Azure CNI one for every pod that the node may ever run).
 */
export interface Nic {
  readonly name: string;
  readonly subnet: string;
  readonly addresses: readonly Addr[];
  /** A public address of its own: translated one to one, ports untouched, any protocol. */
  readonly publicAddress?: Addr;
  /** Whether it may send from, and be handed, addresses that are not its own: kubenet needs it. */
  readonly ipForwarding: boolean;
}

/** One row of `az network nic ip-config list`. */
export interface IpConfiguration {
  readonly name: string;
  readonly privateIpAddress: string;
  readonly primary: boolean;
}

/** A card's IP configurations, as Azure lists them. */
export const ipConfigurations = (nic: Nic): readonly IpConfiguration[] =>
  nic.addresses.map((address, i) => ({
    name: `ipconfig${i + 1}`,
    privateIpAddress: formatAddr(address),
    primary: i === 0,
  }));

/** The card as the fabric sees it, at an interface of a host. */
export const fabricNic = (nic: Nic, host: string, interfaceName: string): FabricNic => ({
  host,
  interface: interfaceName,
  subnet: nic.subnet,
  addresses: nic.addresses,
  ipForwarding: nic.ipForwarding,
  ...(nic.publicAddress === undefined ? {} : { publicAddress: nic.publicAddress }),
});
