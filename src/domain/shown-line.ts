/** Makes lines that other programs print safe to show. */

/** Escape sequences of terminals: CSI such as colours, OSC such as titles and links, and two-character ones. */
// oxlint-disable-next-line no-control-regex -- These sequences begin with a control character.
const escapeSequences = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\|$)|[@-Z\\^_])/g

/** Invisible characters that change the direction of the text around them. */
const directions = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g

/**
 * A line of foreign output as a terminal would show it, without anything that could move the cursor or change the terminal:
 * a carriage return starts the line again, other control characters become spaces, and the text cannot change its direction.
 */
export const showLine = (line: string): string => {
  const shown = line.replace(escapeSequences, "").replace(directions, "").trimEnd().split("\r").at(-1) ?? ""
  return shown.replace(/\p{Cc}+/gu, " ").trimEnd()
}
