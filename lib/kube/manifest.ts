import type { ContainerPort, ServicePort } from "./types.js";

interface ObjectBase {
  /** `default` when the manifest names none. */
  readonly namespace: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** A Deployment as written in a manifest. */
export interface DeploymentObject extends ObjectBase {
  readonly kind: "Deployment";
  /** 0 or more, default 1. */
  readonly replicas: number;
  readonly selector: Readonly<Record<string, string>>;
  readonly podLabels: Readonly<Record<string, string>>;
  /** The first container's. */
  readonly image: string;
  /** Of all containers. */
  readonly ports: readonly ContainerPort[];
  readonly hostNetwork: boolean;
}

/** A Service as written in a manifest. */
export interface ServiceObject extends ObjectBase {
  readonly kind: "Service";
  readonly type: "ClusterIP" | "NodePort" | "LoadBalancer";
  readonly selector: Readonly<Record<string, string>>;
  readonly ports: readonly ServicePort[];
}

/** An Ingress as written in a manifest. */
export interface IngressObject extends ObjectBase {
  readonly kind: "Ingress";
  /** The annotation `kubernetes.io/ingress.class` or `spec.ingressClassName`. */
  readonly class: string;
  /** One row per host and path; the default backend has host `*`. */
  readonly rules: readonly { readonly host: string; readonly path: string; readonly service: string; readonly port: number | string }[];
}

export type KubeObject = DeploymentObject | ServiceObject | IngressObject;
