/** The sha256 of a text in UTF-8, as lower-case hexadecimal. */
import { Effect } from "effect"
import { Digest } from "effect/crypto"

const encoder = new TextEncoder()

export const sha256 = (text: string) =>
  Effect.flatMap(Digest.Digest, (digest) => digest.digestHex(Digest.sha256, encoder.encode(text)))
