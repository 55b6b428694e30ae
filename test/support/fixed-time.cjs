// Preloaded into a program whose screen is compared: it is always the same moment for it.
const at = Date.parse('2026-11-28T06:00:00Z');
Date.now = () => at;
