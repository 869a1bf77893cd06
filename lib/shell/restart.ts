import { formatTime } from "../scenario/time.js";
import type { Built, BuiltCluster, ClusterSpec, Scenario } from "../scenario/scenario.js";
import type { Time } from "../kube/cluster.js";

/** A cluster with the times written down that it had because of the scenario's start. */
const dated = ({ spec, cluster }: BuiltCluster, startsAt: string): ClusterSpec => {
  const api = cluster.services.find(({ namespace, name }) => namespace === "default" && name === "kubernetes");
  return {
    ...spec,
    manifests: spec.manifests.map(manifest => ({ ...manifest, appliedAt: manifest.appliedAt ?? startsAt })),
    pins: {
      ...spec.pins,
      created: {
        ...(api !== undefined && { "Service/default/kubernetes": formatTime(api.created) }),
        ...Object.fromEntries(spec.addons.map(addon => [`Addon/${addon}`, startsAt])),
        ...spec.pins?.created,
      },
    },
  };
};

/** The same scenario with its clock starting later. What exists keeps the age that it has. */
export const restartAt = (built: Built, now: Time): Scenario => ({
  ...built.scenario,
  clusters: built.clusters.map(cluster => dated(cluster, built.scenario.startsAt)),
  startsAt: formatTime(now),
});
