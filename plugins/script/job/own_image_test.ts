import { strictEqual, throws } from "node:assert/strict";
import { ownImageOf } from "./own_image.ts";

const A = `sha256:${"a".repeat(64)}`;
const B = `sha256:${"b".repeat(64)}`;

/** A Pod with containers by their names, and the images that its node says they have. */
function pod(
  images: Readonly<Record<string, string>>,
  annotations: Readonly<Record<string, string>> = {},
) {
  return {
    metadata: { name: "agent-1", annotations },
    status: {
      containerStatuses: Object.entries(images).map(([name, imageID]) => ({
        name,
        imageID,
      })),
    },
  };
}

Deno.test("ownImageOf() is the digest of the container that the Pod is for", () => {
  const main = { "kubectl.kubernetes.io/default-container": "main" };
  const cases = [
    [pod({ agent: `r.example/tp@${A}` }), `r.example/tp@${A}`],
    // As Docker says it.
    [
      pod({ agent: `docker-pullable://r.example/tp@${A}` }),
      `r.example/tp@${A}`,
    ],
    // Loaded on the node.
    [pod({ agent: A }), A],
    [pod({ agent: `docker://${A}` }), A],
    [pod({ relay: `tp@${A}`, agent: `tp@${A}` }), `tp@${A}`],
    [pod({ proxy: `proxy@${A}`, main: `tp@${B}` }, main), `tp@${B}`],
  ] as const;
  for (const [given, image] of cases) strictEqual(ownImageOf(given), image);
});

Deno.test("ownImageOf() guesses nothing", () => {
  throws(() => ownImageOf(pod({ proxy: `proxy@${A}`, main: `tp@${B}` })), {
    code: "unsupported",
    message:
      'Cannot tell which image is the agent\'s own as its Pod "agent-1" has several: name its container by the annotation "kubectl.kubernetes.io/default-container", or name an image with --script-image',
  });
  for (const id of ["", "r.example/tp:1", "sha256:abc"]) {
    throws(() => ownImageOf(pod({ agent: id })), {
      code: "unsupported",
      message:
        'Cannot use the agent\'s own image as the node of its Pod "agent-1" does not say by what digest: name an image with --script-image',
    });
  }
  throws(() => ownImageOf({}), { code: "unsupported" });
});
