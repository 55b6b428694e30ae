// Preloaded into a program that is to tell its progress: each look at the clock is 11 s later.
let ms = 0;
performance.now = () => (ms += 11_000);
process.hrtime.bigint = () => BigInt((ms += 11_000)) * 1_000_000n;
