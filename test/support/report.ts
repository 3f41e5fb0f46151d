/**
 * Files in which the processes of the tests report to `npm test`, which runs them in parallel. The variable MILL_TEST_REPORT
 * names their folder. Each line is one report; appending a line is atomic.
 */
import { appendFileSync, readFileSync } from "node:fs"
import { join } from "node:path"

/** What is reported: a test file that is done, and something that skipped tests need. */
export type Report = "done" | "missing"

export const reportVariable = "MILL_TEST_REPORT"

/** The folder of the reports, or undefined if `bun test` runs the tests. */
export const reportFolder = process.env[reportVariable]

/** Appends a line to a report, if there is a folder. */
export const appendReport = (report: Report, line: string): void => {
  if (reportFolder !== undefined) appendFileSync(join(reportFolder, report), `${line}\n`)
}

/** Reads the lines of a report. A report that no process has written is empty. */
export const readReport = (folder: string, report: Report): ReadonlyArray<string> => {
  try {
    return readFileSync(join(folder, report), "utf8").split("\n").slice(0, -1)
  } catch {
    return []
  }
}
