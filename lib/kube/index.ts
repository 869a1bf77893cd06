/** Clusters as data: nodes, pods, Services, the rules that kube-proxy writes, kubelet flags. */
export type * from "./cluster.js";
export {
  type DeploymentObject,
  type IngressObject,
  type KubeObject,
  type ServiceObject,
  parseManifest,
} from "./manifest.js";
export { buildCluster } from "./buildCluster.js";
export type { AppliedManifest, ClusterInput, ClusterPins, NodeInput, PodPin } from "./clusterInput.js";
export { clusterHosts, podHostId } from "./hosts.js";
export { type KubeletInput, type VmSize, kubeReserved, kubeletFlags } from "./kubelet.js";
export { chainHash, kubeProxyRules } from "./proxy.js";
export { nodeRules } from "./nodeRules.js";
