/** A binary heap: the smallest item by `compare` first. */
export class Heap<T> {
  readonly #items: T[] = []
  readonly #compare: (left: T, right: T) => number

  constructor(compare: (left: T, right: T) => number) {
    this.#compare = compare
  }

  get size(): number {
    return this.#items.length
  }

  peek(): T | undefined {
    return this.#items[0]
  }

  push(item: T): void {
    const items = this.#items
    let at = items.length
    while (at > 0) {
      const above = (at - 1) >> 1
      const parent = items[above]
      if (parent === undefined || this.#compare(item, parent) >= 0) break
      items[at] = parent
      at = above
    }
    items[at] = item
  }

  pop(): T | undefined {
    const items = this.#items
    const smallest = items[0]
    const last = items.pop()
    if (smallest === undefined || last === undefined || items.length === 0) return smallest
    let at = 0
    for (;;) {
      const below = this.#smallerChild(at)
      const child = items[below]
      if (child === undefined || this.#compare(last, child) <= 0) break
      items[at] = child
      at = below
    }
    items[at] = last
    return smallest
  }

  #smallerChild(at: number): number {
    const left = this.#items[2 * at + 1]
    const right = this.#items[2 * at + 2]
    if (left === undefined || right === undefined) return 2 * at + 1
    return this.#compare(left, right) <= 0 ? 2 * at + 1 : 2 * at + 2
  }
}
