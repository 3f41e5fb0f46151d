import { isMissing } from "./requirements.ts"

/** Whether bubblewrap can create a sandbox on this machine. */
const canSandbox = (): boolean => {
  const args = "--unshare-all --unshare-user --disable-userns --ro-bind / / --proc /proc true".split(" ")
  try {
    return Bun.spawnSync(["bwrap", ...args]).success
  } catch {
    return false
  }
}

/** Whether to skip the sandbox tests. */
export const isWithoutSandbox = isMissing("sandbox", canSandbox())

/** The names of the executors. */
export const executors: ReadonlyArray<string> = isWithoutSandbox ? ["direct"] : ["direct", "vm"]

/** Formats a configuration whose sandbox can read more than the files that the program imports. */
export const formatReadableExecutor = (...readable: ReadonlyArray<string>): string =>
  `executors: { vm: vmExecutor({ readable: ${JSON.stringify(readable)} }) }`
