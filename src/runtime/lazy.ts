/** Runs an asynchronous builder on the first call and gives every later caller the same result. */
export function lazy<T>(build: () => Promise<T>): () => Promise<T> {
  let built: Promise<T> | undefined
  return () => (built ??= build())
}
