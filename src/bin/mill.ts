#!/usr/bin/env bun
/** The process: loads what was asked for, and nothing else. */
import * as Effect from "effect/Effect"
import { runMain } from "../runtime/main.effect.ts"
import { layer } from "../runtime/platform.effect.ts"

const offlineAgent = Effect.flatMap(
  Effect.promise(() => import("../runtime/offline-agent.effect.ts")),
  ({ offlineAgent: agent }) => agent,
)

const surroundings = {
  argv: process.argv.slice(2),
  color: process.env["NO_COLOR"] === undefined || process.env["NO_COLOR"] === "",
  debug: process.env["MILL_DEBUG"] === "1",
  stdoutIsTerminal: process.stdout.isTTY === true,
  stderrIsTerminal: process.stderr.isTTY === true,
  columns: process.stderr.columns ?? 80,
  writeErr: (text: string) => Effect.sync(() => process.stderr.write(text)),
}
const commandLine = Effect.flatMap(
  Effect.promise(() => import("../cli/main.command.ts")),
  ({ main }) => main(surroundings),
)

runMain(Effect.provide(surroundings.argv[0] === "_offline-agent" ? offlineAgent : commandLine, layer))
