/** Effect's `Digest` on Bun's hashers, which answer at once: WebCrypto answers only after a pause. */
import { Effect, Layer } from "effect"
import { Digest } from "effect/crypto"

const hashNames: Readonly<Record<string, Bun.SupportedCryptoAlgorithms>> = {
  MD5: "md5",
  "SHA-1": "sha1",
  "SHA-256": "sha256",
  "SHA-384": "sha384",
  "SHA-512": "sha512",
}

const makeHasher = (algorithm: Digest.Algorithm, data: Uint8Array) =>
  new Bun.CryptoHasher(hashNames[algorithm.name] ?? "sha256").update(data)

export const layer = Layer.succeed(
  Digest.Digest,
  Digest.Digest.of({
    digest: (algorithm, data) => Effect.sync(() => new Uint8Array(makeHasher(algorithm, data).digest())),
    digestHex: (algorithm, data) => Effect.sync(() => makeHasher(algorithm, data).digest("hex")),
  }),
)
