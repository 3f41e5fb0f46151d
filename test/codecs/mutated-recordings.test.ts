/**
 * Every recording with lines dropped, repeated or reordered, and with fields removed or of other types: decoding never
 * throws, no count is negative or not a number, and an error of the vendor never passes for an answer.
 */
import { describe, expect, test } from "bun:test"
import { Arbitrary, Schema } from "effect"
import { acpCodec } from "../../src/codecs/acp.codec.ts"
import { claudeCodec } from "../../src/codecs/claude.codec.ts"
import { codexCodec } from "../../src/codecs/codex.codec.ts"
import { piCodec } from "../../src/codecs/pi.codec.ts"
import { AgentOutcome, type Codec } from "../../src/domain/driver.schema.ts"
import { integer, property } from "../support/property.ts"
import { casesOf, decodeLines, linesOf, recording } from "./recorded.ts"

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

/** What a field becomes; `undefined` removes it. */
const values = [undefined, null, -7, 0, 1e300, "", "x", true, [], [null], {}, { type: "text", text: "x" }]

/** Words of the errors in the recordings. Nobody asked an agent to say them. */
const vendorWords = /API Error|overloaded|authentication_error|invalid_api_key|Connection (?:refused|error)/i

/** Replaces the field that `steps` leads to. It goes deeper as long as the field holds others and there are steps. */
const mutateField = (value: unknown, steps: ReadonlyArray<number>, by: unknown): unknown => {
  const [first, ...rest] = steps
  if (first === undefined || typeof value !== "object" || value === null) return by
  const entries = Object.entries(value)
  if (entries.length === 0) return by
  const at = first % entries.length
  const changed = entries.flatMap(([key, part], index) => {
    const next = index === at ? mutateField(part, rest, by) : part
    return next === undefined ? [] : [[key, next] as const]
  })
  return Array.isArray(value) ? changed.map(([, part]) => part) : Object.fromEntries(changed)
}

const parse = (line: string): unknown => {
  try {
    return JSON.parse(line)
  } catch {
    return line
  }
}

const mutation = Arbitrary.all([
  integer(0, 5),
  integer(0, 10_000),
  integer(0, 10_000),
  Arbitrary.array(integer(0, 30), { minLength: 1, maxLength: 5 }),
  integer(0, values.length - 1),
] as const)
type Mutation = typeof mutation extends Arbitrary.Arbitrary<infer A> ? A : never

const mutate = (lines: ReadonlyArray<string>, [kind, from, to, steps, which]: Mutation) => {
  if (lines.length === 0) return lines
  const at = from % lines.length
  const line = lines[at] ?? ""
  switch (kind) {
    case 0:
      return lines.toSpliced(at, 1)
    case 1:
      return lines.toSpliced(to % lines.length, 0, line)
    case 2:
      return lines.toSpliced(at, 1).toSpliced(to % lines.length, 0, line)
    default:
      return lines.with(at, JSON.stringify(mutateField(parse(line), steps, values[which])) ?? "")
  }
}

/** The steps to each field in a value, and what it holds. */
function* findFields(value: unknown): Generator<{ steps: ReadonlyArray<number>; held: unknown }> {
  if (typeof value !== "object" || value === null) return
  for (const [index, part] of Object.values(value).entries()) {
    yield { steps: [index], held: part }
    for (const { held, steps } of findFields(part)) yield { steps: [index, ...steps], held }
  }
}

/** All single mutations; of fields only negative numbers, unless `every` asks for all. Long lines only move. */
function* listMutations(lines: ReadonlyArray<string>, every: boolean) {
  for (const [at, line] of lines.entries()) {
    if (every) {
      yield { what: `line ${at} dropped`, changed: lines.toSpliced(at, 1) }
      yield { what: `line ${at} repeated`, changed: lines.toSpliced(at, 0, line) }
      yield { what: `line ${at} moved down`, changed: lines.toSpliced(at, 1).toSpliced(at + 1, 0, line) }
    }
    if (line.length > 8192) continue
    const value = parse(line)
    for (const { held, steps } of findFields(value)) {
      for (const by of every ? values : typeof held === "number" ? [-7] : []) {
        const mutated = JSON.stringify(mutateField(value, steps, by)) ?? ""
        yield { what: `line ${at}: ${mutated}`, changed: lines.with(at, mutated) }
      }
    }
  }
}

const isOutcome = Schema.is(AgentOutcome)

const isCounted = ({ usage }: AgentOutcome): boolean =>
  Object.values(usage ?? {}).every((count) => count === undefined || (Number.isFinite(count) && count >= 0))

for (const [agent, codec] of Object.entries(codecs)) {
  describe(agent, () => {
    const recordings = casesOf(agent).map((name) => {
      const { exit, stdout } = recording(agent, name)
      return { name, exit, lines: linesOf(stdout) }
    })
    const decodeMutated = (index: number, mutations: ReadonlyArray<Mutation>) => {
      const { exit, lines = [] } = recordings[index % recordings.length] ?? {}
      return decodeLines(codec, mutations.reduce(mutate, lines), exit).outcome
    }

    property(
      "with several mutations",
      Arbitrary.all([integer(0, 10_000), Arbitrary.array(mutation, { minLength: 1, maxLength: 6 })] as const),
      ([index, mutations]) => {
        const outcome = decodeMutated(index, mutations)
        return isOutcome(outcome) && isCounted(outcome)
      },
      1000,
    )

    test("with any one field mutated, or any one line dropped, repeated or moved down", () => {
      for (const { exit, lines, name } of recordings) {
        const fails = vendorWords.test(lines.join("\n"))
        for (const { changed, what } of listMutations(lines, fails)) {
          const { outcome } = decodeLines(codec, changed, exit)
          const succeeded = outcome.final && outcome.errorMessage === undefined
          if (!isCounted(outcome) || (succeeded && vendorWords.test(outcome.text))) {
            expect({ name, what, outcome }).toBeUndefined()
          }
        }
      }
    }, 60_000)
  })
}
