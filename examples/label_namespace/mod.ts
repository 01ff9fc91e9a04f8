/** A plugin that uses the Kubernetes client: puts a label on a Namespace, and takes over nothing else. */
import {
  clusterConfig,
  type Kubernetes,
  openKubernetes,
} from "@transporter/plugins/kubernetes";
import { definePlugin, isRecord } from "@transporter/sdk";
import * as v from "valibot";

const name = v.pipe(
  v.string(),
  v.regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/, "Not a name in Kubernetes"),
);

export default definePlugin({
  api: 1,
  type: "label_namespace",
  version: "1.0.0",
  config: clusterConfig,
  payload: v.strictObject({ namespace: name, label: name, value: name }),

  open: (config): Promise<Kubernetes> => openKubernetes(config),

  keys: ({ namespace }) => [`Namespace/${namespace}`],
  repeatable: () => true,

  // Reads only: what is not there, or may not be seen, is refused before anything is done.
  async validate(payload, context) {
    const path = `/api/v1/namespaces/${payload.namespace}`;
    const doing = `read Namespace "${payload.namespace}"`;
    await context.opened.call({ method: "GET", path }, context, doing);
    return { ...payload, path };
  },

  async apply({ namespace, label, value, path }, context) {
    const object = {
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name: namespace, labels: { [label]: value } },
    };
    const { metadata } = await context.opened.call(
      {
        method: "PATCH",
        path: `${path}?fieldManager=label-namespace`,
        contentType: "application/apply-patch+yaml",
        body: JSON.stringify(object),
      },
      context,
      `label Namespace "${namespace}"`,
    );
    return { labels: isRecord(metadata) ? metadata["labels"] : {} };
  },
});
