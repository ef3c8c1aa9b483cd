// npm run readme: brings the generated parts of README.md up to date with the code.
import { readFileSync, writeFileSync } from 'node:fs'
import { refreshReadme } from '../test/support/readme-tables.ts'

const before = readFileSync('README.md', 'utf8')
const after = await refreshReadme(before)
if (after !== before) writeFileSync('README.md', after)
console.log(after === before ? 'README.md is up to date' : 'README.md rewritten')
