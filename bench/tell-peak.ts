/**
 * Imported first, makes a process tell what it used as the last two lines on stderr: processor time in microseconds, its
 * children's left out, and peak memory in KiB.
 */
process.on("exit", () => {
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
  process.stderr.write(`\n${userCPUTime + systemCPUTime}\n${maxRSS}`);
});
