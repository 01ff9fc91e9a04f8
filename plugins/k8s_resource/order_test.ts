import { deepStrictEqual } from "node:assert/strict";
import { inOrder } from "./order.ts";

function named(type: string) {
  const [group = "", kind = ""] = type.split("/");
  return { group, kind, namespace: "", name: type };
}

Deno.test("inOrder() puts what others need first, and keeps the order of the rest", () => {
  const types = [
    "apiregistration.k8s.io/APIService",
    "admissionregistration.k8s.io/ValidatingWebhookConfiguration",
    "cert-manager.io/Certificate",
    "gateway.networking.k8s.io/Gateway",
    "apps/Deployment",
    "batch/Job",
    "storagemigration.k8s.io/StorageVersionMigration",
    "networking.k8s.io/Ingress",
    "/Pod",
    "/Service",
    "/PersistentVolumeClaim",
    "storage.k8s.io/StorageClass",
    "networking.k8s.io/ServiceCIDR",
    "/Secret",
    "/ConfigMap",
    "rbac.authorization.k8s.io/RoleBinding",
    "rbac.authorization.k8s.io/Role",
    "/ServiceAccount",
    "apiextensions.k8s.io/CustomResourceDefinition",
    "/Namespace",
  ];
  deepStrictEqual(
    inOrder(types.map(named)).map((group) => group.map(({ name }) => name)),
    [
      ["/Namespace"],
      ["apiextensions.k8s.io/CustomResourceDefinition"],
      ["rbac.authorization.k8s.io/Role", "/ServiceAccount"],
      ["rbac.authorization.k8s.io/RoleBinding"],
      ["networking.k8s.io/ServiceCIDR", "/Secret", "/ConfigMap"],
      ["storage.k8s.io/StorageClass"],
      ["/PersistentVolumeClaim"],
      ["/Service"],
      [
        "apps/Deployment",
        "batch/Job",
        "storagemigration.k8s.io/StorageVersionMigration",
        "networking.k8s.io/Ingress",
        "/Pod",
      ],
      ["cert-manager.io/Certificate", "gateway.networking.k8s.io/Gateway"],
      [
        "apiregistration.k8s.io/APIService",
        "admissionregistration.k8s.io/ValidatingWebhookConfiguration",
      ],
    ],
  );
  deepStrictEqual(inOrder([]), []);
});
