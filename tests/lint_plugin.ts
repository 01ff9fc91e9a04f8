/**
 * The rules that `deno lint` enforces beyond its own.
 *
 * @module
 */

import { ambient } from "./lint/ambient.ts";
import { camelcase } from "./lint/camelcase.ts";
import { dependencyRule } from "./lint/dependency_rule.ts";
import { envArgs } from "./lint/env_args.ts";
import { errorMessage } from "./lint/error_message.ts";
import { fileLength } from "./lint/file_length.ts";

/** What deno.json names as lint plugin; a default export as Deno demands one here. */
const plugin: Deno.lint.Plugin = {
  name: "transporter",
  rules: {
    ambient,
    camelcase,
    "dependency-rule": dependencyRule,
    "env-args": envArgs,
    "error-message": errorMessage,
    "file-length": fileLength,
  },
};

export default plugin;
