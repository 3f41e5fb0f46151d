/** Flags that every command accepts. */
import { Flag, GlobalFlag } from "effect/cli"

export const jsonFlag = GlobalFlag.Setting("json")({
  flag: Flag.Boolean("json").pipe(
    Flag.withDescription("Print JSON to standard output"),
    Flag.withDefault(false),
  ),
})

export const runsDirFlag = GlobalFlag.Setting("runs-dir")({
  flag: Flag.String("runs-dir").pipe(
    Flag.withDescription("Directory in which runs are stored (default: $MILL_HOME/runs)"),
    Flag.withMetavar("folder"),
    Flag.optional,
  ),
})

export const colorFlag = GlobalFlag.Setting("color")({
  flag: Flag.Boolean("color").pipe(
    Flag.withDescription(
      "Use colour (disabled by --no-color or NO_COLOR, and when output is not a terminal)",
    ),
    Flag.withDefault(true),
  ),
})
