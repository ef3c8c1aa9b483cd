import { execFile } from 'node:child_process'
import { mkdtemp, cp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface LintFinding {
  /** Relative to the linted tree. */
  readonly file: string
  readonly line: number
  /** For example `import(no-cycle)`. */
  readonly rule: string
}

const root = new URL('../..', import.meta.url).pathname

/** Lints a copy of a tree of bad files under the project's own configuration, as if it were the project. */
export async function lintTree(tree: string): Promise<readonly LintFinding[]> {
  const copy = await mkdtemp(join(tmpdir(), 'orch-lint-'))
  try {
    await cp(tree, copy, { recursive: true })
    for (const file of ['.oxlintrc.json', 'tsconfig.json', 'package.json']) await cp(join(root, file), join(copy, file))
    await symlink(join(root, 'node_modules'), join(copy, 'node_modules'))
    return await lint(copy, ['src', 'migrations', 'test'])
  } finally {
    await rm(copy, { recursive: true, force: true })
  }
}

/** Runs the linter as `npm run lint` does. */
export async function lint(cwd: string, paths: readonly string[]): Promise<readonly LintFinding[]> {
  const binary = join(root, 'node_modules/oxlint/bin/oxlint')
  const output = await new Promise<string>((resolve, reject) => {
    execFile(
      process.execPath,
      [binary, '--type-aware', '--format', 'json', ...paths],
      { cwd, maxBuffer: 64 * 1024 * 1024, timeout: 110_000 },
      // Findings end the linter with status 1; only a missing report is a failure.
      (error, stdout) => (stdout.includes('"diagnostics"') ? resolve(stdout) : reject(error ?? new Error(stdout))),
    )
  })
  const report = JSON.parse(output.slice(output.indexOf('{'))) as Report
  return report.diagnostics.map((finding) => ({
    file: finding.filename,
    line: finding.labels[0]?.span.line ?? 0,
    rule: finding.code,
  }))
}

interface Report {
  readonly diagnostics: readonly {
    readonly code: string
    readonly filename: string
    readonly labels: readonly { readonly span: { readonly line: number } }[]
  }[]
}
