import { suite } from "uvu";
import * as assert from "uvu/assert";
import { cidr } from "../../lib/ip/cidr.js";
import { buildCluster } from "../../lib/kube/buildCluster.js";
import { kubeReserved, vmSizeOf } from "../../lib/kube/kubelet.js";
import { articleKubenet, azureCni, kubenet } from "./clusters.js";

const test = suite("kubelet");

test("is started as in the article, flag by flag", () => {
  const [node] = buildCluster(articleKubenet({ pins: { kubeletPid: 3668 } })).nodes;
  assert.is(node!.kubeletPid, 3668);
  assert.equal(node!.kubeletFlags, [
    "--enable-server",
    "--node-labels=node-role.kubernetes.io/agent=,kubernetes.io/role=agent,agentpool=nodepool1,storageprofile=managed,storagetier=Premium_LRS,kubernetes.azure.com/cluster=MC_akstest_kubenetcluster_westeurope",
    "--v=2",
    "--volume-plugin-dir=/etc/kubernetes/volumeplugins",
    "--address=0.0.0.0",
    "--allow-privileged=true",
    "--anonymous-auth=false",
    "--authorization-mode=Webhook",
    "--azure-container-registry-config=/etc/kubernetes/azure.json",
    "--cadvisor-port=0",
    "--cgroups-per-qos=true",
    "--client-ca-file=/etc/kubernetes/certs/ca.crt",
    "--cloud-config=/etc/kubernetes/azure.json",
    "--cloud-provider=azure",
    "--cluster-dns=10.0.0.10",
    "--cluster-domain=cluster.local",
    "--enforce-node-allocatable=pods",
    "--event-qps=0",
    "--eviction-hard=memory.available<100Mi,nodefs.available<10%,nodefs.inodesFree<5%",
    "--feature-gates=PodPriority=true",
    "--image-gc-high-threshold=85",
    "--image-gc-low-threshold=80",
    "--image-pull-progress-deadline=30m",
    "--keep-terminated-pod-volumes=false",
    "--kube-reserved=cpu=69m,memory=1843Mi",
    "--kubeconfig=/var/lib/kubelet/kubeconfig",
    "--max-pods=110",
    "--network-plugin=kubenet",
    "--node-status-update-frequency=10s",
    "--non-masquerade-cidr=192.168.0.0/16",
    "--pod-infra-container-image=k8s.gcr.io/pause-amd64:3.1",
    "--pod-manifest-path=/etc/kubernetes/manifests",
    "--pod-max-pids=100",
  ]);
});

const flag = (flags: readonly string[], name: string) =>
  flags.find(text => text.startsWith(`--${name}=`))?.slice(name.length + 3);

test("follows the cluster's parameters", () => {
  const changed = buildCluster(
    kubenet(2, {
      maxPods: 42,
      nonMasqueradeCidr: cidr("10.0.0.0/8"),
      nodeResourceGroup: "MC_a_b_c",
      nodePool: "big",
      vmSize: "Standard_D2_v3",
    }),
  ).nodes[1]!.kubeletFlags;
  assert.is(flag(changed, "max-pods"), "42");
  assert.is(flag(changed, "non-masquerade-cidr"), "10.0.0.0/8");
  assert.match(
    flag(changed, "node-labels")!,
    "agentpool=big,storageprofile=managed,storagetier=Standard_LRS,kubernetes.azure.com/cluster=MC_a_b_c",
  );
  const cni = buildCluster(azureCni()).nodes[0]!.kubeletFlags;
  assert.is(flag(cni, "network-plugin"), "cni");
  assert.is(flag(cni, "non-masquerade-cidr"), "10.0.0.0/8");
});

test("reserves by regressive scales", () => {
  const rows: readonly (readonly [cores: number, memoryGiB: number, expected: string])[] = [
    [1, 3.5, "cpu=60m,memory=896Mi"],
    [2, 8, "cpu=69m,memory=1843Mi"],
    [4, 16, "cpu=79m,memory=2662Mi"],
    [8, 32, "cpu=89m,memory=3645Mi"],
    // 0.06 + 0.01 + 2 x 0.005 + 12 x 0.0025; 1 + 0.8 + 0.8 + 48 x 0.06 GiB
    [16, 64, "cpu=109m,memory=5611Mi"],
    // 1 + 0.8 + 0.8 + 112 x 0.06 + 128 x 0.02 GiB
    [2, 256, "cpu=69m,memory=12165Mi"],
  ];
  for (const [cores, memoryGiB, expected] of rows) assert.is(kubeReserved({ cores, memoryGiB }), expected);
});

test("knows the published sizes of virtual machines", () => {
  const rows: readonly (readonly [name: string, cores: number, memoryGiB: number, premium: boolean])[] = [
    ["Standard_B2ms", 2, 8, true],
    ["Standard_DS1_v2", 1, 3.5, true],
    ["Standard_DS2_v2", 2, 7, true],
    ["Standard_DS3_v2", 4, 14, true],
    ["Standard_D2_v3", 2, 8, false],
    ["Standard_D2s_v3", 2, 8, true],
    ["Standard_D4s_v3", 4, 16, true],
    ["Standard_D8s_v3", 8, 32, true],
    ["Standard_D16s_v3", 16, 64, true],
  ];
  for (const [name, cores, memoryGiB, premium] of rows)
    assert.equal(
      vmSizeOf(name, "vmSize"),
      { cores, memoryGiB, storage: premium ? "Premium_LRS" : "Standard_LRS" },
      name,
    );
  assert.throws(() => vmSizeOf("constructor", "vmSize"), /is not a known VM size/);
});

test("of a small node and of a large one is started with what each reserves, its own pid on each", () => {
  const { nodes } = buildCluster(kubenet(40, { vmSize: "Standard_D8s_v3" }));
  for (const { kubeletFlags, labels, kubeletPid, name } of nodes) {
    assert.is(flag(kubeletFlags, "kube-reserved"), "cpu=89m,memory=3645Mi");
    assert.is(labels["beta.kubernetes.io/instance-type"], "Standard_D8s_v3");
    assert.is(labels["kubernetes.io/hostname"], name);
    assert.ok(kubeletPid >= 1000 && kubeletPid <= 9999);
  }
  assert.ok(new Set(nodes.map(({ kubeletPid }) => kubeletPid)).size > 30);
  const pinned = buildCluster(kubenet(3, { pins: { kubeletPid: 12345 } })).nodes.map(({ kubeletPid }) => kubeletPid);
  assert.equal(pinned, [12345, ...nodes.slice(1, 3).map(({ kubeletPid }) => kubeletPid)]);
});

test.run();
