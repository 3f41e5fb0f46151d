/** Outlines what a program does, from its text alone, for a person who decides whether it may run. */
import { Effect } from "effect"
import { type PreparedRun, type ProgramOutline, Unseen } from "../../domain/submission.schema.ts"
import { type ProgramUses, findUses } from "../sources/program-uses.ts"
import { SourceCompiler } from "../sources/source-compiler.effect.ts"

const isCode = /\.(?:[cm]?[jt]s|[jt]sx)$/

const nothing: ProgramUses = { spawnCalls: 0, agents: [], models: [], unseen: [] }

/** The uses in a file that the parser cannot read, though Bun can. */
const unknown: ProgramUses = { ...nothing, unseen: Unseen.literals }

const findUsesIn = Effect.fnUntraced(function* (path: string, text: string) {
  if (!isCode.test(path)) return nothing
  const { syntaxTree } = yield* SourceCompiler
  return yield* syntaxTree(text, path).pipe(
    Effect.flatMap((statements) => Effect.try(() => findUses(statements))),
    Effect.orElseSucceed(() => unknown),
  )
})

export const outlineProgram = Effect.fn("Engine.outline")(function* ({ contents, plan }: PreparedRun) {
  const uses = yield* Effect.forEach(plan.program, ({ path, sha256 }) =>
    findUsesIn(path, contents.get(sha256) ?? ""),
  )
  const all = <Name extends "agents" | "models" | "unseen">(name: Name) => [
    ...new Set<ProgramUses[Name][number]>(uses.flatMap((one) => one[name])),
  ]
  const own = contents.get(plan.program[0]?.sha256 ?? "") ?? ""
  return {
    bytes: new TextEncoder().encode(own).length,
    lines: own === "" ? 0 : own.replace(/\n$/, "").split("\n").length,
    files: plan.program.slice(1).map(({ path }) => path),
    packages: [...new Set(plan.program.flatMap(({ packages = [] }) => packages))].sort(),
    spawnCalls: uses.reduce((sum, one) => sum + one.spawnCalls, 0),
    agents: all("agents"),
    models: all("models"),
    unseen: all("unseen"),
  } satisfies ProgramOutline
})
