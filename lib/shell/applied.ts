import { parseAllDocuments } from "yaml";
import { type KubeObject, parseManifest } from "../kube/manifest.js";

/** What `kubectl apply` did to one object. */
export interface Applied {
  /** As kubectl names it: `deployment.apps/whereami`. */
  readonly name: string;
  readonly change: "created" | "configured" | "unchanged";
}

const keyOf = (object: KubeObject): string => `${object.kind} ${object.namespace}/${object.name}`;

/** kubectl's name for an object: its kind with the API group, which `v1` has none of. */
const nameOf = (object: KubeObject, apiVersion: string): string => {
  const [group, version] = apiVersion.split("/");
  return `${object.kind.toLowerCase()}${version === undefined ? "" : `.${group}`}/${object.name}`;
};

/** The apiVersion of each object of a manifest that was read before. */
const apiVersions = (yaml: string): readonly string[] => {
  const documents = parseAllDocuments(yaml, { logLevel: "error" });
  return "empty" in documents
    ? []
    : documents.flatMap(document =>
        document.contents === null || document.toJS() === null ? [] : [String(document.get("apiVersion"))],
      );
};

/** Tells what applying a manifest changes in what was applied before. @throws InputError for a manifest that is not right */
export const compareManifest = (yaml: string, file: string, before: readonly KubeObject[]): readonly Applied[] => {
  const objects = parseManifest(yaml, file);
  const versions = apiVersions(yaml);
  const current = new Map(before.map(object => [keyOf(object), JSON.stringify(object)]));
  return objects.map((object, index) => {
    const old = current.get(keyOf(object));
    return {
      name: nameOf(object, versions[index]!),
      change: old === undefined ? "created" : old === JSON.stringify(object) ? "unchanged" : "configured",
    };
  });
};
