/**
 * The JSON Schemas of events' payloads.
 *
 * @module
 */

import { isRecord } from "@transporter/sdk";
import { toJsonSchema } from "@valibot/to-json-schema";
import { patchFields } from "../../plugins/k8s_resource/option_shapes.ts";
import { OPERATIONS, OPTIONS } from "../../plugins/k8s_resource/options.ts";
import { payloadSchema } from "../../plugins/k8s_resource/payload.ts";

/** Which operations an option is for, where it is not for all. */
function rules(): unknown[] {
  return Object.entries(OPTIONS)
    .filter(([, { operations }]) => operations.length < OPERATIONS.length)
    .map(([name, { operations }]) => ({
      if: { required: [name] },
      then: {
        ...((operations as readonly string[]).includes("apply")
          ? {}
          : { required: ["operation"] }),
        properties: { operation: { enum: operations } },
      },
    }));
}

/** The payload of a `k8s_resource` event. */
export function k8sResourceSchema(): unknown {
  const { manifests } = payloadSchema.entries;
  const schema = toJsonSchema(payloadSchema, {
    target: "draft-2020-12",
    ignoreActions: ["raw_check"], // what goes together stands below
    overrideSchema({ valibotSchema }) {
      if (valibotSchema === manifests.item) {
        return {
          description: "Documents of YAML or JSON as text, or an object",
          type: ["string", "object"],
        };
      }
      if (valibotSchema === patchFields) return { type: "object" };
      if (valibotSchema.type !== "custom") return undefined;
      return {
        description: "A field of other event types; may be there empty",
        enum: [null, "", []],
      };
    },
  });
  const described = Object.entries(OPTIONS).map(([name, option]) => {
    const shape = schema.properties?.[name];
    const description = `${option.about} Otherwise ${option.otherwise}.`;
    return [name, { ...(isRecord(shape) ? shape : {}), description }];
  });
  return {
    title: "Payload of a k8s_resource event",
    ...schema,
    properties: { ...schema.properties, ...Object.fromEntries(described) },
    allOf: rules(),
  };
}
