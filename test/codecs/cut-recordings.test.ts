/** Every recording, cut at every byte of its last line: never a success, and never another answer than without that line. */
import { expect, test } from "bun:test"
import { acpCodec } from "../../src/codecs/acp.codec.ts"
import { claudeCodec } from "../../src/codecs/claude.codec.ts"
import { codexCodec } from "../../src/codecs/codex.codec.ts"
import { piCodec } from "../../src/codecs/pi.codec.ts"
import type { Codec } from "../../src/domain/driver.schema.ts"
import { casesOf, exited, linesOf, recording } from "./recorded.ts"

const codecs: Readonly<Record<string, Codec>> = {
  "acp-claude": acpCodec(),
  "acp-codex": acpCodec(),
  "acp-pi": acpCodec(),
  "acp-zed-codex": acpCodec(),
  claude: claudeCodec(),
  codex: codexCodec(),
  "pi-0.87": piCodec(),
  "pi-1.5": piCodec(),
}

/** Modes that mill does not use: two prompts for one process, and lines after the end of the answer. */
const endsEarlier = /^(?:stdin-stream-two-turns|rpc-.*)$/

for (const [agent, codec] of Object.entries(codecs)) {
  test(`recordings of ${agent}, cut at every byte of the last line`, () => {
    for (const name of casesOf(agent)) {
      const lines = linesOf(recording(agent, name).stdout)
      const before = lines.slice(0, -1).reduce((fold, line) => fold.decodeEvent(line)[0], codec.decoding)
      const outcome = before.decodeFinal(exited)
      const bytes = new TextEncoder().encode(lines.at(-1) ?? "")
      for (let cut = 0; cut < bytes.length; cut++) {
        const [fold, events] = before.decodeEvent(new TextDecoder().decode(bytes.subarray(0, cut)))
        const ended = fold.decodeFinal(exited)
        const succeeded = ended.final && ended.errorMessage === undefined
        if (!Bun.deepEquals([ended, events, succeeded && !endsEarlier.test(name)], [outcome, [], false])) {
          expect({ name, cut, succeeded, events, ended }).toEqual({
            name,
            cut,
            succeeded: false,
            events: [],
            ended: outcome,
          })
        }
      }
    }
  }, 30_000)
}
