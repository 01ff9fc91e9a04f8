/** The version of everything in this workspace, semver; the same as in each member's `deno.json`. */
export const VERSION = "0.1.0";
