import { readManifests } from "./bundle.ts";
import type { Manifest } from "./manifest.ts";

/** Characters of all manifests that are remembered: those of one event as large as an event may be. */
const CHARS_MAX = 8 * 1024 * 1024;

/** Manifests that are remembered: more than run at the same time. */
const READINGS_MAX = 64;

/**
 * Manifests are read once for the keys of an event, and again for its plan a
 * moment later. Reading YAML is most of the work of a small event, so that the
 * second time takes what the first one found.
 */
export class Readings {
  readonly #byText = new Map<string, readonly Manifest[]>();
  #chars = 0;

  /**
   * Reads the manifests of an event.
   *
   * @throws {TransporterError} As {@linkcode readManifests}.
   */
  read(manifests: readonly unknown[]): readonly Manifest[] {
    const found = readManifests(manifests);
    const [text] = manifests;
    if (
      manifests.length !== 1 || typeof text !== "string" ||
      text.length > CHARS_MAX
    ) return found;
    this.#forget(text);
    this.#byText.set(text, found);
    this.#chars += text.length;
    for (const oldest of this.#byText.keys()) {
      const fits = this.#chars <= CHARS_MAX &&
        this.#byText.size <= READINGS_MAX;
      if (fits) break;
      this.#forget(oldest);
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
    this.#forget(String(text));
    return known;
  }

  #forget(text: string): void {
    if (this.#byText.delete(text)) this.#chars -= text.length;
  }
}
