/**
 * The executors that tests of programs run against. Where no sandbox can be made, they fail and say why; whoever cannot
 * help it sets MILL_TEST_WITHOUT_SANDBOX=1, and they are left out, which is said too.
 */
const probe = (): string | undefined => {
  try {
    const { exitCode, stderr } = Bun.spawnSync(
      [
        "bwrap",
        "--unshare-all",
        "--unshare-user",
        "--disable-userns",
        "--ro-bind",
        "/",
        "/",
        "--proc",
        "/proc",
        "true",
      ],
      { stderr: "pipe" },
    )
    return exitCode === 0 ? undefined : stderr.toString().trim()
  } catch (error) {
    return String(error)
  }
}

const problem = probe()
const leftOut = process.env["MILL_TEST_WITHOUT_SANDBOX"] === "1"

if (problem !== undefined && leftOut) console.warn(`SKIPPED: tests of the sandbox: ${problem}`)
if (problem !== undefined && !leftOut) {
  throw new Error(
    `bubblewrap cannot make a sandbox here: ${problem}\nTests need it (apt-get install bubblewrap; unprivileged user namespaces). MILL_TEST_WITHOUT_SANDBOX=1 leaves them out.`,
  )
}

/** Whether tests of the sandbox are left out, as was asked for. */
export const withoutSandbox = problem !== undefined

/** The executors by name. */
export const executors: ReadonlyArray<string> = withoutSandbox ? ["direct"] : ["direct", "vm"]

/** A configuration by which the program finds more than what it imports by name. */
export const readableExecutor = (...readable: ReadonlyArray<string>): string =>
  `executors: { vm: vmExecutor({ readable: ${JSON.stringify(readable)} }) }`
