import { expect, test } from "vitest";
import { parseAnswer, showWithout } from "../../functions/exporter/kore/answer.ts";

test.each([
  ["is empty", "", "The answer is not one of the Sessions History API; it is empty. Check KORE_HOST, and any proxy"],
  [
    "is a page of a proxy",
    "<html>",
    "The answer is not one of the Sessions History API; it starts with: <html>. Check",
  ],
  ["broke off", '{"total": 1, "sess', "in the middle of its JSON. Run again later; if it stays so, set KORE_PAGE_SIZE"],
])("an answer that %s is told in whole sentences, with the next step", (_, body, told) => {
  expect(() => parseAnswer(Buffer.from(body), showWithout([]))).toThrow(told);
});
