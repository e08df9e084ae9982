import { size } from "../../amounts.ts";
import { storageChart } from "../charts/storage.ts";
import type { ReportContents } from "../numbers/numbers.ts";
import { periodsOf, unitFor } from "../numbers/periods.ts";
import { longDate, periodText } from "../words.ts";
import type { Card } from "./card.ts";
import { averageNote } from "./session-cards.ts";

/** How the archive grew. */
export function storageCard({ storage, range }: ReportContents): Card {
  const unit = unitFor(storage.length);
  const periods = periodsOf(storage, unit);
  const bytes = storage.reduce((sum, day) => sum + day.bytes, 0);
  const whole = storage.at(-1)?.cumulative ?? 0;
  return {
    id: "storage",
    title: "Storage",
    message: `${size(whole)} up to ${longDate(range.to)}; ${size(bytes / storage.length)} a day.`,
    note: `${averageNote(unit)}Bytes of each day's files by the ledger, without earlier versions that a bucket keeps.`,
    chart: storageChart(periods),
    figures: {
      titles: [unit === "day" ? "Day" : "Days", "bytes", "whole archive"],
      rows: periods.map((period) => [
        periodText(period),
        period.days.reduce((sum, day) => sum + day.bytes, 0),
        period.days.at(-1)?.cumulative ?? 0,
      ]),
    },
  };
}
