/** Imported first, makes a process tell its peak memory, in KiB, as the last line on stderr. */
process.on("exit", () => process.stderr.write(`\n${process.resourceUsage().maxRSS}`));
