/** The types that `mill init` writes agree with those of the package. */
import { expect, test } from "bun:test"
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { makeWorld, repository } from "../support/mill.ts"

const world = makeWorld()

/** What stands for a type that the written types do not tell in full. */
const looser = ["codec", "setup", "onEvent", "api"]

test("what the package takes, the written types take, and the other way round", async () => {
  expect((await world.mill(["init"], { cwd: world.dir })).code).toBe(0)
  const types = readFileSync(join(world.dir, "mill-env.d.ts"), "utf8")
  writeFileSync(join(world.dir, "written.d.ts"), types.replace(`"@mill/core"`, `"written"`))
  const alike = (name: string) => `
const ${name}Keys: Same<AllKeys<Core.${name}>, AllKeys<Written.${name}>> = true
export const to${name} = (it: Loose<Core.${name}>): Loose<Written.${name}> => it
export const from${name} = (it: Loose<Written.${name}>): Loose<Core.${name}> => it
console.log(${name}Keys)`
  const options = (name: string) => `
export const to${name}: Options<typeof Core.${name}> = {} as Options<typeof Written.${name}>
export const from${name}: Options<typeof Written.${name}> = {} as Options<typeof Core.${name}>`
  world.write(
    "check.ts",
    `/// <reference path="./written.d.ts" />
import type * as Core from "${repository}/src/public/mill.api.ts"
import type * as Written from "written"
type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false
type AllKeys<A> = keyof A
type Loose<A> = Omit<A, ${looser.map((key) => `"${key}"`).join(" | ")} | "drivers" | "executors" | "extensions">
type Options<F extends (options?: any) => unknown> = NonNullable<Parameters<F>[0]>
${["ProcessDriverOptions", "ProcessDriver", "HttpDriverOptions", "HttpDriver", "DirectExecutor", "VmExecutorOptions", "VmExecutor", "MillConfig", "Extension"].map(alike).join("\n")}
${["acpCodec", "claudeCodec", "piCodec", "codexCodec", "textCodec", "anthropicMessagesCodec", "chatCompletionsCodec", "responsesCodec", "vmExecutor"].map(options).join("\n")}
const written: Exclude<keyof typeof Written, keyof typeof Core> extends never ? true : false = true
console.log(written)
`,
  )
  world.write(
    "tsconfig.json",
    JSON.stringify({
      extends: join(repository, "tsconfig.json"),
      include: ["check.ts"],
      compilerOptions: { typeRoots: [join(repository, "node_modules/@types")] },
    }),
  )
  const tsgo = join(repository, "node_modules/.bin/tsgo")
  const { stdout } = Bun.spawnSync([process.execPath, tsgo, "--noEmit", "-p", world.dir])
  expect(stdout.toString()).toBe("")
})
