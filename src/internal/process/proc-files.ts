/** Reads the texts of /proc on Linux (see proc(5)). */
import { runMarks } from "../../domain/run-marks.ts"
import type { RunId } from "../../domain/ids.schema.ts"

/**
 * Reads `/proc/<pid>/stat`. The second field is the command's name, which may hold spaces and parentheses. `startTicks` are
 * clock ticks since boot; a zombie has exited, though its parent has not reaped it yet.
 */
export const parseStat = (stat: string) => {
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
  const [state, , group] = fields
  return {
    state,
    group,
    startTicks: fields[19],
    isZombie: state === undefined || state === "Z" || state === "X",
  }
}

/** Reads the effective user id from `/proc/<pid>/status`. */
export const parseUserId = (status: string): number | undefined => {
  const id = /^Uid:\s+\d+\s+(\d+)/m.exec(status)?.[1]
  return id === undefined ? undefined : Number(id)
}

/** Whether the environment in `/proc/<pid>/environ` marks a process of the run. That of a zombie is empty. */
export const isMarked = (environ: string, runId: RunId): boolean =>
  `\0${environ}`.includes(`\0${runMarks.runId}=${runId}\0`)
