import type { Addr } from "../ip/addr.js";
import type { Cluster, Deployment, Ingress, PendingPod, Pod } from "./cluster.js";

/** Whether a pod has a node and an address, and so runs. */
export const runs = (pod: Pod | PendingPod): pod is Pod => "ip" in pod;

/** Whether labels have every pair of a selector. */
export const selects = (
  selector: Readonly<Record<string, string>>,
  labels: Readonly<Record<string, string>>,
): boolean => Object.entries(selector).every(([key, value]) => labels[key] === value);

/** The pods that a deployment has, those that do not run included. */
export const podsOf = (cluster: Cluster, deployment: Deployment): readonly (Pod | PendingPod)[] =>
  [...cluster.pods, ...cluster.pending].filter(
    pod => pod.namespace === deployment.namespace && selects(deployment.selector, pod.labels),
  );

/** Where an ingress is reached: the public address of its class's controller, once that has one. */
export const ingressAddress = (cluster: Cluster, ingress: Ingress): Addr | undefined =>
  cluster.services.find(service => service.name === `${ingress.class}-nginx-ingress`)?.externalIp;
