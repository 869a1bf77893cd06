import { suite } from "uvu";
import * as assert from "uvu/assert";
import { formatDeployment } from "../../lib/render/deployment.js";
import { articleScenario } from "../../lib/scenario/article.js";
import { editCluster } from "../../lib/scenario/edit.js";
import { smallCluster } from "../../lib/scenario/small.js";

const test = suite("formatDeployment");

test("deploys the article's network, machine and clusters", () => {
  const subnet = "az network vnet subnet create --resource-group akstest --vnet-name aksVnet";
  const id = (name: string) =>
    `"$(az network vnet subnet show --resource-group akstest --vnet-name aksVnet --name ${name} --query id --output tsv)"`;
  const create = (flags: readonly string[]) =>
    ["az aks create", "--resource-group akstest", ...flags].join(" \\\n    ");
  assert.equal(formatDeployment(articleScenario).split(/\n(?=az)/), [
    "az group create --name akstest --location westeurope",
    "az network vnet create --resource-group akstest --name aksVnet --address-prefixes 10.13.0.0/16",
    `${subnet} --name azurecni --address-prefixes 10.13.76.0/24`,
    `${subnet} --name kubenet --address-prefixes 10.13.77.0/24`,
    `${subnet} --name vms --address-prefixes 10.13.1.0/24`,
    "az vm create --resource-group akstest --name testvm --image Ubuntu2204 --vnet-name aksVnet --subnet vms --admin-username jose",
    create([
      "--name azurecluster",
      "--kubernetes-version 1.11.5",
      "--network-plugin azure",
      `--vnet-subnet-id ${id("azurecni")}`,
      "--node-count 1",
      "--max-pods 30",
      "--load-balancer-sku basic",
    ]),
    create([
      "--name kubenetcluster",
      "--kubernetes-version 1.11.5",
      "--network-plugin kubenet",
      `--vnet-subnet-id ${id("kubenet")}`,
      "--node-count 2",
      "--max-pods 110",
      "--pod-cidr 192.168.0.0/16",
      "--load-balancer-sku basic",
    ]),
  ]);
});

test("follows the scenario's figures, and leaves out what it leaves to Azure", () => {
  const text = formatDeployment(smallCluster({ sku: "Standard", frontends: 2, allocatedOutboundPorts: 1024 }));
  for (const part of [
    "--load-balancer-sku standard",
    "--load-balancer-managed-outbound-ip-count 2",
    "-outbound-ports 1024",
  ])
    assert.ok(text.includes(part), part);
  assert.not(text.includes("--service-cidr"));
  const edited = editCluster(articleScenario, "azurecluster", { maxPods: 60 });
  assert.ok(formatDeployment(edited).includes("--max-pods 60"));
});

test("quotes names, so that none runs", () => {
  const scenario = { ...articleScenario, resourceGroup: "a $(id)", clusters: [] };
  assert.ok(formatDeployment(scenario).startsWith("az group create --name 'a $(id)' --location westeurope\n"));
  const several = {
    ...articleScenario,
    vnet: { ...articleScenario.vnet, addressSpace: ["10.0.0.0/16", "10.1.0.0/16"] },
  };
  assert.ok(formatDeployment(several).includes("--address-prefixes 10.0.0.0/16 10.1.0.0/16"));
});

test.run();
