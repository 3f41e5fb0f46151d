/**
 * The executors that tests of programs run on. If bubblewrap does not work here, loading this module throws; with
 * MILL_TEST_WITHOUT_SANDBOX=1 it warns, and the tests skip the sandbox.
 */
const findProblem = (): string | undefined => {
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

const problem = findProblem()
const maySkip = process.env["MILL_TEST_WITHOUT_SANDBOX"] === "1"

if (problem !== undefined && maySkip) console.warn(`SKIPPED: sandbox tests: ${problem}`)
if (problem !== undefined && !maySkip) {
  throw new Error(
    `bubblewrap cannot create a sandbox: ${problem}\nInstall it (apt-get install bubblewrap), enable unprivileged user namespaces, or skip these tests with MILL_TEST_WITHOUT_SANDBOX=1.`,
  )
}

/** Whether to skip the sandbox tests. */
export const isWithoutSandbox = problem !== undefined

/** The names of the executors. */
export const executors: ReadonlyArray<string> = isWithoutSandbox ? ["direct"] : ["direct", "vm"]

/** Formats a configuration whose sandbox can read more than the files that the program imports. */
export const formatReadableExecutor = (...readable: ReadonlyArray<string>): string =>
  `executors: { vm: vmExecutor({ readable: ${JSON.stringify(readable)} }) }`
