/**
 * The certificates, keys and token of one run: made here, so that nobody needs
 * openssl, and thrown away with it.
 *
 * @module
 */

import "reflect-metadata"; // @peculiar/x509 needs it to be there first
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
} from "@peculiar/x509";

/** A certificate and its private key. */
export interface KeyPair {
  /** The certificate, PEM. */
  readonly certPem: string;
  /** The private key, PKCS #8 in PEM. */
  readonly keyPem: string;
}

/** All that a cluster needs to know itself and its administrator. */
export interface Pki {
  /** Signs the others. */
  readonly ca: KeyPair;
  /** What the API server shows its clients. */
  readonly server: KeyPair;
  /** A member of `system:masters`. */
  readonly admin: KeyPair;
  /** The key that signs ServiceAccount tokens, PKCS #8 in PEM. */
  readonly tokenKeyPem: string;
  /** The key that verifies them, SubjectPublicKeyInfo in PEM. */
  readonly tokenPublicKeyPem: string;
  /** A bearer token of a member of `system:masters`. */
  readonly adminToken: string;
}

const ECDSA = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };

/** Certificates begin an hour ago, so that a clock set back does not refuse them. */
const SKEW_MS = 3_600_000;

/** How long they are good for; a cluster lives for minutes, one left running for days. */
const LIFE_MS = 365 * 86_400_000;

/** Where clients may find the API server: here, and under the names that pods use. */
const SERVER_NAMES = [
  { type: "ip", value: "127.0.0.1" },
  { type: "ip", value: "10.0.0.1" },
  { type: "dns", value: "localhost" },
  { type: "dns", value: "kubernetes" },
  { type: "dns", value: "kubernetes.default" },
  { type: "dns", value: "kubernetes.default.svc" },
  { type: "dns", value: "kubernetes.default.svc.cluster.local" },
] as const;

/**
 * Makes fresh keys and certificates.
 *
 * @param addresses IP addresses where clients find the API server, too.
 */
export async function makePki(
  addresses: readonly string[] = [],
): Promise<Pki> {
  const caKeys = await makeKeys();
  const tokenKeys = await makeKeys();
  const validity = {
    notBefore: new Date(Date.now() - SKEW_MS),
    notAfter: new Date(Date.now() + LIFE_MS),
  };
  const caCert = await X509CertificateGenerator.createSelfSigned({
    ...validity,
    serialNumber: serialNumber(),
    name: "CN=localkube",
    keys: caKeys,
    signingAlgorithm: ECDSA,
    extensions: [
      new BasicConstraintsExtension(true, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign, true),
      await SubjectKeyIdentifierExtension.create(caKeys.publicKey),
    ],
  });

  async function issue(
    subject: string,
    extensions: readonly Extension[],
  ): Promise<KeyPair> {
    const keys = await makeKeys();
    const cert = await X509CertificateGenerator.create({
      ...validity,
      serialNumber: serialNumber(),
      subject,
      issuer: caCert.subject,
      publicKey: keys.publicKey,
      signingKey: caKeys.privateKey,
      signingAlgorithm: ECDSA,
      extensions: [
        new BasicConstraintsExtension(false),
        new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
        ...extensions,
      ],
    });
    return { certPem: cert.toString("pem"), keyPem: await keyPem(keys) };
  }

  return {
    ca: { certPem: caCert.toString("pem"), keyPem: await keyPem(caKeys) },
    server: await issue("CN=kube-apiserver", [
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
      new SubjectAlternativeNameExtension([
        ...SERVER_NAMES,
        ...addresses.map((value) => ({ type: "ip", value }) as const),
      ]),
    ]),
    admin: await issue("O=system:masters, CN=admin", [
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.clientAuth]),
    ]),
    tokenKeyPem: await keyPem(tokenKeys),
    tokenPublicKeyPem: PemConverter.encode(
      await crypto.subtle.exportKey("spki", tokenKeys.publicKey),
      "PUBLIC KEY",
    ),
    adminToken: randomHex(32),
  };
}

function makeKeys(): Promise<CryptoKeyPair> {
  return crypto.subtle.generateKey(ECDSA, true, ["sign", "verify"]);
}

async function keyPem(keys: CryptoKeyPair): Promise<string> {
  const der = await crypto.subtle.exportKey("pkcs8", keys.privateKey);
  return PemConverter.encode(der, "PRIVATE KEY");
}

/** A positive integer of at most 20 octets (RFC 5280, 4.1.2.2). */
function serialNumber(): string {
  return `01${randomHex(15)}`;
}

function randomHex(bytes: number): string {
  return crypto.getRandomValues(new Uint8Array(bytes)).toHex();
}
