import { styleText } from "node:util";
import Table from "cli-table3";
import { oneLine, textWidth, truncateText } from "./text-width.ts";

export interface Column {
  readonly title: string;
  /** The first to give way when the terminal is narrow. */
  readonly isElastic?: true;
  readonly align?: "right";
}

export interface TableStyle {
  /** Absent: as wide as it gets. */
  readonly columns?: number;
  readonly hasColour: boolean;
}

const GAP = 2;
/** An elastic column that is narrower tells nothing. */
const LEAST = 8;

const BORDERLESS = Object.fromEntries(
  [
    "top",
    "top-mid",
    "top-left",
    "top-right",
    "bottom",
    "bottom-mid",
    "bottom-left",
    "bottom-right",
    "left",
    "left-mid",
    "mid",
    "mid-mid",
    "right",
    "right-mid",
  ].map((part) => [part, ""]),
);

/** How wide each column may be, so that a row is at most `room` wide. */
function fitWidths(natural: readonly number[], columns: readonly Column[], room: number): readonly number[] {
  const widths = [...natural];
  const tooWide = () => widths.reduce((sum, width) => sum + width + GAP, -GAP) - room;
  // The widest first, the elastic before the others, each by a column until it fits.
  for (const mayShrink of [(index: number) => columns[index]?.isElastic === true, () => true]) {
    while (tooWide() > 0) {
      const widest = widths
        .map((width, index) => ({ width, index }))
        .filter(({ width, index }) => mayShrink(index) && width > LEAST)
        .toSorted((a, b) => b.width - a.width)[0];
      if (!widest) break;
      widths[widest.index] = widest.width - 1;
    }
  }
  return widths;
}

/**
 * A table without lines, cut to the terminal. Cells may come from anywhere: nothing in them is obeyed.
 *
 * @returns the lines; none for no rows
 */
export function renderTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  { columns: room, hasColour }: TableStyle,
): readonly string[] {
  if (rows.length === 0) return [];
  const cells = rows.map((row) => columns.map((_, index) => oneLine(row[index] ?? "")));
  const natural = columns.map(({ title }, index) =>
    Math.max(textWidth(title), ...cells.map((row) => textWidth(row[index] ?? ""))),
  );
  const widths = room === undefined ? natural : fitWidths(natural, columns, room);
  const toFit = (row: readonly string[]) => row.map((cell, index) => truncateText(cell, widths[index] ?? 0));
  const table = new Table({
    chars: { ...BORDERLESS, middle: " ".repeat(GAP) },
    style: { head: [], border: [], "padding-left": 0, "padding-right": 0, compact: true },
    colAligns: columns.map(({ align }) => align ?? "left"),
  });
  const titles = toFit(columns.map(({ title }) => title));
  table.push(
    hasColour ? titles.map((title) => styleText("bold", title, { validateStream: false })) : titles,
    ...cells.map(toFit),
  );
  return table
    .toString()
    .split("\n")
    .map((line) => line.trimEnd());
}
