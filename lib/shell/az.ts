import { known } from "../checks.js";
import { azFormat, printAz, printFound } from "../render/azText.js";
import { spelt } from "../render/azObjects.js";
import { type Data, sortKeys } from "../render/document.js";
import type { Addon } from "../scenario/edit.js";
import { type FlagSpec, fail, readFlags, value } from "./flags.js";
import { azQuery } from "./jmespath.js";
import { type Output, text } from "./output.js";
import type { SessionInside } from "./command.js";

type Flags = Readonly<Record<string, string>>;

/** Answers with data, which `--query` and `-o` then shape. */
type Command = (session: SessionInside, flags: Flags, where: string) => Promise<Data>;

const groupFlags: FlagSpec = { "-g": value("group"), "--resource-group": value("group") };
const nameFlags: FlagSpec = { ...groupFlags, "-n": value("name"), "--name": value("name") };
const addonFlags: FlagSpec = { ...nameFlags, "-a": value("addons"), "--addons": value("addons") };

/** The cluster that `-g` and `-n` name. */
const clusterOf = (session: SessionInside, flags: Flags, where: string): string => {
  const { group, name } = flags;
  if (group === undefined || name === undefined)
    return fail(where, "", `lacks ${group === undefined ? "-g" : "-n"}`, `${where} -g GROUP -n NAME`);
  if (group.toLowerCase() !== session.scenario.resourceGroup.toLowerCase())
    fail(`${where} -g`, group, "holds no cluster", session.scenario.resourceGroup);
  return session.cluster(name, `${where} -n`).spec.name;
};

const knownAddons: readonly Addon[] = ["http_application_routing"];
const addonOf = (flags: Flags, where: string): Addon => {
  const name = flags["addons"] ?? fail(where, "", "lacks -a", `-a ${knownAddons.join(", ")}`);
  return (
    knownAddons.find(addon => addon === name) ??
    fail(`${where} -a`, name, "is not an add-on known here", known(knownAddons))
  );
};

/** The columns of a cluster's table. */
const clusterColumns = ["name", "location", "resourceGroup", "kubernetesVersion", "provisioningState"];

const commands: Readonly<
  Record<string, { readonly flags: FlagSpec; readonly columns?: readonly string[]; readonly run: Command }>
> = {
  "aks show": {
    flags: nameFlags,
    columns: clusterColumns,
    run: async (session, flags, where) => session.aksShow(clusterOf(session, flags, where)),
  },
  "aks list": {
    flags: groupFlags,
    columns: clusterColumns,
    run: async (session, { group }) =>
      group === undefined || group.toLowerCase() === session.scenario.resourceGroup.toLowerCase()
        ? session.built.clusters.map(({ spec }) => session.aksShow(spec.name))
        : [],
  },
  "aks enable-addons": {
    flags: addonFlags,
    run: async (session, flags, where) => {
      const cluster = clusterOf(session, flags, where);
      await session.enableAddon(cluster, addonOf(flags, where));
      return session.aksShow(cluster);
    },
  },
  "aks disable-addons": {
    flags: addonFlags,
    run: async (session, flags, where) => {
      const cluster = clusterOf(session, flags, where);
      await session.disableAddon(cluster, addonOf(flags, where));
      return session.aksShow(cluster);
    },
  },
  "network lb list": { flags: groupFlags, run: async (session, { group }) => session.networkLbList(group) },
  "network public-ip list": {
    flags: groupFlags,
    run: async (session, { group }) => session.networkPublicIpList(group),
  },
};

/** Runs az. @throws InputError for what is not known, naming what is */
export const az = async (session: SessionInside, args: readonly string[]): Promise<Output> => {
  const name = Object.keys(commands).find(each => each.split(" ").every((word, index) => word === args[index]));
  if (name === undefined)
    return fail("az", args.join(" "), "is not a command known here", Object.keys(commands).join(", "));
  const where = `az ${name}`;
  const { flags: spec, columns, run } = commands[name]!;
  const { flags, rest } = readFlags(where, args.slice(name.split(" ").length), {
    ...spec,
    "--query": value("query"),
    "-o": value("output"),
    "--output": value("output"),
  });
  if (rest.length > 0) fail(where, rest.join(" "), "is not known", Object.keys(spec).join(", "));
  const format = azFormat(flags["output"] ?? "json");
  const data = spelt(await run(session, flags, where), session.scenario.era);
  if (flags["query"] === undefined) return text(printAz(data, format, columns));
  const found = azQuery(sortKeys(data), flags["query"]);
  return text(found === null ? "" : printFound(found, format));
};
