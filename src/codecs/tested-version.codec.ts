/**
 * The oldest version of each agent that mill is tested with. An agent that reports an older version still runs, and a
 * milestone warns about it. Older versions may work: none is known to fail.
 */
import type { DriverEvent } from "../domain/driver.schema.ts"
import { makeMilestone } from "./line.codec.ts"

/** By the name of the agent's package, or the name that an adapter gives in `agentInfo`. */
export const oldestTested = {
  "@anthropic-ai/claude-code": "2.1.197",
  "@openai/codex": "0.169.0",
  "@earendil-works/pi-coding-agent": "0.87.1",
  "@agentclientprotocol/claude-agent-acp": "0.100.0",
  "@agentclientprotocol/codex-acp": "2.6.0",
  "pi-acp": "0.0.34",
} as const

/** Whether a version is older than another: the first three numbers decide. An unreadable version is not older. */
export const isOlder = (version: string, than: string): boolean => {
  const [one, other] = [readNumbers(version), readNumbers(than)]
  if (one === undefined || other === undefined) return false
  const index = one.findIndex((number, at) => number !== other[at])
  return index !== -1 && (one[index] ?? 0) < (other[index] ?? 0)
}

const readNumbers = (version: string): ReadonlyArray<number> | undefined =>
  /^v?(\d{1,9})\.(\d{1,9})\.(\d{1,9})(?!\d)/.exec(version)?.slice(1).map(Number)

/** Warns that an agent is older than the oldest tested version. */
export const warnIfOlder = (
  agent: string,
  version: string | undefined,
  tested: string,
): ReadonlyArray<DriverEvent> =>
  version === undefined || !isOlder(version, tested)
    ? []
    : makeMilestone(
        `${agent} ${version} is older than ${tested}, the oldest version that mill is tested with`,
      )
