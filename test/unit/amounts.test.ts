import { expect, test } from "vitest";
import { counted, size } from "../../cli/amounts.ts";

test.each([
  [0, "0 files"],
  [1, "1 file"],
  [2, "2 files"],
  [1_234, "1,234 files"],
])("%d of a thing are %s", (number, text) => {
  expect(counted(number, "file")).toBe(text);
});

test.each([
  [0, "0 B"],
  [999, "999 B"],
  [23_456, "23 kB"],
  [1_500_000, "1.5 MB"],
])("%d bytes are %s", (bytes, text) => {
  expect(size(bytes)).toBe(text);
});
