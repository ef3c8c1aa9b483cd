/**
 * Runs an asynchronous builder on the first call and gives every later caller the same result. One that failed is
 * run again by the next call.
 */
export function lazy<T>(build: () => Promise<T>): () => Promise<T> {
  let built: Promise<T> | undefined
  return () => {
    const running = (built ??= build())
    running.catch(() => {
      if (built === running) built = undefined
    })
    return running
  }
}
