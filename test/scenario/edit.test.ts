import { suite } from "uvu";
import * as assert from "uvu/assert";
import { build } from "../../lib/scenario/build.js";
import { applyManifest, disableAddon, editCluster, enableAddon, scenarioAt } from "../../lib/scenario/edit.js";
import { whereami } from "../../lib/scenario/manifests.js";
import { message } from "../message.js";
import { plain } from "./base.js";

const edit = suite("edits");
const addon = "http_application_routing";
const services = (scenario: ReturnType<typeof plain>) =>
  build(scenario).clusters[0]!.cluster.services.map(({ name }) => name);

edit("leave the given scenario as it was", () => {
  const before = plain();
  const copy = structuredClone(before);
  enableAddon(applyManifest(editCluster(before, "c", { nodeCount: 3 }), "c", whereami), "c", addon);
  assert.equal(before, copy);
});

edit("change fields within fields, replace lists, and take out what is undefined", () => {
  const start = plain({
    maxPods: 50,
    pins: { publicAddresses: { "default/a": "203.0.113.1" }, nodeAddresses: ["10.13.77.9"] },
  });
  const [cluster] = editCluster(start, "c", {
    loadBalancer: { sku: "Standard" },
    maxPods: undefined,
    pins: { publicAddresses: { "default/b": "203.0.113.2" }, nodeAddresses: ["10.13.77.8"] },
  }).clusters;
  assert.equal(cluster!.loadBalancer, { sku: "Standard", frontendSelection: "first" });
  assert.is("maxPods" in cluster!, false);
  assert.equal(cluster!.pins, {
    publicAddresses: { "default/a": "203.0.113.1", "default/b": "203.0.113.2" },
    nodeAddresses: ["10.13.77.8"],
  });
});

edit("apply manifests and switch add-ons", () => {
  assert.ok(services(applyManifest(plain(), "c", whereami)).includes("whereami"));
  const on = enableAddon(plain(), "c", addon, "2019-02-12T11:30:00Z");
  assert.equal(enableAddon(on, "c", addon), on);
  assert.ok(services(on).includes("addon-http-application-routing-nginx-ingress"));
  assert.not.ok(services(disableAddon(on, "c", addon)).some(name => name.startsWith("addon-")));
});

edit("name the clusters that there are", () => {
  for (const action of [
    () => editCluster(plain(), "d", {}),
    () => applyManifest(plain(), "d", whereami),
    () => enableAddon(plain(), "d", addon),
    () => disableAddon(plain(), "d", addon),
  ])
    assert.is(message(action), 'cluster: "d" is not in scenario test; expected c');
});

edit.run();

const past = suite("scenarioAt");

past("has what had been done by then", () => {
  const applied = (appliedAt: string) => ({ ...whereami, appliedAt });
  const late = enableAddon(
    plain({ manifests: [applied("2019-02-12T11:20:00Z"), whereami] }),
    "c",
    addon,
    "2019-02-12T11:30:00Z",
  );
  const at = (time: string) => {
    const { startsAt, clusters } = scenarioAt(late, time);
    return [startsAt, clusters[0]!.manifests.length, clusters[0]!.addons.length];
  };
  assert.equal(at("2019-02-12T11:10:00Z"), ["2019-02-12T11:10:00Z", 0, 0]);
  assert.equal(at("2019-02-12T11:20:00Z"), ["2019-02-12T11:20:00Z", 1, 0]);
  assert.equal(at("2019-02-12T11:45:00Z"), ["2019-02-12T11:45:00Z", 1, 1]);
  assert.equal(at("2019-02-12T12:00:00Z"), ["2019-02-12T12:00:00Z", 2, 1]);
});

past("leaves clusters as old as they were", () => {
  const created = (scenario: ReturnType<typeof plain>) =>
    build(scenario).clusters[0]!.cluster.services.find(({ name }) => name === "kubernetes")!.created;
  assert.is(created(scenarioAt(plain(), "2019-02-12T11:30:00Z")), created(plain()));
});

past.run();
