const longest = 40

/** A project slug from a goal: its first words, ASCII, at most 40 characters; `project` where nothing is left. */
export function slugFromGoal(goal: string): string {
  const words = goal
    .normalize('NFKD')
    .replaceAll(/\p{M}/gu, '')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== '')
  let slug = (words[0] ?? 'project').slice(0, longest)
  for (const word of words.slice(1)) {
    if (slug.length + 1 + word.length > longest) break
    slug = `${slug}-${word}`
  }
  return slug
}

/** A slug's longest form, as the plan file allows it. */
const longestSlug = 63

/** The slug, or where it is taken the same with `-2`, `-3`, ... */
export function freeSlug(wanted: string, taken: ReadonlySet<string>): string {
  if (!taken.has(wanted)) return wanted
  for (let number = 2; ; number++) {
    const candidate = `${wanted.slice(0, longestSlug - String(number).length - 1)}-${number}`
    if (!taken.has(candidate)) return candidate
  }
}
