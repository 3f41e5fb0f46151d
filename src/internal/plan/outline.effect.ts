/** Outlines what a program does, from its text alone, for a person who decides whether it may run. */
import { Effect } from "effect"
import { type PreparedRun, type ProgramOutline, Unseen } from "../../domain/submission.schema.ts"
import { findProblems, type Members, type ProgramWorld } from "../sources/program-problems.ts"
import { findUses, type ProgramUses } from "../sources/program-uses.ts"
import { SourceCompiler } from "../sources/source-compiler.effect.ts"

const isCode = /\.(?:[cm]?[jt]s|[jt]sx)$/

type FileOutline = ProgramUses & Pick<ProgramOutline, "problems">

const nothing: FileOutline = { spawnCalls: 0, agents: [], models: [], unseen: [], problems: [] }

/** The outline of a file that the parser cannot read, though Bun can. */
const unknown: FileOutline = { ...nothing, unseen: Unseen.literals }

/** The members of the global `mill` in a run of this plan. */
const listMembers = ({ extensions }: PreparedRun["plan"]): Members => ({
  ...Object.fromEntries(
    extensions.map(({ api, name }) => [name, Object.fromEntries(api.map((method) => [method, "unknown"]))]),
  ),
  spawn: "unknown",
  args: "unknown",
  run: { id: "unknown", cwd: "unknown", metadata: "unknown" },
  log: "unknown",
})

const outlineFile = Effect.fnUntraced(function* (path: string, text: string, world: ProgramWorld) {
  if (!isCode.test(path)) return nothing
  const { syntaxTree } = yield* SourceCompiler
  return yield* syntaxTree(text, path).pipe(
    Effect.flatMap((statements) =>
      Effect.try(() => ({ ...findUses(statements), problems: findProblems(statements, path, world) })),
    ),
    Effect.orElseSucceed(() => unknown),
  )
})

export const outlineProgram = Effect.fn("Engine.outline")(function* ({ contents, plan }: PreparedRun) {
  const { defaultModel, name, type } = plan.driver
  const world: ProgramWorld = {
    members: listMembers(plan),
    modelNeededBy: type === "http" && defaultModel === undefined ? name : undefined,
  }
  const uses = yield* Effect.forEach(plan.program, ({ path, sha256 }) =>
    outlineFile(path, contents.get(sha256) ?? "", world),
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
    problems: uses.flatMap(({ problems }) => problems),
  } satisfies ProgramOutline
})
