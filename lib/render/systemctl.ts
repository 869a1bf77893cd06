import type { Node } from "../kube/cluster.js";
import { ago } from "./duration.js";

const kubeletPath = "/usr/local/bin/kubelet";

/** `Wed 2018-12-05 21:58:10 UTC`. */
const formatTime = (time: number): string => {
  const date = new Date(time * 1000);
  return `${date.toUTCString().slice(0, 3)} ${date.toISOString().slice(0, 19).replace("T", " ")} UTC`;
};

/** `systemctl status kubelet` on a node: the unit, and the process with every flag it was started with. */
export const printKubeletStatus = (node: Node, now: number): string =>
  [
    "● kubelet.service - Kubelet",
    "   Loaded: loaded (/etc/systemd/system/kubelet.service; enabled; vendor preset: enabled)",
    `   Active: active (running) since ${formatTime(node.created)}; ${ago(node.created, now)}`,
    ` Main PID: ${node.kubeletPid} (kubelet)`,
    "   CGroup: /system.slice/kubelet.service",
    `           └─${node.kubeletPid} ${[kubeletPath, ...node.kubeletFlags].join(" ")}`,
  ].join("\n");
