/**
 * What a program can be seen to do from its text alone, for a person who is to say whether it may run. Names that are
 * put together while it runs are not seen.
 */
import type { ProgramOutline } from "../../domain/engine.schema.ts"
import type { DraftPlan } from "../../domain/plan.schema.ts"
import type { SourceContents } from "../store/run-store.effect.ts"

const spawnCall = /\bmill\s*\.\s*spawn\b/g

/** The string literals that stand behind `field:`. */
const literalsOf = (field: string, texts: ReadonlyArray<string>): ReadonlyArray<string> => {
  const pattern = new RegExp(
    `\\b${field}\\s*:\\s*(?:"([^"\\\\\\n]+)"|'([^'\\\\\\n]+)'|\`([^\`$\\\\\\n]+)\`)`,
    "g",
  )
  const found = texts.flatMap((text) => [...text.matchAll(pattern)].map(([, a, b, c]) => a ?? b ?? c ?? ""))
  return [...new Set(found)]
}

/** The outline of a compiled program. */
export const outlineOf = (plan: DraftPlan, contents: SourceContents): ProgramOutline => {
  const texts = plan.program.map(({ sha256 }) => contents.get(sha256) ?? "")
  const [own = ""] = texts
  return {
    bytes: new TextEncoder().encode(own).length,
    lines: own === "" ? 0 : own.replace(/\n$/, "").split("\n").length,
    files: plan.program.slice(1).map(({ path }) => path),
    packages: [...new Set(plan.program.flatMap(({ packages = [] }) => packages))].sort(),
    spawnCalls: texts.reduce((sum, text) => sum + (text.match(spawnCall)?.length ?? 0), 0),
    agents: literalsOf("agent", texts),
    models: literalsOf("model", texts),
  }
}
