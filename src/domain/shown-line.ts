/** Makes the output of other programs safe to show in a terminal. */

/** Escape sequences of terminals: CSI such as colours, OSC such as titles and links, and two-character ones. */
// oxlint-disable-next-line no-control-regex -- These sequences begin with a control character.
const escapeSequences = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\|$)|[@-Z\\^_])/g

/** Invisible characters that change the direction of the text around them. */
const directions = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g

/**
 * Makes a line of another program's output safe to show: nothing in it moves the cursor, changes the terminal or reverses the
 * direction of the text. A carriage return starts the line again, as in a terminal, and other control characters become spaces.
 */
export const showLine = (line: string): string => {
  const shown = line.replace(escapeSequences, "").replace(directions, "").trimEnd().split("\r").at(-1) ?? ""
  return shown.replace(/\p{Cc}+/gu, " ").trimEnd()
}
