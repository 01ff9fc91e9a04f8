import { readManifests } from "./bundle.ts";
import type { Manifest } from "./manifest.ts";

/** Characters of a manifest that is worth remembering; a larger one would hold memory for longer than it saves time. */
const CHARS_MAX = 64 * 1024;

/** Manifests that are remembered: more than run at the same time. */
const READINGS_MAX = 64;

/**
 * Manifests are read once for the keys of an event, and again for its plan a
 * moment later. Reading YAML is most of the work of a small event, so that the
 * second time takes what the first one found.
 */
export class Readings {
  readonly #byText = new Map<string, readonly Manifest[]>();

  /**
   * Reads the manifests of an event.
   *
   * @throws {TransporterError} As {@linkcode readManifests}.
   */
  read(manifests: readonly unknown[]): readonly Manifest[] {
    const found = readManifests(manifests);
    const [text] = manifests;
    if (
      manifests.length === 1 && typeof text === "string" &&
      text.length <= CHARS_MAX
    ) {
      this.#byText.set(text, found);
      const oldest = this.#byText.keys().next().value;
      if (this.#byText.size > READINGS_MAX && oldest !== undefined) {
        this.#byText.delete(oldest);
      }
    }
    return found;
  }

  /** The same, from memory where it can be, which then forgets it. */
  take(manifests: readonly unknown[]): readonly Manifest[] {
    const [text] = manifests;
    const known = manifests.length === 1 && typeof text === "string"
      ? this.#byText.get(text)
      : undefined;
    if (known === undefined) return readManifests(manifests);
    this.#byText.delete(String(text));
    return known;
  }
}
