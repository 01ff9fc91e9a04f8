import {
  type Link,
  type RegistrationFrame,
  TransporterError,
} from "@transporter/sdk";
import { faultOf, versionOf } from "./handshake.ts";

/** A registration that can be answered with a session. */
export interface Hello {
  /** What the agent says of itself. */
  readonly registration: RegistrationFrame;
  /** The version of the link that both speak. */
  readonly version: 1 | 2;
}

/** Waits for the registration, and answers one that cannot be. */
export async function helloOf(link: Link): Promise<Hello | undefined> {
  const first = await link.receive()[Symbol.asyncIterator]().next();
  if (first.done) return undefined;
  const registration = first.value.value;
  if (registration.type !== "registration") {
    throw new TransporterError(
      "bad_frame",
      `Cannot take a "${registration.type}" frame before the registration`,
    );
  }
  const version = versionOf(registration);
  const fault = version === undefined
    ? "none of the link versions is supported: this control plane speaks 1 and 2"
    : faultOf(registration);
  if (version === undefined || fault !== undefined) {
    await link.send({ type: "reply", error: fault ?? "" });
    throw new TransporterError(
      version === undefined ? "unsupported_version" : "bad_frame",
      `Cannot register the agent: ${fault}`,
    );
  }
  return { registration, version };
}
