export const handler = awslambda.streamifyResponse(async (event, stream) => {
  const put = (chunk) => stream.write(chunk) || new Promise((resolve) => stream.once('drain', resolve));
  if (event.bytes) {
    const chunk = Buffer.alloc(64 << 10);
    for (let left = event.bytes; left > 0; left -= chunk.length) await put(left < chunk.length ? chunk.subarray(0, left) : chunk);
  } else {
    // Date.now has milliseconds: at the moment it changes it is exact.
    const before = Date.now();
    let now = before;
    while (now === before) now = Date.now();
    stream.write(String(now));
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  stream.end();
});
