import { InputError } from "../errors.js";
import { defaultCreated } from "./clusterPlan.js";
import { formatTime, parseTime } from "./time.js";
import type { ClusterSpec, Manifest, Scenario } from "./scenario.js";

/** An add-on of a cluster. */
export type Addon = ClusterSpec["addons"][number];

/**
 * Fields to change: objects within are changed field by field, lists and values are replaced,
 * and a field set to undefined is taken out.
 */
export type Change<T> = T extends readonly unknown[]
  ? T
  : T extends object
    ? { readonly [K in keyof T]?: Change<T[K]> | undefined }
    : T;

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const merge = (old: unknown, change: unknown): unknown => {
  if (!isObject(change)) return change;
  const fields = new Map(Object.entries(isObject(old) ? old : {}));
  for (const [key, value] of Object.entries(change)) {
    if (value === undefined) fields.delete(key);
    else fields.set(key, merge(fields.get(key), value));
  }
  return Object.fromEntries(fields);
};

const withCluster = (scenario: Scenario, name: string, edit: (cluster: ClusterSpec) => ClusterSpec): Scenario => {
  if (!scenario.clusters.some(cluster => cluster.name === name))
    throw new InputError({
      where: "cluster",
      value: name,
      problem: `is not in scenario ${scenario.name}`,
      expected: scenario.clusters.map(cluster => cluster.name).join(" or ") || "a scenario with clusters",
    });
  return { ...scenario, clusters: scenario.clusters.map(cluster => (cluster.name === name ? edit(cluster) : cluster)) };
};

/**
 * The scenario with one cluster changed; the given one stays as it is.
 *
 *     editCluster(articleScenario, "kubenetcluster", { nodeCount: 3, loadBalancer: { sku: "Standard" } })
 *
 * @throws InputError for a cluster that is not there; whether the values are right is checked when it is built
 */
export const editCluster = (scenario: Scenario, name: string, change: Change<ClusterSpec>): Scenario =>
  withCluster(scenario, name, cluster => merge(cluster, change) as ClusterSpec);

/** `kubectl apply -f`: the scenario with one manifest more. @throws InputError for a cluster that is not there */
export const applyManifest = (scenario: Scenario, name: string, manifest: Manifest): Scenario =>
  withCluster(scenario, name, cluster => ({ ...cluster, manifests: [...cluster.manifests, manifest] }));

/**
 * `az aks enable-addons`: the scenario with an add-on more; as it was when the cluster has it already.
 * @param at when, RFC 3339; at the scenario's start when left out
 * @throws InputError for a cluster that is not there
 */
export const enableAddon = (scenario: Scenario, name: string, addon: Addon, at?: string): Scenario =>
  withCluster(scenario, name, cluster => {
    if (cluster.addons.includes(addon)) return cluster;
    const created =
      at === undefined
        ? {}
        : { pins: { ...cluster.pins, created: { ...cluster.pins?.created, [`Addon/${addon}`]: at } } };
    return { ...cluster, addons: [...cluster.addons, addon], ...created };
  });

/** `az aks disable-addons`. @throws InputError for a cluster that is not there */
export const disableAddon = (scenario: Scenario, name: string, addon: Addon): Scenario =>
  withCluster(scenario, name, cluster => ({ ...cluster, addons: cluster.addons.filter(other => other !== addon) }));

/**
 * The scenario as it was at an earlier time: without the manifests and add-ons that came later, its clock starting there.
 * What has no time of its own came at the scenario's start; clusters are as old as they were.
 * @param at RFC 3339
 */
export const scenarioAt = (scenario: Scenario, at: string): Scenario => {
  const time = parseTime(at, "at");
  const created = formatTime(defaultCreated(parseTime(scenario.startsAt, "startsAt")));
  const done = (when: string | undefined): boolean => parseTime(when ?? scenario.startsAt, "time") <= time;
  return {
    ...scenario,
    startsAt: at,
    clusters: scenario.clusters.map(cluster => ({
      ...cluster,
      manifests: cluster.manifests.filter(({ appliedAt }) => done(appliedAt)),
      addons: cluster.addons.filter(addon => done(cluster.pins?.created?.[`Addon/${addon}`])),
      pins: { ...cluster.pins, created: { "Service/default/kubernetes": created, ...cluster.pins?.created } },
    })),
  };
};
