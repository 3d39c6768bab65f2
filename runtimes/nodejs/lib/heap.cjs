'use strict';
// The size of V8's heap, which follows from the function's memory.

const v8 = require('v8');

// Growth of the old generation, in percent of what survived, until the next collection: V8's own choice for heaps of
// the two sizes, in MB; in between it is linear. Source: V8, MemoryController::MaxGrowingFactor.
const SMALL = 128, SMALL_PERCENT = 30;
const LARGE = 1024, LARGE_PERCENT = 100;

// fitHeap makes V8 collect as often as it would in a process that was started with --max-old-space-size for memoryMB.
// That flag itself does nothing once V8 runs.
function fitHeap(memoryMB) {
  if (!(memoryMB > 0 && memoryMB < LARGE)) return;
  const share = Math.max(0, (memoryMB - SMALL) / (LARGE - SMALL));
  const percent = Math.round(SMALL_PERCENT + share * (LARGE_PERCENT - SMALL_PERCENT));
  v8.setFlagsFromString(`--heap-growing-percent=${percent}`);
}

module.exports = { fitHeap };
