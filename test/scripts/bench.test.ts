/** The benchmark measures and reports. These tests do not judge how fast anything is. */
import { expect, test } from "bun:test"
import { join } from "node:path"
import { millCommand, repository } from "../support/mill.ts"

const bench = async (...args: ReadonlyArray<string>) => {
  const command = [process.execPath, join(repository, "scripts/bench/main.ts"), "--quick", ...args]
  const child = Bun.spawn([...command, "--mill", millCommand.join(" ")], { stdout: "pipe", stderr: "pipe" })
  const [stdout, stderr, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ])
  return { stdout, stderr, code }
}
const timeout = 120_000

test(
  "--json prints each row with its figures and its target, and the costs of the machine",
  async () => {
    const { code, stdout } = await bench("--json", "--only", "mill --help")
    const { floors, growth, rows } = JSON.parse(stdout)
    const { median } = rows[0].figures[millCommand.join(" ")]
    expect(median).toBeGreaterThan(floors["empty Bun process"].min)
    const figures = {
      median: expect.any(Number),
      p99: expect.any(Number),
      samples: 15,
      holds: expect.any(Boolean),
    }
    expect(rows).toMatchObject([
      { name: "mill --help", unit: "ms", target: 40, figures: { [millCommand.join(" ")]: figures } },
    ])
    expect(Object.keys(floors)).toEqual([
      "empty Bun process",
      "start /bin/true",
      "append 400 bytes",
      "append 400 bytes with fdatasync",
    ])
    expect([growth, code]).toEqual([[], 0])
  },
  timeout,
)

test(
  "prints a table, with a compared command that fails",
  async () => {
    const { code, stderr, stdout } = await bench("--only", "mill status", "--compare", "/bin/false")
    expect(stdout).toMatch(/mill status --json +≤ 40\.0 ms +[\d.]+ ms +[\d.]+ ms +[✓✗] +– +– +!/)
    expect(stdout).toContain("empty Bun process")
    expect(stderr).toContain("mill status --json, /bin/false:")
    expect(code).toBe(0)
  },
  timeout,
)
