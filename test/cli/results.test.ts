/** A program's result must be JSON; otherwise the run fails and names the path in the result. */
import { describe, expect, test } from "bun:test"
import { readFileSync } from "node:fs"
import { makeWorld } from "../support/mill.ts"
import { executors } from "../support/sandbox.ts"

const world = makeWorld()

const refused: Readonly<Record<string, readonly [source: string, message: string]>> = {
  cycle: [
    `const a: any = { list: [{}] }; a.list[0].up = a; export default a`,
    "$.list[0].up contains itself",
  ],
  "big-int": [`export default { deep: { n: 1n } }`, "$.deep.n is a BigInt"],
  function: [`export default ["x", () => 1]`, "$[1] is a function"],
  map: [`export default { "odd key": new Map([["a", 1]]) }`, `$["odd key"] is a Map`],
  "not-a-number": [`export default [[0 / 0]]`, "$[0][0] is NaN"],
}

describe.each(executors)("with the executor %s", (executor) => {
  const offline = ["--driver", "offline", "--executor", executor]

  describe("a result is refused if it contains", () => {
    test.concurrent.each(Object.entries(refused))("a %s", async (name, [source, message]) => {
      const program = world.write(`${name}.ts`, source)
      const { code, events, record, result } = await world.run(program, offline)
      expect(result.errorMessage).toBe(`the program's result is not JSON: ${message}`)
      expect(result).not.toHaveProperty("programResult")
      expect([record.status, events.at(-1)?.type, code]).toEqual(["failed", "run:failed", 1])
    })
  })

  test("a result with a getter that throws fails the run", async () => {
    const program = world.write(
      "thrower.ts",
      `export default { get bad(): number { throw new Error("not now") } }`,
    )
    const { code, result } = await world.run(program, offline)
    expect(result).toMatchObject({ status: "failed", errorMessage: "Error: not now" })
    expect(code).toBe(1)
  })

  test("a large result is the same in the log, in the result and on stdout", async () => {
    const program = world.write(
      "large.ts",
      `export default { list: Array.from({ length: 200_000 }, (_, n) => n), text: "é\\u2028\\0\\ud83d".repeat(1000), "": null, __proto__x: 1, shared: [[1], [1]] }`,
    )
    const { events, record, result } = await world.run(program, offline)
    const expected = {
      list: Array.from({ length: 200_000 }, (_, n) => n),
      text: "é\u2028\0\ud83d".repeat(1000),
      "": null,
      __proto__x: 1,
      shared: [[1], [1]],
    }
    expect(Bun.deepEquals(result.programResult, expected)).toBe(true)
    expect(JSON.parse(readFileSync(record.paths.resultFile, "utf8"))).toEqual(result)
    expect(events.at(-1)).toMatchObject({ type: "run:complete", payload: { result: { status: "complete" } } })
  })

  test("a result may have 50 MiB, on many lines or on one", async () => {
    const program = world.write("huge.ts", `export default "1234567".repeat(7.5e6) + "\\n".repeat(1000)`)
    const { result } = await world.run(program, offline)
    expect(result.errorMessage).toBeUndefined()
    expect(result.programResult === "1234567".repeat(7.5e6) + "\n".repeat(1000)).toBe(true)
  }, 120_000)

  test("a message of more than 64 MiB fails the run, even if it is incomplete", async () => {
    const message = "the program sent more than 64 MiB in one message"
    for (const send of [
      `export default "x".repeat(65 * 1024 * 1024)`,
      `mill.log("x".repeat(65 * 1024 * 1024)); await new Promise((done) => setTimeout(done, 600_000))`,
    ]) {
      const { code, record, result } = await world.run(world.write("floods.ts", send), offline)
      expect(result.errorMessage).toBe(message)
      expect([record.status, code]).toEqual(["failed", 1])
    }
  }, 120_000)

  test("several connections share the limit of one", async () => {
    const path =
      executor === "vm" ? `"/run/mill/socket"` : `"/tmp/mill-${process.getuid?.()}/" + mill.run.id + ".host"`
    const program = world.write(
      "connects-twice.ts",
      `import { connect } from "node:net"
for (const _ of [1, 2]) connect(${path}).on("error", () => {}).write("x".repeat(40 * 1024 * 1024))
await new Promise((done) => setTimeout(done, 600_000))`,
    )
    const { result } = await world.run(program, offline, { env: { XDG_RUNTIME_DIR: undefined } })
    expect(result.errorMessage).toBe("the program sent more than 64 MiB in one message")
  }, 120_000)
})
