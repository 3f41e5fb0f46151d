import { describe, expect, test } from "bun:test"
import { join } from "node:path"

const root = join(import.meta.dir, "../..")

/** Runs `node scripts/bun.mjs -e <program>`, or with Bun in place of Node if Node is missing. */
const run = (program: string, ...args: ReadonlyArray<string>) =>
  Bun.spawn([Bun.which("node") ?? process.execPath, join(root, "scripts/bun.mjs"), "-e", program, ...args], {
    stdin: new Blob(["from standard input"]),
    stdout: "pipe",
    stderr: "pipe",
  })

describe("scripts/bun.mjs", () => {
  test("runs the pinned Bun with its own arguments, standard input and environment", async () => {
    await using child = run(
      "console.log(JSON.stringify([Bun.version, Bun.argv.slice(1), await Bun.stdin.text()]))",
      "a b",
      "--c",
      "",
    )
    const { devDependencies } = await Bun.file(join(root, "package.json")).json()
    expect(await child.stdout.json()).toEqual([
      devDependencies.bun,
      ["a b", "--c", ""],
      "from standard input",
    ])
    expect(await child.exited).toBe(0)
  })

  test("exits with the exit code of the child", async () => {
    await using child = run("process.exit(7)")
    expect(await child.exited).toBe(7)
  })

  test("forwards a signal and exits with the exit code of the child", async () => {
    await using child = run(
      "process.on('SIGTERM', () => process.exit(9)); setInterval(() => {}, 1000); console.log('ready')",
    )
    await child.stdout.getReader().read()
    child.kill("SIGTERM")
    expect(await child.exited).toBe(9)
  })

  test("is killed by the signal that killed the child", async () => {
    await using child = run("process.kill(process.pid, 'SIGKILL')")
    await child.exited
    expect(child.signalCode).toBe("SIGKILL")
  })

  test("runs several children at once", async () => {
    const children = Array.from({ length: 4 }, () => run("console.log('ok')"))
    expect(await Promise.all(children.map((child) => child.stdout.text()))).toEqual([
      "ok\n",
      "ok\n",
      "ok\n",
      "ok\n",
    ])
  })
})
