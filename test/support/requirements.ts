/**
 * What some tests need beyond Node and npm. Without it they are skipped, and one line at the end of the run names what was
 * missing and how to get it (printed by preload.ts). With `MILL_REQUIRE_SANDBOX=1` or `MILL_REQUIRE_AGENTS=1` they run
 * anyway, and fail.
 */
const requirements: Readonly<Record<Requirement, { command: string; variable?: string }>> = {
  sandbox: { command: "apt-get install bubblewrap", variable: "MILL_REQUIRE_SANDBOX" },
  "real agents": { command: "npm run agents", variable: "MILL_REQUIRE_AGENTS" },
  podman: { command: "apt-get install podman runc", variable: "MILL_REQUIRE_PODMAN" },
  zsh: { command: "apt-get install zsh" },
  fish: { command: "apt-get install fish" },
  "permission to mount": { command: "run the tests as root" },
  "a user who is not root": { command: "run the tests as another user" },
}

export type Requirement =
  | "sandbox"
  | "real agents"
  | "podman"
  | "zsh"
  | "fish"
  | "permission to mount"
  | "a user who is not root"

const missing = new Set<Requirement>()

/** Whether to skip tests that need something absent. Remembers it for the closing line. */
export const isMissing = (name: Requirement, isPresent: boolean): boolean => {
  const { variable } = requirements[name]
  if (isPresent || (variable !== undefined && process.env[variable] === "1")) return false
  missing.add(name)
  return true
}

/** The closing line, if tests were skipped. */
export const describeMissing = (): string | undefined =>
  missing.size === 0
    ? undefined
    : `SKIPPED: tests that need ${[...missing].map((name) => `${name} (${requirements[name].command})`).join(", ")}`
