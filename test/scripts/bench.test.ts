/** The benchmark measures and reports. These tests do not judge how fast anything is. */
import { expect, test } from "bun:test"
import { join } from "node:path"
import { isFloorBusy, summarise } from "../../scripts/bench/stats.ts"
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
    const { busy, floors, growth, rows } = JSON.parse(stdout)
    const { median } = rows[0].figures[millCommand.join(" ")]
    expect(median).toBeGreaterThan(floors["empty Bun process"].min)
    const figures = {
      median: expect.any(Number),
      p99: expect.any(Number),
      samples: 15,
      ...(busy ? {} : { holds: expect.any(Boolean) }),
    }
    const floor = { name: "empty Bun process", unit: "ms", median: expect.any(Number), samples: 15 }
    expect(rows).toMatchObject([
      { name: "mill --help", target: 40, floor, figures: { [millCommand.join(" ")]: figures } },
      { name: "mill --help with a configuration", target: 50 },
    ])
    expect(busy).toBe(isFloorBusy(floors["empty Bun process"]))
    expect("holds" in rows[0].figures[millCommand.join(" ")]).toBe(!busy)
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
    expect(stdout).toMatch(
      /mill status --json +empty Bun process: [\d.]+ ms +≤ 40\.0 ms +[\d.]+ ms +[\d.]+ ms +[✓✗]? +– +– +!/,
    )
    expect(stdout.includes("The machine is busy")).toBe(!/[✓✗]/.test(stdout))
    expect(stderr).toContain("mill status --json, /bin/false:")
    expect(code).toBe(0)
  },
  timeout,
)

test("a machine is busy if the slowest empty processes take much longer than the fastest", () => {
  const quiet = Array.from({ length: 200 }, (_, index) => 5 + (index % 20) / 10)
  expect(isFloorBusy(summarise(quiet))).toBe(false)
  // One slow process in 200 says nothing.
  expect(isFloorBusy(summarise([...quiet.slice(1), 80]))).toBe(false)
  expect(isFloorBusy(summarise([...quiet.slice(4), 30, 30, 80, 80]))).toBe(true)
  expect(isFloorBusy(summarise([]))).toBe(false)
})
