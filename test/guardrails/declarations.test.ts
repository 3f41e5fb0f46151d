/**
 * Each test writes a small package and expects scripts/check-exports.ts or scripts/check-diagnostics.ts to report what is
 * wrong with it.
 */
import { afterAll, expect, setDefaultTimeout, test } from "bun:test"
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"

setDefaultTimeout(120_000)

const project = join(import.meta.dirname, "../..")
const packages: Array<string> = []
afterAll(() => packages.forEach((folder) => rmSync(folder, { recursive: true, force: true })))

const writePackage = (files: Record<string, string>) => {
  const folder = mkdtempSync(join(tmpdir(), "mill-exports-test-"))
  packages.push(folder)
  cpSync(join(project, "tsconfig.json"), join(folder, "tsconfig.json"))
  symlinkSync(join(project, "node_modules"), join(folder, "node_modules"))
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(join(folder, dirname(file)), { recursive: true })
    writeFileSync(join(folder, file), text)
  }
  return folder
}

const run = (script: string, folder: string) => {
  const { stdout, stderr, exitCode } = Bun.spawnSync([
    process.execPath,
    join(project, "scripts", script),
    folder,
  ])
  return { stdout: stdout.toString(), stderr: stderr.toString(), exitCode }
}

const engine = {
  "src/bin/mill.ts": "export {}",
  "src/domain/run.schema.ts": `export type Run = { readonly id: string }`,
  "src/internal/engine/engine.effect.ts": `import type { Run } from "../../domain/run.schema.ts"
    export class Engine { readonly #secret = 1; run: Run = { id: "a" } }`,
  "src/runtime/engine.effect.ts": `import { Engine } from "../internal/engine/engine.effect.ts"
    export const engine = new Engine()
    export const run = () => engine.run`,
  "package.json": JSON.stringify({
    bin: { mill: "src/bin/mill.ts" },
    exports: { ".": "./src/public/mill.api.ts" },
  }),
}

test("an entry may use the engine if it exposes none of its types", () => {
  const entry = `import { run } from "../runtime/engine.effect.ts"
    export const first = run()`
  const folder = writePackage({ ...engine, "src/public/mill.api.ts": entry })
  expect(run("check-exports.ts", folder)).toEqual({
    stdout: "1 entries expose 2 files, all public\n",
    stderr: "",
    exitCode: 0,
  })
})

test("a private type is reported, even behind an inferred type and another public file", () => {
  const types = `import { engine } from "../runtime/engine.effect.ts"
    export const current = () => engine`
  const folder = writePackage({
    ...engine,
    "src/public/mill.api.ts": `export * from "./types.ts"`,
    "src/public/types.ts": types,
  })
  const { stderr, exitCode } = run("check-exports.ts", folder)
  expect(stderr).toContain(
    "src/public/mill.api.ts -> src/public/types.ts -> src/internal/engine/engine.effect.ts: an exported type",
  )
  expect(exitCode).toBe(1)
})

test("paths outside the public folders, patterns and missing files are reported", () => {
  const manifest = {
    main: "./src/runtime/engine.effect.ts",
    bin: "./src/cli/mill.ts",
    exports: {
      ".": { types: "./src/public/absent.d.ts", default: "./src/public/../internal/engine/engine.effect.ts" },
      "./*": "./src/public/*.ts",
    },
  }
  const folder = writePackage({ ...engine, "package.json": JSON.stringify(manifest) })
  const { stderr, exitCode } = run("check-exports.ts", folder)
  expect(stderr.split("\n").toSorted()).toEqual([
    "",
    "package.json: bin exposes src/cli/mill.ts, which is outside src/bin/",
    "package.json: exports exposes every file that matches src/public/*.ts; name each file instead",
    "package.json: exports exposes src/internal/engine/engine.effect.ts, which is outside src/public/",
    "package.json: exports names src/public/absent.d.ts, which does not exist",
    "package.json: main exposes src/runtime/engine.effect.ts, which is outside src/public/",
  ])
  expect(exitCode).toBe(1)
})

test("a built file counts as the source that it is built from", () => {
  const manifest = {
    bin: { mill: "dist/mill.js", host: "dist/program-host.js" },
    exports: {
      ".": { types: "./dist/types/public/mill.api.d.ts", default: "./dist/core.js" },
      "./engine": { types: "./dist/types/runtime/engine.effect.d.ts", default: "./dist/mill.js" },
      "./more": "./dist/more.js",
    },
  }
  const entry = "export const first = 1"
  const host = { "src/runtime/program-host.ts": "" }
  const folder = writePackage({
    ...engine,
    ...host,
    "src/public/mill.api.ts": entry,
    "package.json": JSON.stringify(manifest),
  })
  const { stderr, exitCode } = run("check-exports.ts", folder)
  expect(stderr.split("\n").toSorted()).toEqual([
    "",
    "package.json: bin exposes src/runtime/program-host.ts, which is outside src/bin/",
    "package.json: exports exposes dist/more.js, which is outside src/public/",
    "package.json: exports exposes src/bin/mill.ts, which is outside src/public/",
    "package.json: exports exposes src/runtime/engine.effect.ts, which is outside src/public/",
  ])
  expect(exitCode).toBe(1)
})

test("an Effect that is never run is an error, and so is a project without files", () => {
  const program = `import { Effect } from "effect"
    export const program = Effect.gen(function* () { Effect.log("lost"); yield* Effect.void })`
  const floating = run("check-diagnostics.ts", writePackage({ "src/runtime/worker.effect.ts": program }))
  expect(floating.stderr).toContain("src/runtime/worker.effect.ts:2:54: error[floatingEffect]")
  expect(floating.exitCode).toBe(1)
  const empty = run("check-diagnostics.ts", writePackage({ "README.md": "" }))
  expect(empty.stderr).not.toBe("")
  expect(empty.exitCode).toBe(1)
})
