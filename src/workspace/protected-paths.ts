import { compileGlobs } from './glob.ts'

/**
 * Files that something outside orch will later run or obey without asking: an agent may read them and never write
 * them, whether they exist or not, at any depth (CVE-2026-25725 and its kin). Names are compared folded.
 */
const protectedNames = words(`
  .git .gitmodules .gitconfig .gitattributes .hg .svn .orch .husky .githooks
  .pre-commit-config.yaml .pre-commit-config.yml lefthook.yml lefthook.yaml .lefthook.yml
  .github .gitlab-ci.yml .gitlab-ci.yaml .gitlab .circleci .ci .travis.yml .buildkite
  .woodpecker .woodpecker.yml .drone.yml .cirrus.yml .appveyor.yml appveyor.yml jenkinsfile
  azure-pipelines.yml bitbucket-pipelines.yml .teamcity .forgejo .gitea
  .vscode .idea .fleet .zed .devcontainer .devcontainer.json .vim .vimrc .exrc .nvimrc
  .nvim.lua .dir-locals.el .emacs.d
  .bashrc .bash_profile .bash_login .bash_logout .bash_aliases .profile .inputrc .login
  .zshrc .zshenv .zprofile .zlogin .zlogout .kshrc .cshrc .tcshrc .envrc .direnv
  config.fish .mise.toml mise.toml .mise .tool-versions
  .claude .claude.json claude.md claude.local.md agents.md gemini.md .gemini .codex
  .cursor .cursorrules .cursorignore .windsurf .windsurfrules .clinerules .cline .roo
  .continue .aider.conf.yml .mcp.json mcp.json .opencode opencode.json .amazonq .kiro
`)

/** Files that hold credentials: neither read nor written by an agent. */
const secretNames = words(`
  .npmrc .yarnrc .yarnrc.yml .pypirc .netrc _netrc .git-credentials .pgpass .my.cnf
  .ssh .aws .azure .gnupg .kube .docker .gcloud id_rsa id_dsa id_ecdsa id_ed25519
`)

const secretGlobs = ['.env', '.env.*', '*.env', '*.pem', '*.p12', '*.pfx', '*.keystore', '*.jks']
const exampleGlobs = ['.env.example', '.env.sample', '.env.template', '.env.dist', '*.example.env']

const isSecretName = compileGlobs(secretGlobs)
const isExampleName = compileGlobs(exampleGlobs)

/** The name that makes a path read-only, or null. `extra` are paths of this workspace, protected with all below. */
export function protectedBy(names: readonly string[], extra: readonly string[] = []): string | null {
  const folded = names.map(foldName)
  const found = names.find((_name, index) => {
    const name = folded[index] ?? ''
    // `.git` as Windows may also spell it: the short name GIT~1, or a stream such as .git::$INDEX_ALLOCATION.
    return protectedNames.has(name) || /^(git|orch|github)~\d$/.test(name) || name.endsWith('.code-workspace')
  })
  if (found !== undefined) return found
  const path = folded.join('/')
  return extra.find((other) => isBelow(path, other.split('/').map(foldName).join('/'))) ?? null
}

/** The name that makes a path a secret, or null. */
export function secretBy(names: readonly string[]): string | null {
  const folded = names.map(foldName)
  const index = folded.findIndex((name) => secretNames.has(name) || (isSecretName(name) && !isExampleName(name)))
  if (index !== -1) return names[index] ?? null
  // Remote URLs in a repository's configuration often carry tokens.
  const config = folded.findIndex(
    (name, at) => (name === 'config' || name === 'credentials') && folded[at - 1] === '.git',
  )
  return config === -1 ? null : '.git/config'
}

/**
 * A name as the most forgiving file system would see it: compatibility forms, case, invisible characters (HFS+ ignores
 * them, CVE-2014-9390), trailing dots and spaces, and NTFS streams make no difference.
 */
export function foldName(name: string): string {
  return name
    .normalize('NFKC')
    .replaceAll(/\p{Default_Ignorable_Code_Point}/gu, '')
    .toUpperCase()
    .toLowerCase()
    .normalize('NFKC')
    .replace(/:.*$/, '')
    .replace(/[. ]+$/, '')
}

function isBelow(path: string, ancestor: string): boolean {
  return path === ancestor || path.startsWith(`${ancestor}/`)
}

function words(text: string): ReadonlySet<string> {
  return new Set(text.trim().split(/\s+/))
}
