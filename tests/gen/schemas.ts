/**
 * The JSON Schemas of events' payloads.
 *
 * @module
 */

import { toJsonSchema } from "@valibot/to-json-schema";
import { payloadSchema } from "../../plugins/k8s_resource/payload.ts";

/** The payload of a `k8s_resource` event. */
export function k8sResourceSchema(): unknown {
  const { manifests } = payloadSchema.entries;
  return {
    title: "Payload of a k8s_resource event",
    ...toJsonSchema(payloadSchema, {
      target: "draft-2020-12",
      ignoreActions: ["check"], // what goes together stands below
      overrideSchema({ valibotSchema }) {
        if (valibotSchema === manifests.item) {
          return {
            description: "Documents of YAML or JSON as text, or an object",
            type: ["string", "object"],
          };
        }
        if (valibotSchema.type !== "custom") return undefined;
        return {
          description: "A field of other event types; may be there empty",
          enum: [null, "", []],
        };
      },
    }),
    if: { required: ["propagation"] },
    then: {
      required: ["operation"],
      properties: { operation: { const: "delete" } },
    },
  };
}
