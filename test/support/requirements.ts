import { appendReport } from "./report.ts"

/**
 * What some tests need beyond Node and npm. Without it they are skipped, and one line at the end of the run names what was
 * missing and how to get it (printed by scripts/test.ts or preload.ts). If the requirement's variable is 1, such as
 * `MILL_REQUIRE_SANDBOX=1`, they run anyway, and fail.
 */
const requirements: Readonly<Record<Requirement, { command: string; variable?: string }>> = {
  sandbox: { command: "apt-get install bubblewrap", variable: "MILL_REQUIRE_SANDBOX" },
  "real agents": { command: "npm run agents", variable: "MILL_REQUIRE_AGENTS" },
  podman: { command: "apt-get install podman runc", variable: "MILL_REQUIRE_PODMAN" },
  zsh: { command: "apt-get install zsh" },
  fish: { command: "apt-get install fish" },
  "permission to mount": { command: "run the tests as root, with mount on the PATH" },
  "another user who can run mill": {
    command: "run the tests as root, with setpriv on the PATH, in a folder that all users can read",
  },
  "a user who is not root": { command: "run the tests as another user" },
}

export type Requirement =
  | "sandbox"
  | "real agents"
  | "podman"
  | "zsh"
  | "fish"
  | "permission to mount"
  | "another user who can run mill"
  | "a user who is not root"

const missing = new Set<string>()

/** Whether to skip tests because a requirement is missing. Remembers it for the closing line. */
export const isMissing = (name: Requirement, isPresent: boolean): boolean => {
  const { command, variable } = requirements[name]
  if (isPresent || (variable !== undefined && process.env[variable] === "1")) return false
  const entry = `${name} (${command})`
  missing.add(entry)
  appendReport("missing", entry)
  return true
}

/** The closing line if tests were skipped. It names what was missing in this process, or in those that reported `entries`. */
export const describeMissing = (entries: Iterable<string> = missing): string | undefined => {
  const all = [...new Set(entries)].toSorted()
  return all.length === 0 ? undefined : `SKIPPED: tests that need ${all.join(", ")}`
}
